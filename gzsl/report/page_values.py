"""What a report's template prints, as plain values."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from gzsl.report.aggregate import shown_spread
from gzsl.report.collect import StoredRun, flatten
from gzsl.report.groups import Group
from gzsl.report.leaderboard import Line, percent
from gzsl.report.significance import Comparison

FILTERS = ("dataset", "split", "features", "fine_tuned", "semantics", "setting", "selection", "calibration")
SIGNIFICANCE_TEXT = {
    "seeds": "Paired t-test of H over the seeds that two methods share: the best against each other one, among rows "
    "that may be compared, corrected by Holm. A handful of seeds is few, and seeds share their data: a small p says "
    "that the difference is larger than the noise of training, not that it holds for other classes.",
    "classes": "Wilcoxon signed-rank test over classes, of accuracies as given averaged over seeds, best against each "
    "other one among rows that may be compared, corrected by Holm within each metric.",
}


def row_values(line: Line, number: int) -> dict[str, Any]:
    """Plain values of a line of the leaderboard."""
    group = line.group
    return {
        "id": number, "method": group.method, "variant": group.variant, "label": group.label, "mark": line.mark,
        "valid": line.valid, "n": group.aggregate.n, "seconds": group.seconds, "time": _duration(group.seconds),
        "source": _source(line) or "",
        "cells": [
            {
                "mean": cell.mean, "best": cell.best, "published": cell.published,
                "percent": None if cell.mean is None else percent(cell.mean),
                "std": shown_spread(cell.std) or None,
            }
            for cell in line.cells
        ],
    }  # fmt: skip


def protocol_fields(lines: Sequence[Line]) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Protocol fields to filter by, with their values, and those that are the same everywhere."""
    varying, same = [], []
    for name in FILTERS:
        values = sorted({field_texts(line.group)[name] for line in lines})
        label = name.replace("_", "-")
        if len(values) > 1:
            varying.append({"name": name, "label": label, "values": values})
        else:
            same.append((label, values[0]))
    return varying, same


def field_texts(group: Group) -> dict[str, str]:
    """Protocol fields of `FILTERS` as words."""
    words = {True: "yes", False: "no", None: "unknown"}
    values = group.protocol.to_dict()
    return {name: words[v] if (v := values[name]) is None or isinstance(v, bool) else v for name in FILTERS}


def summary_text(lines: Sequence[Line]) -> str:
    """One line about all runs."""
    runs = [run for line in lines for run in line.group.runs]
    counts = [
        (len({line.group.method for line in lines}), "method"), (len({run.dataset for run in runs}), "dataset"),
        (len(runs), "run"),
    ]  # fmt: skip
    newest = time.strftime("%Y-%m-%d", time.gmtime(max(run.finished_at for run in runs)))
    parts = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts]
    return f"{', '.join(parts)}; the newest finished on {newest}"


def _source(line: Line) -> str | None:
    found = line.group.published
    if found is None:
        return None
    secondary = ", read in somebody else's table" if found.secondary else ""
    differs = f"; differs: {line.group.published_differs}" if line.group.published_differs else ""
    return f"{found.method} on {found.dataset} ({found.kind}{secondary}): {found.source}{differs}"


def source_texts(lines: Sequence[Line]) -> list[str]:
    """Where published numbers were read."""
    return list(dict.fromkeys(source for line in lines if (source := _source(line))))


def environment_texts(run: StoredRun) -> dict[str, str]:
    """Versions and hardware of a run."""
    return {key.removeprefix("packages."): str(v) for key, v in flatten(run.environment).items() if key != "key"}


def significance_values(test: str | None, tests: Sequence[Comparison]) -> dict[str, Any] | None:
    """Text and rows of the section on significance; None when it was not asked for."""
    if test is None:
        return None
    few = "" if tests else " No two valid rows share a protocol, so there is nothing to test."
    return {
        "text": SIGNIFICANCE_TEXT[test] + few,
        "rows": [
            {
                **one.to_dict(), "significant": one.significant,
                "difference": "–" if one.difference is None else f"{100 * one.difference:.1f}",
                "p": _p(one.p), "p_holm": _p(one.p_holm),
            }
            for one in tests
        ],
    }  # fmt: skip


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
