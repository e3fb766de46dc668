"""recurra.convert, from the wheel in an empty environment: what it makes computes the logits that the formats' own programs compute.

    RECURRA_TEST_DATA   tests/data        RECURRA_SHARED   the folder with goldens/, or where it would lie
"""
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy
import recurra
from recurra import convert

DATA = pathlib.Path(os.environ["RECURRA_TEST_DATA"])
SHARED = pathlib.Path(os.environ["RECURRA_SHARED"])
WORDS = [b"the ", b"and ", b"'\"\\\t\x00\xff", "ü漢".encode()]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(folder.name)
        self.addCleanup(folder.cleanup)

    def assertLogits(self, model, folder, logits, most):
        """After the last token, relative to the largest logit: recurra's own sums are exact to about 1e-6, a weight in the wrong place shows
        from 1e-2 on."""
        tokens = numpy.fromfile(folder / "tokens.i32", "<i4")
        want = numpy.fromfile(folder / logits, "<f4").reshape(len(tokens), -1)[-1]
        s = model.state()
        s.feed(tokens)
        self.assertLess(float(abs(s.logits() - want).max() / abs(want).max()), most)


class Models(Case):
    def test_pth(self):
        for dtype, most in ("f16", 1e-4), ("f32", 1e-4), ("bf16", 0.05):  # bf16 has 8 bits
            target = self.folder / f"{dtype}.gguf"
            convert.pth_to_gguf(DATA / "rwkv7-hs32.pth", target, dtype=dtype, name="small")
            model = recurra.Model(target, dtype="f32")
            self.assertEqual((model.info.architecture, model.info.file_type, model.info.name, model.info.has_text),
                             ("rwkv7", dtype.upper(), "small", False))
            self.assertLogits(model, DATA, "rwkv7-hs32.logits.f32", most)

    def test_vocabulary(self):
        texts = {i + 1: bytes([i]) for i in range(256)}
        texts.update({257 + i: word for i, word in enumerate(WORDS)})
        lines = []
        for token, text in texts.items():
            try:
                literal = repr(text.decode("utf-8"))
            except UnicodeDecodeError:
                literal = repr(text)
            lines.append(f"{token} {literal} {len(text)}\n")
        (self.folder / "vocab.txt").write_text("".join(lines), encoding="utf-8")
        convert.pth_to_gguf(DATA / "rwkv7-hs32.pth", self.folder / "m.gguf", vocab=str(self.folder / "vocab.txt"))
        model = recurra.Model(self.folder / "m.gguf")
        self.assertEqual(model.info.tokenizer, "rwkv")
        self.assertEqual(model.tokenize(b"the " + WORDS[2] + "ü漢!".encode()), [257, 259, 260, 34])
        for token, text in texts.items():
            self.assertEqual(model.detokenize([token]), text)
        (self.folder / "bad.txt").write_text("1 'a' 2\n")
        with self.assertRaises(recurra.ModelFormatError):
            convert.pth_to_gguf(DATA / "rwkv7-hs32.pth", self.folder / "m.gguf", vocab=str(self.folder / "bad.txt"))

    def test_folders(self):
        for name in "rwkv7", "mamba", "mamba2", "hf_llama", "hf_mamba":
            with self.subTest(name):
                source = SHARED / "goldens/hf" / name
                if not source.exists():
                    self.skipTest(f"{source} is absent; RECURRA_SHARED names the folder it lies in")
                convert.folder_to_gguf(source, self.folder / "m.gguf", dtype="f32", name=name)
                self.assertLogits(recurra.Model(self.folder / "m.gguf", dtype="f32"), source, "logits.f32", 1e-4)

    def test_what_gguf_cannot_hold_is_refused(self):
        for name, words in ("hf_mamba2", "norms each group"), ("delta_net", "opens the folder itself"):
            source = SHARED / "goldens/hf" / name
            if not source.exists():
                self.skipTest(f"{source} is absent; RECURRA_SHARED names the folder it lies in")
            with self.assertRaisesRegex(recurra.UnsupportedError, words):
                convert.folder_to_gguf(source, self.folder / "m.gguf")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_pth_is_not_executed_and_damage_is_an_error(self):
        class Evil:
            def __reduce__(self):
                return os.system, ("touch was-here",)

        def archive(data):
            with zipfile.ZipFile(self.folder / "x.pth", "w") as file:
                file.writestr("archive/data.pkl", data)
            return self.folder / "x.pth"

        for data in pickle.dumps({"a": Evil()}), pickle.dumps({"a": 1}), pickle.dumps([]), b"", b"\x80\x02", pickle.dumps({"blocks.0": numpy.zeros(3)}):
            with self.assertRaises((recurra.ModelFormatError, recurra.UnsupportedError)):
                convert.pth_to_gguf(archive(data), self.folder / "m.gguf")
        (self.folder / "x.pth").write_bytes(b"nonsense")
        with self.assertRaises(recurra.ModelFormatError):
            convert.pth_to_gguf(self.folder / "x.pth", self.folder / "m.gguf")
        self.assertFalse(pathlib.Path("was-here").exists())
        self.assertFalse((self.folder / "m.gguf").exists())


