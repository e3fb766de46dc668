"""Models to GGUF: the names, the order and the arithmetic of llama.cpp's files, which lib/mixers reads.

    RWKV-7     BlinkDL's blocks.N.att.w1 [D, rank] is [rank, D] in GGUF; the six shifts lie one after the other, r w k v a g
    Mamba      A = -exp(A_log); the convolution loses its dimension of 1
    llama      q and k rows of a head: halves become pairs, as GGUF's rotary positions turn neighbours
"""
from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional

from .. import ModelFormatError, UnsupportedError
from ._gguf import Writer
from ._tensors import Tensor, Tensors, read_folder, read_pth
from ._tokenizer import folder_tokenizer, rwkv_vocabulary


class _Source:
    """Tensors that are asked for by name, and at the end none may be left: a weight that nobody read would change the model."""

    def __init__(self, tensors: Tensors, what: str) -> None:
        self.tensors, self.what, self.used = tensors, what, set()  # type: Tensors, str, set[str]

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ModelFormatError(f"{self.what} has no {name}")
        self.used.add(name)
        return self.tensors[name]

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def layers(self, pattern: str) -> int:
        return 1 + max((int(m[1]) for m in (re.match(pattern, name) for name in self.tensors) if m), default=-1)

    def finish(self) -> None:
        left = sorted(set(self.tensors) - self.used)
        if left:
            raise UnsupportedError(f"{self.what} has {left[0]}, which has no place in GGUF" + (f" (nor {len(left) - 1} others)" if left[1:] else ""))


def _flat(w: Writer, name: str, t: Tensor) -> None:
    """A vector whatever dimensions of 1 it had."""
    n = 1
    for size in t.shape:
        n *= size
    w.vector(name, [n], t.values)


def _norm(w: Writer, name: str, s: _Source, source: str) -> None:
    for part in "weight", "bias":
        _flat(w, f"{name}.{part}", s[f"{source}.{part}"])


def _matrix(w: Writer, name: str, t: Tensor) -> None:
    w.matrix(name, t.shape, t.values)


def _low_rank(w: Writer, name: str, t: Tensor, turned: bool) -> None:
    """[rank, D] or [D, rank], small: F32, as llama.cpp keeps them."""
    w.vector(name, t.shape[::-1] if turned else t.shape, lambda: t.values().T if turned else t.values())


def _rwkv7_keys(w: Writer, width: int, hidden: int, layers: int, head: int, ranks: Dict[str, int]) -> None:
    w.key("context_length", 1 << 20)
    w.key("embedding_length", width)
    w.key("block_count", layers)
    w.key("attention.layer_norm_epsilon", 1e-5)
    w.key("wkv.head_size", head)
    for letter, name in ("w", "decay"), ("a", "iclr"), ("v", "value_residual_mix"), ("g", "gate"):
        w.key(f"attention.{name}_lora_rank", ranks[letter])
    w.key("feed_forward_length", hidden)
    w.key("attention.head_count", 0)


def _no_residual(w: Writer, blk: str, width: int, rank: int) -> None:
    """The first layer's, which nothing reads but llama.cpp asks for."""
    import numpy

    for name, shape in ("v0", [width]), ("v1", [rank, width]), ("v2", [width, rank]):
        w.vector(f"{blk}time_mix_{name}.weight", shape, lambda shape=shape: numpy.zeros(shape, numpy.float32))  # type: ignore[misc]


def _shifts(w: Writer, blk: str, parts: List[Tensor]) -> None:
    import numpy

    width = max(parts[0].shape)
    w.vector(f"{blk}time_mix_lerp_fused.weight", [6, 1, 1, width], lambda: numpy.concatenate([p.values().reshape(-1) for p in parts]))


