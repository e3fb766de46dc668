#!/usr/bin/env python3
"""The curse of O(n^2), drawn: time per token and memory against the length of the conversation.

    curse.py PROGRAM OUT [--depths 0,1000,10000,100000] [--beyond 1000000] [--repeats 41] [--threads N]

PROGRAM is the recurra program. OUT gets curse.png, curse.md (the table) and curse.json (all figures), and the models:
softmax attention and six constant-memory mixers of about the same number of random weights, as flash-linear-attention
keeps them. What a weight is worth changes neither time nor memory.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys

import numpy

WIDTH, HEADS, VOCAB = 256, 4, 512
HEAD = WIDTH // HEADS


class Weights:
    """Tensors of one model, drawn from one generator, written as one safetensors file."""

    def __init__(self):
        self.random = numpy.random.default_rng(1)
        self.tensors = {}

    def matrix(self, name, out, inner):
        self.tensors[name] = self.random.standard_normal((out, inner), numpy.float32) / numpy.float32(math.sqrt(inner))

    def vector(self, name, shape, least=1.0, most=1.0):
        self.tensors[name] = self.random.uniform(least, most, shape).astype(numpy.float32)

    def parameters(self):
        return sum(t.size for t in self.tensors.values())

    def save(self, path):
        header, data, at = {}, [], 0
        for name, tensor in self.tensors.items():
            raw = numpy.ascontiguousarray(tensor, "<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(raw)]}
            data.append(raw)
            at += len(raw)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))


def frame(w, layers, mixer, hidden):
    """fla's models of the usual build: a mixer and a gated MLP in every layer."""
    for i in range(layers):
        layer = f"model.layers.{i}."
        w.vector(layer + "attn_norm.weight", WIDTH)
        mixer(w, layer + "attn.")
        w.vector(layer + "mlp_norm.weight", WIDTH)
        for name, out, inner in (("gate_proj", hidden, WIDTH), ("up_proj", hidden, WIDTH), ("down_proj", WIDTH, hidden)):
            w.matrix(f"{layer}mlp.{name}.weight", out, inner)
    w.matrix("model.embeddings.weight", VOCAB, WIDTH)
    w.vector("model.norm.weight", WIDTH)
    w.matrix("lm_head.weight", VOCAB, WIDTH)
    return {"hidden_size": WIDTH, "num_hidden_layers": layers, "vocab_size": VOCAB, "intermediate_size": hidden}


def projections(w, at, **rows):
    for name, out in rows.items():
        w.matrix(f"{at}{name}_proj.weight", out, WIDTH)


def convolutions(w, at, **channels):
    for name, count in channels.items():
        w.vector(f"{at}{name}_conv1d.weight", (count, 1, 4), -0.5, 0.5)


def decays(w, at, heads):
    """A between 1 and 16, and biases that begin with steps between 0.001 and 0.1."""
    w.vector(at + "A_log", heads, 0, math.log(16))
    w.vector(at + "dt_bias", heads, -6.9, -2.25)


def transformer(w):
    def mixer(w, at):
        projections(w, at, q=WIDTH, k=WIDTH, v=WIDTH, o=WIDTH)

    return {"model_type": "transformer", "num_heads": HEADS, "norm_eps": 1e-6, **frame(w, 4, mixer, 768)}


def linear_attn(w):
    def mixer(w, at):
        projections(w, at, q=WIDTH, k=WIDTH, v=WIDTH, o=WIDTH)
        w.vector(at + "norm.weight", HEAD)

    return {"model_type": "linear_attn", "num_heads": HEADS, "feature_map": "elu", "norm_eps": 1e-6, **frame(w, 4, mixer, 768)}


def delta_net(w):
    def mixer(w, at):
        projections(w, at, q=WIDTH, k=WIDTH, v=WIDTH, o=WIDTH, b=HEADS)
        convolutions(w, at, q=WIDTH, k=WIDTH, v=WIDTH)
        w.vector(at + "o_norm.weight", HEAD)

    return {"model_type": "delta_net", "num_heads": HEADS, "norm_eps": 1e-6, **frame(w, 4, mixer, 768)}


def gated_deltanet(w):
    def mixer(w, at):
        projections(w, at, q=WIDTH, k=WIDTH, v=WIDTH, g=WIDTH, a=HEADS, b=HEADS)
        w.matrix(at + "o_proj.weight", WIDTH, WIDTH)
        convolutions(w, at, q=WIDTH, k=WIDTH, v=WIDTH)
        decays(w, at, HEADS)
        w.vector(at + "o_norm.weight", HEAD)

    return {"model_type": "gated_deltanet", "num_heads": HEADS, "head_dim": HEAD, "expand_v": 1, "norm_eps": 1e-6,
            **frame(w, 4, mixer, 672)}


