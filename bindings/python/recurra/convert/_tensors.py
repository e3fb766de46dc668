"""Tensors of files, read one at a time: .pth (PyTorch's zip format) and .safetensors."""
from __future__ import annotations

import collections
import io
import json
import os
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Sequence, Tuple

from .. import ModelFormatError, UnsupportedError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.float32]


class Tensor:
    """A tensor in a file: its shape, and its values as float32 when asked for."""

    def __init__(self, shape: Sequence[int], read: Callable[[], Any]) -> None:
        self.shape: Tuple[int, ...] = tuple(shape)
        self._read = read

    def values(self) -> Array:
        """float32 of that shape."""
        return self._read().reshape(self.shape)  # type: ignore[no-any-return]


Tensors = Dict[str, Tensor]


def _floats(kind: str, data: bytes) -> Array:
    """The bytes of F32, F16 or BF16 values as float32: exactly."""
    import numpy

    if kind == "BF16":
        return (numpy.frombuffer(data, "<u2").astype(numpy.uint32) << 16).view(numpy.float32)
    return numpy.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[kind]).astype(numpy.float32)


_SIZES = {"F32": 4, "F16": 2, "BF16": 2}

# ---- .pth --------------------------------------------------------------------------------------------------------------

_STORAGES = {"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16"}


def _tensor(storage: Tuple[str, int, Callable[[int, int], bytes]], offset: int, shape: Tuple[int, ...], stride: Tuple[int, ...],
            *_: object) -> Tensor:
    """Stands for torch._utils._rebuild_tensor_v2."""
    kind, size, read = storage
    count = 1
    for n in shape:
        count *= n
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride)) if count else offset
    if min([offset, *shape, *stride, 0]) < 0 or (count and last >= size):
        raise ModelFormatError("a tensor reaches beyond its storage")

    def values() -> Any:
        import numpy

        whole = _floats(kind, read(offset, last - offset + 1 if count else 0))
        return numpy.lib.stride_tricks.as_strided(whole, shape, [4 * step for step in stride]).copy()

    return Tensor(shape, values)


def _parameter(tensor: Tensor, *_: object) -> Tensor:
    return tensor


class _Unpickler(pickle.Unpickler):
    """Knows what a dictionary of tensors is made of, and refuses all else: nothing in the file is executed."""

    def __init__(self, file: io.BytesIO, storage: Callable[[str, str, int], Any]) -> None:
        super().__init__(file)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        known = {("torch._utils", "_rebuild_tensor_v2"): _tensor, ("torch._utils", "_rebuild_parameter"): _parameter,
                 ("collections", "OrderedDict"): collections.OrderedDict}
        if (module, name) not in known:
            raise UnsupportedError(f"the file has a {module}.{name}; a dictionary of float tensors is expected")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Any:
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage" or pid[1] not in _SIZES:
            raise ModelFormatError("the file's tensors are not stored as PyTorch stores them")
        return self._storage(pid[1], str(pid[2]), int(pid[4]))