def pth_to_gguf(source: "str | os.PathLike[str]", target: "str | os.PathLike[str]", *, dtype: str = "f16", vocab: Optional[str] = None,
                name: str = "") -> None:
    """BlinkDL's RWKV-7 (x070) to GGUF.

    dtype: of the large matrices: "f16", "f32" or "bf16". vocab: rwkv_vocab_v20230424.txt; without it the model has tokens only.
    Raises ModelFormatError, UnsupportedError, OSError.
    """
    s = _Source(read_pth(os.fspath(source)), os.fspath(source))
    if "blocks.0.att.r_k" not in s:
        raise UnsupportedError(f"{s.what} is no RWKV-7 of BlinkDL's: it has no blocks.0.att.r_k")
    layers = s.layers(r"blocks\.(\d+)\.")
    width, head = s["emb.weight"].shape[1], s["blocks.0.att.r_k"].shape[1]
    hidden = s["blocks.0.ffn.key.weight"].shape[0]
    ranks = {c: s[f"blocks.{layers - 1 if c == 'v' and layers > 1 else 0}.att.{c}1"].shape[1] for c in "wavg" if c != "v" or layers > 1}
    ranks.setdefault("v", ranks["a"])
    w = Writer("rwkv7", name, dtype)
    _rwkv7_keys(w, width, hidden, layers, head, ranks)
    if vocab is not None:
        rwkv_vocabulary(w, vocab, s["emb.weight"].shape[0])
    _matrix(w, "token_embd.weight", s["emb.weight"])
    _norm(w, "token_embd_norm", s, "blocks.0.ln0")
    _norm(w, "output_norm", s, "ln_out")
    _matrix(w, "output.weight", s["head.weight"])
    for i in range(layers):
        blk, at = f"blk.{i}.", f"blocks.{i}."
        _norm(w, f"{blk}attn_norm", s, f"{at}ln1")
        _norm(w, f"{blk}attn_norm_2", s, f"{at}ln2")
        for c in "wavg":
            if c == "v" and i == 0:
                for part in "012":  # of a layer that has no first value to mix in
                    if f"{at}att.v{part}" in s:
                        s[f"{at}att.v{part}"]
                _no_residual(w, blk, width, ranks["a"])
                continue
            if c != "g":
                _flat(w, f"{blk}time_mix_{c}0.weight", s[f"{at}att.{c}0"])
            for part in "12":
                _low_rank(w, f"{blk}time_mix_{c}{part}.weight", s[f"{at}att.{c}{part}"], True)
        _shifts(w, blk, [s[f"{at}att.x_{c}"] for c in "rwkvag"])
        for part in "k_k", "k_a", "r_k":
            _flat(w, f"{blk}time_mix_{part}.weight", s[f"{at}att.{part}"])
        for part in "key", "value", "receptance", "output":
            _matrix(w, f"{blk}time_mix_{part}.weight", s[f"{at}att.{part}.weight"])
        _norm(w, f"{blk}time_mix_ln", s, f"{at}att.ln_x")
        _flat(w, f"{blk}channel_mix_lerp_k.weight", s[f"{at}ffn.x_k"])
        for part in "key", "value":
            _matrix(w, f"{blk}channel_mix_{part}.weight", s[f"{at}ffn.{part}.weight"])
    s.finish()
    w.write(os.fspath(target))


# ---- Hugging Face ------------------------------------------------------------------------------------------------------


def folder_to_gguf(source: "str | os.PathLike[str]", target: "str | os.PathLike[str]", *, dtype: str = "f16", name: str = "",
                   tokenizer: bool = True, vocab: Optional[str] = None) -> None:
    """A Hugging Face folder to GGUF: rwkv7 of fla, mamba and mamba2 of fla and transformers, llama of transformers.

    tokenizer: with the folder's tokenizer, RWKV's vocabulary or the byte-level BPE of its tokenizer.json; False: the model has tokens only.
    vocab: an rwkv_vocab_v20230424.txt in its place. recurra opens the folder itself, and architectures that GGUF has no name for too.
    Raises ModelFormatError, UnsupportedError, OSError.
    """
    folder = os.fspath(source)
    config, tensors = read_folder(folder)
    kinds = {"rwkv7": _fla_rwkv7, "mamba": _mamba, "mamba2": _mamba, "llama": _llama}
    kind = str(config.get("model_type"))
    if kind not in kinds:
        raise UnsupportedError(f"{folder} is of model_type {kind}; {', '.join(kinds)} can be converted, and recurra opens the folder itself")
    w = Writer(kind, name, dtype)
    s = _Source(tensors, folder)
    kinds[kind](w, s, config)
    s.finish()
    if tokenizer:
        n_vocab = next(shape[0] for tensor, shape, _, _ in w.tensors if tensor == "token_embd.weight")
        folder_tokenizer(w, folder, config, n_vocab, None if vocab is None else os.fspath(vocab))
    w.write(os.fspath(target))


def _need(config: Dict[str, Any], key: str, *values: Any) -> None:
    if config.get(key, values[0]) not in values:
        raise UnsupportedError(f"config.json has {key} {config[key]!r}; GGUF has only {values[0]!r}")


def _ends(w: Writer, s: _Source, config: Dict[str, Any], embedding: str) -> None:
    _matrix(w, "token_embd.weight", s[embedding])
    if "lm_head.weight" in s:
        head = s["lm_head.weight"]
        if not config.get("tie_word_embeddings"):
            _matrix(w, "output.weight", head)


