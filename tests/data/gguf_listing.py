# What gguf-py (the gguf package of PyPI) sees in GGUF files, for tests/unit/gguf_test.cpp to compare with:
#   python3 gguf_listing.py tensors FILE   one line a tensor: name, type, shape outermost first, bytes, crc32 of the data
#   python3 gguf_listing.py files FILE...  one line a file: name, keys, tensors, crc32 of the former lines
import os, sys, zlib
import gguf


def tensors(path):
    reader = gguf.GGUFReader(path)
    lines = [f"{t.name} {t.tensor_type.name} {[int(n) for n in reversed(t.shape)]} {t.n_bytes} {zlib.crc32(t.data.tobytes()):08x}\n"
             for t in reader.tensors]
    keys = sum(not k.startswith("GGUF.") for k in reader.fields)
    return keys, lines


if sys.argv[1] == "tensors":
    sys.stdout.writelines(tensors(sys.argv[2])[1])
else:
    for path in sys.argv[2:]:
        keys, lines = tensors(path)
        print(os.path.basename(path), keys, len(lines), f"{zlib.crc32(''.join(lines).encode()):08x}")
