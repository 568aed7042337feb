"""A transparent baseline over regions: ESZSL's map says where each attribute is, and a ridge reads what is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data.features import FeatureRows
from gzsl.data.pooled import pooled_view
from gzsl.data.view import TrainView
from gzsl.linalg import SymmetricEigen, TwoSided, class_sums, gram
from gzsl.methods.base import Method
from gzsl.methods.embedding.eszsl import ESZSL
from gzsl.methods.registry import register
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "region-eszsl",
    family="attention",
    settings=("inductive",),
    fidelity="from paper",
    cite="ours, after Romera-Paredes & Torr, An Embarrassingly Simple Approach to Zero-Shot Learning, ICML 2015",
    year=2026,
    needs=("regions",),
    test_params=[{}, {"sharpness": 0.0, "second": False}],
)
class RegionESZSL(Method):
    """Attention without training by steps: what a method that looks at regions has to beat.

    ESZSL on the means of regions gives a map V (d, a). Region r shows attribute i as ``s_ir = f_r V_i``, attention is
    ``α_ir = softmax_r(τ s_ir / σ_i)`` with the spread σ_i of s_i around a picture's mean, over the training
    pictures, and ``e_i = Σ_r α_ir s_ir``. A second ESZSL, from e (a,) to class vectors, gives the scores
    (``second: false``: ``e`` times class vectors).

    **Differences.** It is in no paper. With ``sharpness: 0`` and ``second: false`` attention is uniform and the scores
    are exactly those of ESZSL on pooled rows.

    Notes
    -----
    One pass over the regions a candidate besides ESZSL; the regions have no order.
    """

    gamma: float = param(
        default=1.0, low=1e-6, high=1e9, log=True, symbol="γ", tune=(1e-3, 1e6), doc="ridge weight on the feature side"
    )
    lam: float = param(
        default=1.0, low=1e-6, high=1e9, log=True, symbol="λ", tune=(1e-3, 1e3), doc="ridge weight on the semantic side"
    )
    sharpness: float = param(default=2.0, low=0.0, high=100.0, symbol="τ", doc="of attention; 0 is the mean of regions")
    second: bool = param(default=True, doc="fit a second ESZSL on what attention finds")
    second_gamma: float = param(
        default=10.0, low=1e-6, high=1e9, log=True, doc="ridge weight of the second, in mean squares of e"
    )

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        wanted = [{"gamma": copy.gamma, "lam": copy.lam} for copy in copies]
        fits = ESZSL().fit_grid(pooled_view(view), wanted)
        for copy, (_, first) in zip(copies, fits, strict=True):
            copy.weights_ = first.weights_  # (d, a)
            copy.spread_ = _spread(view.features, copy.weights_)
            if copy.second:
                copy.second_ = copy._refitted(view)  # (a, a)
            yield copy

    def _refitted(self, view: TrainView) -> np.ndarray:
        """ESZSL from evidence to class vectors; its ridge grows with rows and squares of the evidence."""
        evidence = FeatureRows(np.concatenate([self._seen(block)[1] for _, block in view.features.blocks()]))
        S = view.seen_semantics.table.astype(np.float64).T
        n_classes = S.shape[1]
        sums = class_sums(evidence, view.seen_labels, n_classes)
        sums = 2 * sums - sums.sum(axis=1, keepdims=True)
        total = gram(evidence)
        unit = max(float(np.trace(total)) / len(total) / len(evidence), 1e-12)
        problem = TwoSided(SymmetricEigen.of_gram(total), SymmetricEigen.of_gram(S @ S.T), sums @ S.T)
        return problem.ridge(self.second_gamma * unit, self.lam).astype(np.float32)

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """What is found of every attribute, (n, a), as the classes weigh it."""
        found = self._seen(np.asarray(X, dtype=np.float32))[1]
        return found @ self.second_ if self.second else found

    def attention(self, X: np.ndarray) -> np.ndarray:
        """Where every attribute looks, (n, a, R)."""
        return self._seen(np.asarray(X, dtype=np.float32))[0].transpose(0, 2, 1)

    def _seen(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n, R, a) and evidence (n, a) of regions (n, R, d)."""
        shown = X @ self.weights_
        logits = self.sharpness * shown / self.spread_
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        return weights, (weights * shown).sum(axis=1)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return self.attribute_evidence(X) @ semantics.table.T


def _spread(features: FeatureRows, weights: np.ndarray) -> np.ndarray:
    """Standard deviation (a,) of what regions show around the mean of their picture."""
    total, count = np.zeros(weights.shape[1]), 0
    for _, block in features.blocks():
        shown = block @ weights
        total += ((shown - shown.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1), dtype=np.float64)
        count += shown.shape[0] * shown.shape[1]
    return np.maximum(np.sqrt(total / max(count, 1)), 1e-8).astype(np.float32)
