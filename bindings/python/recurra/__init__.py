"""recurra: language models whose memory never grows. A conversation of any length is one small state, saved and loaded anywhere.

    import recurra

    model = recurra.Model()                      # the default model; or Model("x.gguf", backend="cpu", threads=2)
    s = model.state()
    s.feed("User: My name is Dave.\\n\\nAssistant: Noted.\\n\\n")
    print(s.query("User: What is my name?\\n\\nAssistant:", stop="\\n\\n"))      # leaves s as it was
    for piece in s.generate(max_tokens=100, temperature=0.7):
        print(piece, end="", flush=True)
    s.save("dave.state")                         # model.load("dave.state") goes on, in any process and language

Model: an opened file. State: a conversation: feed, generate, query, logits, score, save, copy. Every error is a subclass of
recurra.Error and of the built-in exception one would expect. Calls that compute release the interpreter lock, and Ctrl-C stops
them; a model may be used by many threads, a state by one at a time.
"""
from . import _native
from ._calls import Cancel, set_log
from ._errors import (BackendError, BufferTooSmallError, BusyError, CallbackError, CancelledError, CorruptStateError, Error, InputOutputError,
                      InternalError, InvalidArgumentError, MismatchError, ModelFormatError, NotFoundError, OutOfMemoryError, TokenError,
                      UnsupportedError, VersionError)
from ._model import Model, ModelInfo
from ._peek import Peek, peek
from ._state import Generation, State, StateInfo

__version__: str = _native.version()

__all__ = [
    "Model", "ModelInfo", "State", "StateInfo", "Generation", "Peek", "peek", "Cancel", "set_log", "backends", "build_info",
    "Error", "InvalidArgumentError", "OutOfMemoryError", "InputOutputError", "NotFoundError", "ModelFormatError", "UnsupportedError",
    "CorruptStateError", "MismatchError", "VersionError", "TokenError", "BusyError", "CancelledError", "BackendError", "CallbackError",
    "BufferTooSmallError", "InternalError",
]


def backends() -> list[str]:
    """The backends of this build, the best first: ["cpu", "reference"]."""
    names: list[str] = []
    while _native.backend_name(len(names)):
        names.append(_native.backend_name(len(names)))
    return names


def build_info() -> str:
    """One line: version, compiler, oneDNN's version, the CPU levels built in and the one in use."""
    return _native.build_info()


for _name in __all__:
    globals()[_name].__module__ = "recurra"
del _name
