"""Writes GGUF version 3: keys, then tensor descriptions, then the tensors themselves, each at a multiple of 32 bytes."""
from __future__ import annotations

import os
import struct
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Dict, List, Sequence, Tuple, Union

from .. import UnsupportedError

if TYPE_CHECKING:
    from ._tensors import Array

Value = Union[bool, int, float, str, List[str], List[int]]
_ALIGNMENT = 32
_TYPES = {"f32": (0, 4), "f16": (1, 2), "bf16": (30, 2)}
_FILE_TYPES = {"f32": 0, "f16": 1, "bf16": 32}


def _text(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if value and isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(v)) for v in value)
    return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *(int(v) for v in value))


def _bytes(values: Array, dtype: str, name: str) -> bytes:
    import numpy

    if not numpy.isfinite(values).all():
        raise UnsupportedError(f"{name} has values that are not finite")
    if dtype == "f32":
        return values.astype("<f4").tobytes()
    if dtype == "f16":
        if numpy.abs(values).max(initial=0) > 65504:
            raise UnsupportedError(f"{name} has values that F16 cannot hold: use bf16 or f32")
        return values.astype("<f2").tobytes()
    bits = numpy.ascontiguousarray(values, "<f4").view(numpy.uint32)
    rounded = bits + 0x7FFF + ((bits >> 16) & 1)  # to the nearest, to even
    return (rounded >> 16).astype("<u2").tobytes()


class Writer:
    """A GGUF file to be: keys and tensors in their order; write() reads the tensors one at a time."""

    def __init__(self, architecture: str, name: str, dtype: str) -> None:
        self.architecture, self.dtype = architecture, dtype
        self.keys: Dict[str, Value] = {"general.architecture": architecture, "general.name": name, "general.file_type": _FILE_TYPES[dtype]}
        self.tensors: List[Tuple[str, Tuple[int, ...], str, Callable[[], Any]]] = []

    def key(self, name: str, value: Value) -> None:
        """A key of the architecture."""
        self.keys[f"{self.architecture}.{name}"] = value

    def vector(self, name: str, shape: Sequence[int], read: Callable[[], Any]) -> None:
        """Values that stay F32."""
        self.tensors.append((name, tuple(shape), "f32", read))

    def matrix(self, name: str, shape: Sequence[int], read: Callable[[], Any]) -> None:
        """Values in the file's type."""
        self.tensors.append((name, tuple(shape), self.dtype, read))

    def write(self, path: str) -> None:
        """All or nothing: the file takes its name when it is whole."""
        folder = os.path.dirname(os.path.abspath(path))
        handle, draft = tempfile.mkstemp(prefix=".convert-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                self._write(file)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(draft, 0o666 & ~mask)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise

    def _write(self, file: BinaryIO) -> None:
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(self.tensors), len(self.keys)))
        for name, value in self.keys.items():
            file.write(_text(name) + _value(value))
        offset = 0
        for name, shape, dtype, _ in self.tensors:
            code, width = _TYPES[dtype]
            file.write(_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape)) + struct.pack("<IQ", code, offset))
            count = width
            for n in shape:
                count *= n
            offset += -(-count // _ALIGNMENT) * _ALIGNMENT
        for name, shape, dtype, read in self.tensors:
            file.write(bytes(-file.tell() % _ALIGNMENT))
            file.write(_bytes(read().reshape(shape), dtype, name))
        file.write(bytes(-file.tell() % _ALIGNMENT))