def mamba_frame(w, layers, mixer):
    for i in range(layers):
        layer = f"backbone.layers.{i}."
        w.vector(layer + "norm.weight", WIDTH)
        mixer(w, layer + "mixer.")
    w.matrix("backbone.embeddings.weight", VOCAB, WIDTH)
    w.vector("backbone.norm_f.weight", WIDTH)
    w.matrix("lm_head.weight", VOCAB, WIDTH)
    return {"hidden_size": WIDTH, "num_hidden_layers": layers, "vocab_size": VOCAB, "conv_kernel": 4, "expand": 2,
            "norm_eps": 1e-5, "tie_word_embeddings": False}


def mamba(w):
    inner, states, rank = 2 * WIDTH, 16, 16

    def mixer(w, at):
        w.matrix(at + "in_proj.weight", 2 * inner, WIDTH)
        w.vector(at + "conv1d.weight", (inner, 1, 4), -0.5, 0.5)
        w.vector(at + "conv1d.bias", inner, 0, 0)
        w.matrix(at + "x_proj.weight", rank + 2 * states, inner)
        w.matrix(at + "dt_proj.weight", inner, rank)
        w.vector(at + "dt_proj.bias", inner, -6.9, -2.25)
        w.vector(at + "A_log", (inner, states), 0, math.log(16))
        w.vector(at + "D", inner)
        w.matrix(at + "out_proj.weight", WIDTH, inner)

    return {"model_type": "mamba", "state_size": states, "dt_rank": rank, **mamba_frame(w, 8, mixer)}


def mamba2(w):
    inner, states = 2 * WIDTH, 64
    heads = inner // HEAD

    def mixer(w, at):
        w.matrix(at + "in_proj.weight", 2 * inner + 2 * states + heads, WIDTH)
        w.vector(at + "conv1d.weight", (inner + 2 * states, 1, 4), -0.5, 0.5)
        w.vector(at + "conv1d.bias", inner + 2 * states, 0, 0)
        decays(w, at, heads)
        w.vector(at + "D", heads)
        w.vector(at + "norm.weight", inner)
        w.matrix(at + "out_proj.weight", WIDTH, inner)

    return {"model_type": "mamba2", "state_size": states, "num_heads": heads, "head_dim": HEAD, "n_groups": 1,
            **mamba_frame(w, 8, mixer)}


def rwkv7(w):
    ranks = {"w": 32, "a": 32, "v": 32, "g": 64}
    layers, hidden = 4, 4 * WIDTH

    def norm(name):
        w.vector(name + ".weight", WIDTH)
        w.vector(name + ".bias", WIDTH, 0, 0)

    norm("model.layers.0.pre_norm")
    for i in range(layers):
        layer = f"model.layers.{i}."
        at = layer + "attn."
        norm(layer + "attn_norm")
        for name in "rwkvag":
            w.vector(f"{at}x_{name}", (1, 1, WIDTH), 0, 1)
        projections(w, at, r=WIDTH, k=WIDTH, v=WIDTH, o=WIDTH)
        for name, rank in ranks.items():
            if name == "v" and i == 0:
                continue
            w.matrix(f"{at}{name}_lora.lora.0.weight", rank, WIDTH)
            w.matrix(f"{at}{name}_lora.lora.2.weight", WIDTH, rank)
            if name != "g":
                w.vector(f"{at}{name}_lora.lora.2.bias", WIDTH, -3, 0)
        w.vector(at + "k_k", WIDTH, 0.8, 0.9)
        w.vector(at + "k_a", WIDTH)
        w.vector(at + "r_k", (HEADS, HEAD), -0.1, 0.1)
        norm(at + "g_norm")
        norm(layer + "ffn_norm")
        w.vector(layer + "ffn.x_k", WIDTH, 0, 1)
        w.matrix(layer + "ffn.key.weight", hidden, WIDTH)
        w.matrix(layer + "ffn.value.weight", WIDTH, hidden)
    w.matrix("model.embeddings.weight", VOCAB, WIDTH)
    norm("model.norm")
    w.matrix("lm_head.weight", VOCAB, WIDTH)
    return {"model_type": "rwkv7", "hidden_size": WIDTH, "num_hidden_layers": layers, "vocab_size": VOCAB,
            "head_dim": HEAD, "intermediate_size": hidden, "norm_eps": 1e-5,
            "decay_low_rank_dim": ranks["w"], "a_low_rank_dim": ranks["a"], "v_low_rank_dim": ranks["v"],
            "gate_low_rank_dim": ranks["g"]}


