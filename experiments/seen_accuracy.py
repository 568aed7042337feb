"""Image-free classes beside the classifier that they were put into: ``results/graphs_seen.csv``.

``python experiments/seen_accuracy.py RUNS OUT.csv`` reads the finished runs below RUNS of the methods that put classes
into a softmax, and of ESZSL, which sees images. ``seen`` is the accuracy of test rows of seen classes among the seen
classes, class-averaged: what the classifier could do before. All numbers are means over seeds.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from gzsl.report.collect import StoredRun, collect
from gzsl.report.tables import write_csv

METHODS = ("eszsl", "icis", "weight-ridge", "subspace-regression", "smo", "weight-average")
HEADER = ("dataset", "method", "n", "T1", "seen", "U", "S", "H", "AUSUC", "H calibrated")


def among_seen(folder: Path) -> float:
    """Class-averaged share of test rows of seen classes whose best seen class is theirs."""
    with np.load(folder / "scores.npz") as stored:
        labels, best, seen = stored["labels"], stored["seen_class"], stored["seen"]
    return float(np.mean([(best[labels == c] == c).mean() for c in seen]))


def numbers(run: StoredRun) -> dict[str, float]:
    """What the table shows of one run."""
    found = {name: run.metrics[name] for name in ("T1", "U", "S", "H", "AUSUC")}
    return found | {"seen": among_seen(run.folder), "H calibrated": run.metrics["calibrated"]["H"]}


def main(runs: Path, out: Path) -> None:
    """Write the table."""
    found = defaultdict(list)
    for run in collect(runs).runs:
        if run.protocol.semantics == "att" and run.method in METHODS:
            found[run.protocol.dataset, run.method].append(numbers(run))
    order = sorted(found, key=lambda key: (key[0], METHODS.index(key[1])))
    lines = []
    for key in order:
        means = {name: statistics.fmean(one[name] for one in found[key]) for name in found[key][0]}
        lines.append([*key, len(found[key]), *(f"{means[name]:.4f}" for name in HEADER[3:])])
    write_csv(out, HEADER, lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
