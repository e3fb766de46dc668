#!/usr/bin/env python3
"""Blocks of every quantised type and their values as the gguf package dequantises them: TYPE.blocks and TYPE.f32.

Needs numpy and gguf (0.19.0 made these). Bytes are drawn, but for the float16 scales: finite, of both signs, some of them
subnormal or zero.
"""
import pathlib

import gguf
import numpy

SCALES = {"Q8_0": [0], "Q4_0": [0], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}

here = pathlib.Path(__file__).parent
random = numpy.random.default_rng(7)
for name, at in SCALES.items():
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    count = 2048 // values
    blocks = random.integers(0, 256, (count, size), numpy.uint8)
    for offset in at:
        scale = random.standard_normal(count).astype(numpy.float16)
        scale[::7] *= numpy.float16(1e-4)
        scale[3] = 0
        blocks[:, offset : offset + 2] = scale.view(numpy.uint8).reshape(count, 2)
    blocks.tofile(here / f"{name}.blocks")
    gguf.quants.dequantize(blocks, kind).astype("<f4").tofile(here / f"{name}.f32")
