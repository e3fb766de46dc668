"""weights.pt -> GGUF, as llama.cpp and recurra read RWKV-7.

    python3 export.py weights.pt OUT.gguf [--type f16|q8_0] [--name recurra-default] [--mix OTHER.pt SHARE]

q8_0 quantises the matrices that llama.cpp's quantiser would, 32 values to a scale; the low-rank pairs and lerps stay as they are. --mix: with this share of
another run's weights, of which the first run's began.
"""
import argparse

import gguf
import numpy as np
import torch

HEAD = 64


def main():
    p = argparse.ArgumentParser()
    p.add_argument("weights")
    p.add_argument("out")
    p.add_argument("--type", choices=("f32", "f16", "q8_0"), default="q8_0")
    p.add_argument("--name", default="recurra-default")
    p.add_argument("--low-rank", choices=("f32", "f16"), default="f32")
    p.add_argument("--mix", nargs=2, metavar=("OTHER", "SHARE"))
    o = p.parse_args()
    load = lambda path: torch.load(path, map_location="cpu", weights_only=True)
    saved = load(o.weights)
    w, s = {k: v.float() for k, v in saved["weights"].items()}, saved["shape"]
    if o.mix:
        other, share = load(o.mix[0])["weights"], float(o.mix[1])
        w = {k: (1 - share) * v + share * other[k].float() for k, v in w.items()}
    w = {k: v.numpy() for k, v in w.items()}
    kind = {"f32": gguf.GGMLQuantizationType.F32, "f16": gguf.GGMLQuantizationType.F16, "q8_0": gguf.GGMLQuantizationType.Q8_0}
    file_type = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16, "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}[o.type]
    g = gguf.GGUFWriter(o.out, "rwkv7")
    u = lambda k, v: g.add_uint32("rwkv7." + k, v)
    g.add_name(o.name)
    g.add_description("RWKV-7 that remembers what it is told in a conversation; made by examples/train of recurra")
    g.add_license("MIT")
    g.add_file_type(file_type)
    if o.type == "q8_0": g.add_quantization_version(gguf.GGML_QUANT_VERSION)
    rank = lambda x: w["layers.0." + x].shape[1]
    u("context_length", 1 << 20); u("embedding_length", s["width"]); u("block_count", s["layers"]); u("feed_forward_length", s["hidden"])
    u("attention.head_count", 0); u("wkv.head_size", HEAD)
    g.add_float32("rwkv7.attention.layer_norm_epsilon", 1e-5)
    u("attention.decay_lora_rank", rank("w1")); u("attention.iclr_lora_rank", rank("a1")); u("attention.value_residual_mix_lora_rank", rank("v1")); u("attention.gate_lora_rank", rank("g1"))
    texts = [bytes([i]) for i in range(256)] + [x.encode() for x in saved["pieces"]]
    g.add_tokenizer_model("rwkv")
    g.add_token_list([repr(t)[2:-1].encode() for t in texts])
    g.add_token_types([1] * len(texts))

    def add(name, a, q):
        a = np.ascontiguousarray(a, dtype=np.float32)
        if q == "f32": g.add_tensor(name, a)
        else: g.add_tensor(name, gguf.quants.quantize(a, kind[q]), raw_dtype=kind[q])

    plain = lambda name, a: add(name, a, "f32")
    matrix = lambda name, a: add(name, a, o.type)
    low = lambda name, a: add(name, a, o.low_rank)
    matrix("token_embd.weight", w["emb"]); plain("token_embd_norm.weight", w["ln0_w"]); plain("token_embd_norm.bias", w["ln0_b"])
    plain("output_norm.weight", w["out_w"]); plain("output_norm.bias", w["out_b"]); matrix("output.weight", w["head"])
    for i in range(s["layers"]):
        b, t = f"blk.{i}.", f"layers.{i}."
        plain(b + "attn_norm.weight", w[t + "ln1_w"]); plain(b + "attn_norm.bias", w[t + "ln1_b"])
        plain(b + "attn_norm_2.weight", w[t + "ln2_w"]); plain(b + "attn_norm_2.bias", w[t + "ln2_b"])
        for x in "wavg":
            if x != "g": plain(b + f"time_mix_{x}0.weight", w[t + x + "0"])
            low(b + f"time_mix_{x}1.weight", w[t + x + "1"].T); low(b + f"time_mix_{x}2.weight", w[t + x + "2"].T)
        plain(b + "time_mix_lerp_fused.weight", w[t + "mix"].reshape(6, 1, 1, -1))
        for x in ("k_k", "k_a", "r_k"): plain(b + f"time_mix_{x}.weight", w[t + x].reshape(-1))
        for name, x in (("key", "K"), ("value", "V"), ("receptance", "R"), ("output", "O")): matrix(b + f"time_mix_{name}.weight", w[t + x])
        plain(b + "time_mix_ln.weight", w[t + "ln_w"]); plain(b + "time_mix_ln.bias", w[t + "ln_b"])
        plain(b + "channel_mix_lerp_k.weight", w[t + "mix2"]); matrix(b + "channel_mix_key.weight", w[t + "K2"]); matrix(b + "channel_mix_value.weight", w[t + "V2"])
    g.write_header_to_file(); g.write_kv_data_to_file(); g.write_tensors_to_file(); g.close()


if __name__ == "__main__": main()
