#!/usr/bin/env python3
"""Draws what `recurra recall --compare --json` printed: draw_recall.py RECALL.json OUT.png (or --check: can it draw here?)"""
import json
import sys

try:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
except ImportError as missing:
    sys.exit(f"{missing}: pip install matplotlib")

# Colours that colour-blind readers tell apart (Wong 2011).
COLOURS = ("#000000", "#009e73", "#e69f00", "#56b4e9", "#0072b2", "#cc79a7", "#d55e00", "#999999")


def main():
    if sys.argv[1:] == ["--check"]:
        return
    models = json.load(open(sys.argv[1]))["models"]
    figure, axes = pyplot.subplots(1, 4, figsize=(17, 4.6))
    figure.subplots_adjust(left=0.03, right=0.99, top=0.92, bottom=0.21, wspace=0.15)
    share = lambda score: 100 * score["right"] / max(1, score["asked"])  # noqa: E731
    panels = (("facts told once, % right", lambda at: share(at["told"])), ("facts that changed, % right", lambda at: share(at["changed"])),
              ("state, MiB", lambda at: at["state_bytes"] / 2**20), ("tokens per second, one by one", lambda at: at["tok_s"]))
    for i, (axis, (title, value)) in enumerate(zip(axes, panels)):
        for model, colour in zip(models, COLOURS):
            points = [(at["tokens"], value(at)) for at in model["at"]]
            axis.plot(*zip(*points), marker="o", markersize=4, color=colour, label=model["name"], linewidth=2 if model is models[0] else 1.5)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axis.set_title(title)
        axis.set_xlabel("tokens read since")
        axis.grid(alpha=0.3)
        if i < 2:
            axis.set_ylim(-3, 103)
        else:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="lower center", ncol=len(models))
    figure.savefig(sys.argv[2], dpi=110)


main()
