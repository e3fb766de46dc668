"""Weights of mixers.py -> a folder as flash-linear-attention keeps models: config.json, model.safetensors, and the vocabulary.

    python3 export_rivals.py weights.pt FOLDER [--type f16|f32]

Matrices in F16, vectors in F32. The vocabulary is written in the form of RWKV World's, where token 0 ends a text: byte 0 gets no token.
"""
import argparse
import json
import os

import numpy as np

import mixers
from pieces import Pieces

VOCABULARY = "rwkv_vocab_v20230424.txt"


def rwkv7(m):
    """(config, tensors) of model.py's RWKV-7, whose names are others."""
    w, s = {k: v.detach() for k, v in m.state_dict().items()}, m.shape
    t = {"model.embeddings.weight": w["emb"], "lm_head.weight": w["head"]}
    norm = lambda name, x: t.update({name + ".weight": w[x + "_w"], name + ".bias": w[x + "_b"]})
    norm("model.layers.0.pre_norm", "ln0"); norm("model.norm", "out")
    for i in range(s["layers"]):
        at, x = f"model.layers.{i}.", f"layers.{i}."
        norm(at + "attn_norm", x + "ln1"); norm(at + "ffn_norm", x + "ln2"); norm(at + "attn.g_norm", x + "ln")
        for j, name in enumerate("rwkvag"): t[f"{at}attn.x_{name}"] = w[x + "mix"][j].view(1, 1, -1)
        for name in "RKVO": t[f"{at}attn.{name.lower()}_proj.weight"] = w[x + name]
        for name in "wavg":
            if name == "v" and i == 0: continue
            lora = f"{at}attn.{name}_lora.lora."
            t[lora + "0.weight"], t[lora + "2.weight"] = w[x + name + "1"].T, w[x + name + "2"].T
            if name != "g": t[lora + "2.bias"] = w[x + name + "0"]
        for name in ("k_k", "k_a", "r_k"): t[at + "attn." + name] = w[x + name]
        t[at + "ffn.x_k"], t[at + "ffn.key.weight"], t[at + "ffn.value.weight"] = w[x + "mix2"], w[x + "K2"], w[x + "V2"]
    rank = lambda name: w[f"layers.0.{name}1"].shape[1]
    return dict(model_type="rwkv7", hidden_size=s["width"], num_hidden_layers=s["layers"], vocab_size=s["vocabulary"], head_dim=mixers.HEAD,
                intermediate_size=s["hidden"], hidden_act="sqrelu", norm_first=True, norm_bias=True, norm_eps=1e-5, fuse_norm=False, tie_word_embeddings=False,
                decay_low_rank_dim=rank("w"), a_low_rank_dim=rank("a"), v_low_rank_dim=rank("v"), gate_low_rank_dim=rank("g")), t


def write_safetensors(path, tensors, half):
    header, data, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, x in tensors.items():
        x = np.ascontiguousarray(x.cpu().float().numpy())
        small = not half or x.size <= 20000 and (x.ndim < 2 or "conv1d" in name or max(x.shape) == x.size)
        raw = x.astype("<f4" if small else "<f2").tobytes()
        header[name] = {"dtype": "F32" if small else "F16", "shape": list(x.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f: f.write(len(text).to_bytes(8, "little") + text + b"".join(data))


def vocabulary(pieces):
    """A line for each token: id, text as a Python literal, length in bytes."""
    lines = []
    for i, p in enumerate(pieces.pieces[1:], 1):
        text = p.decode() if p.isascii() else p
        lines.append(f"{i} {text!r} {len(p)}\n")
    return "".join(lines)


def export(kind, model, pieces, folder, half=True):
    os.makedirs(folder, exist_ok=True)
    config, tensors = rwkv7(model) if kind == "rwkv7" else (model.config, model.tensors())
    with open(os.path.join(folder, "config.json"), "w") as f: json.dump(config, f, indent=1); f.write("\n")
    with open(os.path.join(folder, VOCABULARY), "w") as f: f.write(vocabulary(pieces))
    write_safetensors(os.path.join(folder, "model.safetensors"), tensors, half)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("weights")
    p.add_argument("folder")
    p.add_argument("--type", choices=("f16", "f32"), default="f16")
    o = p.parse_args()
    kind, model, texts = mixers.load(o.weights)
    export(kind, model, Pieces(texts), o.folder, o.type == "f16")


if __name__ == "__main__": main()
