"""How rwkv7-hs32.pth was made: the values of rwkv7-hs32-f16.gguf under BlinkDL's names, written by torch.save (torch 2.11, gguf 0.19).

    python pth.py rwkv7-hs32-f16.gguf rwkv7-hs32.pth
"""
import sys

import gguf
import numpy
import torch

reader = gguf.GGUFReader(sys.argv[1])
tensors = {t.name: t.data.astype(numpy.float32).reshape([int(n) for n in reversed(t.shape)]) for t in reader.tensors}
half = {t.name for t in reader.tensors if t.tensor_type.name == "F16"}
result = {}


def put(name, source, change=lambda x: x):
    value = torch.from_numpy(numpy.ascontiguousarray(tensors.pop(source)))
    value = change(value.half() if source in half else value)
    result[name] = value


for name, source in ("emb.weight", "token_embd.weight"), ("head.weight", "output.weight"):
    put(name, source)
for part in "weight", "bias":
    put(f"blocks.0.ln0.{part}", f"token_embd_norm.{part}")
    put(f"ln_out.{part}", f"output_norm.{part}")
layer = 0
while f"blk.{layer}.attn_norm.weight" in tensors:
    at, blk = f"blocks.{layer}.", f"blk.{layer}."
    for part in "weight", "bias":
        put(f"{at}ln1.{part}", f"{blk}attn_norm.{part}")
        put(f"{at}ln2.{part}", f"{blk}attn_norm_2.{part}")
        put(f"{at}att.ln_x.{part}", f"{blk}time_mix_ln.{part}")
    for c in "wavg":
        if c != "g":
            put(f"{at}att.{c}0", f"{blk}time_mix_{c}0.weight", lambda x: x[None, None])
        for n in "12":
            put(f"{at}att.{c}{n}", f"{blk}time_mix_{c}{n}.weight", lambda x: x.T)  # a view: strides of its own
    for c, shift in zip("rwkvag", tensors.pop(f"{blk}time_mix_lerp_fused.weight")):
        result[f"{at}att.x_{c}"] = torch.from_numpy(shift.copy())
    for name in "k_k", "k_a":
        put(f"{at}att.{name}", f"{blk}time_mix_{name}.weight", lambda x: x[None, None])
    put(f"{at}att.r_k", f"{blk}time_mix_r_k.weight", lambda x: x.reshape(-1, 32))
    for name in "key", "value", "receptance", "output":
        put(f"{at}att.{name}.weight", f"{blk}time_mix_{name}.weight")
    put(f"{at}ffn.x_k", f"{blk}channel_mix_lerp_k.weight", lambda x: x[None, None])
    for name in "key", "value":
        put(f"{at}ffn.{name}.weight", f"{blk}channel_mix_{name}.weight")
    layer += 1
assert not tensors, tensors.keys()
torch.save(result, sys.argv[2])