class Tokenizers(Case):
    """Against the tokens that Hugging Face's tokenizers has (tests/data/bpe/make.py)."""

    def tiny(self, tokenizer, n_vocab, **config):
        """A folder with a llama of one layer, all of whose weights are 0."""
        folder = self.folder / "tiny"
        folder.mkdir(exist_ok=True)
        shapes = {"model.embed_tokens": (n_vocab, 8), "model.norm": (8,), "model.layers.0.input_layernorm": (8,), "model.layers.0.post_attention_layernorm": (8,)}
        shapes.update({f"model.layers.0.self_attn.{c}_proj": (8, 8) for c in "qkvo"})
        shapes.update({f"model.layers.0.mlp.{c}_proj": (8, 8) for c in ("gate", "up", "down")})
        header, end = {}, 0
        for name, shape in shapes.items():
            begin, end = end, end + 4 * int(numpy.prod(shape))
            header[name + ".weight"] = {"dtype": "F32", "shape": shape, "data_offsets": (begin, end)}
        text = json.dumps(header).encode()
        (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
        (folder / "config.json").write_text(json.dumps({
            "model_type": "llama", "vocab_size": n_vocab, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
            "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "hidden_act": "silu", "eos_token_id": 7, **config}))
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
        return folder

    def test_byte_level_bpe(self):
        data = json.loads((DATA / "bpe/texts.json").read_text(encoding="utf-8"))
        texts = [text["text"] for text in data]
        kinds = set()
        cases = json.loads((DATA / "bpe/cases.json").read_text(encoding="utf-8"))
        (qwen2,) = [case for case in cases if case["name"] == "qwen2"]
        cases.append({**qwen2, "name": "qwen2 without NFC", "patch": {"normalizer": None},
                      "ids": [ids if text["nfc"] else None for text, ids in zip(data, qwen2["ids"])]})
        for case in cases:
            with self.subTest(case["name"]):
                base, patch = json.loads((DATA / "bpe" / case["base"]).read_text(encoding="utf-8")), case["patch"]
                folder = self.tiny({**base, **patch, "model": {**base["model"], **patch.get("model", {})}}, 3000)
                convert.folder_to_gguf(folder, self.folder / "m.gguf")
                model, whole = recurra.Model(self.folder / "m.gguf"), recurra.Model(folder)
                kinds.add(model.metadata.get("tokenizer.ggml.pre"))
                for text, ids in zip(texts, case["ids"]):
                    if ids is not None:
                        want = [token for entry in ids for token in (entry[:1] * entry[1] if isinstance(entry, list) else [entry])]
                        self.assertEqual(model.tokenize(text), want, text)
                        self.assertEqual(whole.tokenize(text), want, text)
        self.assertEqual(kinds, {None, "gpt-2", "llama-bpe", "dbrx", "qwen2", "smollm"})  # None: what only the whole tokenizer.json says

    def test_what_the_folder_says_besides(self):
        tokenizer = json.loads((DATA / "bpe/gpt2.json").read_text(encoding="utf-8"))
        folder = self.tiny(tokenizer, 1300)
        for config, eos, template in ({}, 7, ""), ({"eos_token": {"content": "<|endoftext|>"}, "chat_template": "{{ x }}"}, 0, "{{ x }}"):
            (folder / "tokenizer_config.json").write_text(json.dumps(config))
            convert.folder_to_gguf(folder, self.folder / "m.gguf")
            for path in folder, self.folder / "m.gguf":
                info = recurra.Model(path).info
                self.assertEqual((info.tokenizer, info.eos_token, info.bos_token, info.chat_template), ("bpe", eos, -1, template))
        convert.folder_to_gguf(folder, self.folder / "m.gguf", tokenizer=False)
        self.assertFalse(recurra.Model(self.folder / "m.gguf").info.has_text)
        lines = []
        recurra.set_log(lambda level, line: lines.append(line))
        self.addCleanup(recurra.set_log, None)
        for wrong in {"model": {"type": "Unigram", "vocab": []}}, {"model": {"type": "BPE", "byte_fallback": True, "vocab": {}, "merges": []}}:
            with self.assertRaisesRegex(recurra.UnsupportedError, "without the tokenizer"):
                convert.folder_to_gguf(self.tiny(wrong, 1300), self.folder / "m.gguf")
            self.assertFalse(recurra.Model(folder).info.has_text)
        self.assertEqual(sum("the model has tokens only" in line for line in lines), 2)
        for wrong in {}, [], {**tokenizer, "model": {}}, {**tokenizer, "added_tokens": [{"id": 5000, "content": "x"}]}:
            with self.assertRaises(recurra.ModelFormatError):
                convert.folder_to_gguf(self.tiny(wrong, 1300), self.folder / "m.gguf")

    def test_rwkv_world(self):
        lines = "".join(f"{i + 1} {bytes([i])!r} 1\n" for i in range(256)) + "257 'the ' 4\n"
        folder = self.tiny({}, 300)
        (folder / "rwkv_vocab_v20230424.txt").write_text(lines)
        for options in {}, {"vocab": folder / "rwkv_vocab_v20230424.txt"}:
            convert.folder_to_gguf(folder, self.folder / "m.gguf", **options)
            for path in folder, self.folder / "m.gguf":
                model = recurra.Model(path)
                self.assertEqual((model.info.tokenizer, model.info.eos_token, model.tokenize("the x")), ("rwkv", 0, [257, 121]))


class States(Case):
    def test_there_and_back(self):
        model = recurra.Model(DATA / "rwkv7-hs32-f16.gguf")
        s = model.state()
        s.feed("hello")
        s.set_note("title", "Grüße")
        s.save(self.folder / "s.state")
        tensors = convert.read_state(self.folder / "s.state")
        self.assertEqual(tensors["layers.0.time_mix.state"].shape, (2, 32, 32))
        convert.write_state(self.folder / "t.state", tensors, like=self.folder / "s.state")
        self.assertEqual((self.folder / "t.state").read_bytes(), bytes(s))
        tensors["layers.1.time_mix.state"] = tensors["layers.1.time_mix.state"] * 2
        convert.write_state(self.folder / "t.state", tensors, like=self.folder / "s.state")
        t = model.load(self.folder / "t.state")
        numpy.testing.assert_array_equal(t.memory(1), 2 * s.memory(1))
        numpy.testing.assert_array_equal(t.memory(0), s.memory(0))
        self.assertEqual(t.note("title"), "Grüße")
        with self.assertRaises(recurra.InvalidArgumentError):
            convert.write_state(self.folder / "t.state", {**tensors, "hidden": tensors["hidden"] * numpy.inf}, like=self.folder / "s.state")
        with self.assertRaises(recurra.MismatchError):
            convert.write_state(self.folder / "t.state", {"hidden": tensors["hidden"]}, like=self.folder / "s.state")

    def test_as_a_file_of_pytorch(self):
        s = recurra.Model(DATA / "rwkv7-hs32-f16.gguf").state()
        s.feed("hello")
        s.save(self.folder / "s.state")
        for arguments in ["s.state", "s.pt"], ["s.pt", "t.state", "--like", "s.state"]:
            subprocess.run([sys.executable, "-m", "recurra.convert", *arguments], cwd=self.folder, check=True)
        self.assertEqual((self.folder / "t.state").read_bytes(), bytes(s))
        with zipfile.ZipFile(self.folder / "s.pt") as file:  # what torch.load asks for
            self.assertEqual({"archive/data.pkl", "archive/byteorder", "archive/version", "archive/data/0"} - set(file.namelist()), set())
            self.assertTrue(all(entry.compress_type == zipfile.ZIP_STORED for entry in file.infolist()))
        try:
            import torch
        except ImportError:
            return  # this format's own reader is in what was just done, and reads what torch.save wrote (test_pth)
        tensors = torch.load(self.folder / "s.pt", weights_only=True)
        self.assertEqual({name: t.numpy().tobytes() for name, t in tensors.items()}, {name: t.tobytes() for name, t in s.tensors().items()})


class Program(Case):
    def test_command_line(self):
        def run(*arguments):
            return subprocess.run([sys.executable, "-m", "recurra.convert", *map(str, arguments)], capture_output=True, text=True)

        done = run(DATA / "rwkv7-hs32.pth", self.folder / "m.gguf", "--dtype", "f32")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(recurra.Model(self.folder / "m.gguf").info.name, "rwkv7-hs32")
        for arguments in (self.folder / "none.pth", self.folder / "n.gguf"), (DATA, self.folder / "n.gguf"):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
            self.assertIn("recurra.convert: ", done.stderr)
        self.assertEqual(run("a", "b").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
