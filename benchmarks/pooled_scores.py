"""Propagation and balanced assignment on 20,000 unlabelled rows, and each against a dense reference on 3,000.

``python -m benchmarks.pooled_scores [ROWS]`` prints the ratios of medians, processor seconds and the largest memory.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from benchmarks.common import compare, seconds
from gzsl.data.pool import ClassPrior
from gzsl.nn.neighbour_graph import unit_rows
from gzsl.nn.pseudo_labels import shares_of, spread_of
from gzsl.transduction import Pooled, make_wrapper

FEATURES, CLASSES = 2048, 200


def problem(n: int) -> Pooled:
    """Rows around a centre a class, and noisy scores."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, n)
    centres = rng.random((CLASSES, FEATURES), dtype=np.float32)
    X = centres[y]
    X += 0.5 * rng.standard_normal((n, FEATURES), dtype=np.float32)
    scores = rng.standard_normal((n, CLASSES), dtype=np.float32)
    scores[np.arange(n), y] += 2
    names, candidates = tuple(f"class {c}" for c in range(CLASSES)), np.arange(CLASSES)
    prior = ClassPrior.uniform(candidates, CLASSES)
    nothing = np.empty(0, dtype=np.int64)
    vectors = np.eye(CLASSES, dtype=np.float32)
    return Pooled(X, scores, names, candidates, prior, X[:0], nothing, vectors, lambda rows: scores[: len(rows)])


def dense_propagation(pooled: Pooled, k: int = 15, alpha: float = 0.8) -> np.ndarray:
    """The same graph as a whole matrix, and its inverse."""
    keys = unit_rows(pooled.X - pooled.X.mean(axis=0)).astype(np.float64)
    S = keys @ keys.T
    near = np.argsort(-S, axis=1)[:, : k + 1]
    W = np.zeros_like(S)
    np.put_along_axis(W, near, np.maximum(np.take_along_axis(S, near, axis=1), 0) ** 3, axis=1)
    W /= np.sqrt(np.maximum(W.sum(axis=0), 1e-12))
    W /= W.sum(axis=1, keepdims=True)
    Y = shares_of(pooled.scores, 0.3 * spread_of(pooled.scores))
    return np.asarray((1 - alpha) * np.linalg.solve(np.eye(len(W)) - alpha * W, Y))


def dense_sinkhorn(pooled: Pooled, n_iterations: int = 200) -> np.ndarray:
    """Rows and columns of the whole plan scaled in turn, in double precision."""
    plan = np.exp((pooled.scores / (0.2 * spread_of(pooled.scores))).astype(np.float64))
    for _ in range(n_iterations):
        plan /= plan.sum(axis=1, keepdims=True)
        plan /= plan.sum(axis=0) * CLASSES / len(plan)
    return plan


def main(n: int) -> None:
    """Print both wrappers against their dense references, then their cost on all rows."""
    references = {"sinkhorn": dense_sinkhorn, "propagate": dense_propagation}
    small = problem(3000)
    for name, dense in references.items():
        wrapper = make_wrapper({"name": name})
        compare(
            f"{name} on 3000 rows", lambda wrapper=wrapper: wrapper.fit(small, 0), lambda dense=dense: dense(small),
            rounds=3, clock=time.process_time,
        )  # fmt: skip
    large = problem(n)
    for name in references:
        taken = seconds(lambda name=name: make_wrapper({"name": name}).fit(large, 0), time.process_time)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name} on {n} rows: {taken:.1f} s of the processor, peak {peak:.2f} GiB (target: 60 s, 1.5 GB)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
