"""Model: an opened model file."""
from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence, Tuple, Type, Union

from . import _native
from ._calls import (Cancel, Path, Progress, Text, Tokens, cancel_handle, in_main_thread, integer, name_text, numpy_empty, path_bytes, progress_of,
                     surface, text_bytes)
from ._errors import InvalidArgumentError, MismatchError
from ._state import State

if TYPE_CHECKING:
    from ._state import FloatArray


@dataclass(frozen=True)
class ModelInfo:
    """What a model is."""

    n_vocab: int
    """Tokens are 0 to n_vocab - 1."""
    n_layer: int
    n_embd: int
    """Width of the hidden vector."""
    n_params: int
    """Elements of all tensors."""
    model_bytes: int
    """Bytes of all tensors in the file."""
    state_bytes: int
    """Bytes of one state in memory."""
    threads: int
    """Threads that compute."""
    bos_token: int
    """-1: the file names none."""
    eos_token: int
    """-1: the file names none; else generation stops there."""
    has_text: bool
    """It has a tokenizer; without one, there are only tokens."""
    architecture: str
    """"rwkv7", "mamba2", ..."""
    name: str
    path: str
    """As it was opened, or that of the default model."""
    file_type: str
    """The type that most weight bytes have: "F16"."""
    tokenizer: str
    """"rwkv", "bpe", "byte" or "none"."""
    backend: str
    """"cpu"."""
    cpu_level: str
    """"plain", "avx2", "avx512" or "amx"."""
    dtype: str
    """"f32" or "bf16": what matrix products over many tokens are computed in."""
    fingerprint: str
    """32 hexadecimal digits that name the weights and hyperparameters."""
    chat_template: str
    """The file's own, or ""."""
    state_bytes_per_token: int
    """What a state grows by with each token: 0, but for models with softmax attention."""
    exact: bool
    """Opened with exact=True."""
    tied_embedding: bool
    """The head is the embedding table, which every token then reads."""


