"""What happened in training: losses by epoch, and the metric that validation chose by."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from typing import Any

from gzsl.door.documents import read_lines
from gzsl.errors import RunError
from gzsl.report.collect import StoredRun
from gzsl.report.tables import Figure
from gzsl.runs.documents import RECORDS
from gzsl.runs.manifest import intact

FINAL_POINTS, OTHER_POINTS = 160, 40
MOST_OTHERS = 3  # fits on validation folds that a page shows in grey


def read_records(run: StoredRun) -> list[dict[str, Any]]:
    """Rows of ``records.jsonl``; none when the run wrote none.

    Raises
    ------
    RunError
        When a line is not a record.
    """
    path = run.folder / "records.jsonl"
    if not path.is_file():
        return []
    try:
        return list(read_lines(intact(path), RECORDS, "kind"))
    except RunError as error:
        raise RunError(str(error).removeprefix(f"{run.folder}{os.sep}")) from None


def training_figures(run: StoredRun) -> list[Figure]:
    """Losses and validation by epoch; nothing for methods that are not trained by steps."""
    records = read_records(run)
    found = [_losses([row for row in records if row["kind"] == "losses"]), _validation(run, records)]
    return [figure for figure in found if figure is not None]


def _losses(rows: Sequence[dict[str, Any]]) -> Figure | None:
    if not rows:
        return None
    names = sorted({name for row in rows for name in row["losses"]})
    fits = sorted({row["fit"] for row in rows}, key=lambda fit: (fit != "final", fit))
    data: dict[str, Any] = {name: [] for name in names}
    for fit in fits[: MOST_OTHERS + 1]:
        for name in names:
            points = [
                (row["epoch"], row["losses"][name]) for row in rows if row["fit"] == fit and name in row["losses"]
            ]
            kept = _every(points, FINAL_POINTS if fit == "final" else OTHER_POINTS)
            if kept:
                data[name].append({"fit": fit, "x": [x for x, _ in kept], "y": [_six(y) for _, y in kept]})
    table = [[row["fit"], row["epoch"], *(row["losses"].get(name, "") for name in names)] for row in rows]
    return Figure("losses", data, ["fit", "epoch", *names], table)


def _validation(run: StoredRun, records: Sequence[dict[str, Any]]) -> Figure | None:
    """Mean over folds of the metric that the choice went by, of every candidate that has several epochs."""
    asked = run.recipe.get("selection", {}).get("metric", "H")
    metric = str((run.metrics.get("chosen") or {}).get("metric") or asked)  # T1 on plain zero-shot data
    rows = [row for row in records if row["kind"] == "evaluation" and isinstance(row.get(metric), float)]
    places: dict[tuple[str, int, int], list[float]] = {}
    for row in rows:
        places.setdefault((row["phase"], row["index"], row["epoch"]), []).append(row[metric])
    table: list[list[Any]] = [
        [phase, index, epoch, metric, statistics.fmean(v), len(v)] for (phase, index, epoch), v in places.items()
    ]
    lines: dict[str, Any] = {}
    for phase, index, epoch, _, value, _ in sorted(table):
        line = lines.setdefault(f"{phase} {index}", {"fit": f"{phase}, candidate {index}", "x": [], "y": []})
        line["x"].append(epoch)
        line["y"].append(_six(value))
    kept = [line for line in lines.values() if len(line["x"]) > 1]
    if not kept:
        return None
    data = {"metric": metric, "lines": kept[:12], "chosen": (run.metrics.get("chosen") or {}).get("epoch")}
    return Figure("validation", data, ["phase", "candidate", "epoch", "metric", "mean", "folds"], table)


def _every(points: Sequence[Any], most: int) -> Sequence[Any]:
    """At most ``most`` of the points, evenly spread, both ends among them."""
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def _six(value: float) -> float:
    return float(f"{value:.6g}")
