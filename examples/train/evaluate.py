"""Exact recall at a distance, over seeds that training never uses.

    python3 evaluate.py weights.pt [--tokens 1000 16000 100000 1000000] [--rows 128 128 64 16] [--device cuda]

Each row is a conversation: 8 facts are told (also of other people, several in a sentence, with typos), 2 of them are
changed, small talk follows until N tokens are read, and then every fact and 4 things that were never told are asked
for, each on a copy of the state. An answer counts if greedy decoding gives exactly the expected sentence.
"""
import argparse
import json
import multiprocessing as mp
import random

import conversation as c
import facts as f
import small_talk
from pieces import Pieces

TOLD, CHANGED, UNKNOWN = 8, 2, 4
_pieces = None


def row(job):
    """(tokens [n], [(kind, prompt tokens, answer tokens)]) of one conversation."""
    seed, n = job
    r = random.Random(f"evaluation/{seed}")
    talk = c.Conversation(r, c.Style(length=10 ** 9, most=TOLD, others=.2, plain=.2, sloppy=.1))
    encode = lambda m, a: sum((_pieces.encode(x) for x in c.render(m, a)), [])
    told, at = [], 0
    while len(talk.facts) < TOLD or len(talk.changed) < CHANGED:
        if len(talk.facts) < TOLD: m, a, _ = talk.tell(at)
        else:
            key = r.choice([k for k in talk.facts if k not in talk.changed])
            old, value = talk.facts[key], f.draw_value(r, key)
            if value.lower() == old.lower(): continue
            m = c.sentence(r.choice(("Actually, ", "", "Correction: ", "")) + c.lower_first(f.say(r, key, value, old)))
            a = c.sentence("Got it: " + f.answer(key, value) + " now")
            talk.facts[key] = value
            talk.changed.add(key)
        told += encode(m, a)
    filler = []
    while len(filler) < n - len(told): filler += encode(*small_talk.exchange(r))
    tokens = (told + filler[len(filler) - (n - len(told)):])[:n] if n > len(told) else told[:n]
    ask = []
    for key in list(talk.facts) + [talk.unknown(r) for _ in range(UNKNOWN)]:
        kind = "not told" if key not in talk.facts else "changed" if key in talk.changed else "told"
        q, a = c.render(talk.finish(talk.phrase(key), (key[2], key[1])), talk.reply_to([key]))
        ask.append((kind, _pieces.encode(q), _pieces.encode(a)))
    return tokens, ask


def recall(model, pieces, n, rows, seed=0, device="cuda", T=1024, samples=None):
    """{kind: [asked, exactly right]} at n tokens."""
    global _pieces
    import torch
    _pieces = pieces
    n = max(T, n // T * T)
    with mp.get_context("fork").Pool(16 if device == "cuda" else 2) as pool: data = pool.map(row, [(f"{seed}/{n}/{i}", n) for i in range(rows)])
    out = {}
    with torch.no_grad():
        X = torch.tensor([d[0] for d in data], dtype=torch.int32)
        state = model.state(rows)
        for p in range(0, n, T): _, state = model.body(X[:, p:p + T].to(device), state)
        todo = [(i, *q) for i, d in enumerate(data) for q in d[1]]
        for s in range(0, len(todo), 512):
            part = todo[s:s + 512]
            width = -(-max(len(q) + len(a) for _, _, q, a in part) // 16) * 16
            ids = torch.tensor([(q + a + [0] * width)[:width] for _, _, q, a in part], device=device)
            index = torch.tensor([x[0] for x in part], device=device)
            logits, _ = model(ids, tuple(t[:, index] for t in state))
            best = logits.argmax(-1).tolist()
            for (i, kind, q, a), guess in zip(part, best):
                got = guess[len(q) - 1:len(q) + len(a) - 1]
                cell = out.setdefault(kind, [0, 0])
                cell[0] += 1
                cell[1] += got == a
                if samples is not None and got != a: samples.append((kind, pieces.decode(q), pieces.decode(a), pieces.decode(got)))
    return out


def main():
    import torch
    import model as m
    p = argparse.ArgumentParser()
    p.add_argument("weights")
    p.add_argument("--tokens", type=int, nargs="*", default=[1024, 16384, 102400, 1024000])
    p.add_argument("--rows", type=int, nargs="*", default=[128, 128, 64, 16])
    p.add_argument("--device", default="cuda")
    p.add_argument("--seed", default="0")
    p.add_argument("--wrong", type=int, default=12)
    p.add_argument("--out")
    o = p.parse_args()
    net, texts = m.load(o.weights)
    if o.device == "cuda": net.on_gpu(compiled=False)
    pieces, scores = Pieces(texts), {}
    for n, rows in zip(o.tokens, o.rows):
        samples = []
        scores[n] = recall(net, pieces, n, rows, o.seed, o.device, samples=samples)
        print(n, {k: f"{100 * b / a:.1f}% of {a}" for k, (a, b) in sorted(scores[n].items())}, flush=True)
        for s in samples[:o.wrong]: print("   ", *map(repr, s), flush=True)
    if o.out: json.dump(scores, open(o.out, "w"), indent=1)


if __name__ == "__main__": main()
