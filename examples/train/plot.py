"""Curves of the runs kept in run/: python3 plot.py OUT.png"""
import csv
import json
import os
import sys

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
start = 0
RUNS = ("long", "calm", "own_words", "more")
for name in RUNS:
    rows = [r for r in csv.DictReader(open(os.path.join(here, name + ".csv"))) if float(r["loss"]) > 0]
    steps = [start + int(r["step"]) for r in rows]
    left.semilogy(steps, [max(float(r["answer_loss"]), 1e-4) for r in rows], "C0", lw=.8, label="answers" if not start else None)
    left.semilogy(steps, [float(r["reply_loss"]) for r in rows], "C1", lw=.8, label="all replies" if not start else None)
    tables = [json.loads(l) for l in open(os.path.join(here, name + "_recall.jsonl"))]
    group = 1 if name == "long" else 2
    for b, label in ((1, "64 to 256 tokens"), (3, "1k to 4k"), (4, "4k to 16k"), (5, "16k to 65k"), (6, "65k to 262k")):
        points = []
        for i in range(0, len(tables), group * 2):
            n, ok = (sum(t["told"][b][j] + t["changed"][b][j] for t in tables[i:i + group * 2]) for j in (0, 1))
            if n >= 12: points.append((start + tables[min(i + group, len(tables) - 1)]["step"], 100 * ok / n))
        if points: right.plot(*zip(*points), f"C{b}", lw=1, label=label if not start else None)
    start = steps[-1]
    if name != RUNS[-1]:
        for axis in (left, right): axis.axvline(start, color="grey", lw=.5, ls=":")
left.set(xlabel="steps of 65,536 tokens", ylabel="nats a token", title="loss")
right.set(xlabel="steps of 65,536 tokens", ylabel="exact answers, %", title="recall by distance, in the training stream", ylim=(0, 101))
left.legend(); right.legend(loc="lower right")
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=80)
