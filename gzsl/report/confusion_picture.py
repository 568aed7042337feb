"""A picture of a confusion matrix that can be read with ten classes and with two hundred."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from gzsl.evaluation.confusion import Confusion
from gzsl.report.drawing import words

NAMED = 30  # classes up to which every row and column carries its name
NUMBERED = 15  # and up to which every cell carries its count
LISTED = 15
DECISIONS = {
    "given": "scores as they are", "calibrated": "calibrated on validation", "zsl": "unseen classes among themselves",
}  # fmt: skip


def confusion_picture(confusion: Confusion, title: str) -> Figure:
    """Shares of each true class by predicted class; with many classes, the most confused pairs beside it.

    Parameters
    ----------
    confusion : Confusion
        Seen classes come first; a line parts the sides.
    title : str
        Of the picture.
    """
    n = len(confusion.class_names)
    many = n > NAMED
    size = 6.0 if many else min(3.5 + 0.22 * n, 9.0)
    figure = Figure(figsize=(size + (4.2 if many else 1.0), size), layout="constrained")
    places = figure.subplots(1, 2, width_ratios=[3, 2], squeeze=False)[0] if many else [figure.subplots()]
    _matrix(places[0], confusion, figure)
    figure.suptitle(f"{words(title, 60)}: {DECISIONS[confusion.decision]}", fontsize=10)
    if many:
        _pairs(places[1], confusion)
    return figure


def _matrix(axes: Axes, confusion: Confusion, figure: Figure) -> None:
    n, n_seen = len(confusion.class_names), confusion.n_seen
    scale = PowerNorm(0.5 if n > NAMED else 1.0, vmin=0, vmax=100)  # specks among many classes are to be seen
    image = axes.imshow(100 * confusion.shares, cmap="Blues", norm=scale, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="% of the true class", shrink=0.7)
    if 0 < n_seen < n:
        for draw in (axes.axhline, axes.axvline):
            draw(n_seen - 0.5, color="C1", linewidth=1)
    if n <= NAMED:
        names = [words(name) for name in confusion.class_names]
        axes.set_xticks(range(n), names, rotation=90, fontsize=8)
        axes.set_yticks(range(n), names, fontsize=8)
    else:
        middles = [(n_seen - 1) / 2, (n_seen + n - 1) / 2] if n_seen else [(n - 1) / 2]
        labels = [f"{n_seen} seen", f"{n - n_seen} unseen"] if n_seen else [f"{n} unseen"]
        axes.set_xticks(middles, labels, fontsize=9)
        axes.set_yticks(middles, labels, fontsize=9, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set(xlabel="predicted", ylabel="true")
    if n <= NUMBERED:
        for (row, column), count in np.ndenumerate(confusion.counts):
            if count:
                light = confusion.shares[row, column] > 0.5
                axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color="w" if light else "k")


def _pairs(axes: Axes, confusion: Confusion) -> None:
    axes.set_axis_off()
    axes.set_title("most confused: true class, taken for", fontsize=9, loc="left")
    for k, pair in enumerate(confusion.most_confused(LISTED)):
        text = f"{words(pair['class'])} → {words(pair['taken_for'])}"
        y = 0.97 - k / (LISTED + 1)
        axes.text(0, y, text, fontsize=7, transform=axes.transAxes, va="top")
        share = f"{pair['rows']} ({100 * pair['share']:.0f} %)"
        axes.text(1, y, share, fontsize=7, transform=axes.transAxes, va="top", ha="right")
