"""Vocabularies to GGUF: RWKV's own file, and byte-level BPE of a Hugging Face tokenizer.json.

What llama.cpp's keys (tokenizer.ggml.*) can say of a tokenizer.json exactly is written so; else the whole file goes into the key
tokenizer.huggingface.json of the GGUF specification, which recurra reads and llama.cpp does not.
"""
from __future__ import annotations

import ast
import json
import os
from typing import Any, Dict, List, Optional, Tuple

from .. import ModelFormatError, UnsupportedError
from ._gguf import Writer

# How text is cut before the merges, and whether whole words go before them: llama.cpp's names.
_GPT2 = "<ByteLevel>"
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_PRE: Dict[Tuple[Tuple[str, ...], bool], str] = {
    ((_GPT2,), False): "gpt-2",
    ((_WORDS % r"\p{N}{1,3}",), True): "llama-bpe",
    ((_WORDS % r"\p{N}{1,3}",), False): "dbrx",
    ((_WORDS % r"\p{N}",), False): "qwen2",
    (("<Digits>", _GPT2), False): "smollm",
}


def rwkv_vocabulary(w: Writer, path: str, n_vocab: int) -> None:
    """Lines of: number, Python's repr of str or bytes, length in bytes. Token 0 ends a text."""
    texts: Dict[int, str] = {0: "<s>"}
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                number, rest = line.rstrip("\n").split(" ", 1)
                literal, length = rest.rsplit(" ", 1)
                token = ast.literal_eval(literal)
                data = token.encode("utf-8") if isinstance(token, str) else bytes(token)
            except (ValueError, SyntaxError, TypeError):
                raise ModelFormatError(f"{path}: {line.strip()!r} is no line of an RWKV vocabulary") from None
            if len(data) != int(length) or not 0 < int(number) < n_vocab:
                raise ModelFormatError(f"{path}: {line.strip()!r} has another length, or is beyond the model's {n_vocab} tokens")
            texts[int(number)] = "".join(_escaped(byte) for byte in data)
    w.keys["tokenizer.ggml.model"] = "rwkv"
    w.keys["tokenizer.ggml.tokens"] = [texts.get(i, f"[PAD{i}]") for i in range(n_vocab)]
    w.keys["tokenizer.ggml.token_type"] = [3 if i == 0 else 1 if i in texts else 5 for i in range(n_vocab)]
    for key in "bos", "eos", "eot":
        w.keys[f"tokenizer.ggml.{key}_token_id"] = 0


def _escaped(byte: int) -> str:
    """As the repr of bytes has it: llama.cpp undoes \\t, \\n, \\r, \\xNN and a backslash before what it would otherwise be."""
    special = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return special.get(byte, chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")


def folder_tokenizer(w: Writer, folder: str, config: Dict[str, Any], n_vocab: int, vocab: Optional[str]) -> None:
    """The folder's tokenizer, if it has one, and the tokens that begin and end a text."""
    world, path = vocab or os.path.join(folder, "rwkv_vocab_v20230424.txt"), os.path.join(folder, "tokenizer.json")
    if vocab or os.path.exists(world):
        return rwkv_vocabulary(w, world, n_vocab)
    for key in "bos_token_id", "eos_token_id":
        ids = config.get(key)
        token = ids[0] if isinstance(ids, list) and ids else ids
        if isinstance(token, int) and 0 <= token < n_vocab:
            w.keys[f"tokenizer.ggml.{key}"] = token
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        try:
            tokenizer = json.loads(text)
            _byte_level_bpe(w, tokenizer, text, path, n_vocab)
            _config(w, tokenizer, os.path.join(folder, "tokenizer_config.json"))
        except (KeyError, TypeError, AttributeError, IndexError, json.JSONDecodeError) as error:
            raise ModelFormatError(f"{path} is damaged: {error!r}") from None


def _byte_level_bpe(w: Writer, tokenizer: Dict[str, Any], text: str, path: str, n_vocab: int) -> None:
    model = tokenizer["model"]
    steps = _steps(tokenizer.get("pre_tokenizer"))
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or not steps:
        raise UnsupportedError(f"{path} is no byte-level BPE: convert without the tokenizer, to a model of tokens only")
    texts, types = [f"[PAD{i}]" for i in range(n_vocab)], [5] * n_vocab
    entries: List[Tuple[int, str, int]] = [(token, name, 1) for name, token in model["vocab"].items()]
    added = tokenizer.get("added_tokens") or []
    entries += [(token["id"], token["content"], 3 if token.get("special") else 4) for token in added]
    for i, name, kind in entries:
        if not 0 <= i < n_vocab:
            raise ModelFormatError(f"{path} has the token {i}; the model has {n_vocab}")
        texts[i], types[i] = name, kind
    merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
    pre = _PRE.get((tuple(steps), bool(model.get("ignore_merges"))))
    plain = not any(token.get(flag) for token in added for flag in ("single_word", "lstrip", "rstrip") if not token.get("special"))
    if pre is None or not plain or not merges or tokenizer.get("normalizer") is not None or any(merge.count(" ") != 1 for merge in merges):
        w.keys["tokenizer.huggingface.json"] = text
        return
    w.keys["tokenizer.ggml.model"] = "gpt2"
    w.keys["tokenizer.ggml.pre"] = pre
    w.keys["tokenizer.ggml.tokens"] = texts
    w.keys["tokenizer.ggml.token_type"] = types
    w.keys["tokenizer.ggml.merges"] = merges


def _steps(pre: Any) -> List[str]:
    """What is cut before the merges, step by step; empty where the last step is not ByteLevel. "?": what _PRE has not."""
    steps = pre["pretokenizers"] if pre and pre["type"] == "Sequence" else [pre] if pre else []
    if not steps or steps[-1]["type"] != "ByteLevel":
        return []
    names: List[str] = []
    for step in steps:
        if step["type"] == "ByteLevel":
            names += ["?"] * bool(step.get("add_prefix_space")) + [_GPT2] * bool(step.get("use_regex", True))
        elif step["type"] == "Split" and step["behavior"] == "Isolated" and not step["invert"]:
            names.append(step["pattern"].get("Regex", "?"))
        else:
            names.append("<Digits>" if step["type"] == "Digits" and step["individual_digits"] else "?")
    return names or ["?"]


def _config(w: Writer, tokenizer: Dict[str, Any], path: str) -> None:
    """What tokenizer_config.json says of the ends of texts goes before config.json."""
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    ids = {**tokenizer["model"]["vocab"], **{token["content"]: token["id"] for token in tokenizer.get("added_tokens") or []}}
    for key in "bos", "eos":
        token = config.get(f"{key}_token")
        token = token["content"] if isinstance(token, dict) else token
        if token is not None:
            w.keys[f"tokenizer.ggml.{key}_token_id"] = ids[token]
    template = config.get("chat_template")
    if isinstance(template, list):
        template = next((t["template"] for t in template if t["name"] == "default"), None)
    if template:
        w.keys["tokenizer.chat_template"] = template
