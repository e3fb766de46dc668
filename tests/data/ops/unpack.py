#!/usr/bin/env python3
"""Writes the goldens of the recurrences (goldens/hf/ops/*.npz, float64 loops rounded to float32) as raw float32.

unpack.py FOLDER_OF_NPZ: one OP.f32 beside this file, the arrays of ORDER end to end, each in C order without its batch
dimension of 1. Shapes: T = 50 tokens, H = 2 heads, K = 16, V = 32.
"""
import pathlib
import sys

import numpy

ORDER = {
    # [T,H,K] [T,H,K] [T,H,V] [] [H,K,V] [T,H,V] [H,K,V]
    "linear_attention": ["q", "k", "v", "scale", "state0", "o", "state"],
    "simple_gla": ["q", "k", "v", "scale", "state0", "o", "state", "g"],  # g: [T,H]
    "delta_rule": ["q", "k", "v", "scale", "state0", "o", "state", "beta"],  # beta: [T,H]
    "gated_delta_rule": ["q", "k", "v", "scale", "state0", "o", "state", "beta", "g"],
    "rwkv7": ["r", "k", "v", "scale", "state0", "o", "state", "w", "kk", "a"],  # w, kk, a: [T,H,K]
    # [T,K] [T,K] [T,H,V] [H,V,K] [T,H,V] [H,V,K] [T,H] [H] [H] [H]
    "mamba2": ["C", "B", "x", "state0", "o", "state", "dt", "dt_bias", "A_log", "D"],
    # [T,H,K] [T,H,K] [T,H,V] [] [H,K,V] [T,H,V] [H,K,V] [H,K] [H,K]
    "linear_attention_norm": ["q", "k", "v", "scale", "state0", "o", "state", "z0", "z"],
    # I = V channels of N = K states: [T,I] [T,I] [I] [T,I] [I,N] [T,N] [T,N] [I] [I,N] [T,I] [T,I] [I,N]
    "mamba1": ["u", "dt", "dt_bias", "z", "A_log", "B", "C", "D", "state0", "o_nogate", "o", "state"],
}

for op, names in ORDER.items():
    arrays = numpy.load(pathlib.Path(sys.argv[1]) / f"{op}.npz")
    flat = [numpy.asarray(arrays[name], "<f4").reshape(-1) for name in names]
    numpy.concatenate(flat).tofile(pathlib.Path(__file__).parent / f"{op}.f32")
