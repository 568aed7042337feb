"""The confusion of a finished run: which class was taken for which, as given and calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gzsl.errors import RunError
from gzsl.evaluation.confusion import Confusion
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.summary import ScoreSummary
from gzsl.report.collect import StoredRun
from gzsl.report.curve_figure import calibrated_summary, read_arrays
from gzsl.report.tables import Figure

PAIRS = 15
CELLS = 3000  # cells that a page draws: all that hold right decisions, then the fullest ones


def read_confusions(run: StoredRun, names: Mapping[int, str]) -> dict[str, Confusion]:
    """Confusion by decision: ``given`` and ``calibrated``, or ``zsl`` alone without rows of seen classes.

    Parameters
    ----------
    run : StoredRun
        A finished run.
    names : mapping of int to str
        Class names by id, as in ``per_class.csv``.

    Raises
    ------
    RunError
        When a file is missing or damaged.
    """
    found = stored_evaluation(run, names)
    if not found.generalized:
        return {"zsl": found.confusion("zsl")}
    return {name: found.confusion(name) for name in ("given", "calibrated") if name == "given" or found.calibrated}


def stored_evaluation(run: StoredRun, names: Mapping[int, str]) -> Evaluation:
    """The evaluation that a run's files hold, without its evidence."""
    arrays = read_arrays(run.folder / "scores.npz")
    summary = ScoreSummary.from_arrays(arrays)
    zsl = arrays.get("zsl_predictions", summary.unseen_class[~summary.is_seen])
    if len(zsl) != int((~summary.is_seen).sum()):
        raise RunError("scores.npz: zsl_predictions: found another length than there are rows of unseen classes")
    n = int(max(summary.seen.max(initial=0), summary.unseen.max(initial=0))) + 1
    found = Evaluation(summary, zsl, tuple(names.get(c, str(c)) for c in range(n)))
    calibrated = calibrated_summary(run)
    if calibrated is None:
        return found
    return found.calibrated_by(calibrated, float(run.metrics["calibrated"]["gamma"]))


def confusion_figures(confusions: Mapping[str, Confusion]) -> list[Figure]:
    """The matrix and the most confused pairs; without rows of seen classes, those of T1 stand for ``given``."""
    cells = {_state(name): _cells(found) for name, found in confusions.items()}
    pairs = {_state(name): found.most_confused(PAIRS) for name, found in confusions.items()}
    pair_rows = [[name, *_pair(p).values()] for name, found in confusions.items() for p in found.most_confused(PAIRS)]
    return [
        Figure("confused", pairs, ["state", "class", "taken_for", "rows", "share_of_class"], pair_rows),
        Figure("confusion", cells, *confusion_table(confusions)),
    ]


def confusion_table(confusions: Mapping[str, Confusion]) -> tuple[list[str], list[list[Any]]]:
    """Header and rows of ``confusion.csv``: decision, class, kind, then one column of counts a predicted class."""
    tables = [(name, *found.table()) for name, found in confusions.items()]
    header = ["decision", *tables[0][1]]
    return header, [[name, *row] for name, _, rows in tables for row in rows]


def _state(decision: str) -> str:
    return "given" if decision == "zsl" else decision


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {key: pair[key] for key in ("class", "taken_for", "rows", "share")}


def _cells(confusion: Confusion) -> dict[str, Any]:
    """Plain values for a page: names, number of seen ones, and ``[true, predicted, rows]`` of what is not empty."""
    true, guess = np.nonzero(confusion.counts)
    counts = confusion.counts[true, guess]
    order = np.lexsort((-counts, true != guess))[:CELLS]
    cells: Sequence[list[int]] = np.stack([true, guess, counts], axis=1)[order].tolist()
    images = confusion.counts.sum(axis=1).tolist()
    return {"names": list(confusion.class_names), "n_seen": confusion.n_seen, "images": images, "cells": cells}
