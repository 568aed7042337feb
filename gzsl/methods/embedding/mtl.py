"""Multi-task embedding: attributes regressed through a shared low-rank space, where images and classes are matched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.kernel_ridge import median_squared_distance, squared_distances
from gzsl.linalg import SymmetricEigen, class_sums, gram
from gzsl.methods import Method, register
from gzsl.methods.embedding.sae import similarity
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "mtl",
    family="embedding",
    settings=("inductive",),
    fidelity="partly from memory: unverified",
    cite="Xu, Hospedales & Gong, Multi-Task Zero-Shot Action Recognition, ECCV 2016, arXiv:1611.08663",
    year=2016,
    test_params=[{}, {"rank": 6, "importance": 1.0, "centred": False}],
)
class MTL(Method):
    """Regress all attributes at once through k shared directions, weighting classes that resemble the unseen ones.

    The ridge regression ``B = (X^T D X + λ I)^-1 X^T D A`` of class vectors A (n, a) on features X (n, d) is cut to
    rank k: with the first k right singular vectors V (a, k) of its fitted values, an image is matched as ``x B V``
    with ``a_c V`` by cosine. D weighs the rows of class c by ``r_c^β``, ``r_c = Σ_u exp(-|a_c - a_u|² / (2 w m))``
    over the unseen classes u, m being the median squared distance between seen classes, scaled to mean 1 over rows.

    **Unverified.** The paper's formulas were not at hand. That tasks share a low-dimensional space in which matching is
    done, and that auxiliary data are weighted by their relevance to the target, is from its abstract and a
    summary; the closed form (reduced-rank ridge), the kernel of class relevance and all defaults are ours. The paper
    weighs by unlabelled target images, which is transductive; here only class vectors of unseen classes are used.

    Notes
    -----
    One decomposition for every β and width serves all λ and ranks of a grid.
    """

    ridge: float = param(
        default=1.0, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-3, 1e5), doc="ridge weight (ours)"
    )
    rank: int = param(default=50, low=1, high=100_000, symbol="k", doc="shared directions, at most a (ours)")
    importance: float = param(
        default=0.0, low=0.0, high=10.0, symbol="β", tune=(0.0, 1.0), doc="0: all rows alike; 1: class relevance (ours)"
    )
    importance_width: float = param(
        default=1.0, low=1e-3, high=1e3, log=True, symbol="w", doc="width of the relevance kernel (ours)"
    )
    centred: bool = param(default=True, doc="subtract the mean seen class vector and the mean row first (ours)")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        table, labels = view.seen_semantics.table.astype(np.float64), view.seen_labels
        counts = np.bincount(labels, minlength=len(table))
        sums = class_sums(view.features, labels, len(table))  # (d, s)

        @cache
        def problem(importance: float, width: float, centred: bool) -> tuple[SymmetricEigen, np.ndarray, np.ndarray]:
            weights = class_relevance(table, view.unseen_semantics.table, counts, width) ** importance
            weights *= counts.sum() / (weights * counts).sum()
            total = gram(view.features, weights[labels] if importance else None)
            n, mean = counts.sum(), sums @ weights / counts.sum()
            level = (weights * counts) @ table / n
            if not centred:
                mean, level = np.zeros_like(mean), np.zeros_like(level)
            cross = (sums * weights) @ (table - level) - np.outer(mean, (weights * counts) @ (table - level))
            return SymmetricEigen.of_gram(total - n * np.outer(mean, mean)), cross, np.stack([*mean, *level])

        for method in copies:
            eigen, cross, means = problem(method.importance, method.importance_width, method.centred)
            B = eigen.ridge_solve(cross, method.ridge)  # (d, a)
            rotated = eigen.vectors.T @ B
            fitted = SymmetricEigen.of_gram(rotated.T @ (eigen.values[:, None] * rotated))  # of (X B)^T X B
            method.directions_ = fitted.vectors[:, ::-1][:, : method.rank].astype(np.float32)  # (a, k)
            method.weights_ = (B @ method.directions_).astype(np.float32)  # (d, k)
            method.mean_, method.level_ = np.split(means.astype(np.float32), [len(cross)])
            yield method

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        classes = (semantics.table - self.level_) @ self.directions_
        return similarity((X - self.mean_) @ self.weights_, classes, "cosine")


def class_relevance(seen: np.ndarray, unseen: np.ndarray, counts: np.ndarray, width: float) -> np.ndarray:
    """Relevance (s,) of every seen class to the unseen ones, 1 on average over rows; all 1 without unseen classes."""
    if not len(unseen):
        return np.ones(len(seen))
    distances = squared_distances(seen, unseen.astype(np.float64)) / (2 * width * median_squared_distance(seen))
    found = np.exp(-(distances - distances.min())).sum(axis=1) + 1e-12
    return found * counts.sum() / (found @ counts)
