"""Peak memory of a whole ESZSL run on 37,000 x 2048 memory-mapped features, against the bytes of the features.

Run ``python -m benchmarks.eszsl_memory`` from the top of the checkout. The data are written once to a
temporary folder; a fresh interpreter maps them, fits, evaluates and reports the most memory it ever had
resident, with Python and all libraries counted.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gzsl.data import DataCard, Dataset, Split, final_task
from gzsl.evaluation import evaluate
from gzsl.methods import create
from gzsl.semantics import Semantics

ROWS, FEATURES = 37_000, 2048
TARGET = 1.5
INDEX = ("labels", "table", "seen", "unseen", "trainval", "test_seen", "test_unseen")


def write(folder: Path) -> None:
    """Simulate a dataset in the shape of AWA2 and write it as arrays."""
    from gzsl.data.embedded import simulated

    dataset = simulated.load(preset="AWA2")
    split = dataset.split
    order = np.random.default_rng(0).permutation(len(dataset.labels))[:ROWS]  # real files are not sorted by class
    np.save(folder / "features.npy", dataset.features[order])
    new_place = np.full(len(dataset.labels), -1)
    new_place[order] = np.arange(ROWS)
    rows = {name: new_place[getattr(split, name)] for name in ("trainval", "test_seen", "test_unseen")}
    kept = {name: np.sort(places[places >= 0]) for name, places in rows.items()}
    table, labels = dataset.semantics.table, dataset.labels[order]
    np.savez(folder / "index.npz", labels=labels, table=table, seen=split.seen, unseen=split.unseen, **kept)


def mapped(folder: Path) -> Dataset:
    """Open what `write` wrote; the features stay on disk."""
    features = np.load(folder / "features.npy", mmap_mode="r")
    with np.load(folder / "index.npz") as index:
        labels, table, *parts = (index[name] for name in INDEX)
    semantics = Semantics(table, tuple(f"class {c:02d}" for c in range(len(table))))
    return Dataset(features, labels, semantics, Split(*parts), DataCard("mapped"))


def run(folder: Path) -> None:
    """Fit, evaluate, and report the peak: what the fresh interpreter does."""
    start = time.perf_counter()
    idle = peak_megabytes()
    task = final_task(mapped(folder))
    method = create("eszsl", gamma=1000.0).fit(task.view)
    fitted = peak_megabytes()
    result = evaluate(method, task)
    peak, features = peak_megabytes(), ROWS * FEATURES * 4 / 1e6
    assert "torch" not in sys.modules, "a closed-form run imported torch"
    print(f"ESZSL on {ROWS} x {FEATURES}: {result}, {time.perf_counter() - start:.1f} s")
    print(f"resident: {idle:.0f} MB after imports, {fitted:.0f} MB after the fit, {peak:.0f} MB after the evaluation")
    verdict = "reached" if peak / features < TARGET else "missed"
    print(f"peak memory / features: {peak / features:.2f} x of {features:.0f} MB (target {TARGET} x: {verdict})")


def peak_megabytes() -> float:
    """Most memory that was ever resident, in MB of 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for step in ("write", "run"):  # apart, since the peak of a process starts from what its parent has resident
            program = f"from pathlib import Path; from benchmarks import eszsl_memory as b; b.{step}(Path({name!r}))"
            subprocess.run([sys.executable, "-c", program], check=True)


if __name__ == "__main__":
    main()
