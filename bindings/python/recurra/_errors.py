"""What recurra raises: one class per status of the C library, each also the built-in class that a caller would expect."""
from __future__ import annotations

from typing import Dict, Type


class Error(Exception):
    """Base of everything that the library reports. Its text is the library's own line: what was wrong, and what was expected."""

    status: int = 0
    """The C status code: RECURRA_E_... of recurra.h."""


class InvalidArgumentError(Error, ValueError):
    """An argument is wrong: out of range, closed, or of another model."""

    status = -1


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory."""

    status = -2


class InputOutputError(Error, OSError):
    """The operating system refused a read or a write: a full disk, permissions."""

    status = -3


class NotFoundError(Error, FileNotFoundError):
    """There is no such file."""

    status = -4


class ModelFormatError(Error, ValueError):
    """A model file is damaged, or not what it claims to be."""

    status = -5


class UnsupportedError(Error, NotImplementedError):
    """What was asked for is valid, but this version has no code for it."""

    status = -6


class CorruptStateError(Error, ValueError):
    """A saved state is damaged: cut, bits flipped, values not finite."""

    status = -7


class MismatchError(Error, ValueError):
    """A state belongs to another model or tokenizer."""

    status = -8


class VersionError(Error, ValueError):
    """A saved state has a newer format than this version knows."""

    status = -9


class TokenError(Error, ValueError):
    """A token is outside the vocabulary."""

    status = -10


class BusyError(Error, RuntimeError):
    """The state is being used by another thread, or by the very call whose callback this is."""

    status = -11


class CancelledError(Error, RuntimeError):
    """The call was stopped by a Cancel or by a progress callback that returned False. The state is valid, where it had come to."""

    status = -12


class BackendError(Error, RuntimeError):
    """The backend or CPU level is not available on this machine."""

    status = -13


class CallbackError(Error, RuntimeError):
    """A callback that reads or writes reported a failure."""

    status = -14


class BufferTooSmallError(Error, RuntimeError):
    """A buffer is too small for the result."""

    status = -15


class InternalError(Error, RuntimeError):
    """A defect of the library: please report it."""

    status = -16


_CLASSES: Dict[int, Type[Error]] = {c.status: c for c in Error.__subclasses__()}


def of_status(status: int, message: str) -> Error:
    """The exception of a status; called by the native part."""
    error = _CLASSES.get(status, InternalError)(message)
    if error.status != status:
        error.status = status
    return error
