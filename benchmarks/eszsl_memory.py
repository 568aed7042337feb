"""Peak memory of a whole ESZSL run on 37,000 x 2048 features from the cache, against the bytes of the features.

Run ``python -m benchmarks.eszsl_memory`` from the top of the checkout. A dataset in the shape of AWA2 is
written to a temporary folder and loaded once, which fills the cache; then a fresh interpreter loads it from
there, fits, evaluates and reports the most memory it ever had resident, Python and all libraries included.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import gzsl
from gzsl.evaluation import evaluate

ROWS, FEATURES = 37_000, 2048
TARGET = 1.5


def write(folder: Path) -> None:
    """Simulate the dataset, write it as a user would have it, and have it converted into the cache."""
    dataset = gzsl.load("simulated", preset="AWA2")
    order = np.random.default_rng(0).permutation(len(dataset.labels))[:ROWS]  # real files are not sorted by class
    names = ("trainval", "test_seen", "test_unseen")
    masks = {name: np.isin(order, getattr(dataset.split, name)) for name in names}
    path = folder / "dataset.npz"
    np.savez(
        path, features=dataset.features[order], labels=dataset.labels[order], att=dataset.semantics.table,
        class_names=np.array(dataset.class_names), **masks,
    )  # fmt: skip
    gzsl.load(path)


def run(folder: Path) -> None:
    """Load, fit, evaluate and report the peak: what the fresh interpreter does."""
    start = time.perf_counter()
    idle = peak_megabytes()
    task = gzsl.final_task(gzsl.load(folder / "dataset.npz"))
    loaded = peak_megabytes()
    method = gzsl.create("eszsl", gamma=1000.0).fit(task.view)
    fitted = peak_megabytes()
    result = evaluate(method, task)
    peak, features = peak_megabytes(), ROWS * FEATURES * 4 / 1e6
    assert "torch" not in sys.modules, "a closed-form run imported torch"
    print(f"ESZSL on {ROWS} x {FEATURES}: {result}, {time.perf_counter() - start:.1f} s")
    print(
        f"resident at most: {idle:.0f} MB at the start, {loaded:.0f} MB after loading, {fitted:.0f} MB after the fit, "
        f"{peak:.0f} MB after the evaluation"
    )
    verdict = "reached" if peak / features < TARGET else "missed"
    print(f"peak memory / features: {peak / features:.2f} x of {features:.0f} MB (target {TARGET} x: {verdict})")


def peak_megabytes() -> float:
    """Most memory that was ever resident, in MB of 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        environment = os.environ | {"GZSL_CACHE": str(Path(name) / "cache")}
        for step in ("write", "run"):  # apart, since the peak of a process starts from what its parent has resident
            program = f"from pathlib import Path; from benchmarks import eszsl_memory as b; b.{step}(Path({name!r}))"
            subprocess.run([sys.executable, "-c", program], check=True, env=environment)


if __name__ == "__main__":
    main()
