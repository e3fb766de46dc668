#!/usr/bin/env python3
"""recurra beside llama.cpp: the same files, threads and minutes, in alternating runs; prints medians and ratios.

    compare.py LLAMA_BENCH MODEL... [--recurra build/release/bin/recurra] [--threads 1,2] [--pairs 5] [-p 512] [-n 64] [--json]

LLAMA_BENCH is llama.cpp's llama-bench. A pair is one run of each program, every second pair in the other order; a run
is the program's own mean over its repeats (one of each). The ratio is the median of the pairs' ratios, so that what
else the machine does meets both. "of limit" is what `recurra bench` says: for decode the bytes of weights and state
that a token needs, for prefill the products' operations, over what the machine gave in the same run.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def ours(options, model, threads):
    found = run([options.recurra, "bench", "-m", model, "-p", str(options.n_prompt), "-n", str(options.n_gen), "-r", "1",
                 "-t", str(threads), "--json"])
    return {r["test"]: (r["tok_s"], r["fraction_of_limit"]) for r in found["results"]}


def theirs(options, model, threads):
    found = run([options.llama_bench, "-m", model, "-p", str(options.n_prompt), "-n", str(options.n_gen), "-r", "1",
                 "-t", str(threads), "-ngl", "0", "-o", "json"])
    return {("pp" if r["n_gen"] == 0 else "tg") + str(r["n_gen"] or r["n_prompt"]): r["avg_ts"] for r in found}


def compare(options, model, threads):
    """Per test: both programs' tok/s of every pair, and our fraction of the machine's limit."""
    pairs = {}
    for i in range(options.pairs):
        print(f"\r{os.path.basename(model)}, {threads} threads: pair {i + 1} of {options.pairs} ", end="", file=sys.stderr)
        calls = [ours, theirs] if i % 2 == 0 else [theirs, ours]
        both = {call: call(options, model, threads) for call in calls}
        for test, (speed, fraction) in both[ours].items():
            pairs.setdefault(test, []).append((speed, both[theirs][test], fraction))
    print(file=sys.stderr)
    return pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("llama_bench")
    parser.add_argument("models", nargs="+")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--recurra", default=os.path.join(here, "../../build/release/bin/recurra"))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("-p", "--n-prompt", type=int, default=512)
    parser.add_argument("-n", "--n-gen", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    everything = []
    for model in options.models:
        for threads in [int(t) for t in options.threads.split(",")]:
            for test, pairs in compare(options, model, threads).items():
                median = lambda values: statistics.median(list(values))  # noqa: E731
                everything.append({"model": os.path.basename(model), "threads": threads, "test": test,
                                   "recurra": median(p[0] for p in pairs), "llama.cpp": median(p[1] for p in pairs),
                                   "ratio": median(p[0] / p[1] for p in pairs),
                                   "fraction_of_limit": median(p[2] for p in pairs), "pairs": pairs})
    if options.json:
        print(json.dumps(everything, indent=1))
        return
    print("| model | threads | test | recurra tok/s | llama.cpp tok/s | ratio | of limit |\n|---|---|---|---|---|---|---|")
    for r in everything:
        print(f"| {r['model']} | {r['threads']} | {r['test']} | {r['recurra']:.1f} | {r['llama.cpp']:.1f} | {r['ratio']:.2f} | "
              f"{100 * r['fraction_of_limit']:.0f}% |")


main()
