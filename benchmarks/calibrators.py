"""What every calibrator adds to scoring 100,000 rows against 1,000 classes, in time and in memory.

Run ``python -m benchmarks.calibrators`` from the top of the checkout. The reference is ESZSL on 2048-d features and 312
attributes, 800 seen classes and 200 unseen ones: its scores and the best class of each side, block by block as in every
evaluation. Every calibrator looks at the same blocks, turn about, so that a busy machine slows all alike. What
calibrators learn beforehand is not counted, and cut short. The aim: at most 20 % more time, and never as much extra
memory as all scores at once would take.
"""

from __future__ import annotations

import time
import tracemalloc
from collections import defaultdict
from typing import Any

import numpy as np

from gzsl.calibration import Calibrator, Observation, calibrator_names, make_calibrator
from gzsl.data import FeatureRows, TrainView
from gzsl.data.features import BLOCK_ROWS
from gzsl.evaluation import summarise
from gzsl.methods import Method, create
from gzsl.semantics import Semantics

ROWS, CLASSES, SEEN, FEATURES, ATTRIBUTES = 100_000, 1_000, 800, 2048, 312
THREE_ROWS = 100  # classes with three training rows, the others have one: what is not measured stays short
SHORT: dict[str, dict[str, Any]] = {
    "boundary-ood": {"n_epochs": 1}, "cosmo": {"n_iterations": 2}, "cooked": {"n_iterations": 2},
}  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    *({"name": name, **SHORT.get(name, {})} for name in calibrator_names()),
    {"name": "stacking", "form": "multiplicative"},
    {"name": "stacking", "form": "zscored"},
    {"name": "cosmo", "own_seen_scores": True},
    {"name": "cooked", "members": ["method", "gaussian"]},
]
TARGET = 0.2


def training_view(rng: np.random.Generator) -> TrainView:
    """One row or three of every seen class around means that follow from attributes."""
    table = rng.random((CLASSES, ATTRIBUTES)).astype(np.float32)
    labels = np.sort(np.concatenate([np.arange(SEEN), np.repeat(np.arange(THREE_ROWS), 2)]))
    means = table @ rng.standard_normal((ATTRIBUTES, FEATURES), dtype=np.float32) / np.float32(np.sqrt(ATTRIBUTES))
    X = means[labels] + rng.standard_normal((len(labels), FEATURES), dtype=np.float32)
    semantics = Semantics(table, tuple(f"class-{k}" for k in range(CLASSES)))
    return TrainView(FeatureRows(X), labels, semantics, np.arange(SEEN), np.arange(SEEN, CLASSES))


def title(section: dict[str, Any]) -> str:
    """Name of a calibrator and what is unusual about it, without what the benchmark cuts short."""
    usual = SHORT.get(section["name"], {})
    changed = [f"{key}={value}" for key, value in section.items() if key != "name" and key not in usual]
    return f"{section['name']}({', '.join(changed)})" if changed else section["name"]


class Clock:
    """Seconds and peak bytes by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.peak: dict[str, int] = defaultdict(int)

    def call(self, name: str, work: Any, *arguments: Any) -> Any:
        """Time a call, and add it up."""
        began = time.perf_counter()
        result = work(*arguments)
        self.seconds[name] += time.perf_counter() - began
        return result

    def weigh(self, name: str, work: Any, *arguments: Any) -> None:
        """Peak of what a call allocates."""
        tracemalloc.start()
        work(*arguments)
        self.peak[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def scored(method: Method, view: TrainView, X: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Any]:
    """The reference: scores of a block and its summary."""
    scores = method.scores(X, view.semantics)
    return scores, summarise(scores, labels, view.seen, view.unseen)


def decided(calibrator: Calibrator, X: np.ndarray, scores: np.ndarray, summary: Any) -> Any:
    """What a calibrator does with a block in evaluation."""
    return calibrator.decide(Observation(summary, calibrator.observe(X, scores)))


def main() -> None:
    rng = np.random.default_rng(0)
    view = training_view(rng)
    method = create("eszsl", gamma=100.0, lam=1.0).fit(view)
    found = {title(section): make_calibrator(section).prepare(view).attach(method, view) for section in VARIANTS}
    block = rng.standard_normal((BLOCK_ROWS, FEATURES), dtype=np.float32)
    labels = rng.integers(0, CLASSES, len(block))
    clock = Clock()
    scores, summary = scored(method, view, block, labels)
    for name, calibrator in found.items():
        clock.weigh(name, decided, calibrator, block, scores, summary)
    for _ in range(-(-ROWS // len(block))):
        scores, summary = clock.call("reference", scored, method, view, block, labels)
        for name, calibrator in found.items():
            clock.call(name, decided, calibrator, block, scores, summary)
    report(clock, scores.nbytes)


def report(clock: Clock, block_bytes: int) -> None:
    """Print a line a calibrator."""
    reference, whole = clock.seconds.pop("reference"), ROWS * CLASSES * 4
    print(f"reference: {reference:.1f} s for {ROWS} x {CLASSES}, blocks of {block_bytes / 1e6:.1f} MB of scores")
    for name, seconds in sorted(clock.seconds.items(), key=lambda item: item[1]):
        share, peak = seconds / reference, clock.peak[name]
        verdict = "reached" if share <= TARGET else "missed"
        memory = f"peak {peak / 1e6:.0f} MB, {peak / whole:.0%} of all scores"
        print(f"{name}: {share:.1%} more time (target {TARGET:.0%}: {verdict}), {memory}")


if __name__ == "__main__":
    main()
