"""How the Python package lives with its process: objects that go in any order, threads, forks, Ctrl-C, memory, overhead. Run by python_test.sh."""
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

import recurra
from python_support import DATA, SMALL, Case, resident, run


class Life(Case):
    def test_dropped_in_any_order_from_any_thread(self):
        model = recurra.Model(SMALL)
        s = model.state()
        s.feed("hello")
        generation = s.generate(20)
        next(generation)
        want = s.copy()
        model.close()
        del model
        gc.collect()
        self.assertEqual("".join(want.generate(3)), "".join(s.copy().generate(3)))
        s.feed("more")
        s.close()
        list(generation)  # keeps what it needs
        box = [want.copy() for _ in range(20)]
        threads = [threading.Thread(target=box.pop) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        child = run("""
            import recurra, sys
            model = recurra.Model(sys.argv[1]); s = model.state(); s.feed("a"); g = s.generate(); next(g)
            del model
            recurra.Model(sys.argv[1]).state().feed("a")
        """, SMALL)
        self.assertEqual((child.returncode, child.stderr), (0, b""))

    def test_closing_a_state_that_another_thread_feeds(self):
        model = recurra.Model()
        s, started = model.state(), threading.Event()
        errors = []

        def feed():
            try:
                s.feed("x " * 3000, progress=lambda *_: started.set())
            except Exception as error:
                errors.append(error)
        thread = threading.Thread(target=feed)
        thread.start()
        started.wait(20)
        s.close()
        thread.join()
        self.assertEqual(errors, [])

    def test_10000_rounds_grow_memory_by_less_than_1_MB(self):
        model, path = recurra.Model(SMALL), self.folder / "round.state"

        def rounds(n):
            for _ in range(n):
                s = model.state()
                s.feed("hi", progress=lambda *_: None)
                bytes(s)
                if _ % 50 == 0:  # a durable save waits for the disk
                    s.save(path)
        rounds(1000)
        gc.collect()
        before = resident()
        rounds(10000)
        gc.collect()
        grown = resident() - before
        print(f"10,000 rounds of create, feed, save, free: {grown / 1e6:+.3f} MB")
        self.assertLess(grown, 1e6)

    def test_fork(self):
        model = recurra.Model(SMALL, threads=2)
        s = model.state()
        s.feed("x" * 500)
        want = s.copy()
        want.feed("y" * 500)
        child = os.fork()
        if child == 0:
            try:
                s.feed("y" * 500)
                os._exit(0 if bytes(s) == bytes(want) and "".join(s.generate(5)) is not None else 1)
            finally:
                os._exit(2)
        for _ in range(600):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.1)
        else:
            os.kill(child, signal.SIGKILL)
            self.fail("the child hangs")
        self.assertEqual(status, 0)
        s.feed("y" * 500)
        self.assertEqual(bytes(s), bytes(want))

    def test_8_threads(self):
        model = recurra.Model(SMALL, threads=2)
        shared = model.state()
        shared.feed("hello")
        want, results = shared.query("what?", 20), []

        def work():
            s = model.state()
            s.feed("hello", progress=lambda *_: None)
            for _ in range(5):
                results.append(s.query("what?", 20) == want == shared.query("what?", 20))
                s.logits()
        threads = [threading.Thread(target=work, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertFalse(any(thread.is_alive() for thread in threads))
        self.assertEqual(results, [True] * 40)

    def test_the_interpreter_runs_on_meanwhile(self):
        model = recurra.Model()
        tokens = model.tokenize("The quick brown fox. " * 1000)
        turns, thread = 0, threading.Thread(target=lambda: model.state().feed(tokens))
        thread.start()
        while thread.is_alive():
            turns += 1
            time.sleep(0.001)
        self.assertGreater(turns, 10)

    def test_each_call_that_computes_releases_the_lock(self):
        # Python would take the lock away after 1,000 s: another thread has run only if the call has let go of it. A short call may
        # have it back before that thread wakes, so each is made until it has.
        model, path = recurra.Model(SMALL), self.folder / "x.state"
        s, t = model.state(rewind=5), model.state()
        s.feed("hello")
        t.feed("hello")
        s.save(path)
        data, logits, generation = bytes(s), s.memory(0), s.copy().generate_tokens(1 << 30, temperature=2.0)
        calls = {"open": lambda: recurra.Model(SMALL), "feed": lambda: t.feed("a"), "batch": lambda: model.feed_batch([t], ["a"]),
                 "step": lambda: next(generation), "text": lambda: t.generate_text(5), "query": lambda: s.query("a", 5), "score": lambda: s.score("a"),
                 "logits": s.logits, "logits_batch": lambda: model.logits_batch([s]), "hidden": s.hidden, "memory": lambda: s.memory(0),
                 "set_memory": lambda: t.set_memory(0, logits), "copy": s.copy, "copy_from": lambda: t.copy_from(s), "rewind": lambda: s.copy().rewind(1),
                 "reset": lambda: model.state().reset(), "save": lambda: s.save(path), "load": lambda: model.load(path), "bytes": lambda: bytes(s),
                 "from_bytes": lambda: recurra.State.from_bytes(model, data), "peek": lambda: recurra.peek(path), "tokenize": lambda: model.tokenize("a" * 999),
                 "detokenize": lambda: model.detokenize([1] * 999)}
        turns, go_on = [0], [True]

        def other():
            while go_on[0]:
                turns[0] += 1
                time.sleep(0)
        thread, interval = threading.Thread(target=other), sys.getswitchinterval()
        sys.setswitchinterval(1000)
        try:
            thread.start()
            for name, call in calls.items():
                for _ in range(3000):
                    before = turns[0]
                    call()
                    if turns[0] > before:
                        break
                else:
                    self.fail(f"{name} holds the lock")
        finally:
            go_on[0] = False
            sys.setswitchinterval(interval)
            thread.join()

    def test_the_interpreter_ends_while_threads_are_in_calls(self):
        for mode in "feed", "callback", "text", "step", "short", "open", "asleep", "fork":
            with self.subTest(mode):
                child = run("""
                    import os, recurra, sys, threading, time
                    path, mode = sys.argv[1:]
                    model = recurra.Model()
                    states = [model.state() for _ in range(3)]
                    def work(s):
                        s.feed([5])
                        if mode == "feed": s.feed([5] * 2_000_000)
                        elif mode == "callback": s.feed([5] * 2_000_000, progress=lambda *_: None)
                        elif mode == "text": s.generate_text(1 << 40, temperature=2.0, on_text=lambda _: None)
                        elif mode == "step": sum(1 for _ in s.generate_tokens(1 << 40, temperature=2.0))
                        elif mode == "asleep": s.feed([5] * 2_000_000, progress=lambda *_: time.sleep(0.3))
                        while True:
                            recurra.Model(path) if mode == "open" else s.feed([5])
                    for s in states:
                        threading.Thread(target=work, args=[s], daemon=True).start()
                    time.sleep(0.1)
                    if mode == "fork":
                        child = os.fork()
                        if child == 0:
                            model.state().feed("hello")
                            sys.exit(0)  # as an interpreter of its own
                        assert os.waitpid(child, 0)[1] == 0
                    print("end", flush=True)
                """, SMALL, mode, text=True)
                self.assertEqual((child.returncode, child.stdout.splitlines()[-1], child.stderr), (0, "end", ""))

    def test_two_threads_on_one_state(self):
        s, errors = recurra.Model().state(), []

        def feed():
            try:
                s.feed("x " * 1000)
            except recurra.BusyError:
                errors.append("busy")
        threads = [threading.Thread(target=feed) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        once = len(s.model.tokenize("x " * 1000))
        self.assertEqual(s.n_tokens, once * (4 - len(errors)))

    def test_a_cancelled_task_leaves_the_state_free(self):
        import asyncio
        s = recurra.Model().state()
        s.feed("User: Hi.\n\nAssistant:")

        async def main():
            generation = s.generate(1_000_000, temperature=1.2)

            async def loop():
                async for _ in generation:
                    pass
            task = asyncio.create_task(loop())
            await asyncio.sleep(0.05)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            return generation
        generation = asyncio.run(main())  # waits for the step that was under way
        self.assertTrue(next(generation))
        s.feed("and on")

    def test_cancel_from_another_thread(self):
        s, cancel = recurra.Model().state(), recurra.Cancel()
        threading.Timer(0.1, cancel.trigger).start()
        with self.assertRaises(recurra.CancelledError):
            s.feed([5] * 2_000_000, cancel=cancel)
        cancel.reset()
        s.feed("and on", cancel=cancel)


class Interrupt(Case):
    """Ctrl-C is a SIGINT to a process of its own, whose calls are in its main thread."""

    PROGRAM = """
        import os, recurra, signal, sys, threading, time
        mode = sys.argv[1]
        model = recurra.Model()
        s = model.state()
        s.feed("User: My name is Dave.\\n\\nAssistant: Noted.\\n\\n")
        tokens = [5] * 2_000_000
        sent = []
        def send():
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.3, send).start()
        try:
            if mode == "feed":
                s.feed(tokens)
            elif mode == "batch":
                model.feed_batch([s, s.copy()], [tokens, tokens])
            elif mode == "score":
                s.score(tokens)
            elif mode == "query":
                s.query(tokens)
            elif mode == "text":
                s.generate_text(1_000_000_000, temperature=1.5, seed=3)
            elif mode == "generate":
                for _ in s.generate(1_000_000_000, temperature=1.5, seed=3): pass
        except KeyboardInterrupt:
            late = time.perf_counter() - sent[0]
        t = recurra.State.from_bytes(model, bytes(s))  # valid
        assert bytes(t) == bytes(s)
        s.feed("and on")
        print(late)
    """

    def test_keyboard_interrupt_within_200_ms(self):
        for mode in "feed", "batch", "score", "query", "text", "generate":
            with self.subTest(mode):
                done = run(self.PROGRAM, mode, text=True)
                self.assertEqual(done.stderr, "")
                print(f"Ctrl-C in {mode}: KeyboardInterrupt after {float(done.stdout) * 1e3:.0f} ms")
                self.assertLess(float(done.stdout), 0.2)

    def test_at_any_moment(self):
        # Also while the arguments are read, and as the call begins: a signal that got lost there would let the feed run to its end.
        done = run("""
            import os, recurra, signal, sys, threading, time
            model = recurra.Model(sys.argv[1])
            tokens = [5] * 2_000_000
            late = []
            for moment in range(40):
                s = model.state()
                def send():
                    late.append(-time.perf_counter())
                    os.kill(os.getpid(), signal.SIGINT)
                try:
                    threading.Timer(moment * 0.002, send).start()
                    s.feed(tokens)
                except KeyboardInterrupt:
                    late[-1] += time.perf_counter()
            print(max(late), min(late), len(late))
        """, SMALL, text=True)
        self.assertEqual(done.stderr, "")
        worst, least, n = done.stdout.split()
        self.assertEqual(int(n), 40)
        self.assertGreater(float(least), 0)
        self.assertLess(float(worst), 0.2)

    def test_a_handler_that_raises_nothing_lets_it_go_on(self):
        done = run("""
            import os, recurra, signal, threading
            came = []
            signal.signal(signal.SIGINT, lambda *_: came.append(1))
            model = recurra.Model()
            tokens = [5 + i % 50 for i in range(8_000)]
            want = model.state()
            want.feed(tokens)
            handler = signal.getsignal(signal.SIGINT)
            s, t, u, v = (model.state() for _ in range(4))
            def send_some():
                for delay in 0.05, 0.1, 0.2, 0.4:
                    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
            send_some()
            s.feed(tokens, progress=lambda done, total: None)
            before = len(came)
            send_some()
            model.feed_batch([v, t, u], [tokens[:1], tokens, tokens[:4000]])  # v is done before the first one comes
            assert bytes(s) == bytes(want) and bytes(t) == bytes(want)
            assert (u.n_tokens, v.n_tokens) == (4000, 1) and signal.getsignal(signal.SIGINT) is handler
            print(min(before, len(came) - before))
        """, text=True)
        self.assertEqual(done.stderr, "")
        self.assertGreaterEqual(int(done.stdout), 1)


class Overhead(Case):
    def test_a_token_step_costs_less_than_20_us(self):
        # The same calls from C (steps.c) and from Python, CPU time, the best of several rounds, in turns: other work on
        # the machine meets both.
        path, n = DATA / "mamba-f16.gguf", 2000
        model = recurra.Model(path, threads=1)
        tokens = [[5 + i % 50] for i in range(n)]

        def feed(s):
            for token in tokens:
                s.feed(token)

        def generate(s):
            self.assertEqual(sum(1 for _ in s.generate_tokens(n)), n)

        def best(work):
            least = float("inf")
            for _ in range(5):
                s = model.state()
                s.feed([5])
                start = time.process_time()
                work(s)
                least = min(least, time.process_time() - start)
            return least / n * 1e6

        c, python = {}, {}
        for _ in range(3):
            turn = json.loads(subprocess.run([os.environ["RECURRA_STEPS"], path, str(n)], capture_output=True, check=True).stdout)
            for name, work in ("feed", feed), ("generate", generate):
                c[name] = min(c.get(name, 1e9), turn[name])
                python[name] = min(python.get(name, 1e9), best(work))
        for name in c:
            print(f"{name}, one token: C {c[name]:.1f} us, Python {python[name]:.1f} us, calling overhead {python[name] - c[name]:.1f} us")
            self.assertLess(python[name] - c[name], 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
