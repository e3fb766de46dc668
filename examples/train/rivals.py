"""Trains mixers of one size side by side: in each step all read the same batch, and each goes on from its own state.

    python3 rivals.py rivals.json --out RUN [--only deltanet ...] [--set seconds=600 batch=8 ...] [--device cpu]

The batches are train.py's. Learning rate and length of the conversations follow the clock, and end with `seconds`, which begin when all
models have made their first step; with `steps` they follow the steps, and several processes, one a GPU with its own --only, train all
models on the same batches. RUN gets MODEL.pt (float16), log.csv, recall.jsonl and
checkpoint.pt, from which a run that was cut goes on when it is started again. A step that is not finite is left out, for the model
that it befell, and that model's state begins anew.
"""
import argparse
import json
import math
import multiprocessing as mp
import os
import shutil
import time

import conversation as c
import train
from pieces import Pieces
from train import EDGES, KINDS


def rate(config, step, done):
    """Learning rate: warm up by steps; then by the share of the time that is done, as train.py's."""
    down = max(0., (done - config["hold"]) / (1 - config["hold"]))
    return min(1., (step + 1) / config["warmup"]) * (config["lr_end"] + (config["lr"] - config["lr_end"]) * .5 * (1 + math.cos(math.pi * min(1., down))))


def calm(config, done): return config["calm"] * min(1., max(0., (done - config["calm_from"]) / (config["calm_full"] - config["calm_from"])))


HEAD = "exact answers in the stream, %, by tokens since the fact was told: " + " ".join(f"<{e}" for e in EDGES) + " more"


