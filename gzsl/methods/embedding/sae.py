"""Semantic autoencoder: a linear encoder to class vectors whose transpose has to reconstruct the features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linalg import SymmetricEigen, TwoSided, class_sums, gram
from gzsl.methods import Method, register
from gzsl.params import param
from gzsl.semantics import Semantics

TINY = 1e-12


@register(
    "sae",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Kodirov, Xiang & Gong, Semantic Autoencoder for Zero-Shot Learning, CVPR 2017, arXiv:1704.08345",
    year=2017,
    test_params=[{}, {"direction": "f2s", "distance": "euclidean"}],
)
class SAE(Method):
    """A tied linear autoencoder between features and class vectors, in closed form.

    With features X (d, n) and the class vectors of their rows S (a, n), W (a, d) minimises
    ``|X - W^T S|^2 + λ |W X - S|^2``; it solves the Sylvester equation
    ``S S^T W + W (λ X X^T) = (1 + λ) S X^T``. A class is then looked up among class vectors (``direction: f2s``:
    W x against a_c) or among features (``s2f``: x against W^T a_c).

    **Differences.** λ is relative by default, a multiple of ``tr(S S^T) / tr(X X^T)``: the same λ then means the same
    on features of any scale (``scale: absolute`` is the paper's λ). The released script standardises
    distances over the test rows in one direction, which is transductive, and counts accuracy by sample: neither is
    offered. A widespread re-implementation scales the rows of W to unit length, which the paper does not.

    Notes
    -----
    S X^T and S S^T follow from the sums and sizes of the classes, so no (a, n) matrix exists. Both Gram matrices
    are decomposed once: every further λ costs three products of the size of W.
    """

    lam: float = param(
        default=1.0, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-4, 1e4),
        doc="weight of encoding against decoding",
    )  # fmt: skip
    scale: str = param(
        default="relative", choices=("relative", "absolute"),
        doc="relative: λ times tr(S S^T) / tr(X X^T), ours; absolute: λ as in the paper",
    )  # fmt: skip
    direction: str = param(
        default="s2f", choices=("f2s", "s2f"), doc="f2s: compare among class vectors; s2f: compare among features"
    )
    distance: str = param(default="cosine", choices=("cosine", "euclidean"), doc="how vectors are compared")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        S = view.seen_semantics.table.astype(np.float64).T  # (a, s)
        counts = np.bincount(view.seen_labels, minlength=S.shape[1])
        left = SymmetricEigen.of_gram((S * counts) @ S.T)
        right = SymmetricEigen.of_gram(gram(view.features))
        equation = TwoSided(left, right, S @ class_sums(view.features, view.seen_labels, len(counts)).T)
        ratio = left.values.sum() / max(right.values.sum(), TINY)
        for method in copies:
            lam = method.lam * (ratio if method.scale == "relative" else 1.0)
            method.encoder_ = ((1 + lam) * equation.sylvester(1.0, lam)).astype(np.float32)  # (a, d)
            yield method

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        if self.direction == "f2s":
            return similarity(X @ self.encoder_.T, semantics.table, self.distance)
        return similarity(X, semantics.table @ self.encoder_, self.distance)


def similarity(rows: np.ndarray, prototypes: np.ndarray, distance: str) -> np.ndarray:
    """Cosine, or minus the squared Euclidean distance, of rows (n, k) and prototypes (C, k) -> (n, C)."""
    product = rows @ prototypes.T
    if distance == "euclidean":
        return 2 * product - (rows**2).sum(axis=1)[:, None] - (prototypes**2).sum(axis=1)
    lengths = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(prototypes, axis=1)
    return product / np.maximum(lengths, TINY)
