"""Seen-unseen curve and AUSUC of 100,000 x 1,000 scores against one argmax pass over the same scores.

Run ``python -m benchmarks.curve`` from the top of the checkout. The reference only finds the best class of
every row; ours finds the best seen and the best unseen one, sorts all thresholds and integrates the curve.
"""

from __future__ import annotations

import tracemalloc

import numpy as np

from benchmarks.common import compare
from gzsl.evaluation import SeenUnseenCurve, summarise

ROWS, CLASSES, SEEN = 100_000, 1_000, 800
TARGET = 0.5  # at most twice the time of the reference
MEMORY_TARGET_MB = 200


def problem(shuffled: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores of a plausible method (about two thirds right on either side alone), labels, seen and unseen ids."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((ROWS, CLASSES), dtype=np.float32)
    labels = rng.integers(0, CLASSES, ROWS)
    scores[np.arange(ROWS), labels] += 3.5
    ids = rng.permutation(CLASSES) if shuffled else np.arange(CLASSES)
    return scores, labels, ids[:SEEN], ids[SEEN:]


def main() -> None:
    for shuffled in (False, True):
        scores, labels, seen, unseen = problem(shuffled)

        def ours(scores=scores, labels=labels, seen=seen, unseen=unseen) -> float:
            return SeenUnseenCurve.of(summarise(scores, labels, seen, unseen)).area

        def reference(scores=scores) -> np.ndarray:
            return np.argmax(scores, axis=1)

        name = "curve + AUSUC, class ids " + ("shuffled" if shuffled else "contiguous")
        compare(name, ours, reference, rounds=9, target=TARGET, warmup=2)
        peak = extra_memory(ours) / 1e6
        print(f"{name}: peak extra memory {peak:.0f} MB (target: below {MEMORY_TARGET_MB} MB)")


def extra_memory(work) -> int:
    """Peak of what ``work`` allocates, in bytes."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()