# In the order of a colour map that colour-blind readers tell apart (Wong 2011).
MODELS = [("softmax attention", transformer, "#d55e00"), ("linear attention", linear_attn, "#56b4e9"),
          ("DeltaNet", delta_net, "#009e73"), ("gated DeltaNet", gated_deltanet, "#e69f00"),
          ("Mamba", mamba, "#cc79a7"), ("Mamba-2", mamba2, "#0072b2"), ("RWKV-7", rwkv7, "#000000")]


def make(build, folder):
    folder.mkdir(parents=True, exist_ok=True)
    weights = Weights()
    config = build(weights)
    (folder / "config.json").write_text(json.dumps(config))
    weights.save(folder / "model.safetensors")
    return weights.parameters()


def measure(program, folder, depths, repeats, threads):
    """One process per model; its runs visit all depths in turns."""
    command = [program, "bench", "-m", str(folder), "-p", "0", "-n", "64", "-r", str(repeats), "--json",
               "--depth", ",".join(map(str, depths))]
    if threads:
        command += ["-t", str(threads)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return {r["depth"]: {"seconds_per_token": 1 / r["tok_s"], "rss": r["rss"], "state_bytes": r["state_bytes"]}
            for r in json.loads(run.stdout)["results"]}


def draw(figures, depths, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(12, 4.8), constrained_layout=True)
    panels = ((axes[0], "seconds_per_token", 1e3, "milliseconds per token"), (axes[1], "rss", 2**-20, "resident memory, MiB"))
    for axis, key, scale, label in panels:
        for name, _, colour in MODELS:
            points = [(d, figures[name]["at"][d][key] * scale) for d in figures[name]["at"]]
            axis.plot(*zip(*points), marker="o", markersize=4, color=colour, label=name,
                      linewidth=2.5 if name == "softmax attention" else 1.5)
        axis.set_xscale("symlog", linthresh=min(d for d in depths if d > 0))
        axis.set_xticks([0] + [d for d in (10**i for i in range(1, 9)) if min(x for x in depths if x > 0) <= d <= max(depths)])
        axis.set_yscale("log")
        for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            which(lambda value, _: f"{value:g}" if f"{value:.0e}"[0] in "125" else "")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_xlabel("tokens read before")
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    parameters = statistics.median(f["parameters"] for f in figures.values()) / 1e6
    figure.suptitle(f"One more token after a long conversation ({parameters:.1f} M parameters each)")
    figure.savefig(path, dpi=120)


def table(figures, depths):
    """Times, the last over that at 1,000 tokens, and memory at both ends: the state's and the process's."""
    ends = (depths[0], depths[-1])
    compare = 1000 in depths
    head = ["mixer", "M parameters"] + [f"ms/token at {d:,}" for d in depths] + ["last : 1,000"] * compare
    head += [f"{what} at {d:,}" for what in ("state", "resident") for d in ends]
    lines = [head, ["---"] * len(head)]
    for name, _, _ in MODELS:
        at = figures[name]["at"]
        last = max(at)
        cells = [name, f"{figures[name]['parameters'] / 1e6:.2f}"]
        cells += [f"{at[d]['seconds_per_token'] * 1e3:.3f}" if d in at else "-" for d in depths]
        if compare:
            cells.append(f"{at[last]['seconds_per_token'] / at[1000]['seconds_per_token']:.2f}")
        cells += [f"{at[d]['state_bytes']:,} B" for d in (depths[0], last)]
        cells += [f"{at[d]['rss'] / 2**20:,.1f} MiB" for d in (depths[0], last)]
        lines.append(cells)
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    numbers = lambda text: sorted({int(x) for x in text.split(",") if x})  # noqa: E731
    parser.add_argument("--depths", type=numbers, default=[0, 1000, 3000, 10000, 30000, 100000], help="tokens read before")
    parser.add_argument("--beyond", type=numbers, default=[1000000], help="depths of the constant-memory mixers alone")
    parser.add_argument("--repeats", type=int, default=41, help="runs at each depth; the median counts (softmax: an eighth)")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if max(options.depths, default=0) <= 0:
        parser.error("--depths: at least one above 0")

    figures = {}
    for name, build, _ in MODELS:
        folder = options.out / "models" / build.__name__
        figures[name] = {"parameters": make(build, folder)}
        softmax = build is transformer
        depths = options.depths + ([] if softmax else options.beyond)
        repeats = math.ceil(options.repeats / 8) if softmax else options.repeats
        print(f"{name}: {max(depths):,} tokens", file=sys.stderr)
        figures[name]["at"] = measure(options.program, folder, depths, repeats, options.threads)

    depths = sorted({*options.depths, *options.beyond})
    text = table(figures, depths)
    (options.out / "curse.json").write_text(json.dumps(figures, indent=1))
    (options.out / "curse.md").write_text(text)
    draw(figures, depths, options.out / "curse.png")
    print(text)


if __name__ == "__main__":
    main()
