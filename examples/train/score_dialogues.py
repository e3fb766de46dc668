"""Scores a model on the dialogues written by hand, through the recurra program.

    python3 score_dialogues.py RECURRA [-m MODEL.gguf] [--dialogues ../../tests/data/dialogues.jsonl] [--wrong] [--json]

Each dialogue is a fresh `recurra chat`: its turns, then the question. The last reply is right if it holds one of
`accept` (in any case) and none of `reject`.
"""
import argparse
import json
import os
import subprocess

p = argparse.ArgumentParser()
p.add_argument("recurra")
p.add_argument("-m", "--model")
p.add_argument("--dialogues", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/data/dialogues.jsonl"))
p.add_argument("--wrong", action="store_true", help="print what went wrong")
p.add_argument("--json", action="store_true")
p.add_argument("--option", action="append", default=[], help="given to recurra chat")
o = p.parse_args()
score, wrong = {}, []
for line in open(o.dialogues, encoding="utf-8"):
    d = json.loads(line)
    command = [o.recurra, "chat"] + (["-m", o.model] if o.model else []) + o.option
    out = subprocess.run(command, input="\n".join(d["turns"] + [d["ask"]]) + "\n", capture_output=True, text=True, check=True).stdout
    replies = out.split("\n")[:len(d["turns"]) + 1]
    reply = replies[-1].lower()
    ok = any(a.lower() in reply for a in d["accept"]) and not any(x.lower() in reply for x in d.get("reject", []))
    cell = score.setdefault(d["kind"], [0, 0])
    cell[0] += ok
    cell[1] += 1
    if not ok: wrong.append((d, replies))
right, asked = sum(a for a, _ in score.values()), sum(b for _, b in score.values())
if o.json: print(json.dumps({"right": right, "asked": asked, "kinds": score, "wrong": [d["id"] for d, _ in wrong]}))
else:
    for k, (a, b) in score.items(): print(f"{k:14} {a:3} of {b}")
    print(f"{'all':14} {right:3} of {asked}: {100 * right / asked:.1f}%")
if o.wrong:
    for d, replies in wrong:
        print("\n" + d["id"])
        for m, r in zip(d["turns"] + [d["ask"]], replies): print("   ", m, "->", r)
