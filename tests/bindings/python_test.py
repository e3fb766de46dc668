"""What the Python package says and computes, from outside, as its wheel installed it: run by python_test.sh in an empty virtual environment."""
import ast
import asyncio
import contextlib
import copy
import gc
import inspect
import io
import json
import os
import pickle
import re
import subprocess
import sys
import unittest

import numpy
import recurra
from python_support import ASKED, DATA, SMALL, TOLD, Case, run


class Package(Case):
    def test_import_takes_less_than_100_ms(self):
        # CPU time: other work on the machine is not recurra's.
        code = "import time; t = time.process_time(); import recurra; print(time.process_time() - t)"
        compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as pip leaves it
        best = min(float(run(code, env=compiled).stdout) for _ in range(5))
        print(f"import recurra: {best * 1e3:.1f} ms")
        self.assertLess(best, 0.1)

    def test_no_compiler_and_no_library_path_is_around(self):
        self.assertNotIn("LD_LIBRARY_PATH", os.environ)
        for name in "c++", "g++", "gcc", "cc", "clang", "cmake", "swig":
            self.assertFalse(any(os.access(os.path.join(p, name), os.X_OK) for p in os.environ["PATH"].split(os.pathsep)), name)

    def test_every_library_comes_from_the_wheel_or_the_system(self):
        recurra.Model().state().feed(TOLD)
        with open("/proc/self/maps") as file:
            mapped = {line.split()[-1] for line in file if ".so" in line}
        own = {path for path in mapped if re.search(r"dnnl|recurra|gomp-|pcre2|utf8proc", path) and "/numpy.libs/" not in path}
        home = os.path.dirname(os.path.dirname(recurra.__file__))
        self.assertTrue(all(path.startswith(home) for path in own), own)
        self.assertEqual(len([path for path in own if "libdnnl" in path]), 1)
        self.assertRegex(" ".join(own), r"libdnnl-[0-9a-f]{8}\.so")

    def test_the_program(self):
        done = subprocess.run([sys.executable, "-m", "recurra", "--version"], capture_output=True, text=True)
        self.assertIn(recurra.__version__, done.stdout)
        self.assertEqual(subprocess.run([sys.executable, "-m", "recurra", "nonsense"], capture_output=True).returncode, 2)

    def test_everything_public_has_a_docstring(self):
        for name in recurra.__all__:
            thing = getattr(recurra, name)
            self.assertTrue(inspect.getdoc(thing), name)
            for member, value in vars(thing).items() if inspect.isclass(thing) else ():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, (property, classmethod))):
                    self.assertTrue(inspect.getdoc(getattr(thing, member)), f"{name}.{member}")

    def test_the_stub_is_of_the_module_that_swig_made(self):
        from recurra import _native
        with open(os.path.join(os.path.dirname(recurra.__file__), "_native.pyi")) as file:
            tree = ast.parse(file.read())
        functions = [(_native, node) for node in tree.body if isinstance(node, ast.FunctionDef)]
        for kind in tree.body:
            if isinstance(kind, ast.ClassDef):
                functions += [(getattr(_native, kind.name), node) for node in kind.body if isinstance(node, ast.FunctionDef)]
        self.assertGreater(len(functions), 60)
        for owner, function in functions:
            if function.args.vararg is None:
                self.assertEqual(list(inspect.signature(getattr(owner, function.name)).parameters), [a.arg for a in function.args.args], function.name)

    def test_nothing_else_is_public(self):
        extra = [name for name in dir(recurra) if not name.startswith("_") and name not in recurra.__all__]
        self.assertLessEqual(set(extra), {"convert"})

    def test_versions_and_backends(self):
        self.assertRegex(recurra.__version__, r"^\d+\.\d+\.\d+$")
        self.assertIn(recurra.__version__, recurra.build_info())
        self.assertEqual(recurra.backends()[-1], "reference")


