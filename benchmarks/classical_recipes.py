"""Wall time of every classical recipe at benchmark size, validation and all, on simulated 25,000 x 2048 features.

Run ``python -m benchmarks.classical_recipes [METHOD ...]`` from the top of the checkout. Each method's AWA2 recipe
runs with one seed on data of AWA2's sizes (about 25,000 training rows, 40 seen classes, 85 attributes): folds, grid,
refit and evaluation. The aim is five minutes on two cores; the time of one plain pass of matrix products over the
same rows stands beside it, since absolute times on shared machines mean little.
"""

from __future__ import annotations

import sys
import tempfile
import time

import numpy as np

from benchmarks.common import seconds
from gzsl.data import load
from gzsl.runs import load_recipe, run_recipe
from gzsl.studies.study import load_study

OPTIONS = {"preset": "AWA2", "images_per_class": 781}  # 40 classes with 80 % of 781 rows each: 24,992 training rows
LIMIT_SECONDS = 300


def recipe_seconds(method: str) -> tuple[float, dict[str, float]]:
    """Run a method's AWA2 recipe on the simulated data; the time and the metrics."""
    changes = {"dataset": {"name": "simulated", "options": OPTIONS}}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        (result,) = run_recipe(load_recipe(f"{method}/AWA2", changes), out=folder, seeds=[0])
        return time.perf_counter() - start, result.metrics


def main() -> None:
    dataset = load("simulated", **OPTIONS)
    rows = np.asarray(dataset.features[dataset.split.trainval])
    plain = min(seconds(lambda: rows.T @ rows) for _ in range(3))
    print(f"{rows.shape[0]} x {rows.shape[1]} rows; one Gram matrix of them takes {plain:.2f} s here")
    for method in sys.argv[1:] or load_study("classical").methods:
        taken, metrics = recipe_seconds(method)
        verdict = "reached" if taken <= LIMIT_SECONDS else "missed"
        print(
            f"{method}: {taken:.0f} s (target {LIMIT_SECONDS}: {verdict}), {taken / plain:.0f} Gram matrices; "
            f"T1 {100 * metrics['T1']:.1f}, H {100 * metrics['H']:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
