"""Embarrassingly simple zero-shot learning: a bilinear model with a closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linalg import SymmetricEigen, TwoSided, class_sums, gram
from gzsl.methods import Method, register
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "eszsl",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Romera-Paredes & Torr, An Embarrassingly Simple Approach to Zero-Shot Learning, ICML 2015",
    year=2015,
    test_params=[{}, {"gamma": 10.0, "lam": 0.1, "targets": "binary", "balance_classes": True}],
)
class ESZSL(Method):
    """Bilinear compatibility of features and class vectors, fitted in closed form.

    A row x scores ``x^T V a_c`` for a class with vector ``a_c``. With features X (d, n), class vectors of the
    seen classes S (a, z) and targets Y (n, z), the objective is
    ``|X^T V S - Y|^2 + γ |V S|^2 + λ |X^T V|^2 + γλ |V|^2``, and its minimum
    ``V = (X X^T + γ I)^-1 X Y S^T (S S^T + λ I)^-1``, shape (d, a).

    **Differences.** None in the default setting: targets are +1 and -1, features and class vectors are used
    as they come, and there is no bias. ``targets: binary`` (0 and 1) is what most re-implementations use; it
    changes predictions, since -1 adds a term of rank one that favours classes unlike the sum of all seen
    class vectors. ``balance_classes`` is our own extension: every class weighs alike, whatever its number
    of images.

    **Notes.** X Y follows from the sums of every class, so no (n, z) matrix exists. Both Gram matrices are
    decomposed once: a grid over γ and λ costs little more than one fit. Memory: three to five (d, d) float64
    matrices and one block of rows.
    """

    gamma: float = param(
        default=1.0, low=1e-6, high=1e9, log=True, symbol="γ", tune=(1e-3, 1e6),
        doc="ridge weight on the feature side; scales with the number of rows and their squared length",
    )  # fmt: skip
    lam: float = param(
        default=1.0, low=1e-6, high=1e9, log=True, symbol="λ", tune=(1e-3, 1e3),
        doc="ridge weight on the semantic side; scales with the number of seen classes",
    )  # fmt: skip
    targets: str = param(
        default="signed", choices=("signed", "binary"), symbol="Y",
        doc="signed: +1 for the class of a row and -1 for others, as in the paper; binary: 1 and 0",
    )  # fmt: skip
    balance_classes: bool = param(
        default=False, doc="weight rows so that all seen classes count alike (own extension, not in the paper)"
    )

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        problem = _problems(view)
        remaining = copies[::-1]
        copies.clear()  # the weights of a candidate are freed as soon as the caller drops it
        while remaining:
            method = remaining.pop()
            solution = problem(method.targets, method.balance_classes).ridge(method.gamma, method.lam)
            method.weights_ = solution.astype(np.float32)  # (d, a)
            yield method

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Projection (n, a) of the rows."""
        return X @ self.weights_

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return np.linalg.multi_dot([X, self.weights_, semantics.table.T])  # (n, C), in the cheaper order


def _problems(view: TrainView) -> Callable[[str, bool], TwoSided]:
    """Equation of a kind of targets and weights; decompositions are made at first use and shared."""
    S = view.seen_semantics.table.astype(np.float64).T  # (a, z)
    labels, n_classes = view.seen_labels, len(view.seen)
    right = SymmetricEigen.of_gram(S @ S.T)

    @cache
    def left(balance: bool) -> tuple[SymmetricEigen, np.ndarray]:
        weights = _class_weights(labels, n_classes, balance)
        total = gram(view.features, weights[labels] if balance else None)
        sums = class_sums(view.features, labels, n_classes) * weights  # (d, z)
        return SymmetricEigen.of_gram(total), sums

    @cache
    def problem(targets: str, balance: bool) -> TwoSided:
        decomposed, sums = left(balance)
        if targets == "signed":  # Y = 2 one-hot - 1
            sums = 2 * sums - sums.sum(axis=1, keepdims=True)
        return TwoSided(decomposed, right, sums @ S.T)

    return problem


def _class_weights(labels: np.ndarray, n_classes: int, balance: bool) -> np.ndarray:
    """Weight of the rows of every class, shape (z,); rows weigh 1 on average."""
    if not balance:
        return np.ones(n_classes)
    return len(labels) / (n_classes * np.bincount(labels, minlength=n_classes))
