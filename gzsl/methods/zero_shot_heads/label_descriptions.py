"""Label-description training: a classifier learnt from texts about the classes, and from no labelled row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.data import TrainView
from gzsl.linalg import SymmetricEigen
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.offsets import fit_offsets
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.params import param
from gzsl.semantics import Semantics


@dataclass(frozen=True, eq=False)
class LinearSide:
    """Weights (a, C) and biases (C,)."""

    weights: np.ndarray
    bias: np.ndarray


@register(
    "label-descriptions",
    family="zero_shot_heads",
    settings=("inductive", "transductive", "transfer"),
    fidelity="partly from memory: unverified",
    cite="Gao, Ghosh & Gimpel, The Benefits of Label-Description Training for Zero-Shot Text Classification, EMNLP "
    "2023, arXiv:2305.02239",
    year=2023,
    needs=("joint", "members"),
    test_params=[{}, {"classifier": "softmax", "shift": True}, {"ridge": 10.0}],
)
class LabelDescriptions(JointHead):
    """Descriptions of a class are its training rows.

    ``gaussian``: the mean description μ_c and one covariance Σ, ``μ_c Σ^-1 x - μ_c Σ^-1 μ_c / 2``, with Σ the scatter
    of rows around their mean where there are rows (the test classes' unlabelled ones in the transductive setting,
    else training rows within classes), else of descriptions within classes, shrunk by a multiple of its mean
    eigenvalue. ``softmax``: a softmax on all descriptions, drawn to the class means.

    **Differences.** The paper tunes a language model on 6 to 10 short texts a label; with vectors alone a linear
    model is what can be tuned, and Gaussian classes are ours. ``shift`` (ours) moves descriptions by the distance
    between mean row and mean description, since short texts lie elsewhere than rows.

    **Notes.** Reads members, and rows without their labels where there are some. Scoring is one product.
    """

    classifier: str = param(default="gaussian", choices=("gaussian", "softmax"), doc="what is learnt of descriptions")
    ridge: float = param(
        default=1.0, low=1e-6, high=1e6, log=True, symbol="λ", tune=(1e-2, 1e2), doc="shrinkage, in mean eigenvalues"
    )
    l2: float = param(default=1e-1, low=1e-9, high=1e9, log=True, doc="of the softmax, draw to the mean descriptions")
    shift: bool = param(default=False, doc="move descriptions to where rows are (ours)")

    def learn(self, view: TrainView) -> None:
        """The covariance, inverted: ``precision_`` (a, a), and the shift ``gap_`` (a,)."""
        views = self.views(view.semantics)
        if view.unlabelled_features is not None:
            X = self.rows_of(view.unlabelled)
            residual = X - X.mean(axis=0)
        elif len(view.labels):
            X = self.rows_of(view.features)
            means = np.array([X[view.labels == c].mean(axis=0) for c in view.seen])
            residual = X - means[view.seen_labels]
        else:
            X, residual = views.means, views.vectors - views.means[views.owners]
        self.precision_ = shrunk_precision(residual, self.ridge)
        self.gap_ = (X.mean(axis=0) - views.means.mean(axis=0)).astype(np.float32) * np.float32(self.shift)

    def class_side(self, semantics: Semantics) -> LinearSide:
        """The classifier of a table, learnt from its descriptions."""
        views = self.views(semantics)
        means = views.means + self.gap_
        if self.classifier == "softmax":
            return LinearSide(self._softmax(views, unit(means)).T, np.zeros(len(views), np.float32))
        weights = self.precision_ @ means.T.astype(np.float64)
        bias = -0.5 * np.einsum("ca,ac->c", means, weights)
        return LinearSide(weights.astype(np.float32), bias.astype(np.float32))

    def _softmax(self, views: PromptViews, T: np.ndarray) -> np.ndarray:
        rows = unit(views.vectors + self.gap_)
        return T + fit_offsets(rows, views.owners, T, 20.0, self.l2, 100)

    def joint_scores(self, Z: np.ndarray, side: LinearSide) -> np.ndarray:
        """Outputs of the classifier: (n, a) -> (n, C)."""
        return Z @ side.weights + side.bias


def shrunk_precision(residual: np.ndarray, ridge: float) -> np.ndarray:
    """Inverse (a, a) of the mean square of residuals (n, a), scaled to a mean eigenvalue of 1, plus ``ridge``."""
    eigen = SymmetricEigen.of_gram(residual.T.astype(np.float64) @ residual / max(1, len(residual)))
    values = eigen.values / max(float(eigen.values.mean()), 1e-12) + ridge
    return (eigen.vectors / values) @ eigen.vectors.T
