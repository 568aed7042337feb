"""A 7 x 7 grid of ESZSL's two ridges against one fit, on 20,000 rows of 2048 features.

Run ``python -m benchmarks.eszsl_grid`` from the top of the checkout. One fit is measured twice: ours, and the
plain formula with two direct solves, which decomposes nothing.
"""

from __future__ import annotations

import itertools

import numpy as np

from benchmarks.common import compare
from gzsl.data import TrainView, final_task
from gzsl.data.embedded import simulated
from gzsl.methods import create

TRAIN_ROWS, UNSEEN_IMAGES = 20_000, 500
SHAPES = (("AWA2", 40, 85), ("CUB", 150, 312))
POWERS = [10.0**k for k in range(-3, 4)]
CANDIDATES = [{"gamma": gamma, "lam": lam} for gamma, lam in itertools.product(POWERS, POWERS)]
TARGET = 1 / 3  # at most three times as long as one fit
ROUNDS = 3


def view_of(preset: str, n_seen: int) -> TrainView:
    """About 20,000 simulated training rows with the attributes and classes of a benchmark."""
    per_class = round(TRAIN_ROWS / (0.8 * n_seen))
    return final_task(simulated.load(preset=preset, images_per_class=per_class, n_unseen=2)).view


def grid(view: TrainView) -> int:
    """Fit all candidates, one after the other, as a search does."""
    return sum(1 for _ in create("eszsl").fit_grid(view, CANDIDATES))


def plain_fit(view: TrainView, gamma: float = 1.0, lam: float = 1.0) -> np.ndarray:
    """Evaluate the paper's formula in float64 by direct solves."""
    X = view.features.to_array().astype(np.float64)
    S = view.seen_semantics.table.astype(np.float64)
    Y = np.where(view.seen_labels[:, None] == np.arange(len(S)), 1.0, -1.0)
    half = np.linalg.solve(X.T @ X + gamma * np.eye(X.shape[1]), X.T @ Y @ S)
    return np.linalg.solve(S.T @ S + lam * np.eye(S.shape[1]), half.T).T


def main() -> None:
    for preset, n_seen, n_attributes in SHAPES:
        view = view_of(preset, n_seen)
        found, expected = create("eszsl").fit(view).weights_, plain_fit(view)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
        name = f"{len(view.labels)} x {view.n_features}, a={n_attributes}: 7 x 7 grid against one"

        def ours(view: TrainView = view) -> int:
            return grid(view)

        def one_fit(view: TrainView = view) -> object:
            return create("eszsl").fit(view)

        def one_plain_fit(view: TrainView = view) -> np.ndarray:
            return plain_fit(view)

        compare(f"{name} fit", ours, one_fit, rounds=ROUNDS, target=TARGET, warmup=0)
        compare(f"{name} plain fit", ours, one_plain_fit, rounds=ROUNDS, target=TARGET, warmup=0)


if __name__ == "__main__":
    main()
