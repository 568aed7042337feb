"""One generator, three heads: what classifies f-CLSWGAN's synthetic rows on ``letters``; and two figures of the page.

``python experiments/letters_figures.py measure`` fits the generator of ``f-clswgan/letters`` with each of its seeds on
one validation fold and on all seen classes, trains every head on the same real and synthetic rows, and writes
``results/letters_heads.csv`` (two minutes of processor time). ``python experiments/letters_figures.py draw RUNS`` draws
``docs/images/letters-heads.png`` from that file and ``letters-calibration.png`` from the demo's runs in ``RUNS``.
"""

from __future__ import annotations

import csv
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

import gzsl
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.heads import KNNHead, PrototypeHead
from gzsl.report.collect import StoredRun, finished_run
from gzsl.report.curve_figure import read_summary
from gzsl.report.drawing import percent_axes, save
from gzsl.report.pictures import draw_equal_h
from gzsl.report.tables import write_csv
from gzsl.runs import load_recipe

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parent / "docs" / "images"
RESULTS = HERE / "results" / "letters_heads.csv"
OTHER_HEADS = {
    "nearest class mean": PrototypeHead(metric="euclidean"),
    "nearest row": KNNHead(k=1),
    "five nearest rows": KNNHead(k=5),
}
MEASURED = ("T1", "U", "S", "H", "AUSUC")
COLOURS = {"eszsl": "0.45", "cada-vae": "C0", "f-clswgan": "C1"}
BARS = {"T1": "0.75", "U": "C3", "S": "C0", "H": "0.3", "AUSUC": "C2", "H calibrated": "C1"}


def measure() -> list[list[Any]]:
    """A line a seed and head: accuracies on the test rows, at the scores as they are and calibrated."""
    recipe = load_recipe("f-clswgan/letters")
    lines = []
    for seed in recipe.seeds:
        fits = gzsl.fit_folds(
            recipe.build_method(), gzsl.load("letters"), recipe.preprocess.features, n_folds=1, seed=seed
        )
        for name, head in {"softmax": recipe.build_method().head, **OTHER_HEADS}.items():
            for _, method in fits:
                method.head = head
                method.prepare_scoring()
            found = gzsl.calibrate(fits, "stacking", seed=seed)[1]
            values = [*(getattr(found, key) for key in MEASURED), found.calibrated.H]
            lines.append([name, seed, *(f"{value:.4f}" for value in values)])
    return lines


def heads_picture(path: Path) -> Figure:
    """Bars of every measure by head, with the deviation over seeds."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(dict.fromkeys(row["head"] for row in rows))
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(BARS)
    for k, (measure, colour) in enumerate(BARS.items()):
        values = [[100 * float(row[measure]) for row in rows if row["head"] == name] for name in names]
        places = np.arange(len(names)) + (k - (len(BARS) - 1) / 2) * width
        means, spreads = [statistics.fmean(v) for v in values], [statistics.stdev(v) for v in values]
        axes.bar(places, means, width, yerr=spreads, color=colour, label=measure, error_kw={"linewidth": 0.8})
    axes.set_xticks(range(len(names)), names)
    axes.set(ylim=(0, 100), ylabel="percent", title="f-CLSWGAN on letters: the same synthetic rows, another head")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(ncols=len(BARS), loc="outside lower center", fontsize=8)
    return figure


def calibration_picture(runs: list[StoredRun]) -> Figure:
    """Seen-unseen curves of runs with the points of the scores as they are and at the validated gamma."""
    figure = Figure(figsize=(5.4, 4.8), layout="constrained")
    axes = figure.subplots()
    percent_axes(axes)
    draw_equal_h(axes)
    for run in runs:
        curve, point = SeenUnseenCurve.of(read_summary(run.folder / "scores.npz")), run.metrics["calibrated"]
        colour = COLOURS[run.method]
        axes.plot(curve.unseen, curve.seen, color=colour, label=f"{run.method}, AUSUC {curve.area:.0%}")
        axes.plot(run.metrics["U"], run.metrics["S"], "o", color=colour, mfc="white", clip_on=False, zorder=3)
        axes.plot(point["U"], point["S"], "s", color=colour, clip_on=False, zorder=3)
        arrow = {"arrowstyle": "->", "color": colour, "linestyle": ":", "shrinkA": 5, "shrinkB": 5}
        axes.annotate("", (point["U"], point["S"]), (run.metrics["U"], run.metrics["S"]), arrowprops=arrow)
    axes.plot([], [], "o", color="black", mfc="white", label="scores as they are (γ = 0)")
    axes.plot([], [], "s", color="black", label="γ from validation classes")
    axes.set(xlabel="U, accuracy on letters never seen", ylabel="S, accuracy on seen letters")
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure


if __name__ == "__main__":
    if sys.argv[1] == "measure":
        torch.set_num_threads(1)
        write_csv(RESULTS, ["head", "seed", *MEASURED, "H calibrated"], measure())
    else:
        demo = [next(Path(sys.argv[2]).glob(f"{method}-letters-s0-*")) for method in COLOURS]
        save(calibration_picture([finished_run(folder) for folder in demo]), IMAGES / "letters-calibration.png")
        save(heads_picture(RESULTS), IMAGES / "letters-heads.png")
