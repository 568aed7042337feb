"""Synthesised classifiers: the classifier of any class is a combination of those of phantom classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.kernel_ridge import ClassKernel, squared_distances
from gzsl.linear import fit_linear, softmax, squared_hinge_loss, worst_violator_loss
from gzsl.methods import Method, register
from gzsl.params import param
from gzsl.semantics import Semantics

WORST_CONDITION = 1e8


@register(
    "sync",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Changpinyo, Chao, Gong & Sha, Synthesized Classifiers for Zero-Shot Learning, CVPR 2016, arXiv:1603.00550",
    year=2016,
    test_params=[{}, {"loss": "structured", "width": 4.0}, {"loss": "crammer-singer"}],
)
class SynC(Method):
    """Learn linear classifiers of phantom classes such that seen classes are well told apart; then combine them.

    A class with vector a_c has the classifier ``w_c = Σ_r s_cr v_r`` with ``s_cr = softmax_r(-|a_c - b_r|² / σ²)``. The
    phantom classes b_r sit on the seen class vectors, so the similarities S (s, s) of the seen classes are
    invertible: their classifiers W (s, d) are learnt freely with a loss and ``λ/2 |W|²``, and V (s, d) solves
    ``S V = W``. Losses: squared hinge of one class against the others (``ovo``), or of the worst violator with
    margin 1 (``crammer-singer``) or the squared distance of the class vectors (``structured``).

    **Differences.** Phantom classes are fixed, the default of the paper; learning them is not offered. ``width`` is
    1/σ² in units of the median squared distance between seen class vectors. The worst violator's hinge is squared,
    which L-BFGS needs. Where S is nearly singular (condition over 1e8, for a small width) the least-squares V with a
    tiny ridge is taken.

    Notes
    -----
    W is learnt once for every λ: widths are free in a grid. An iteration costs two products of the rows with W.
    """

    loss: str = param(
        default="ovo", choices=("ovo", "crammer-singer", "structured"), doc="between seen classes (o-vs-o, cs, struct)"
    )
    l2: float = param(
        default=1e-5, low=1e-14, high=1e4, log=True, symbol="λ", tune=(2**-30, 2**-8), doc="weight decay (mean loss)"
    )
    width: float = param(
        default=1.0, low=1e-6, high=1e6, log=True, symbol="1/σ²", tune=(2**-5, 2**5), doc="width of the similarity"
    )
    n_iterations: int = param(default=100, low=1, high=100_000, doc="L-BFGS iterations at most")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        table, labels = view.seen_semantics.table.astype(np.float64), view.seen_labels
        _check_classes(table)
        X = view.features.to_array()

        @cache
        def classifiers(kind: str, l2: float, n_iterations: int) -> np.ndarray:
            costs = {"crammer-singer": 1 - np.eye(len(table)), "structured": squared_distances(table, table)}
            one_against_others = fit_linear(
                X, len(table), squared_hinge_loss(labels), l2, bias=False, n_iterations=n_iterations
            )
            if kind == "ovo":
                return one_against_others.weights.T
            loss = worst_violator_loss(labels, costs[kind])  # has a kink at zero weights, so it starts elsewhere
            return fit_linear(
                X, len(table), loss, l2, bias=False, n_iterations=n_iterations, start=one_against_others
            ).weights.T

        for method in copies:
            W = classifiers(method.loss, method.l2, method.n_iterations)  # (s, d)
            method.anchors_ = table
            method.phantoms_ = _solve(method.similarity(table), W).astype(np.float32)  # (s, d)
            yield method

    def similarity(self, table: np.ndarray) -> np.ndarray:
        """Similarity (C, s) of class vectors (C, a) to the phantom classes; rows add up to 1."""
        kernel = ClassKernel.of(self.anchors_, "rbf")
        return softmax(-self.width * squared_distances(table.astype(np.float64), self.anchors_) / kernel.scale)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        classifiers = self.similarity(semantics.table).astype(np.float32) @ self.phantoms_  # (C, d)
        return X @ classifiers.T


def _check_classes(table: np.ndarray) -> None:
    if len(table) < 2 or not np.ptp(table, axis=0).any():
        raise MethodError(
            f"sync: found {len(np.unique(table, axis=0))} different seen class vector(s), expected at least 2; "
            "use more seen classes or other semantics"
        )


def _solve(S: np.ndarray, W: np.ndarray) -> np.ndarray:
    """V with ``S V = W``; by least squares with a tiny ridge where S is nearly singular."""
    U, values, Vt = np.linalg.svd(S)
    ridge = 0.0 if values[-1] * WORST_CONDITION > values[0] else (values[0] / WORST_CONDITION) ** 2
    return Vt.T @ ((values / (values**2 + ridge))[:, None] * (U.T @ W))
