"""States as dictionaries of tensors. A state file is a .safetensors file whose checksum is the xxh3-128 of header, with the digits of that
field 0, and values."""
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Dict, Mapping

from .. import CorruptStateError, InvalidArgumentError, MismatchError, UnsupportedError, peek
from ._tensors import read_header, read_pth, read_safetensors, write_pth

if TYPE_CHECKING:
    from ._tensors import Array

_CHECKSUM = "recurra.checksum"


def read_state(path: "str | os.PathLike[str]") -> Dict[str, Array]:
    """The tensors of a saved state by name: "layers.0.time_mix.state" [H, V, K], ..., float32; torch.from_numpy shares their memory.

    The file is checked first. Raises NotFoundError, CorruptStateError, VersionError, UnsupportedError.
    """
    peek(path)
    return {name: tensor.values() for name, tensor in read_safetensors(os.fspath(path)).items()}


def write_state(path: "str | os.PathLike[str]", tensors: Mapping[str, Any], *, like: "str | os.PathLike[str]") -> None:
    """Writes a state file of such tensors, NumPy's or PyTorch's.

    like: a saved state in F32 that they belong to: names, shapes, model, tokenizer, position and notes are its own. Needs xxhash.
    Raises MismatchError, InvalidArgumentError (values that are not finite).
    """
    import numpy

    try:
        import xxhash  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError("a state has a checksum, which needs xxhash: pip install xxhash") from error
    if peek(like).dtype != "f32":
        raise UnsupportedError(f"{os.fspath(like)} is in F16; a state saved in F32 is expected")
    header, data = read_header(os.fspath(like))
    with open(like, "rb") as file:
        text = bytearray(file.read(data))
        size = len(file.read())
    values = bytearray(size)
    shapes = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if set(shapes) != set(tensors):
        raise MismatchError(f"the tensors are not those of {os.fspath(like)}: {sorted(set(shapes) ^ set(tensors))[0]}")
    for name, entry in shapes.items():
        array = numpy.ascontiguousarray(numpy.asarray(tensors[name]), "<f4")
        if list(array.shape) != entry["shape"] and not (array.size == 1 and not entry["shape"]):
            raise MismatchError(f"{name} has the shape {list(array.shape)}, expected {entry['shape']}")
        if not numpy.isfinite(array).all():
            raise InvalidArgumentError(f"{name} has values that are not finite")
        begin, end = entry["data_offsets"]
        values[begin:end] = array.tobytes()
    digits = str(header["__metadata__"][_CHECKSUM]).encode()
    at = bytes(text).find(json.dumps(_CHECKSUM).encode() + b':"' + digits) + len(_CHECKSUM) + 4
    if at < len(_CHECKSUM) + 4:
        raise CorruptStateError(f"{os.fspath(like)} has no place for the checksum")
    text[at:at + len(digits)] = b"0" * len(digits)
    text[at:at + len(digits)] = xxhash.xxh3_128_hexdigest(bytes(text) + bytes(values)).encode()
    draft = f"{os.fspath(path)}.new"
    with open(draft, "wb") as out:
        out.write(text)
        out.write(values)
    os.replace(draft, path)


def state_to_pt(source: str, target: str) -> None:
    """A saved state to a .pt file: torch.load gives the dictionary."""
    write_pth(target, read_state(source))


def pt_to_state(source: str, target: str, *, like: str) -> None:
    """The dictionary of a .pt file to a state; see write_state()."""
    write_state(target, {name: tensor.values() for name, tensor in read_pth(source).items()}, like=like)
