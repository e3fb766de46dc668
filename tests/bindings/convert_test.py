"""recurra.convert, from the wheel in an empty environment: what it makes computes the logits that the formats' own programs compute.

    RECURRA_TEST_DATA   tests/data        RECURRA_SHARED   the folder with goldens/, or where it would lie
"""
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

    def test_with_torch(self):
        try:
            import torch
        except ImportError:
            self.skipTest("torch is not installed")
        s = recurra.Model(DATA / "rwkv7-hs32-f16.gguf").state()
        s.feed("hello")
        s.save(self.folder / "s.state")
        for arguments in ["s.state", "s.pt"], ["s.pt", "t.state", "--like", "s.state"]:
            subprocess.run([sys.executable, "-m", "recurra.convert", *arguments], cwd=self.folder, check=True)
        self.assertEqual((self.folder / "t.state").read_bytes(), bytes(s))
        self.assertEqual(torch.load(self.folder / "s.pt")["layers.0.time_mix.state"].shape, (2, 32, 32))


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