def table(name, counts):
    """A line of exact answers, by the distance to the fact; counts [64][2] as train.py's tally."""
    show = lambda kind: "/".join("-" if n < 5 else f"{100 * ok / n:.0f}" for n, ok in counts[8 * KINDS.index(kind):][:8])
    return f"{name:17}" + "  ".join(f"{kind} {show(kind)}" for kind in ("told", "changed", "not told"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("config")
    p.add_argument("--out", required=True)
    p.add_argument("--only", nargs="*")
    p.add_argument("--set", nargs="*", action="extend", default=[])
    p.add_argument("--device", default="cuda")
    p.add_argument("--eager", action="store_true")
    p.add_argument("--workers", type=int, default=12)
    p.add_argument("--copy", help="weights, logs and config are copied here, too, every `save` steps")
    p.add_argument("--until", type=float, help="the end as seconds since 1970; instead of `seconds`")
    o = p.parse_args()
    config = json.load(open(o.config))
    for x in o.set:
        k, v = x.split("=", 1)
        config[k] = json.loads(v) if v and v[0] in "-.0123456789tf[{" else v
    kinds = [k for k in config["models"] if not o.only or k in o.only]
    os.makedirs(o.out, exist_ok=True)
    file = lambda name: os.path.join(o.out, name)
    pieces = Pieces(os.path.join(os.path.dirname(os.path.abspath(o.config)), config["pieces"]))
    first, spent = 0, 0.
    if os.path.exists(file("checkpoint.pt")):
        at = json.load(open(file("step.json")))
        first, spent = at["step"], at["seconds"]
    clock = mp.Value("d", spent / config["seconds"])
    timing = config if config.get("steps") else {**config, "clock": clock}
    feed = train.Feed(timing, pieces, first, o.workers)  # forks, so before CUDA is touched

    import torch
    import mixers
    dev, gpu = o.device, o.device == "cuda"
    torch.set_float32_matmul_precision("high")
    feed.start()
    B, T = config["batch"], config["length"]
    saved = torch.load(file("checkpoint.pt"), map_location=dev, weights_only=True) if first else {}

    class Runner:
        """A model, its optimizer, its state, on a stream of its own: the scans of all together fill the GPU, one alone does not."""

        def __init__(self, kind):
            torch.manual_seed(config["seed"])
            self.kind, self.net = kind, mixers.KINDS[kind](vocabulary=len(pieces), **config["models"][kind])
            if kind == "softmax": self.net.past = 3 * T
            if gpu: self.net.on_gpu(not o.eager)
            self.stream = torch.cuda.Stream() if gpu else None
            names = list(self.net.named_parameters())
            slow = [p for n, p in names if n.endswith(("w0", "A_log", "dt_bias"))]
            matrices = [p for n, p in names if p.dim() == 2 and p.numel() > 20000]
            rest = [p for n, p in names if not any(p is q for q in slow + matrices)]
            self.opt = torch.optim.AdamW([dict(params=matrices, weight_decay=config["decay"], scale=1.), dict(params=rest, weight_decay=0., scale=1.),
                                          dict(params=slow, weight_decay=0., scale=2.)], lr=config["lr"], betas=(.9, .98), eps=1e-10, fused=True)
            if kind in saved: self.load(saved[kind])
            self.state, self.good = self.net.state(B), torch.ones((), dtype=torch.bool, device=dev)
            self.tally, self.sums, self.skipped = torch.zeros(64, 2, dtype=torch.long, device=dev), torch.zeros(5, device=dev), torch.zeros((), device=dev)

        def kept(self): return {"weights": self.net.state_dict(), "optimizer": self.opt.state_dict()}

        def load(self, kept): self.net.load_state_dict(kept["weights"]); self.opt.load_state_dict(kept["optimizer"])

        def step(self, tokens, targets, weights, fresh, talk, lr, weight, measure):
            net, opt = self.net, self.opt
            self.state = net.fresh(self.state, ~fresh & self.good)
            total, each, right, self.state = net.loss(tokens, targets, weights, self.state, talk)
            for g in opt.param_groups: g["lr"] = lr * g["scale"]
            (total / (B * T) + weight * net.disturbed).backward()
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1., foreach=True)
            self.good = torch.isfinite(norm) & torch.isfinite(total.detach())
            opt.found_inf = (~self.good).float()  # the fused step does nothing then
            opt.step()
            opt.zero_grad(set_to_none=True)
            self.skipped += opt.found_inf
            if measure: self.measure(each, right, *measure)

        def measure(self, each, right, cls, numbers, kinds):
            with torch.no_grad():
                part = lambda mask: (each * mask).sum() / mask.sum().clamp(min=1)
                new = torch.stack([each.mean(), part((cls > 0) & (cls < c.CHAT)), part(cls == c.ANSWER), torch.ones((), device=dev), torch.as_tensor(self.net.disturbed, device=dev).detach()])
                self.sums += torch.where(self.good, new, 0.)
                seen = torch.zeros(B * 256, device=dev).index_add_(0, numbers, torch.ones_like(each))
                wrong = torch.zeros(B * 256, device=dev).index_add_(0, numbers, (~right).float())
                valid = seen > 0
                self.tally.index_add_(0, kinds, torch.stack([valid.long(), (valid & (wrong == 0)).long()], 1))

    runners = [Runner(k) for k in kinds]
    final = {k: [[0, 0] for _ in range(64)] for k in kinds}  # of the last tenth
    print(HEAD, flush=True)
    for r in runners: print(f"{r.kind:17}{sum(p.numel() for p in r.net.parameters()) / 1e6:.3f} M parameters", flush=True)
    of_class = torch.tensor(config["weights"], device=dev)
    log, recall = open(file("log.csv"), "a"), open(file("recall.jsonl"), "a")
    if not first: log.write("step,seconds,model,loss,reply_loss,answer_loss,disturbance,skipped,lr,longest\n")
    last = {}

    def save(step, seconds):
        if gpu: torch.cuda.synchronize()
        for r in runners:
            mixers.save(file(r.kind + ".tmp"), r.kind, r.net, [x.decode() for x in pieces.pieces[256:]])
            os.replace(file(r.kind + ".tmp"), file(r.kind + ".pt"))
        torch.save({r.kind: r.kept() for r in runners}, file("checkpoint.tmp"))
        os.replace(file("checkpoint.tmp"), file("checkpoint.pt"))
        json.dump({"step": step, "seconds": seconds}, open(file("step.json"), "w"))
        json.dump({**config, "steps": step}, open(file("config.json"), "w"), indent=1)
        if o.copy:
            os.makedirs(o.copy, exist_ok=True)
            for name in [r.kind + ".pt" for r in runners] + ["log.csv", "recall.jsonl", "config.json"]: shutil.copy(file(name), o.copy)

    began, t0, step, timed = time.time(), None, first, (0, 0.)
    while True:
        now = time.time()
        if step == first + 1:  # all is compiled: the clock begins
            if gpu: torch.cuda.synchronize()
            t0 = time.time()
            if o.until: config["seconds"] = max(1., o.until - t0 + spent)
            print(f"first step after {t0 - began:.0f} s; {config['seconds'] - spent:.0f} s to go", flush=True)
            timed = (step, t0)
        seconds = spent + (time.time() - t0 if t0 else 0.)
        done = clock.value = min(1., step / config["steps"] if config.get("steps") else seconds / config["seconds"])
        if done >= 1. or not runners: break
        batch = [x.to(dev, non_blocking=True) for x in feed.ready.get()]
        tokens, classes, numbers, about, fresh = batch
        inputs, targets, cls = tokens[:, :-1].contiguous(), tokens[:, 1:].long().contiguous(), classes[:, 1:].long().contiguous()
        before, weights = classes[:, :-1], of_class[cls]
        calms = config["calm"] and (calm(config, done) > 0 or step % 10 == 0 or step == first)  # before it counts it is only looked at
        talk = ((before == c.TALK) | (before == c.CHAT)).contiguous() if calms else None
        weight, measure = torch.full((), calm(config, done), device=dev), None
        if step % 10 == 0:
            measure = (cls.flatten(), (torch.arange(B, device=dev)[:, None] * 256 + numbers[:, 1:].long()).flatten(), about.long().flatten())
        shared = [inputs, targets, weights, fresh, talk, weight, *(measure or ())]
        for r in list(runners):
            go = lambda: r.step(inputs, targets, weights, fresh, talk, rate(config, step, done), weight, measure)
            try:
                if gpu:
                    r.stream.wait_stream(torch.cuda.current_stream())
                    with torch.cuda.stream(r.stream):
                        for x in shared:
                            if x is not None: x.record_stream(r.stream)
                        try: go()
                        except Exception as e:
                            if step > first or o.eager: raise
                            print(f"{r.kind} goes on without torch.compile: {type(e).__name__}: {str(e)[:1000]}", flush=True)
                            r.net.eager(); r.opt.zero_grad(set_to_none=True); r.state = r.net.state(B)
                            go()
                else: go()
            except Exception as e:
                if len(runners) == 1: raise
                print(f"{r.kind} leaves the race at step {step}: {type(e).__name__}: {str(e)[:2000]}", flush=True)
                runners.remove(r)
            if step == first and gpu: print(f"{r.kind} ready after {time.time() - began:.0f} s", flush=True)
        if step == first and gpu: print(f"compiled after {time.time() - began:.0f} s, {torch.cuda.max_memory_allocated() / 2 ** 30:.1f} GiB", flush=True)
        if step % config["log"] == 0 or step in (first + 10, first + 50):
            if gpu: torch.cuda.synchronize()
            now, longest = time.time(), train.longest_now(timing, step)
            speed = (now - timed[1]) / max(step - timed[0], 1) if timed[1] else 0.
            timed = (step, now)
            print(f"step {step}, {100 * done:.0f}% after {seconds:.0f} s, {1000 * speed:.0f} ms a step, lr {rate(config, step, done):.1e}, up to {longest:.0f} segments, queue {feed.ready.qsize()}", flush=True)
            for r in runners:
                a, b, d, n, z = r.sums.tolist()
                skipped, n = int(r.skipped.item()), max(n, 1)
                counts = r.tally.tolist()
                r.sums.zero_(); r.tally.zero_(); r.skipped.zero_()
                last[r.kind] = f"loss {a / n:.3f} answers {d / n:.4f} talk {z / n:.4f}"
                if done > .9: final[r.kind] = [[x + y for x, y in zip(old, new)] for old, new in zip(final[r.kind], counts)]
                log.write(f"{step},{seconds:.1f},{r.kind},{a / n:.4f},{b / n:.4f},{d / n:.4f},{z / n:.4f},{skipped},{rate(config, step, done):.2e},{longest:.1f}\n")
                recall.write(json.dumps({"step": step, "model": r.kind, "edges": EDGES, **{KINDS[k]: counts[8 * k:8 * k + 8] for k in range(1, 6)}}) + "\n")
                print(f"    {last[r.kind]} skipped {skipped:2}  {table(r.kind, counts)}", flush=True)
                if skipped > config["log"] // 2 and os.path.exists(file("checkpoint.pt")):
                    r.load(torch.load(file("checkpoint.pt"), map_location=dev, weights_only=True)[r.kind])
                    print(f"{r.kind}: back to the checkpoint", flush=True)
            log.flush(); recall.flush()
        step += 1
        if step % config["save"] == 0: save(step, spent + (time.time() - t0 if t0 else 0.))
    save(step, seconds)
    print("the last tenth; " + HEAD)
    for r in runners: print(f"    {last.get(r.kind, '')}  {table(r.kind, final[r.kind])}")
    print(f"done: {step} steps, {step * B * T / 1e6:.0f} M tokens each, {seconds:.0f} s", flush=True)
    feed.stop()


if __name__ == "__main__": main()