def _fla_rwkv7(w: Writer, s: _Source, c: Dict[str, Any]) -> None:
    width, layers, head = int(c["hidden_size"]), int(c["num_hidden_layers"]), int(c["head_dim"])
    for key in "norm_first", "norm_bias":
        _need(c, key, True)
    _need(c, "attn", None)
    _need(c, "hidden_act", "sqrelu")
    if abs(float(c["norm_eps"]) - 1e-5) > 1e-9 or head != 64:
        raise UnsupportedError("GGUF's group norm has the epsilon of head size 64 and norm_eps 1e-5")
    at = "model.layers.{}."
    ranks = {x: s[at.format(layers - 1) + f"attn.{x}_lora.lora.0.weight"].shape[0] for x in "wag"}
    ranks["v"] = s[at.format(1) + "attn.v_lora.lora.0.weight"].shape[0] if layers > 1 else ranks["a"]
    _rwkv7_keys(w, width, s[at.format(0) + "ffn.key.weight"].shape[0], layers, head, ranks)
    _ends(w, s, c, "model.embeddings.weight")
    _norm(w, "token_embd_norm", s, "model.layers.0.pre_norm")
    _norm(w, "output_norm", s, "model.norm")
    for i in range(layers):
        blk, layer = f"blk.{i}.", at.format(i)
        _norm(w, f"{blk}attn_norm", s, f"{layer}attn_norm")
        _norm(w, f"{blk}attn_norm_2", s, f"{layer}ffn_norm")
        for x in "wavg":
            if x == "v" and i == 0:
                _no_residual(w, blk, width, ranks["a"])
                continue
            lora = f"{layer}attn.{x}_lora.lora."
            if x != "g":
                _flat(w, f"{blk}time_mix_{x}0.weight", s[f"{lora}2.bias"])
            _low_rank(w, f"{blk}time_mix_{x}1.weight", s[f"{lora}0.weight"], False)
            _low_rank(w, f"{blk}time_mix_{x}2.weight", s[f"{lora}2.weight"], False)
        _shifts(w, blk, [s[f"{layer}attn.x_{x}"] for x in "rwkvag"])
        for part in "k_k", "k_a", "r_k":
            _flat(w, f"{blk}time_mix_{part}.weight", s[f"{layer}attn.{part}"])
        for part, letter in ("key", "k"), ("value", "v"), ("receptance", "r"), ("output", "o"):
            _matrix(w, f"{blk}time_mix_{part}.weight", s[f"{layer}attn.{letter}_proj.weight"])
        _norm(w, f"{blk}time_mix_ln", s, f"{layer}attn.g_norm")
        _flat(w, f"{blk}channel_mix_lerp_k.weight", s[f"{layer}ffn.x_k"])
        for part in "key", "value":
            _matrix(w, f"{blk}channel_mix_{part}.weight", s[f"{layer}ffn.{part}.weight"])


