"""Trains the default model: RWKV-7 on endless generated conversations, the state carried from segment to segment.

    python3 train.py long.json --out RUN [--set steps=200 batch=8 ...] [--from weights.pt] [--device cpu]

Every row of the batch is one conversation of 1 to `longest` segments of `length` tokens. A step reads the next segment of
each row and goes on from the state that the row's last segment left, so that an answer may lie a million tokens
behind its question although gradients reach back one segment. Conversations are short and dense first and grow with
the run. RUN gets weights.pt (float16), log.csv, recall.jsonl (exact answers by kind and distance, from the stream
itself, which the model sees once) and checkpoint.pt, from which a run that was cut goes on when it is started again.
"""
import argparse
import json
import math
import multiprocessing as mp
import os
import random
import threading
import queue
import time

import numpy as np

import conversation as c
from pieces import Pieces

KINDS = ["", "told", "changed", "not told", "summary", "greeting"]
EDGES = [64, 256, 1024, 4096, 16384, 65536, 262144]  # tokens between a fact's last mention and its question


def longest_now(config, step):
    """Segments that a conversation begun at this step may have: 1 at first, then growing by octaves. A run that ends by the clock has one."""
    done = config["clock"].value if "clock" in config else step / config["steps"]
    p = min(1., max(0., (done - config["short_until"]) / max(config["long_from"] - config["short_until"], 1e-9)))
    return 2 ** (p * math.log2(config["longest"])) if not config.get("all_lengths") else config["longest"]


def conversations(seed, config, pieces, first_step=0):
    """Segments of one row for ever: tokens [T+1], weight classes [T+1], answer numbers [T+1], answer kinds [256], fresh."""
    r, T, step = random.Random(seed), config["length"], first_step
    while True:
        octaves = int(math.log2(longest_now(config, step)) + 1e-9) + 1
        segments = r.choices([2 ** o for o in range(octaves)], [2. ** -o for o in range(octaves)])[0]  # every octave gets the same time
        segments = r.randrange(segments, 2 * segments) if segments * 2 <= config["longest"] else segments
        talk = c.Conversation(r, c.Style.draw(r, segments * T))
        tokens, classes, answers, kinds, n, at = [], [], [], {}, 0, 0
        for s in range(segments):
            while len(tokens) < T + 1:
                message, reply, weight = talk.turn(at)
                a, b = (pieces.encode(x) for x in c.render(message, reply))
                number = 0
                if weight == c.ANSWER:
                    n += 1
                    number, (kind, distance) = n, talk.about
                    kinds[n] = KINDS.index(kind) * 8 + sum(distance >= e for e in EDGES)
                tokens += a + b
                classes += [c.CHAT if weight == c.TALK else 0] * len(a) + [weight] * len(b)
                answers += [0] * len(a) + [number] * len(b)
                at += len(a) + len(b)
            x = np.array(answers[:T + 1])
            base = x[x > 0].min() - 1 if (x > 0).any() else 0
            table = np.zeros(256, np.uint8)
            for i in range(1, 256):
                if base + i in kinds: table[i] = kinds[base + i]
            number = np.where((x > 0) & (x - base < 256), x - base, 0).astype(np.uint8)
            yield np.array(tokens[:T + 1], np.uint16), np.array(classes[:T + 1], np.uint8), number, table, s == 0
            tokens, classes, answers = tokens[T:], classes[T:], answers[T:]
            step += 1


def worker(out, rows, config, pieces, first_step):
    streams = [conversations(f"{config['seed']}/{row}/{first_step}", config, pieces, first_step) for row in rows]
    while True: out.put([np.stack(x) for x in zip(*(next(s) for s in streams))])