class _Metadata(Mapping[str, str]):
    """The file's metadata, read when asked for. Values are text: "24", "0.5", "[1, 2, 3]"; long arrays are cut."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, key: str) -> str:
        c = self._model._handle
        try:
            if c.has_metadata(name_text(key, "key")):
                return c.metadata(key)
        except (TypeError, ValueError):  # what no file can have
            pass
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        index = 0
        while True:
            key = self._model._handle.metadata_key(index)
            if not key:
                return
            yield key
            index += 1

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<metadata of {self._model!r}>"


# Models that pickles brought here, so that many states share one.
_unpickled: weakref.WeakValueDictionary[Tuple[object, ...], Model] = weakref.WeakValueDictionary()


class Model:
    """An opened model file: immutable, and shared freely between threads and states.

    path: a GGUF file or a Hugging Face folder; None opens the default model that is installed along (RECURRA_DEFAULT_MODEL in the
        environment names another). The file is memory-mapped and must not change while the model or a state of it lives.
    backend: "auto" (the best there is), "cpu", "reference", ...: see recurra.backends().
    threads: threads that compute; 0: the physical cores that this process may use.
    dtype: of matrix products over many tokens: "auto", "f32" or "bf16".
    state_dtype: of a state's matrix memories while it lives: "f32", or "f16" (backend "cuda" alone): half the bytes, rounded after
        every call, on average right. State files are the same.
    exact: compute every token as generation does, so that any cut of a text into calls gives the same bits.
    progress: True for a tqdm bar, or a function of (done, total) in bytes; returning False stops.
    cancel: a recurra.Cancel that stops the opening from another thread.

    Raises NotFoundError, InputOutputError, ModelFormatError (damaged), UnsupportedError (an architecture or type without code
    here), BackendError (not on this machine), CancelledError, InvalidArgumentError.

        with recurra.Model("x.gguf", threads=2) as model:
            s = model.state()
    """

    def __init__(self, path: Optional[Path] = None, *, backend: str = "auto", threads: int = 0, dtype: str = "auto", exact: bool = False,
                 state_dtype: str = "f32", progress: Progress = None, cancel: Optional[Cancel] = None) -> None:
        self._c: Optional[_native.Model] = None
        backend, dtype = name_text(backend, "backend"), name_text(dtype, "dtype")
        state_dtype = name_text(state_dtype, "state_dtype")
        threads = integer(threads, "threads", 0, 1024)
        data = b"" if path is None else path_bytes(path)
        reporter = progress_of(progress, "B")
        try:
            self._c = _native.open_model(data, backend, dtype, state_dtype, threads, bool(exact), reporter, cancel_handle(cancel),
                                         in_main_thread())
        finally:
            if reporter is not None:
                reporter.close()
        surface()
        info = self._c.info()
        self.info: ModelInfo = ModelInfo(**{f.name: getattr(info, f.name) for f in fields(ModelInfo)})
        """What the model is; stays after close()."""
        self._options: Tuple[object, ...] = (data if path is not None else None, backend, threads, dtype, bool(exact), state_dtype)

    @property
    def _handle(self) -> _native.Model:
        c = self._c
        if c is None:
            raise InvalidArgumentError("the model is closed")
        return c

    @property
    def n_vocab(self) -> int:
        """Tokens are 0 to n_vocab - 1."""
        return self.info.n_vocab

    @property
    def n_embd(self) -> int:
        """Width of the hidden vector."""
        return self.info.n_embd

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's metadata: text by key, read when asked for."""
        return _Metadata(self)

    @property
    def closed(self) -> bool:
        """close() was called."""
        return self._c is None

    def state(self, *, rewind: int = 0) -> State:
        """A new conversation, in which nothing was read yet.

        rewind: how many tokens State.rewind() can go back, at most 1048576, for up to 10 copies of the state in memory; 0: none.
        """
        return State(self, rewind=rewind)

    def load(self, path: Path) -> State:
        """The conversation that State.save() wrote to a file.

        Everything is checked first. Raises NotFoundError, InputOutputError, CorruptStateError, MismatchError (of another model or
        tokenizer), VersionError (a newer format).
        """
        state = State(self)
        state._handle.load_file(path_bytes(path))
        return state

    def tokenize(self, text: Text) -> List[int]:
        """Text to tokens; none is added at the start or the end. Any bytes have tokens, valid UTF-8 or not.

        Raises UnsupportedError for a model without a tokenizer.
        """
        return self._handle.tokenize(text_bytes(text, "text"))

    def detokenize(self, tokens: Tokens) -> bytes:
        """Tokens to bytes, exactly; special tokens have none. `.decode("utf-8", "replace")` makes text of them.

        Raises TokenError, or UnsupportedError for a model without a tokenizer.
        """
        return self._handle.detokenize(tokens)

    def feed_batch(self, states: Sequence[State], texts: Sequence[Union[Text, Tokens]], *, progress: Progress = None,
                   cancel: Optional[Cancel] = None) -> None:
        """Reads texts[i] (or tokens) into states[i], all together: the weights are read once for all.

        Each state ends with the very bits it would have alone. The states are different ones of this model. progress counts the
        tokens of all; a call that was stopped may leave the states at different places. Raises as State.feed does.
        """
        model = self._handle
        if isinstance(texts, (str, bytes)):
            raise TypeError(f"texts must be a sequence of texts, not {type(texts).__name__}")
        states, texts = list(states), list(texts)
        if len(states) != len(texts):
            raise InvalidArgumentError(f"feed_batch got {len(states)} states and {len(texts)} texts")
        batch = _native.Batch()
        handles = []
        for state, text in zip(states, texts):
            if not isinstance(state, State):
                raise TypeError(f"states must be recurra.State, not {type(state).__name__}")
            if state._m is not model:
                raise InvalidArgumentError("feed_batch got a state of another model")
            handle = state._handle
            handles.append(handle)  # alive until the end, whatever another thread closes
            if isinstance(text, (str, bytes)):
                batch.add_text(handle, model, text_bytes(text, "text"))
            else:
                batch.add_tokens(handle, text)
        reporter = progress_of(progress, "tok")
        try:
            batch.feed(reporter, cancel_handle(cancel), in_main_thread())
        finally:
            if reporter is not None:
                reporter.close()
        surface()

    def logits_batch(self, states: Sequence[State]) -> FloatArray:
        """The logits [n_states, n_vocab] after the last token that each state has read, float32, in one product for up to 64 of them.

        Row i has the bits of states[i].logits(). Raises InvalidArgumentError (no state, one of another model, or one that has read nothing).
        """
        model, batch, handles = self._handle, _native.Batch(), []
        for state in states:
            if not isinstance(state, State):
                raise TypeError(f"states must be recurra.State, not {type(state).__name__}")
            if state._m is not model:
                raise InvalidArgumentError("logits_batch got a state of another model")
            handles.append(state._handle)  # alive until the end, whatever another thread closes
            batch.add(handles[-1])
        out = numpy_empty(len(handles) * self.n_vocab)
        batch.logits_into(out)
        return out.reshape(len(handles), self.n_vocab)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Lets go of the file and its memory, once no state needs them: states live on. May be called twice."""
        self._c = None

    def __enter__(self) -> Model:
        self._handle
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        i = self.info
        name = os.path.basename(i.path) or i.name
        return (f"<recurra.Model {name!r}: {i.architecture} {i.file_type}, {i.n_params / 1e6:.1f} M parameters, state "
                f"{i.state_bytes / 1e6:.2f} MB, {i.backend} {i.cpu_level}{', closed' if self.closed else ''}>")

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: object) -> Model:
        return self

    def __reduce__(self) -> Tuple[Any, ...]:
        self._handle
        return unpickle_model, self._pickled()

    def _pickled(self) -> Tuple[Any, ...]:
        return type(self), self._options, self.info.fingerprint


def unpickle_model(kind: Type[Model], options: Tuple[Any, ...], fingerprint: str) -> Model:
    """A pickled model is where its file lies; that the file has changed since is a MismatchError."""
    key = (kind, options, fingerprint)
    model = _unpickled.get(key)
    if model is None or model.closed:
        path, backend, threads, dtype, exact, state_dtype = options
        model = kind(path, backend=backend, threads=threads, dtype=dtype, exact=exact, state_dtype=state_dtype)
        if model.info.fingerprint != fingerprint:
            raise MismatchError(f"the pickled model is {fingerprint}; the file now holds {model.info.fingerprint}")
        _unpickled[key] = model
    return model
