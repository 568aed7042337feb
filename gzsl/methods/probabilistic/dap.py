"""Direct attribute prediction: one detector an attribute, a class by the product of its attributes' posteriors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linear import LinearModel, binary_loss, fit_linear, sigmoid
from gzsl.methods import register
from gzsl.methods.probabilistic.attribute_posterior import AttributePosterior


@register(
    "dap",
    family="probabilistic",
    settings=("inductive",),
    fidelity="from paper",
    cite="Lampert, Nickisch & Harmeling, Attribute-Based Classification, CVPR 2009 and TPAMI 2014",
    year=2009,
    test_params=[{}, {"binarise": "column-mean", "prior": "half", "l2": 1e-3}],
)
class DAP(AttributePosterior):
    """Detect every attribute in the image, then compare with the attributes that classes have.

    ``P(a_m = 1 | x) = σ(w_m x + b_m)`` for each of the a attributes, trained jointly as one multi-output logistic
    regression on the binary attributes of the rows' classes; classes are scored as in `AttributePosterior`.

    **Differences.** The paper trains a χ² kernel machine an attribute and turns its output into a probability by
    Platt's sigmoid on held-out images; on network features the benchmark paper and we use logistic regression,
    which needs no sigmoid. One weight decay serves all attributes, which keeps their scales comparable, as there.
    Class attributes, not those of single images. The released Python re-implementation feeds the sigmoid hard
    decisions and multiplies probabilities without logarithms: not offered.

    Notes
    -----
    Give it original or binary attributes (``dataset: {semantics: original_att}``): unit-length vectors move the
    threshold from class to class. Correlated attributes count several times; the scores spread widely in the
    generalized task, where calibration is needed. An iteration costs two products of the rows with (d, a).
    """

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        X, labels = view.features.to_array(), view.seen_labels

        @cache
        def detectors(binary: bytes, l2: float, n_iterations: int) -> LinearModel:
            targets = np.frombuffer(binary).reshape(len(view.seen), -1).astype(np.float32)[labels]
            return fit_linear(X, targets.shape[1], binary_loss(targets), l2, n_iterations=n_iterations)

        for method in copies:
            binary = method._begin_attributes(view)
            model = detectors(binary.tobytes(), method.l2, method.n_iterations)
            method.weights_, method.bias_ = model.weights, model.bias  # (d, a), (a,)
            yield method

    def _attribute_probabilities(self, X: np.ndarray) -> np.ndarray:
        return sigmoid(X @ self.weights_ + self.bias_)