class Feed:
    """Batches in a fixed order: each worker process has its own rows and its own queue."""

    def __init__(self, config, pieces, first_step, workers):
        B = config["batch"]
        workers = min(workers, B)
        parts = [list(range(B))[i * B // workers:(i + 1) * B // workers] for i in range(workers)]
        ctx = mp.get_context("fork")
        self.queues = [ctx.Queue(48) for _ in parts]
        self.processes = [ctx.Process(target=worker, args=(q, rows, config, pieces, first_step), daemon=True) for q, rows in zip(self.queues, parts)]
        for p in self.processes: p.start()
        self.ready, self.stopped = queue.Queue(8), False

    def gather(self):
        """In a thread, started after torch is there."""
        import torch
        pin = torch.cuda.is_available()
        while not self.stopped:
            parts = [q.get() for q in self.queues]
            batch = [torch.from_numpy(np.concatenate(x)) for x in zip(*parts)]
            batch[0] = batch[0].int()
            self.ready.put([x.pin_memory() if pin else x for x in batch])

    def start(self): threading.Thread(target=self.gather, daemon=True).start()

    def stop(self):
        self.stopped = True
        for p in self.processes: p.terminate()


def rate(config, step):
    """Learning rate: warm up, hold at the peak, then down along half a cosine."""
    x = step / config["steps"]
    down = max(0., (x - config["hold"]) / (1 - config["hold"]))
    return min(1., (step + 1) / config["warmup"]) * (config["lr_end"] + (config["lr"] - config["lr_end"]) * .5 * (1 + math.cos(math.pi * down)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("config")
    p.add_argument("--out", required=True)
    p.add_argument("--set", nargs="*", default=[])
    p.add_argument("--from", dest="start", help="weights to start from, with a fresh optimizer")
    p.add_argument("--device", default="cuda")
    p.add_argument("--kernel", default="cuda", choices=("cuda", "plain"))
    p.add_argument("--eager", action="store_true")
    p.add_argument("--workers", type=int, default=16)
    p.add_argument("--copy", help="weights, log and config are copied here, too, every `save` steps")
    o = p.parse_args()
    config = json.load(open(o.config))
    for x in o.set:
        k, v = x.split("=", 1)
        config[k] = json.loads(v) if v and v[0] in "-.0123456789tf[" else v
    os.makedirs(o.out, exist_ok=True)
    pieces = Pieces(os.path.join(os.path.dirname(os.path.abspath(o.config)), config["pieces"])) if config["pieces"] else Pieces([])
    checkpoint = os.path.join(o.out, "checkpoint.pt")
    first = 0
    if os.path.exists(checkpoint):
        first = json.load(open(os.path.join(o.out, "step.json")))["step"]
    feed = Feed(config, pieces, first, o.workers)  # forks, so before CUDA is touched

    import torch
    import model as m
    dev = o.device
    torch.manual_seed(config["seed"])
    torch.set_float32_matmul_precision("high")
    feed.start()
    net = m.RWKV7(len(pieces), config["layers"], config["width"], config["hidden"])
    if o.start: net.load_state_dict({k: v.float() for k, v in torch.load(o.start, map_location="cpu", weights_only=True)["weights"].items()})
    if dev == "cuda": net.on_gpu(not o.eager, o.kernel)
    slow = [p for n, p in net.named_parameters() if n.endswith("w0")]
    matrices = [p for n, p in net.named_parameters() if p.dim() == 2 and p.numel() > 20000]
    rest = [p for n, p in net.named_parameters() if not any(p is q for q in slow + matrices)]
    opt = torch.optim.AdamW([dict(params=matrices, weight_decay=config["decay"], scale=1.), dict(params=rest, weight_decay=0., scale=1.),
                             dict(params=slow, weight_decay=0., scale=2.)], lr=config["lr"], betas=(.9, .98), eps=1e-10, fused=dev == "cuda")
    B, T = config["batch"], config["length"]
    state = net.state(B)
    if first:
        saved = torch.load(checkpoint, map_location=dev, weights_only=True)
        net.load_state_dict(saved["weights"]); opt.load_state_dict(saved["optimizer"])
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters, {len(pieces)} tokens, from step {first}", flush=True)
    of_class = torch.tensor(config["weights"], device=dev)
    log = open(os.path.join(o.out, "log.csv"), "a")
    if not first: log.write("step,seconds,loss,reply_loss,answer_loss,lr,tokens_per_second,longest,disturbance\n")
    tally = torch.zeros(64, 2, dtype=torch.long, device=dev)
    t0, t_log, loss_sum = time.time(), time.time(), torch.zeros(5, device=dev)
    bad = 0

    def save(step):
        m.save(os.path.join(o.out, "weights.tmp"), net, [p.decode() for p in pieces.pieces[256:]])
        os.replace(os.path.join(o.out, "weights.tmp"), os.path.join(o.out, "weights.pt"))
        torch.save({"weights": net.state_dict(), "optimizer": opt.state_dict()}, checkpoint + ".tmp")
        os.replace(checkpoint + ".tmp", checkpoint)
        json.dump({"step": step}, open(os.path.join(o.out, "step.json"), "w"))
        json.dump(config, open(os.path.join(o.out, "config.json"), "w"), indent=1)
        if o.copy: os.system(f"mkdir -p {o.copy}; cd {o.out} && cp weights.pt log.csv recall.jsonl config.json {o.copy}/")

    for step in range(first, config["steps"]):
        tokens, classes, numbers, kinds, fresh = [x.to(dev, non_blocking=True) for x in feed.ready.get()]
        keep = (~fresh).float()
        state = (state[0] * keep[None, :, None], state[1] * keep[None, :, None], state[2] * keep[None, :, None, None, None])
        targets, cls = tokens[:, 1:].long().contiguous(), classes[:, 1:].long().contiguous()
        weights = of_class[cls]
        before = classes[:, :-1]
        talk = ((before == c.TALK) | (before == c.CHAT)).contiguous() if config["calm"] else None
        total, each, right, state = net.loss(tokens[:, :-1].contiguous(), targets, weights, state, talk)
        for g in opt.param_groups: g["lr"] = rate(config, step) * g["scale"]
        (total / (B * T) + config["calm"] * net.disturbed).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1., foreach=True)
        opt.step()
        opt.zero_grad(set_to_none=True)
        if step % 10 == 0 or step == config["steps"] - 1:
            with torch.no_grad():
                flat, numbers = cls.flatten(), numbers[:, 1:].long()
                part = lambda mask: (each * mask).sum() / mask.sum().clamp(min=1)
                loss_sum += torch.stack([each.mean(), part((flat > 0) & (flat < c.CHAT)), part(flat == c.ANSWER), torch.ones((), device=dev), torch.as_tensor(net.disturbed, device=dev).detach()])
                at = (torch.arange(B, device=dev)[:, None] * 256 + numbers).flatten()
                seen = torch.zeros(B * 256, device=dev).index_add_(0, at, torch.ones_like(each))
                wrong = torch.zeros(B * 256, device=dev).index_add_(0, at, (~right).float())
                kind, valid = kinds.long().flatten(), seen > 0
                tally.index_add_(0, kind, torch.stack([valid.long(), (valid & (wrong == 0)).long()], 1))
        if step % config["log"] == 0 or step in (first + 1, first + 10) or step == config["steps"] - 1:
            a, b_, d, n, z = loss_sum.tolist()
            loss_sum.zero_()
            now = time.time()
            speed = B * T * (step - first + 1) / (now - t0)
            n = max(n, 1)
            if not math.isfinite(a) and os.path.exists(checkpoint):  # back to the last good weights, on with the next data
                saved = torch.load(checkpoint, map_location=dev, weights_only=True)
                net.load_state_dict(saved["weights"]); opt.load_state_dict(saved["optimizer"])
                state, bad = net.state(B), bad + 1
                print("not finite: back to the checkpoint", flush=True)
                continue
            line = f"{step},{now - t0:.1f},{a / n:.4f},{b_ / n:.4f},{d / n:.4f},{rate(config, step):.2e},{speed:.0f},{longest_now(config, step):.1f},{z / n:.4f}"
            log.write(line + "\n"); log.flush()
            counts = tally.tolist()
            tally.zero_()
            table = {KINDS[k]: [[n, ok] for n, ok in counts[8 * k:8 * k + 8]] for k in range(1, 6)}
            open(os.path.join(o.out, "recall.jsonl"), "a").write(json.dumps({"step": step, "edges": EDGES, **table}) + "\n")
            show = " ".join(f"{name[:7]}:" + "/".join("-" if n < 5 else f"{100 * ok / n:.0f}" for n, ok in table[name]) for name in ("told", "changed", "not told"))
            print(line, show, f"queue {feed.ready.qsize()}", flush=True)
        if step and step % config["save"] == 0: save(step + 1)
        if config.get("seconds") and time.time() - t0 > config["seconds"]: break
    save(step + 1)
    print(f"done: {step + 1} steps, {time.time() - t0:.0f} s, {bad} times back to a checkpoint", flush=True)
    feed.stop()


if __name__ == "__main__": main()
