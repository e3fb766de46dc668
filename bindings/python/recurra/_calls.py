"""What calls share: texts and paths as bytes, progress, cancelling, logging."""
from __future__ import annotations

import atexit
import math
import operator
import os
import threading
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from . import _native
from ._errors import InvalidArgumentError

Text = Union[str, bytes]
Tokens = Sequence[int]
Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Progress = Union[bool, Callable[[int, int], object], None]

_main_thread = threading.main_thread().ident


def in_main_thread() -> bool:
    """True where Python runs signal handlers: only there can Ctrl-C stop a call."""
    return threading.get_ident() == _main_thread


def _after_fork() -> None:
    global _main_thread
    _main_thread = threading.get_ident()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def text_bytes(text: Text, name: str) -> bytes:
    """UTF-8 of a str; bytes as they are."""
    if isinstance(text, str):
        return text.encode("utf-8")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"{name} must be str or bytes, not {type(text).__name__}")


def name_text(text: str, name: str) -> str:
    """A str that has a UTF-8 form, without zero bytes: C's names and notes end at one."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be str, not {type(text).__name__}")
    if "\0" in text:
        raise InvalidArgumentError(f"{name} has a zero byte")
    text.encode("utf-8")
    return text


def integer(value: int, name: str, least: int, most: int) -> int:
    """An int, or what can stand for one, such as NumPy's."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be int, not {type(value).__name__}")
    value = operator.index(value)
    if not least <= value <= most:
        raise InvalidArgumentError(f"{name} is {value}, expected {least} to {most}")
    return value


def number(value: float, name: str) -> float:
    """A float that float32 can hold, or what can stand for one, such as NumPy's."""
    if isinstance(value, bool) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError(f"{name} must be float, not {type(value).__name__}")
    value = float(value)
    if math.isfinite(value) and abs(value) > 3.4e38:
        raise InvalidArgumentError(f"{name} is {value}, expected at most 3.4e38")
    return value


def path_bytes(path: Path) -> bytes:
    """A path as the operating system takes it."""
    data = os.fsencode(path)
    if not data or b"\0" in data:
        raise InvalidArgumentError("the path is empty" if not data else "the path has a zero byte")
    return data


class Cancel:
    """Stops calls that were given it, from any thread: they end soon with CancelledError, now and until reset()."""

    def __init__(self) -> None:
        self._c = _native.Cancel()

    def trigger(self) -> None:
        """Stop them."""
        self._c.trigger()

    def reset(self) -> None:
        """Let calls that are given it run again."""
        self._c.reset()

    def __reduce__(self) -> Tuple[Any, ...]:
        raise TypeError("a recurra.Cancel cannot be pickled: it stops calls of this process")


def cancel_handle(cancel: Optional[Cancel]) -> Optional[_native.Cancel]:
    if cancel is None:
        return None
    if not isinstance(cancel, Cancel):
        raise TypeError(f"cancel must be a recurra.Cancel, not {type(cancel).__name__}")
    return cancel._c


class _Progress(_native.ProgressCallback):
    def __init__(self, function: Callable[[int, int], object]) -> None:
        super().__init__()
        self.function = function

    def call(self, done: int, total: int) -> bool:
        return self.function(done, total) is not False

    def close(self) -> None:
        pass


class _Bar(_Progress):
    """A tqdm bar."""

    def __init__(self, unit: str) -> None:
        try:
            from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]
        except ImportError as error:
            raise ImportError("progress=True draws a bar with tqdm, which is not installed; or pass progress=function(done, total)") from error
        self.bar: Any = None
        self.new: Any = tqdm
        self.unit = unit
        super().__init__(self.draw)

    def draw(self, done: int, total: int) -> None:
        if self.bar is None:
            self.bar = self.new(total=total, unit=self.unit, unit_scale=True)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def progress_of(progress: Progress, unit: str) -> Optional[_Progress]:
    """progress=True: a tqdm bar; a function: called with (done, total), False stops; None or False: nothing."""
    if progress is None or progress is False:
        return None
    if progress is True:
        return _Bar(unit)
    if not callable(progress):
        raise TypeError(f"progress must be True or a function of (done, total), not {type(progress).__name__}")
    return _Progress(progress)


class OnToken(_native.TokenCallback):
    """Calls function(text) for each piece that is not empty; False stops."""

    def __init__(self, function: Callable[[str], object]) -> None:
        super().__init__()
        self.function = function

    def call(self, token: int, text: bytes) -> bool:
        return not text or self.function(text.decode("utf-8", "replace")) is not False


# ---- log -----------------------------------------------------------------------------------------------------------

LEVELS = {"debug": 0, "info": 1, "warning": 2, "error": 3}


class _Raised(threading.local):
    """What log callbacks raised in this thread, since no call can end in the middle of a log line."""

    def __init__(self) -> None:
        self.errors: List[BaseException] = []


_raised = _Raised()
_any_raised = False


class _Log(_native.LogCallback):
    def __init__(self, function: Callable[[str, str], object]) -> None:
        super().__init__()
        self.function = function

    def call(self, level: int, message: str) -> None:
        global _any_raised
        try:
            self.function(list(LEVELS)[level], message)
        except BaseException as error:
            _raised.errors.append(error)
            _any_raised = True


def surface() -> None:
    """Raises what a log callback raised during the call that this thread has just made."""
    if _any_raised and _raised.errors:
        error = _raised.errors[0]
        _raised.errors = []
        raise error


def set_log(function: Optional[Callable[[str, str], object]], level: str = "warning") -> None:
    """Sends the library's log lines to function(level, message), for the whole process; None, the default, drops them.

    level: the least that is sent: "debug", "info", "warning" or "error". The function is called from any thread that is inside a call.
    What it raises comes out of that call when it is done.
    """
    if not isinstance(level, str) or level not in LEVELS:
        raise InvalidArgumentError(f'level is "{level}"; it may be {", ".join(LEVELS)}')
    if function is not None and not callable(function):
        raise TypeError(f"function must be callable or None, not {type(function).__name__}")
    _native.set_log_callback(None if function is None else _Log(function), LEVELS[level])


# At the end of the interpreter, in the reverse order: a log line would have nobody to go to, and other threads' calls nothing to come back to.
atexit.register(_native.stop_calls)
atexit.register(_native.set_log_callback, None, 2)


def numpy_empty(n: int) -> Any:
    """A new float32 array [n], for the library to write into."""
    import numpy  # late: importing it takes longer than importing recurra

    return numpy.empty(n, numpy.float32)
