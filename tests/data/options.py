#!/usr/bin/env python3
"""Writes options.json: logits of tests/unit/huggingface_options_test.cpp's folders by their definition in float64.

options.py FOLDERS GOLDENS: FOLDERS as the test writes them (RECURRA_WRITE_FOLDERS=FOLDERS
huggingface_options_test --gtest_also_run_disabled_tests --gtest_filter=*WriteFolders),
GOLDENS the goldens' hf folder, whose tools/reference_f64.py has the definitions. Needs torch, numpy.
"""
import json
import pathlib
import re
import sys
import types

import numpy
import torch


def load_file(path):
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, t in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            first, last = t["data_offsets"]
            values = numpy.frombuffer(raw[8 + size + first : 8 + size + last], "<f4").reshape(t["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


folders, goldens = map(pathlib.Path, sys.argv[1:])
shim = types.ModuleType("safetensors.torch")
shim.load_file = load_file
sys.modules["safetensors"] = types.ModuleType("safetensors")
sys.modules["safetensors.torch"] = shim
sys.path.append(str(goldens / "tools"))
import reference_f64  # noqa: E402


class Stretched:
    """A rope_theta whose power is the frequencies as transformers' modeling_rope_utils.py stretches them."""

    def __init__(self, base, scaling):
        self.base, self.scaling = base, scaling

    def __pow__(self, exponents):
        s, turn = self.scaling, self.base**exponents
        if "low_freq_factor" not in s:
            return turn / s["factor"]
        length, low, high = s["original_max_position_embeddings"], s["low_freq_factor"], s["high_freq_factor"]
        wave = 2 * torch.pi / turn
        smooth = (length / wave - low) / (high - low)
        between = (1 - smooth) * turn / s["factor"] + smooth * turn
        return torch.where(wave > length / low, turn / s["factor"], torch.where(wave < length / high, turn, between))


class Model(reference_f64.M):
    """The goldens' definitions, with fla's hybrids, defaults of absent keys, and Mamba by transformers' keys."""

    def __init__(self, folder):
        super().__init__(folder)
        c = self.c
        if c["model_type"] in ("mamba", "mamba2") and ("time_step_rank" in c or "time_step_limit" in c):
            self.eps = c.get("layer_norm_epsilon", c.pop("norm_eps", None))
            c["layer_norm_epsilon"] = self.eps
        if not c.get("rope_parameters"):
            c["rope_parameters"] = {"partial_rotary_factor": c.get("partial_rotary_factor", 1.0)}
            if "rope_theta" in c:
                c["rope_parameters"]["rope_theta"] = c["rope_theta"]
        scaling = c.get("rope_scaling") or c["rope_parameters"]
        if scaling.get("rope_type", scaling.get("type", "default")) != "default":
            c["rope_parameters"]["rope_theta"] = Stretched(c["rope_parameters"].get("rope_theta", 10000.0), scaling)

    def mixer(self, own, x, p):
        attn = self.c.get("attn")
        if not attn or int(re.search(r"layers\.(\d+)", p)[1]) not in attn["layers"]:
            return own(x, p)
        heads, norm = attn["num_heads"], None
        if attn.get("qk_norm"):
            norm = lambda t, n: reference_f64.rms(t, self.w[n], 1e-5)  # noqa: E731
        width = self.c["hidden_size"] // heads
        return self.softmax_attn(
            x, p, heads, attn.get("num_kv_heads", heads), width, attn.get("rope_theta", 10000.0), width, norm,
            window=attn.get("window_size"))  # fmt: skip

    def linear_attn(self, x, p):
        return self.mixer(super().linear_attn, x, p)

    def delta_net(self, x, p):
        return self.mixer(super().delta_net, x, p)

    def gated_deltanet(self, x, p):
        return self.mixer(super().gated_deltanet, x, p)


out = {}
for folder in sorted(folders.iterdir(), key=lambda f: int(f.name)):
    logits = Model(folder).logits(json.loads((folder / "tokens.json").read_text()))[-1]
    out[(folder / "name").read_text()] = [float(f"{x:.9g}") for x in logits]
lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(values)}" for name, values in out.items())
(pathlib.Path(__file__).parent / "options.json").write_text("{\n" + lines + "\n}\n")
