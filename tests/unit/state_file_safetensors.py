"""Reads state files as safetensors files: python state_file_safetensors.py FOLDER KEPT

FOLDER holds f32.safetensors and f16.safetensors of the sample state in state_samples.h, width 7; KEPT the files that
were kept (tests/data), width 4. Leaves python.safetensors in FOLDER for the C++ side. Exit status 77: numpy or
safetensors is missing.
"""

import json
import os
import struct
import sys

try:
    import numpy as np
    import safetensors
    import safetensors.numpy
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

folder, kept = sys.argv[1:]

for path, w, dtype in (
    (os.path.join(folder, "f32.safetensors"), 7, np.float32),
    (os.path.join(folder, "f16.safetensors"), 7, np.float16),
    (os.path.join(kept, "state_v1_f32.safetensors"), 4, np.float32),
    (os.path.join(kept, "state_v1_f16.safetensors"), 4, np.float16),
):
    shapes = {
        "layers.0.time_mix.shift": (w,),
        "layers.0.time_mix.state": (2, w, w),
        "layers.1.kv.empty": (0, 2, w),
        "layers.1.scan": (3, 1, w, w),
        "hidden": (),
    }
    tensors = safetensors.numpy.load_file(path)
    assert set(tensors) == set(shapes), set(tensors)
    for t, (key, shape) in enumerate(shapes.items()):
        values = tensors[key]
        assert values.dtype == dtype and values.shape == shape, (key, values.dtype, values.shape)
        expected = ((np.arange(values.size) * 37 + t * 11) % 2001 - 1000) / 8
        assert np.array_equal(values.ravel().astype(np.float64), expected), key

    with safetensors.safe_open(path, framework="numpy") as f:
        metadata = f.metadata()
    assert metadata["recurra.format"] == "1", metadata
    assert metadata["recurra.architecture"] == "rwkv7"
    assert metadata["recurra.model_fingerprint"] == "00112233445566778899aabbccddeeff"
    assert metadata["recurra.tokenizer_hash"] == "fedcba98765432100123456789abcdef"
    assert metadata["recurra.n_tokens"] == "12345678901234567890"
    assert metadata["recurra.backend"] == "cpu" and metadata["recurra.cpu_level"] == "avx512"
    assert metadata["recurra.compute_dtype"] == "f32" and metadata["recurra.exact"] == "true"
    assert metadata["note.title"] == 'caf\u00e9 "quoted" \\ \n\x01', metadata["note.title"]
    assert metadata["note.user.id-1"] == ""
    assert len(metadata) == 12, metadata

    with open(path, "rb") as f:
        data = f.read()
    (length,) = struct.unpack("<Q", data[:8])
    assert (8 + length) % 64 == 0
    assert json.loads(data[8 : 8 + length])["__metadata__"] == metadata
    digits = metadata["recurra.checksum"].encode()
    assert len(digits) == 32 and data.count(digits) == 1
    try:
        import xxhash
    except ImportError:
        print("xxhash is not installed: the checksum was not computed a second way")
    else:
        assert xxhash.xxh3_128_hexdigest(data.replace(digits, b"0" * 32)).encode() == digits

values = np.arange(6).reshape(2, 3)
safetensors.numpy.save_file(
    {
        "f32": (values - 2.5).astype(np.float32),
        "f16": values.astype(np.float16),
        "i8": values.astype(np.int8),
        "i32": values.astype(np.int32),
        "i64": values.astype(np.int64),
        "u8": values.astype(np.uint8),
        "scalar": np.array(1.0, dtype=np.float32),
        "empty": np.zeros((3, 0), dtype=np.float32),
    },
    os.path.join(folder, "python.safetensors"),
    metadata={"who": 'Python "\u00e9"'},
)
