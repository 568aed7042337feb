"""Text-to-concept: an affine map from any features to the space of texts, then cosines with class vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linalg import SymmetricEigen, class_sums, gram
from gzsl.methods import Method, register
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "text-to-concept",
    family="zero_shot_heads",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Moayeri, Rezaei, Sanjabi & Feizi, Text-To-Concept (and Back) via Cross-Model Alignment, ICML 2023, "
    "arXiv:2305.06386",
    year=2023,
    test_params=[{"ridge": 1e-2}, {"ridge": 1e-2, "centred": False, "class_balance": False}],
)
class TextToConcept(Method):
    """Rows are mapped affinely into the space of class vectors and compared with them by cosine.

    The map is the ridge regression ``W = Y^T X (X^T X + λ I)^-1`` of centred rows on what stands for them in the
    other space, here the class vectors of the training rows; a class scores ``cos(W (x - x̄) + ȳ, t_c)``.

    **Differences.** The paper regresses on CLIP's vectors of the same pictures, by SGD on scaled data; a dataset that
    carries such vectors uses them as its class vectors' space. Released code scales the bias back by the wrong
    factor; the closed form needs no scales. λ is in units of the mean eigenvalue. ``centred`` (ours) takes ȳ off both
    sides before the cosine, which removes what all texts have in common.

    **Notes.** Reads training rows; one decomposition serves a grid over λ.
    """

    ridge: float = param(
        default=1.0, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-4, 1e2), doc="weight, in mean eigenvalues"
    )
    centred: bool = param(default=True, doc="take the mean target off before cosines (ours)")
    class_balance: bool = param(default=True, doc="targets' and rows' means are those of classes, not of rows (ours)")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        table = unit(view.seen_semantics.table).astype(np.float64)
        counts = np.bincount(view.seen_labels, minlength=len(table))
        sums = class_sums(view.features, view.seen_labels, len(table))  # (d, s)
        raw = gram(view.features)
        problems: dict[bool, tuple[SymmetricEigen, np.ndarray, np.ndarray, np.ndarray]] = {}
        for method in copies:
            balance = method.class_balance
            if balance not in problems:
                share = np.full(len(table), 1 / len(table)) if balance else counts / counts.sum()
                x_mean, y_mean = (sums / counts) @ share, share @ table
                n, total = counts.sum(), sums.sum(axis=1)
                centred = raw - np.outer(total, x_mean) - np.outer(x_mean, total) + n * np.outer(x_mean, x_mean)
                cross = (sums - np.outer(x_mean, counts)) @ (table - y_mean)
                problems[balance] = SymmetricEigen.of_gram(centred), cross, x_mean, y_mean
            eigen, cross, x_mean, y_mean = problems[balance]
            weights = eigen.ridge_solve(cross, method.ridge * max(float(eigen.values.mean()), 1e-12))
            method.weights_ = weights.astype(np.float32)  # (d, a)
            method.feature_mean_, method.text_mean_ = x_mean.astype(np.float32), y_mean.astype(np.float32)
            yield method

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Mapped rows (n, a), with the mean text where it is not taken off."""
        mapped = (X - self.feature_mean_) @ self.weights_
        return mapped if self.centred else mapped + self.text_mean_

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        table = unit(semantics.table)
        if self.centred:
            table = unit(table - self.text_mean_)
        return unit(self.attribute_evidence(X)) @ table.T
