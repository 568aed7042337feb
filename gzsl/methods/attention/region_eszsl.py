"""A transparent baseline over regions: ESZSL's map says where each attribute is and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data.features import FeatureRows
from gzsl.data.pooled import pooled_view
from gzsl.data.view import TrainView
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
    test_params=[{}, {"sharpness": 0.0}],
)
class RegionESZSL(Method):
    """Attention without training by steps: what a method that looks at regions has to beat.

    ESZSL on the means of regions gives a map V (d, a). Region r shows attribute i as ``s_ir = f_r V_i``, attention is
    ``α_ir = softmax_r(τ s_ir / σ_i)`` with the spread σ_i of s_i around a picture's mean, over the training
    pictures, and ``e_i = Σ_r α_ir s_ir``. A class with vector a scores ``e a``.

    **Differences.** It is in no paper. With ``sharpness: 0`` attention is uniform and the scores are exactly those of
    ESZSL on pooled rows.

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
    sharpness: float = param(
        default=1.0, low=0.0, high=100.0, symbol="τ", tune=(0.0, 3.0), doc="of attention; 0 is the mean of regions"
    )

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        wanted = [{"gamma": copy.gamma, "lam": copy.lam} for copy in copies]
        fits = ESZSL().fit_grid(pooled_view(view), wanted)
        for copy, (_, first) in zip(copies, fits, strict=True):
            copy.weights_ = first.weights_  # (d, a)
            copy.spread_ = _spread(view.features, copy.weights_)
            yield copy

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """What is found of every attribute, (n, a)."""
        return self._seen(np.asarray(X, dtype=np.float32))[1]

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
