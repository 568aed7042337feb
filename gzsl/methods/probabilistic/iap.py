"""Indirect attribute prediction: attribute posteriors from the posterior over seen classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linear import softmax
from gzsl.methods import register
from gzsl.methods.probabilistic.attribute_posterior import AttributePosterior
from gzsl.methods.probabilistic.seen_softmax import seen_softmax


@register(
    "iap",
    family="probabilistic",
    settings=("inductive",),
    fidelity="from paper",
    cite="Lampert, Nickisch & Harmeling, Attribute-Based Classification, CVPR 2009 and TPAMI 2014",
    year=2009,
    test_params=[{}, {"binarise": "column-mean", "prior": "half"}],
)
class IAP(AttributePosterior):
    """Classify among the seen classes, read attributes off the posterior, then compare with all classes.

    ``P(a_m = 1 | x) = Σ_s P(s | x) b_sm`` over the seen classes s with binary attributes b; classes are then scored as
    in `AttributePosterior`.

    **Differences.** A softmax regression on network features gives P(s | x) directly; the paper trains one kernel
    machine a class against the rest and normalises their sigmoids.

    Notes
    -----
    A seen class explains its own posterior best, so U is near 0 without calibration. As for DAP, give it original or
    binary attributes.
    """

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        classifier = seen_softmax(view)
        for method in copies:
            method.seen_binary_ = method._begin_attributes(view)  # (s, a)
            model = classifier(method.l2, method.n_iterations)
            method.weights_, method.bias_ = model.weights, model.bias  # (d, s), (s,)
            yield method

    def _attribute_probabilities(self, X: np.ndarray) -> np.ndarray:
        return softmax(X @ self.weights_ + self.bias_) @ self.seen_binary_