def _mamba(w: Writer, s: _Source, c: Dict[str, Any]) -> None:
    import numpy

    second = w.architecture == "mamba2"
    layers, width = int(c["num_hidden_layers"]), int(c["hidden_size"])
    inner = width * int(c.get("expand", 2))
    groups = int(c.get("n_groups", 1))
    _need(c, "use_bias", False)
    _need(c, "use_conv_bias", True)
    _need(c, "hidden_act", "silu")
    if second:
        _need(c, "norm_before_gate", False)
        _need(c, "rmsnorm", True)
        _need(c, "D_has_hdim", False)
        if "layer_norm_epsilon" in c and groups > 1:
            raise UnsupportedError("transformers' mamba2 norms all groups together; GGUF norms each group")
    for key in "time_step_limit", "dt_limit":
        limit = c.get(key) or [0.0, "inf"]
        if float(limit[0]) != 0 or limit[1] not in ("inf", float("inf"), {"__float__": "Infinity"}):
            raise UnsupportedError(f"config.json has {key} {limit}; GGUF has none")
    rank = int(c["num_heads"]) if second else s["backbone.layers.0.mixer.dt_proj.weight"].shape[1]
    w.key("context_length", 1 << 20)
    w.key("embedding_length", width)
    w.key("feed_forward_length", 0)
    w.key("attention.head_count", 0)
    w.key("block_count", layers)
    w.key("ssm.conv_kernel", int(c.get("conv_kernel", 4)))
    w.key("ssm.inner_size", inner)
    w.key("ssm.state_size", int(c["state_size"]))
    w.key("ssm.time_step_rank", rank)
    if second:
        w.key("ssm.group_count", groups)
    w.key("attention.layer_norm_rms_epsilon", float(c.get("layer_norm_epsilon", c.get("norm_eps", 1e-5))))
    _ends(w, s, c, "backbone.embeddings.weight")
    _flat(w, "output_norm.weight", s["backbone.norm_f.weight"])
    for i in range(layers):
        blk, mixer = f"blk.{i}.", f"backbone.layers.{i}.mixer."
        _flat(w, f"{blk}attn_norm.weight", s[f"backbone.layers.{i}.norm.weight"])
        _matrix(w, f"{blk}ssm_in.weight", s[f"{mixer}in_proj.weight"])
        conv, decay, skip = s[f"{mixer}conv1d.weight"], s[f"{mixer}A_log"], s[f"{mixer}D"]
        w.vector(f"{blk}ssm_conv1d.weight", [conv.shape[0], conv.shape[2]], conv.values)
        _flat(w, f"{blk}ssm_conv1d.bias", s[f"{mixer}conv1d.bias"])
        w.vector(f"{blk}ssm_a", [*decay.shape, 1] if second else decay.shape, lambda decay=decay: -numpy.exp(decay.values()))  # type: ignore[misc]
        w.vector(f"{blk}ssm_d", [*skip.shape, 1] if second else skip.shape, skip.values)
        if second:
            _flat(w, f"{blk}ssm_dt.bias", s[f"{mixer}dt_bias"])
            w.vector(f"{blk}ssm_norm.weight", [groups, inner // groups], s[f"{mixer}norm.weight"].values)
        else:
            _matrix(w, f"{blk}ssm_x.weight", s[f"{mixer}x_proj.weight"])
            _low_rank(w, f"{blk}ssm_dt.weight", s[f"{mixer}dt_proj.weight"], False)
            _flat(w, f"{blk}ssm_dt.bias", s[f"{mixer}dt_proj.bias"])
        _matrix(w, f"{blk}ssm_out.weight", s[f"{mixer}out_proj.weight"])


def _llama(w: Writer, s: _Source, c: Dict[str, Any]) -> None:
    layers, width, heads = int(c["num_hidden_layers"]), int(c["hidden_size"]), int(c["num_attention_heads"])
    kv, head = int(c.get("num_key_value_heads") or heads), int(c.get("head_dim") or width // heads)
    rope = c.get("rope_parameters") or c.get("rope_scaling") or {}
    for key in "attention_bias", "mlp_bias":
        _need(c, key, False)
    _need(c, "hidden_act", "silu")
    if rope.get("rope_type", "default") != "default" or head * heads != width:
        raise UnsupportedError("only llama models with plain rotary positions and heads that make up the width can be converted")
    w.key("context_length", int(c.get("max_position_embeddings", 2048)))
    w.key("embedding_length", width)
    w.key("block_count", layers)
    w.key("feed_forward_length", int(c["intermediate_size"]))
    w.key("attention.head_count", heads)
    w.key("attention.head_count_kv", kv)
    w.key("attention.layer_norm_rms_epsilon", float(c["rms_norm_eps"]))
    w.key("rope.dimension_count", head)
    w.key("rope.freq_base", float(c.get("rope_theta") or rope.get("rope_theta", 10000.0)))
    w.key("vocab_size", int(c["vocab_size"]))
    _ends(w, s, c, "model.embed_tokens.weight")
    _flat(w, "output_norm.weight", s["model.norm.weight"])
    for i in range(layers):
        blk, layer = f"blk.{i}.", f"model.layers.{i}."
        _flat(w, f"{blk}attn_norm.weight", s[f"{layer}input_layernorm.weight"])
        for part, n in ("q", heads), ("k", kv):
            t = s[f"{layer}self_attn.{part}_proj.weight"]

            def pairs(t: Tensor = t, n: int = n) -> Any:
                return t.values().reshape(n, 2, head // 2, width).swapaxes(1, 2)

            w.matrix(f"{blk}attn_{part}.weight", t.shape, pairs)
        _matrix(w, f"{blk}attn_v.weight", s[f"{layer}self_attn.v_proj.weight"])
        _matrix(w, f"{blk}attn_output.weight", s[f"{layer}self_attn.o_proj.weight"])
        _flat(w, f"{blk}ffn_norm.weight", s[f"{layer}post_attention_layernorm.weight"])
        for part in "gate", "up", "down":
            _matrix(w, f"{blk}ffn_{part}.weight", s[f"{layer}mlp.{part}_proj.weight"])
