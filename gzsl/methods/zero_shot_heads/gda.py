"""GDA: Gaussian classes with one covariance on labelled rows, beside cosines with class vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


@dataclass(frozen=True, eq=False)
class GaussianSide:
    """Class vectors (a, C) scaled and with the weights of the discriminant added, and biases (C,)."""

    weights: np.ndarray
    bias: np.ndarray


@register(
    "gda",
    family="zero_shot_heads",
    settings=("inductive", "transfer"),
    fidelity="replicated from code",
    cite="Wang, Liang, Sheng, Zhang & Tan, A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation, ICLR 2024, "
    "arXiv:2402.04087",
    year=2024,
    needs=("joint",),
    test_params=[{}, {"shrinkage": 0.1, "alpha": 10.0, "unseen_mean": "shifted"}],
)
class GDA(JointHead):
    """Linear discriminant analysis on labelled rows, added to the cosines with class vectors.

    With means μ_c of the classes' rows and the covariance Σ within them, shrunk to
    ``Σ^-1 = a ((M - 1) Σ + tr(Σ) I)^-1`` for M rows, a class scores
    ``s x · t_c + α (μ_c Σ^-1 x - μ_c Σ^-1 μ_c / 2)``, priors equal.

    **Differences.** The paper has labelled rows of all classes, or new classes apart from the old. Here a class
    without labelled rows gets a mean: ``neighbours``, the paper's for new classes: the mean of the ``n_neighbours``
    labelled rows nearest to its vector and of a quarter as many copies of the vector; ``shifted`` (ours): its vector,
    moved by the distance of the mean row from the mean seen class vector. All share the seen classes' covariance;
    released code, which scores old and new classes apart, gives the new ones that of their nearest rows around the
    vectors, and leaves the old ones' unshrunk there.
    ``shrinkage`` (ours) mixes Σ with ``tr(Σ) / a`` times I by a share instead, since the paper's vanishes with many
    rows. Rows are not augmented.

    **Notes.** Reads seen rows, and a few labels of unseen classes where the protocol has them. One decomposition at
    fit; scoring is one product.
    """

    alpha: float = param(default=1.0, low=0.0, high=1e6, symbol="α", tune=(1e-4, 1e2), doc="weight of the discriminant")
    scale: float = param(default=100.0, low=0.0, high=1e4, doc="CLIP's logit scale")
    shrinkage: float | None = param(
        default=None, low=0.0, high=1.0, symbol="r", doc="share of the spherical covariance; null: the paper's"
    )
    unseen_mean: str = param(
        default="neighbours", choices=("neighbours", "shifted"), doc="mean of a class without labelled rows"
    )
    n_neighbours: int = param(default=64, low=1, high=1_000_000, symbol="k", doc="labelled rows nearest to its vector")

    takes_shots: ClassVar[bool] = True

    def learn(self, view: TrainView) -> None:
        """Means ``means_`` (C, a) of ``classes_`` and the inverse covariance ``precision_`` (a, a)."""
        rows, labels = self.labelled(view)
        if not len(rows):
            raise MethodError("gda: found no labelled row, expected training rows or shots (shots: 4)")
        known, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        means = np.zeros((len(known), rows.shape[1]))
        np.add.at(means, place, rows)
        means /= counts[:, None]
        residual = rows - means[place].astype(np.float32)
        scatter = residual.T.astype(np.float64) @ residual
        self.precision_ = precision(scatter / max(1, len(rows) - 1), len(rows), self.shrinkage)
        self.known_means_, self.known_ = means.astype(np.float32), known
        centres = unit(self.views(view.semantics).means)
        self.gap_ = (means.mean(axis=0) - centres[known].mean(axis=0)).astype(np.float32)
        if self.unseen_mean == "neighbours":
            self.rows_ = rows

    def class_side(self, semantics: Semantics) -> GaussianSide:
        """One linear map for the whole score."""
        centres = unit(self.views(semantics).means)
        means = self._means(centres, semantics)
        discriminant = self.precision_ @ means.T.astype(np.float64)  # (a, C)
        bias = -0.5 * self.alpha * np.einsum("ca,ac->c", means, discriminant)
        weights = self.scale * centres.T + self.alpha * discriminant
        return GaussianSide(weights.astype(np.float32), bias.astype(np.float32))

    def _means(self, centres: np.ndarray, semantics: Semantics) -> np.ndarray:
        row = {self.classes_[c]: i for i, c in enumerate(self.known_)}
        means = np.empty_like(centres)
        for c, name in enumerate(semantics.class_names):
            if name in row:
                means[c] = self.known_means_[row[name]]
            elif self.unseen_mean == "shifted":
                means[c] = centres[c] + self.gap_
            else:
                means[c] = neighbour_mean(self.rows_, centres[c], self.n_neighbours)
        return means

    def joint_scores(self, Z: np.ndarray, side: GaussianSide) -> np.ndarray:
        """Cosines and discriminant: (n, a) -> (n, C)."""
        return Z @ side.weights + side.bias


def precision(covariance: np.ndarray, n_rows: int, share: float | None) -> np.ndarray:
    """Inverse of a shrunk covariance (a, a), float64; directions without any variance count as absent."""
    a, trace = len(covariance), float(np.trace(covariance))
    if share is None:
        return a * np.linalg.pinv((n_rows - 1) * covariance + trace * np.eye(a), hermitian=True)
    return np.linalg.pinv((1 - share) * covariance + share * trace / a * np.eye(a), hermitian=True)


def neighbour_mean(rows: np.ndarray, vector: np.ndarray, k: int) -> np.ndarray:
    """Mean of the k rows nearest to a class vector and of k / 4 copies of it, as released for new classes."""
    k = min(k, len(rows))
    nearest = np.argpartition(-(rows @ vector), k - 1)[:k]
    copies = max(1, k // 4)
    return (rows[nearest].sum(axis=0) + copies * vector) / (k + copies)