class Conversation(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = recurra.Model()

    def test_as_in_the_issue(self):
        s = self.model.state()
        n = s.feed(TOLD)
        self.assertEqual(s.n_tokens, n)
        before = bytes(s)
        self.assertIn("Dave", s.query(ASKED, stop="\n\n"))
        self.assertEqual(bytes(s), before)
        s.save(self.folder / "dave.state")
        t = self.model.load(self.folder / "dave.state")
        self.assertEqual(t.query(ASKED, stop="\n\n"), s.query(ASKED, stop="\n\n"))
        t.feed(ASKED)
        self.assertIn("Dave", "".join(t.generate(max_tokens=100, stop="\n\n")))

    def test_c_writes_the_same_text_and_the_same_file(self):
        done = subprocess.run([os.environ["RECURRA_HELLO_C"]], cwd=self.folder, capture_output=True, text=True, check=True)
        s = self.model.state()
        s.feed(TOLD)
        s.save(self.folder / "python.state")
        self.assertEqual((self.folder / "python.state").read_bytes(), (self.folder / "hello.state").read_bytes())
        self.assertEqual(done.stdout, 2 * (ASKED + s.query(ASKED, 64, stop="\n\n") + "\n"))

    def test_the_program_writes_the_same_text_and_the_same_file(self):
        said = ["My name is Dave.", "I have a red bicycle.", "What is my name?"]
        done = subprocess.run([sys.executable, "-m", "recurra", "chat", "--state", "chat.state"], cwd=self.folder, capture_output=True, text=True,
                              input="".join(line + "\n" for line in said), check=True)
        s, replies = self.model.state(), []
        for line in said:
            s.feed(f"User: {line}\n\nAssistant:")
            pieces = s.generate(512, stop="\n\n")
            replies.append("".join(pieces).strip())
            self.assertTrue(self.model.detokenize(pieces.tokens).endswith(b"\n\n"))
        self.assertEqual(done.stdout.splitlines(), replies)
        self.assertEqual(bytes(s), (self.folder / "chat.state").read_bytes())

    def test_pieces_are_the_whole_text(self):
        for options in {}, {"temperature": 0.9, "seed": 7, "top_k": 40, "repeat_penalty": 1.3}, {"stop": ["\n\n", "e", "is "]}, {"max_tokens": 3}, {"max_tokens": 0}:
            s, t, u, seen = self.model.state(), self.model.state(), self.model.state(), []
            for state in s, t, u:
                state.feed(TOLD + ASKED)
            pieces = list(s.generate(**options))
            self.assertNotIn("", pieces)
            self.assertEqual("".join(pieces), t.generate_text(on_text=seen.append, **options))
            self.assertEqual("".join(pieces), "".join(seen))
            tokens = list(u.generate_tokens(**options))
            self.assertTrue(self.model.detokenize(tokens).decode("utf-8", "replace").startswith("".join(pieces)))
            self.assertEqual(bytes(s), bytes(t))
            self.assertEqual(bytes(s), bytes(u))

    def test_a_loop_may_be_left_and_the_state_used_between_pieces(self):
        s = self.model.state()
        s.feed(TOLD + ASKED)
        generation = s.generate(stop="\n\n")
        for n, _ in enumerate(generation):
            self.assertEqual(s.n_tokens, self.model.load(self.saved(s)).n_tokens)
            if n == 2:
                break
        self.assertIn("3 tokens", repr(generation))
        s.feed("!")

    def saved(self, state):
        state.save(self.folder / "x.state")
        return self.folder / "x.state"

    def test_async(self):
        async def both():
            async def one():
                s = self.model.state()
                s.feed(TOLD + ASKED)
                return "".join([piece async for piece in s.generate(stop="\n\n")])
            return await asyncio.gather(one(), one())
        first, second = asyncio.run(both())
        self.assertEqual(first, second)
        self.assertIn("Dave", first)

    def test_batch_ends_with_the_same_bits(self):
        texts = ["one", b"two \xff", list(b"three"), numpy.array([4, 5, 6], numpy.int32), "x" * 300]
        alone, together = [self.model.state() for _ in texts], [self.model.state() for _ in texts]
        for state, text in zip(alone, texts):
            state.feed(text)
        seen = []
        self.model.feed_batch(together, texts, progress=lambda done, total: seen.append((done, total)))
        self.assertEqual([bytes(s) for s in alone], [bytes(s) for s in together])
        self.assertEqual(seen[-1][0], seen[-1][1])
        self.assertEqual(seen[-1][1], sum(s.n_tokens for s in alone))


class Named(recurra.State):
    def __init__(self, model, names):
        super().__init__(model)
        self.names = names


class Values(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = recurra.Model(SMALL)

    def fed(self, text="hello"):
        s = self.model.state()
        s.feed(text)
        return s

    def test_logits_hidden_score(self):
        s = self.fed()
        logits = s.logits()
        self.assertEqual((logits.dtype, logits.shape), (numpy.float32, (self.model.n_vocab,)))
        self.assertTrue(logits.flags.owndata and logits.flags.writeable)
        self.assertEqual(s.hidden().shape, (self.model.n_embd,))
        scores = s.score([10])
        p = logits.astype(numpy.float64)
        self.assertAlmostEqual(float(scores[0]), float(p[10] - p.max() - numpy.log(numpy.exp(p - p.max()).sum())), places=4)
        self.assertTrue(numpy.isnan(self.model.state().score("ab")[0]))
        self.assertEqual(next(s.generate_tokens(1)), int(logits.argmax()))

    def test_memory(self):
        s = self.fed()
        tensors = s.tensors()
        numpy.testing.assert_array_equal(tensors["hidden"], s.hidden())
        self.assertFalse(tensors["hidden"].flags.writeable)
        self.assertEqual((s.memory(0).shape, s.memory(2, 1).shape), ((2, 32, 32), (32, 32)))
        numpy.testing.assert_array_equal(s.memory(2, 1), tensors["layers.2.time_mix.state"][1])
        self.assertEqual(float(abs(self.model.state().memory(0)).max()), 0)
        for call in lambda: s.memory(3), lambda: s.memory(0, 2), lambda: s.memory(0, -1):
            with self.assertRaises(recurra.InvalidArgumentError):
                call()

    def test_set_memory(self):
        s = self.fed()
        before, logits = bytes(s), s.logits()
        old, one = s.memory(1), s.memory(2, 1)
        s.set_memory(1, 2 * old)
        s.set_memory(2, one.T.astype(numpy.float64), 1)
        numpy.testing.assert_array_equal(s.memory(1), 2 * old)
        numpy.testing.assert_array_equal(s.tensors()["layers.2.time_mix.state"][1], one.T)
        numpy.testing.assert_array_equal(s.logits(), logits)
        changed = s.copy()
        s.set_memory(1, old)
        s.set_memory(2, one, 1)
        self.assertEqual(bytes(s), before)
        s.feed("a")
        changed.feed("a")
        self.assertGreater(float(abs(s.logits() - changed.logits()).max()), 0)
        before = bytes(s)
        for values in old[0], old[:, :5], numpy.full_like(old, numpy.nan):
            with self.assertRaises(recurra.InvalidArgumentError):
                s.set_memory(1, values)
        with self.assertRaises(recurra.InvalidArgumentError):
            s.set_memory(7, old)
        self.assertEqual(bytes(s), before)

    def test_rewind(self):
        s, t = self.model.state(rewind=200), self.model.state()
        s.feed("x" * 150)
        before = bytes(s)
        n = s.feed("and more of it " * 9)
        self.assertEqual((s.info.rewind_tokens, t.info.rewind_tokens), (200, 0))
        twin = s.copy()
        s.rewind(n)
        self.assertEqual(bytes(s), before)
        twin.rewind(200)
        t.feed("x" * (n - 50))
        self.assertEqual(bytes(twin), bytes(t))
        with self.assertRaisesRegex(recurra.InvalidArgumentError, f"can go back {200 - n} tokens"):
            s.rewind(201 - n)
        with self.assertRaisesRegex(recurra.InvalidArgumentError, "rewind_tokens"):
            t.rewind(1)
        for wrong in -1, 1 << 64:
            with self.assertRaises(recurra.InvalidArgumentError):
                s.rewind(wrong)
        for wrong in -1, 1 << 40, 1 << 21:
            with self.assertRaises(recurra.InvalidArgumentError):
                self.model.state(rewind=wrong)
        for call in lambda: s.rewind(1.5), lambda: s.rewind(True), lambda: self.model.state(rewind="far"):
            with self.assertRaises(TypeError):
                call()
        self.assertEqual(bytes(s), before)

    def test_logits_batch(self):
        states = [self.fed(text) for text in ("a", "bc" * 100, "hello")]
        logits = self.model.logits_batch(states)
        self.assertEqual((logits.dtype, logits.shape), (numpy.float32, (3, self.model.n_vocab)))
        for row, state in zip(logits, states):
            numpy.testing.assert_array_equal(row, state.logits())
        for wrong in [], [self.model.state()]:
            with self.assertRaises(recurra.InvalidArgumentError):
                self.model.logits_batch(wrong)
        stranger = recurra.Model(SMALL).state()
        for call in lambda: self.model.logits_batch([stranger]), lambda: self.model.feed_batch([stranger], ["a"]), lambda: self.fed().copy_from(stranger):
            with self.assertRaises(recurra.InvalidArgumentError):
                call()
        with self.assertRaises(TypeError):
            self.model.logits_batch(["x"])

    def test_tokens_in_every_form(self):
        tokens = self.model.tokenize("hello there")
        want = bytes(self.fed("hello there"))
        for form in (tokens, tuple(tokens), numpy.array(tokens, numpy.int32), numpy.array(tokens), list(numpy.array(tokens)), numpy.array(tokens, numpy.uint16),
                     numpy.array(tokens, ">i4"), numpy.array(tokens[::-1])[::-1]):
            s = self.fed(form)
            self.assertEqual(bytes(s), want)
        self.assertEqual(self.model.detokenize(tokens), b"hello there")

    def test_bytes_pickle_copy(self):
        s = self.fed()
        s.set_note("title", "Grüße")
        for twin in (recurra.State.from_bytes(self.model, bytes(s)), pickle.loads(pickle.dumps(s)), copy.copy(s), copy.deepcopy(s), s.copy(),
                     recurra.State.from_bytes(self.model, memoryview(bytes(s)))):
            self.assertEqual(bytes(twin), bytes(s))
            self.assertEqual(twin.note("title"), "Grüße")
            twin.feed("more")
            self.assertNotEqual(bytes(twin), bytes(s))
        self.assertIs(copy.deepcopy(self.model), self.model)
        one, two = pickle.loads(pickle.dumps(s)), pickle.loads(pickle.dumps(s))
        self.assertIs(one.model, two.model)
        self.assertLess(len(s.to_bytes(dtype="f16")), len(bytes(s)))
        with recurra.Model(SMALL) as closed:
            t = closed.state()
            t.feed("hello")
        self.assertEqual(pickle.loads(pickle.dumps(t)).n_tokens, 5)  # its model is opened anew
        t = self.model.state()
        t.copy_from(s)
        self.assertEqual(bytes(t), bytes(s))
        t.reset()
        self.assertEqual(t.n_tokens, 0)

    def test_subclasses_and_what_they_carry(self):
        s = Named(self.model, ["dave"])
        s.feed("hello")
        for twin, shared in (s.copy(), True), (copy.deepcopy(s), False), (pickle.loads(pickle.dumps(s)), False):
            self.assertIsInstance(twin, Named)
            self.assertEqual((twin.names, twin.names is s.names, bytes(twin)), (s.names, shared, bytes(s)))
        self.assertIsInstance(copy.copy(s), Named)

    def test_notes_and_peek(self):
        s = self.fed()
        self.assertIsNone(s.note("title"))
        s.set_note("title", "Dave's")
        s.save(self.folder / "s")
        peek = recurra.peek(self.folder / "s")
        self.assertEqual((peek.n_tokens, peek.notes, peek.architecture), (s.n_tokens, {"title": "Dave's"}, "rwkv7"))
        s.set_note("title", None)
        self.assertEqual(s.note("title", "none"), "none")

    def test_info_metadata_repr(self):
        info = self.model.info
        self.assertEqual((info.n_vocab, info.architecture, info.n_layer), (272, "rwkv7", 3))
        self.assertEqual(self.model.metadata["general.architecture"], "rwkv7")
        self.assertIn("rwkv7.block_count", list(self.model.metadata))
        self.assertNotIn("nothing", self.model.metadata)
        self.assertEqual(self.fed().info.n_tokens, 5)
        self.assertIn("rwkv7", repr(self.model))
        self.assertIn("5 tokens", repr(self.fed()))

    def test_context_managers(self):
        with recurra.Model(SMALL) as model, model.state() as s:
            s.feed("a")
        self.assertTrue(model.closed and s.closed)
        self.assertIn("closed", repr(model) + repr(s))
        for call in model.state, lambda: s.feed("a"), lambda: bytes(s), s.logits:
            with self.assertRaisesRegex(recurra.InvalidArgumentError, "is closed"):
                call()
        model.close()
        for closed in model, s:
            with self.assertRaises(recurra.InvalidArgumentError):
                closed.__enter__()

    def test_paths_with_spaces_and_letters(self):
        folder = self.folder / "mit Leerzeichen ü 漢字"
        folder.mkdir()
        path = folder / "Zustand ß.state"
        s = self.fed()
        for form in path, str(path), os.fsencode(path):
            s.save(form)
            self.assertEqual(bytes(self.model.load(form)), bytes(s))
        (folder / "model ö.gguf").write_bytes(SMALL.read_bytes())
        self.assertEqual(recurra.Model(folder / "model ö.gguf").info.fingerprint, self.model.info.fingerprint)

    def test_any_bytes(self):
        s = self.model.state()
        self.assertEqual(s.feed(b"\xff\xfe\x80"), 3)
        self.assertEqual(self.model.detokenize(self.model.tokenize(b"\xff\x00\xfe")), b"\xff\x00\xfe")
        for piece in s.generate(200, temperature=3.0, seed=1):  # random weights write random bytes
            piece.encode("utf-8")
        with self.assertRaises(UnicodeEncodeError):
            s.feed("\ud800")
        with self.assertRaises(recurra.InvalidArgumentError):
            s.set_note("key", "a\0b")

    def test_progress(self):
        s, seen = self.model.state(), []
        s.feed("x" * 1000, progress=lambda done, total: seen.append((done, total)))
        self.assertEqual(seen[-1], (1000, 1000))
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            s.feed("x" * 1000, progress=True)
        self.assertIn("1.00k/1.00k", err.getvalue())


class Errors(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = recurra.Model(SMALL)

    def raises(self, kind, builtin, words, call):
        with self.assertRaisesRegex(kind, words) as caught:
            call()
        self.assertIsInstance(caught.exception, builtin)
        self.assertIsInstance(caught.exception, recurra.Error)
        self.assertNotIn("\n", str(caught.exception))

    def test_each_status(self):
        s = self.model.state()
        s.feed("hello")
        cut = self.folder / "cut.state"
        cut.write_bytes(bytes(s)[:-1])
        damaged = self.folder / "damaged.gguf"
        damaged.write_bytes(SMALL.read_bytes()[:5000])
        cancel = recurra.Cancel()
        cancel.trigger()
        self.raises(recurra.NotFoundError, FileNotFoundError, "no/such", lambda: recurra.Model("no/such/file"))
        self.raises(recurra.ModelFormatError, ValueError, "damaged.gguf", lambda: recurra.Model(damaged))
        self.raises(recurra.BackendError, RuntimeError, "abacus", lambda: recurra.Model(SMALL, backend="abacus"))
        self.raises(recurra.InvalidArgumentError, ValueError, "f64", lambda: recurra.Model(SMALL, dtype="f64"))
        self.raises(recurra.CorruptStateError, ValueError, "", lambda: self.model.load(cut))
        self.raises(recurra.CorruptStateError, ValueError, "", lambda: recurra.State.from_bytes(self.model, b"nonsense"))
        self.raises(recurra.MismatchError, ValueError, "", lambda: recurra.State.from_bytes(recurra.Model(DATA / "mamba-f16.gguf"), bytes(s)))
        self.raises(recurra.TokenError, ValueError, "272", lambda: s.feed([1, 272]))
        self.raises(recurra.TokenError, ValueError, "", lambda: s.feed([1 << 40]))
        self.raises(recurra.TokenError, ValueError, "", lambda: s.feed(numpy.array([1 << 40])))
        self.raises(recurra.TokenError, ValueError, "300", lambda: s.generate(stop_tokens=[300]))
        self.raises(recurra.CancelledError, RuntimeError, "", lambda: s.feed("x" * 500, cancel=cancel))
        self.raises(recurra.InputOutputError, OSError, "", lambda: s.save("/proc/nothing.state"))
        self.raises(recurra.InvalidArgumentError, ValueError, "", lambda: self.model.state().logits())
        self.raises(recurra.InvalidArgumentError, ValueError, "no tokens", lambda: s.feed(""))
        self.raises(recurra.InvalidArgumentError, ValueError, "temperature", lambda: s.generate(temperature=-1))
        self.raises(recurra.InvalidArgumentError, ValueError, "empty", lambda: s.generate(stop=""))
        self.raises(recurra.InvalidArgumentError, ValueError, "f8", lambda: s.to_bytes(dtype="f8"))
        self.raises(recurra.InvalidArgumentError, ValueError, "2 states", lambda: self.model.feed_batch([s, s.copy()], ["a"]))
        self.raises(recurra.InvalidArgumentError, ValueError, "", lambda: self.model.feed_batch([s, s], ["a", "b"]))
        self.assertEqual(recurra.NotFoundError.status, -4)
        self.assertTrue(all(issubclass(getattr(recurra, name), recurra.Error) for name in recurra.__all__ if name.endswith("Error")))

    def test_wrong_types(self):
        s = self.model.state()
        s.feed("hello")
        before = bytes(s)
        for call in (lambda: s.feed(3.5), lambda: s.feed(None), lambda: s.feed([1.5]), lambda: s.feed(["a"]), lambda: s.feed(numpy.zeros(3)),
                     lambda: s.feed(numpy.zeros((2, 2), numpy.int32)), lambda: s.feed({1: 2}), lambda: recurra.Model(7.5), lambda: recurra.Model(SMALL, threads="2"),
                     lambda: s.generate(stop=3), lambda: s.generate("ten"), lambda: s.generate(temperature="hot"), lambda: s.save(3.5),
                     lambda: s.feed("a", progress=3), lambda: s.feed("a", cancel="now"), lambda: recurra.State.from_bytes(self.model, "text"),
                     lambda: s.copy_from("state"), lambda: self.model.feed_batch(["x"], ["a"]), lambda: recurra.set_log(3),
                     lambda: self.model.tokenize(5), lambda: self.model.detokenize("ab"), lambda: s.set_note("a", 5), lambda: s.set_note(None, "a"),
                     lambda: recurra.State("x"), lambda: recurra.State.from_bytes(None, b""), lambda: recurra.Model(SMALL, threads=True),
                     lambda: recurra.Model(SMALL, backend=None), lambda: s.generate(stop=None), lambda: s.generate(stop_tokens=["a"]),
                     lambda: s.generate(seed=None), lambda: s.generate(top_k=1.5), lambda: s.generate(temperature=None), lambda: s.note(5),
                     lambda: s.save(self.folder / "x", dtype=None), lambda: s.memory("a"), lambda: s.memory(0, 1.5), lambda: s.set_memory(0, "a"),
                     lambda: s.set_memory(0, s.memory(0) * 1j), lambda: self.model.feed_batch([s], "a"), lambda: self.model.feed_batch([s], [None]),
                     lambda: self.model.detokenize(None), lambda: recurra.set_log(5), lambda: pickle.dumps(s.generate()), lambda: copy.copy(s.generate())):
            with self.assertRaises(TypeError) as caught:
                call()
            self.assertNotRegex(str(caught.exception), "in method|Swig|std::|object has no attribute")  # our words, not a generator's
        self.assertEqual(bytes(s), before)

    def test_wrong_values(self):
        s = self.model.state()
        s.feed("hello")
        s.set_note("key", "value")
        before = bytes(s)
        for call in (lambda: s.generate(top_k=1 << 40), lambda: s.generate(top_k=-1), lambda: s.generate(repeat_last_n=1 << 40), lambda: s.generate(seed=-1),
                     lambda: s.generate(1 << 64), lambda: s.generate(temperature=1e300), lambda: s.generate(temperature=float("nan")), lambda: s.score(""),
                     lambda: s.memory(-1), lambda: s.memory(1 << 80), lambda: s.note("key\0"), lambda: s.to_bytes(dtype="f32\0"), lambda: recurra.Model(SMALL, threads=1 << 40)):
            with self.assertRaises(recurra.InvalidArgumentError) as caught:
                call()
            self.assertNotIn("NULL", str(caught.exception))
        with self.assertRaises(recurra.TokenError):
            s.generate(stop_tokens=[1 << 40])
        for key in 5, None, "a\0b", "\ud800":
            with self.assertRaises(KeyError):
                self.model.metadata[key]
        self.assertEqual(bytes(s), before)

    def test_numbers_of_numpy(self):
        model = recurra.Model(SMALL, threads=numpy.int64(1))
        s = model.state(rewind=numpy.int32(9))
        s.feed("hello")
        options = {"temperature": numpy.float32(0.5), "top_k": numpy.int64(5), "seed": numpy.uint8(3), "stop_tokens": numpy.array([7])}
        want = s.copy().generate_text(10, temperature=0.5, top_k=5, seed=3, stop_tokens=[7])
        self.assertEqual(s.generate_text(numpy.int16(10), **options), want)
        s.rewind(numpy.int8(1))
        self.assertEqual(s.memory(numpy.int64(1), numpy.int64(0)).shape, (32, 32))

    def test_exceptions_in_callbacks_surface_where_it_was_called(self):
        class Mine(Exception):
            pass

        def bad(*_):
            raise Mine("here")

        s = self.model.state()
        with self.assertRaisesRegex(Mine, "here"):
            s.feed("x" * 5000, progress=bad)
        self.assertLess(s.n_tokens, 5000)
        n = s.n_tokens
        with self.assertRaisesRegex(Mine, "here"):
            s.generate_text(on_text=bad)
        self.assertLess(s.n_tokens, n + 50)
        with self.assertRaisesRegex(Mine, "here"):
            recurra.Model(SMALL, progress=bad)
        with self.assertRaisesRegex(Mine, "here"):
            self.model.feed_batch([s, s.copy()], ["x" * 1000, "y" * 1000], progress=bad)
        with self.assertRaises(recurra.CancelledError):
            s.feed("x" * 5000, progress=lambda done, total: False)
        with self.assertRaises(recurra.BusyError):
            s.feed("x" * 5000, progress=lambda *_: s.feed("y"))
        s.feed("and on")
        self.assertEqual(bytes(recurra.State.from_bytes(self.model, bytes(s))), bytes(s))

    def test_callbacks_are_freed(self):
        import weakref

        class Function:
            def __call__(self, *_):
                pass

        s, function = self.model.state(), Function()
        gone = weakref.ref(function)
        s.feed("x" * 200, progress=function)
        s.generate_text(5, on_text=function)
        recurra.set_log(function)
        recurra.set_log(None)
        del function
        gc.collect()
        self.assertIsNone(gone())

    def test_log(self):
        # A folder whose end-of-text token is none: the library says so, and goes on.
        shapes = {"model.embed_tokens": (16, 16), "model.norm": (16,), "model.layers.0.input_layernorm": (16,),
                  "model.layers.0.post_attention_layernorm": (16,)}
        shapes.update({f"model.layers.0.self_attn.{c}_proj": (16, 16) for c in "qkvo"})
        shapes.update({f"model.layers.0.mlp.{c}_proj": (16, 16) for c in ("gate", "up", "down")})
        header, end = {}, 0
        for name, shape in shapes.items():
            begin, end = end, end + 4 * int(numpy.prod(shape))
            header[name + ".weight"] = {"dtype": "F32", "shape": shape, "data_offsets": (begin, end)}
        text = json.dumps(header).encode()
        (self.folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
        (self.folder / "config.json").write_text(json.dumps({
            "model_type": "llama", "vocab_size": 16, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
            "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "tie_word_embeddings": True, "hidden_act": "silu", "eos_token_id": 99}))
        done = run("""
            import recurra, sys
            lines = []
            recurra.set_log(lambda level, message: lines.append((level, message)))
            recurra.Model(sys.argv[1])
            assert len(lines) == 1 and lines[0][0] == "warning" and "99, which is no token" in lines[0][1], lines
            def bad(level, message):
                raise KeyError("from the log")
            recurra.set_log(bad, "debug")
            try:
                recurra.Model(sys.argv[1])
            except KeyError as error:
                print(error)
            recurra.set_log(lambda *_: None)  # stays set at the end
        """, self.folder, text=True)
        self.assertEqual((done.stdout, done.stderr), ("'from the log'\n", ""))
        with self.assertRaises(recurra.InvalidArgumentError):
            recurra.set_log(None, "loud")


if __name__ == "__main__":
    unittest.main(verbosity=2)
