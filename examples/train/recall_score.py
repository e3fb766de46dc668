"""Exact recall of a GGUF file or a folder of export_rivals.py at a distance, computed by librecurra on the CPU.

    python3 recall_score.py librecurra.so MODEL --tokens 1024 16384 102400 --rows 64 32 16 [--threads N] [--json FILE]

The conversations are evaluate.py's: seeds that training never uses, 8 facts told, 2 of them changed, small talk until N
tokens are read, then every fact and 4 things never told are asked for, each on a copy of the state. An answer counts
if the best token is the expected one at each of its places, which is when greedy decoding writes exactly it.
"""
import argparse
import ctypes as ct
import json
import math
import os
import time

import numpy as np

import evaluate
from pieces import Pieces


class FeedOptions(ct.Structure):
    _fields_ = [("struct_size", ct.c_uint32), ("step", ct.c_uint32), ("progress", ct.c_void_p), ("user", ct.c_void_p), ("cancel", ct.c_void_p),
                ("n_done", ct.c_void_p), ("logits", ct.c_void_p), ("logprobs", ct.c_void_p)]


class Library:
    def __init__(self, path, model, threads):
        self.l = ct.CDLL(path)
        self.l.recurra_last_error.restype = ct.c_char_p
        self.model = ct.c_void_p()
        self.call("model_open", ct.byref(self.model), model.encode(), None)

    def call(self, name, *args):
        if getattr(self.l, "recurra_" + name)(*args): raise RuntimeError(self.l.recurra_last_error().decode())

    def state(self):
        s = ct.c_void_p()
        self.call("state_create", ct.byref(s), self.model, None)
        return s

    def feed(self, state, tokens, logits=None):
        o = FeedOptions()
        self.call("feed_options_init", ct.byref(o), ct.c_size_t(ct.sizeof(o)))
        if logits is not None: o.logits = logits.ctypes.data
        tokens = np.ascontiguousarray(tokens, np.int32)
        self.call("feed", state, ct.c_void_p(tokens.ctypes.data), ct.c_size_t(len(tokens)), ct.byref(o))


def interval(right, asked, z=1.96):
    """95% interval of a share (Wilson); z standard deviations."""
    p = right / asked
    m, h = p + z * z / (2 * asked), z * math.sqrt(p * (1 - p) / asked + z * z / (4 * asked * asked))
    return (m - h) / (1 + z * z / asked), (m + h) / (1 + z * z / asked)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("library")
    p.add_argument("model")
    p.add_argument("--tokens", type=int, nargs="*", default=[1024, 16384, 102400])
    p.add_argument("--rows", type=int, nargs="*", default=[64, 32, 16])
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--seed", default="1")
    p.add_argument("--json")
    p.add_argument("--wrong", type=int, default=4)
    o = p.parse_args()
    pieces = evaluate._pieces = Pieces(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pieces.json"))
    lib, scores = Library(o.library, o.model, o.threads), {}
    scratch = lib.state()
    for n, rows in zip(o.tokens, o.rows):
        cells, wrong, start = {}, [], time.time()
        for i in range(rows):
            tokens, ask = evaluate.row((f"{o.seed}/{n}/{i}", n))
            state = lib.state()
            lib.feed(state, tokens)
            for kind, q, a in ask:
                lib.call("state_copy", scratch, state)
                logits = np.empty((len(q) + len(a), len(pieces)), np.float32)
                lib.feed(scratch, q + a, logits)
                got = logits.argmax(1)[len(q) - 1:-1].tolist()
                cell = cells.setdefault(kind, [0, 0])
                cell[0] += 1
                cell[1] += got == a
                if got != a: wrong.append((kind, pieces.decode(q), pieces.decode(a), pieces.decode(got)))
            lib.l.recurra_state_free(state)
        scores[n] = cells
        show = {}
        for k, (asked, right) in sorted(cells.items()):
            low, high = interval(right, asked)
            show[k] = f"{right} of {asked} = {100 * right / asked:.1f}% ({100 * low:.0f} to {100 * high:.0f})"
        print(n, "tokens,", rows, "conversations:", show, f"{time.time() - start:.0f} s", flush=True)
        for x in wrong[:o.wrong]: print("   ", *map(repr, x), flush=True)
    if o.json: json.dump(scores, open(o.json, "w"), indent=1)


if __name__ == "__main__": main()
