"""What each head of the study ``heads`` adds to the plain ensemble, with a paired test: ``results/heads.csv``.

``python experiments/heads_gain.py RUNS [OUT.csv]`` reads the finished runs below RUNS. A head is set beside
`prompt-ensemble` on the same dataset, class table and kind of task (with training rows or without). The test is
Wilcoxon's over classes, of accuracies averaged over seeds: T1 over unseen classes, and over all of them without
training rows. Shots and unlabelled rows are more than the ensemble reads: the column ``reads`` says so.
"""

from __future__ import annotations

import csv
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from gzsl.report.class_figures import number, read_classes
from gzsl.report.collect import StoredRun, collect

PLAIN = "prompt-ensemble"
METRICS = ("T1", "U", "S", "H", "AUSUC")
FIELDS = (
    "dataset", "semantics", "task", "reads", "method", "n",
    *(f"{metric}.{part}" for metric in METRICS for part in ("mean", "std")),
    "gain", "p", "better", "worse", "ausuc_gain", "seconds",
)  # fmt: skip


def place(run: StoredRun) -> tuple[str, str, str]:
    """Dataset, class table and kind of task: within them heads are compared."""
    protocol = run.protocol
    return protocol.dataset, protocol.semantics, "transfer" if protocol.setting == "transfer" else "gzsl"


def reads(run: StoredRun) -> str:
    """What a run saw besides what the plain ensemble sees in its setting."""
    parts = ["unlabelled rows"] if run.protocol.setting.startswith("transductive") else []
    return " and ".join(parts + ([f"shots: {run.protocol.shots}"] if run.protocol.shots != "none" else []))


def by_class(runs: list[StoredRun]) -> dict[str, float]:
    """Accuracy of each unseen class among unseen ones, averaged over seeds."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for row in read_classes(run):
            value = number(row.get("zsl"))
            if row["kind"] == "unseen" and value is not None:
                found[row["name"]].append(value)
    return {name: statistics.fmean(values) for name, values in found.items()}


def spread(runs: list[StoredRun], name: str) -> tuple[Any, Any]:
    """Mean and sample standard deviation of a metric over seeds; empty where it was not measured."""
    values = [run.metrics[name] for run in runs if run.metrics.get(name) is not None]
    if not values:
        return "", ""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else ""


def line(key: tuple[str, ...], runs: list[StoredRun], plain: list[StoredRun]) -> dict[str, Any]:
    """One row of the file."""
    row = dict(zip(("dataset", "semantics", "task", "reads", "method"), key, strict=True)) | {"n": len(runs)}
    for name in METRICS:
        row[f"{name}.mean"], row[f"{name}.std"] = spread(runs, name)
    row["seconds"] = round(statistics.fmean(run.seconds for run in runs), 1)
    if not plain or runs is plain:
        return row
    ours, theirs = by_class(runs), by_class(plain)
    gains = np.array([ours[name] - theirs[name] for name in sorted(ours.keys() & theirs.keys())])
    row |= {"gain": gains.mean(), "better": int((gains > 0).sum()), "worse": int((gains < 0).sum())}
    row["p"] = float(stats.wilcoxon(gains, method="approx").pvalue) if gains.any() else 1.0
    if row["AUSUC.mean"] != "":
        row["ausuc_gain"] = row["AUSUC.mean"] - spread(plain, "AUSUC")[0]
    return row


def main() -> None:
    """Write the file."""
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent / "results" / "heads.csv"
    latest: dict[tuple[str, ...], dict[int, StoredRun]] = defaultdict(dict)
    for run in sorted(collect(Path(sys.argv[1])).runs, key=lambda run: run.finished_at):
        latest[(*place(run), reads(run), run.method)][run.seed] = run
    groups = {key: [runs[seed] for seed in sorted(runs)] for key, runs in latest.items()}
    rows = [line(key, runs, groups.get((*key[:3], "", PLAIN), [])) for key, runs in sorted(groups.items())]
    with out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(f"{out}: {len(rows)} lines\n")


if __name__ == "__main__":
    main()
