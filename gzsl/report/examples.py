"""Pictures of unseen classes with what a run took them for; where a dataset has its pictures at hand."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gzsl.data.catalogue import EMBEDDED
from gzsl.errors import RunError
from gzsl.evaluation.metrics import predictions
from gzsl.report.collect import StoredRun
from gzsl.report.curve_figure import calibrated_summary, read_summary
from gzsl.report.drawing import words
from gzsl.runs import load_recipe
from gzsl.runs.run import open_dataset

COLUMNS, LINES = 12, 14
RIGHT, WRONG = "#1b7837", "#b2182b"


@dataclass(frozen=True, eq=False)
class Examples:
    """Some test pictures of unseen classes.

    Attributes
    ----------
    pictures : ndarray, shape (n, height, width), uint8
        Bright ink on black.
    rows, true, predicted : ndarray, shape (n,), int64
        Rows of the dataset, their classes, and the classes that were predicted among all classes.
    class_names : tuple of str
        Names of class ids.
    calibrated : bool
        Whether the decisions are those at the threshold that validation chose.
    """

    pictures: np.ndarray
    rows: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    class_names: tuple[str, ...]
    calibrated: bool

    def table(self) -> list[list[Any]]:
        """One line a picture: row, class, prediction, whether it is right."""
        names = self.class_names
        return [
            [int(row), names[t], names[p], int(t == p)]
            for row, t, p in zip(self.rows, self.true, self.predicted, strict=True)
        ]


def pictures_of(name: str) -> np.ndarray | None:
    """Pictures of an embedded dataset, a row each, (N, height, width); None for a dataset without."""
    if name.lower() not in EMBEDDED:
        return None
    module = importlib.import_module(f"gzsl.data.embedded.{name.lower()}")
    return module.pictures() if hasattr(module, "pictures") else None


def find_examples(run: StoredRun) -> Examples | None:
    """Test pictures of unseen classes, evenly spread over each class; None where the dataset has no pictures.

    Raises
    ------
    RunError
        When the stored decisions belong to other rows than the dataset has.
    """
    recipe = load_recipe(run.folder / "recipe.yaml")
    pictures = pictures_of(recipe.dataset.name)
    if pictures is None:
        return None
    dataset = open_dataset(recipe, None)
    summary = calibrated_summary(run)
    gamma = 0.0 if summary is None else float(run.metrics["calibrated"]["gamma"])
    decided = summary or read_summary(run.folder / "scores.npz")
    rows = np.concatenate([dataset.split.test_seen, dataset.split.test_unseen])
    if not np.array_equal(dataset.labels[rows], decided.labels):
        raise RunError(f"{run.folder}: scores.npz: found the labels of other rows than {dataset.name} has")
    shown = np.concatenate([_spread(np.flatnonzero(decided.labels == c)) for c in dataset.split.unseen[:LINES]])
    return Examples(
        pictures[rows[shown]], rows[shown], decided.labels[shown], predictions(decided, gamma)[shown],
        dataset.semantics.class_names, summary is not None,
    )  # fmt: skip


def examples_picture(found: Examples, title: str) -> Figure:
    """A line a class: every picture with the name of the class it was taken for, green where that is right."""
    classes = list(dict.fromkeys(found.true.tolist()))
    figure = Figure(figsize=(0.62 * (COLUMNS + 1.4), 0.72 * len(classes) + 0.6), layout="constrained")
    grid = figure.subplots(len(classes), COLUMNS + 1, squeeze=False, width_ratios=[1.4, *[1] * COLUMNS])
    for axes in grid.ravel():
        axes.set_axis_off()
    for line, c in enumerate(classes):
        grid[line, 0].text(1, 0.5, words(found.class_names[c]), ha="right", va="center", fontsize=8)
        for axes, place in zip(grid[line, 1:], np.flatnonzero(found.true == c), strict=False):
            axes.imshow(255 - found.pictures[place], cmap="gray", vmin=0, vmax=255)
            color = RIGHT if found.predicted[place] == c else WRONG
            name = words(found.class_names[found.predicted[place]])
            axes.text(0.5, 0, name, transform=axes.transAxes, ha="center", va="top", fontsize=6, color=color)
    share = (found.true == found.predicted).mean()
    rule = "threshold chosen on validation classes" if found.calibrated else "scores as they are"
    figure.suptitle(f"{words(title, 60)}: classes without a training picture, and what they were taken for", fontsize=9)
    figure.supxlabel(f"{share:.0%} of these {len(found.true)} pictures are right ({rule})", fontsize=8)
    return figure


def _spread(rows: np.ndarray) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, COLUMNS).round().astype(int))]
