"""Peak memory of ``predict`` on 100,000 feature rows and 1,000 classes, streamed from disk to a CSV file.

Run ``python -m benchmarks.predict_memory`` from the top of the checkout. The features (2048-d, 0.8 GB) lie in an .npy
file; the aim is a peak under 1 GB of memory that is the process's own (pages of the file are the system's).
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from gzsl.bundles.bundle import Bundle, load_bundle
from gzsl.bundles.predict import predict, write_predictions
from gzsl.data import Scaler, final_task
from gzsl.data.embedded import simulated
from gzsl.data.readers.plain import open_features
from gzsl.methods import create
from gzsl.semantics import Semantics

ROWS, CLASSES = 100_000, 1_000


def write_inputs(folder: Path) -> None:
    """A bundle with 1,000 classes, and 100,000 rows of features."""
    task = final_task(simulated.load(preset="AWA2", images_per_class=20))
    method = create("eszsl").fit(task.view)
    rng, view = np.random.default_rng(0), task.view
    seen = tuple(view.semantics.class_names[c] for c in view.seen)
    extra = CLASSES - len(seen)
    table = np.vstack([view.seen_semantics.table, rng.random((extra, view.semantics.n_attributes))])
    raw = Semantics(table, (*seen, *(f"class-{k}" for k in range(extra))))
    Bundle(method, Scaler.fit("none", view.features), raw, "none", seen, 0.0, {}).save(folder / "bundle")
    matrix = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (ROWS, view.n_features))
    for start in range(0, ROWS, 5000):
        matrix[start : start + 5000] = rng.random((5000, view.n_features), dtype=np.float32)
    matrix.flush()


def measure(folder: Path) -> tuple[int, int, float]:
    """Own memory at its peak in MB, predictions, and seconds, in this process."""
    import threading

    process, peak, running = psutil.Process(), 0, True

    def watch() -> None:
        nonlocal peak
        while running:
            memory = process.memory_full_info()
            peak = max(peak, memory.uss)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    bundle, source = load_bundle(folder / "bundle"), open_features(folder / "x.npy")
    count = write_predictions(predict(bundle, source), folder / "p.csv")
    taken = time.perf_counter() - begin
    running = False
    watcher.join()
    return peak // 2**20, count, taken


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(write_inputs, (folder,))
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peak, count, taken = pool.apply(measure, (folder,))
        verdict = "reached" if peak < 1024 else "missed"
        print(f"predict, {count} x {CLASSES}: peak {peak} MB (target 1024: {verdict}), {taken:.0f} s")


if __name__ == "__main__":
    main()