def read_pth(path: str) -> Tensors:
    """The tensors of a dictionary that torch.save wrote (PyTorch 1.6 and newer). Raises ModelFormatError, UnsupportedError, OSError."""
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise ModelFormatError(f"{path} is not a .pth of PyTorch 1.6 or newer")
    archive = zipfile.ZipFile(path)
    try:
        (pickled,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
    except ValueError:
        raise ModelFormatError(f"{path} has no data.pkl") from None
    folder = pickled[: -len("data.pkl")]

    def storage(kind: str, key: str, count: int) -> Any:
        width = _SIZES[kind]
        try:
            entry = archive.getinfo(f"{folder}data/{key}")
        except KeyError:
            raise ModelFormatError(f"{path} lacks the storage {key}") from None
        if entry.file_size < count * width:
            raise ModelFormatError(f"{path}: the storage {key} has {entry.file_size} bytes, expected {count * width}")

        def read(begin: int, n: int) -> bytes:
            with archive.open(entry) as file:
                file.seek(begin * width)
                return file.read(n * width)

        return kind, count, read

    try:
        tensors = _Unpickler(io.BytesIO(archive.read(pickled)), storage).load()
    except (pickle.UnpicklingError, TypeError, ValueError, IndexError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, (ModelFormatError, UnsupportedError)):
            raise
        raise ModelFormatError(f"{path}: its pickle is damaged ({error})") from None
    if not isinstance(tensors, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in tensors.items()):
        raise UnsupportedError(f"{path} is no dictionary of tensors")
    return dict(tensors)


def _pickled(value: Any) -> bytes:
    """str, int and tuples, as pickles of protocol 2 have them."""
    if isinstance(value, tuple):
        return b"(" + b"".join(_pickled(v) for v in value) + b"t"
    if isinstance(value, int):
        data = pickle.encode_long(value)
        return b"\x8a" + bytes([len(data)]) + data
    data = str(value).encode("utf-8")
    return b"X" + struct.pack("<I", len(data)) + data


def write_pth(path: str, tensors: Mapping[str, Array]) -> None:
    """A dictionary of float32 tensors as torch.save writes it, without PyTorch: torch.load reads it, also with weights_only."""
    import numpy

    text = [b"\x80\x02}("]
    draft = f"{path}.new"
    try:
        with zipfile.ZipFile(draft, "w") as archive:
            for i, (name, values) in enumerate(tensors.items()):
                array = numpy.ascontiguousarray(values, "<f4").reshape(numpy.shape(values))
                strides = tuple(int(step) // 4 for step in array.strides)
                storage = b"(" + _pickled("storage") + b"ctorch\nFloatStorage\n" + _pickled(str(i)) + _pickled("cpu") + _pickled(array.size) + b"tQ"
                text += [_pickled(name), b"ctorch._utils\n_rebuild_tensor_v2\n(", storage, _pickled(0), _pickled(array.shape), _pickled(strides),
                         b"\x89ccollections\nOrderedDict\n)RtR"]
                archive.writestr(f"archive/data/{i}", array.tobytes())
            archive.writestr("archive/data.pkl", b"".join([*text, b"u."]))
            archive.writestr("archive/byteorder", "little")
            archive.writestr("archive/version", "3\n")
        os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise


# ---- .safetensors ------------------------------------------------------------------------------------------------------


def read_header(path: str) -> Tuple[Dict[str, Any], int]:
    """The header of a .safetensors file, and where its data begins."""
    with open(path, "rb") as file:
        begin = file.read(8)
        size = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 1 << 63
        if size > 100_000_000 or 8 + size > os.path.getsize(path):
            raise ModelFormatError(f"{path} is no .safetensors file")
        try:
            header = json.loads(file.read(size))
        except ValueError:
            raise ModelFormatError(f"{path}: its header is no JSON") from None
    if not isinstance(header, dict):
        raise ModelFormatError(f"{path}: its header is no JSON object")
    return header, 8 + size


def read_safetensors(path: str) -> Tensors:
    """The F32, F16 and BF16 tensors of a .safetensors file. Raises ModelFormatError, UnsupportedError, OSError."""
    header, data = read_header(path)
    size = os.path.getsize(path)
    tensors: Tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if kind not in _SIZES:
            raise UnsupportedError(f"{path}: {name} is {kind}; F32, F16 or BF16 is expected")
        count = 1
        for n in shape:
            count *= n
        if not 0 <= begin <= end or data + end > size or end - begin != count * _SIZES[kind]:
            raise ModelFormatError(f"{path}: {name} has offsets {begin} to {end}, which do not fit")

        def read(begin: int = begin, end: int = end, kind: str = kind) -> Any:
            with open(path, "rb") as file:
                file.seek(data + begin)
                return _floats(kind, file.read(end - begin))

        tensors[name] = Tensor(shape, read)
    return tensors


def read_folder(folder: str) -> Tuple[Dict[str, Any], Tensors]:
    """config.json of a Hugging Face folder, and the tensors of its .safetensors, in one file or several."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    index = os.path.join(folder, "model.safetensors.index.json")
    names: List[str] = ["model.safetensors"]
    if os.path.exists(index):
        with open(index, encoding="utf-8") as file:
            names = sorted(set(json.load(file)["weight_map"].values()))
    tensors: Tensors = {}
    for name in names:
        if os.path.basename(name) != name:
            raise ModelFormatError(f"{index} names {name}, which is not in the folder")
        tensors.update(read_safetensors(os.path.join(folder, name)))
    return config, tensors
