"""What became of each class: accuracies, seen taken for unseen, and the pairs that are confused most."""

from __future__ import annotations

from typing import Any

import numpy as np

from gzsl.door.shown import short
from gzsl.door.tables import read_rows
from gzsl.errors import DataError, RunError
from gzsl.evaluation.metrics import mean_accuracy, per_class_accuracy, predictions
from gzsl.evaluation.summary import ScoreSummary
from gzsl.report.collect import StoredRun
from gzsl.report.confusion import confusion_figures, read_confusions
from gzsl.report.curve_figure import calibrated_summary, read_summary
from gzsl.report.tables import Figure
from gzsl.runs.manifest import intact

LARGEST = 2**31  # of an id or a count
ACCURACIES = ("gzsl", "calibrated", "zsl")


def read_classes(run: StoredRun) -> list[dict[str, str]]:
    """Rows of ``per_class.csv``.

    Raises
    ------
    RunError
        When the file is missing or lacks a column.
    """
    path, columns = run.folder / "per_class.csv", ("class_id", "name", "kind", "images", "gzsl")
    try:
        rows = read_rows(intact(path), columns, may_be_empty=("gzsl",))
    except DataError as error:
        raise RunError(f"{error}, as a finished run has it") from None
    for row in rows:
        _check(row)
    return rows


def _check(row: dict[str, str]) -> None:
    """Raise RunError unless a row's numbers are numbers."""
    for name, kind in (("class_id", int), ("images", int), *((name, float) for name in ACCURACIES)):
        text = row.get(name, "")
        try:
            sound = (text == "" and kind is float) or 0 <= kind(text) < LARGEST
        except ValueError:
            sound = False
        if not sound:
            raise RunError(f"per_class.csv: {name}: found {short(text)}, expected a number from 0 on")


def class_figure(run: StoredRun) -> Figure:
    """Accuracy of every class: fractions, None where there is nothing to measure."""
    rows = read_classes(run)
    names = [name for name in ACCURACIES if name in rows[0]]
    values = {name: [number(row[name]) for row in rows] for name in names}
    data = {
        "id": [int(row["class_id"]) for row in rows], "name": [row["name"] for row in rows],
        "unseen": [int(row["kind"] == "unseen") for row in rows], "images": [int(row["images"]) for row in rows],
        **{name: [None if v is None else round(v, 5) for v in column] for name, column in values.items()},
    }  # fmt: skip
    table = [[row["name"], row["kind"], row["images"], *(row[name] for name in names)] for row in rows]
    return Figure("classes", data, ["class", "kind", "images", *names], table)


def decision_figures(run: StoredRun) -> list[Figure]:
    """Sides, confusion and confused pairs, with the scores as given and, after a calibration, at its gamma."""
    names = {int(row["class_id"]): row["name"] for row in read_classes(run)}
    found = confusion_figures(read_confusions(run, names))
    plain = read_summary(run.folder / "scores.npz")
    if not plain.is_seen.any():
        return found
    states = {"given": (plain, 0.0)}
    calibrated = calibrated_summary(run)
    if calibrated is not None:
        states["calibrated"] = (calibrated, float(run.metrics["calibrated"]["gamma"]))
    sides = {state: side_blocks(summary, gamma) for state, (summary, gamma) in states.items()}
    rows = [[state, *block.values()] for state, blocks in sides.items() for block in blocks]
    return [Figure("sides", sides, ["state", "true", "predicted", "rows", "share", "right_class"], rows), *found]


def side_blocks(summary: ScoreSummary, gamma: float) -> list[dict[str, Any]]:
    """Seen against unseen, four blocks.

    Keys: ``true``, ``predicted`` (sides), ``rows`` (how many), ``share`` (of the true side, class-averaged) and
    ``right_class`` (class-averaged share of the true side that is on the right side and of the right class).
    """
    predicted = predictions(summary, gamma)
    to_seen = np.isin(predicted, summary.seen)
    blocks = []
    for true, ids, own in (("seen", summary.seen, summary.is_seen), ("unseen", summary.unseen, ~summary.is_seen)):
        right = mean_accuracy(per_class_accuracy(summary.labels, predicted, ids))
        for name, there in (("seen", to_seen), ("unseen", ~to_seen)):
            share = mean_accuracy(per_class_accuracy(summary.labels, np.where(there, summary.labels, -1), ids))
            blocks.append({
                "true": true, "predicted": name, "rows": int((own & there).sum()), "share": share,
                "right_class": right if true == name else 0.0,
            })  # fmt: skip
    return blocks


def number(text: str | None) -> float | None:
    """A cell of a CSV file as a number; None when empty."""
    return float(text) if text else None
