"""Predicted visual exemplars: class means in PCA space, regressed from class vectors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.kernel_ridge import ClassKernel, KernelRidge, squared_distances
from gzsl.linalg import SymmetricEigen, class_moments, gram
from gzsl.methods import Method, register
from gzsl.params import param
from gzsl.semantics import Semantics

TINY = 1e-8


@register(
    "exem",
    family="embedding",
    settings=("inductive",),
    fidelity="from paper",
    cite="Changpinyo, Chao & Sha, Predicting Visual Exemplars of Unseen Classes, ICCV 2017, arXiv:1605.08151",
    year=2017,
    test_params=[{"n_components": 30}, {"regressor": "ridge", "n_components": 30, "standardised": False}],
)
class EXEM(Method):
    """Predict where the images of a class lie from its vector; an image belongs to the nearest exemplar.

    Features x (d,) are projected on their first q principal components P (d, q), fitted on the training rows. The
    exemplar of a seen class is its mean there; q regressors with one Gaussian kernel over class vectors predict it, and
    a class scores ``-|P x - v_c|^2 / q``, with every dimension divided by its average standard deviation within
    seen classes (``standardised``, the paper's 1NNs) or not (1NN).

    **Differences.** Seen classes have predicted exemplars too, as in the authors' code. The kernel's width is in units
    of the median squared distance between seen class vectors. ``regressor: ridge`` (ours) replaces the ν-SVR by
    kernel ridge, one solve for all dimensions. Scores are divided by q, which changes no ranking.

    Notes
    -----
    The PCA is one pass and one decomposition of a (d, d) matrix, shared by a grid; ν-SVR costs q small fits.
    """

    regressor: str = param(
        default="svr", choices=("svr", "ridge"), doc="svr: ν-SVR a dimension, as the paper; ridge: kernel ridge, ours"
    )
    n_components: int = param(default=500, low=1, high=100_000, symbol="q", doc="principal components at most")
    width: float = param(
        default=1.0, low=1e-6, high=1e6, log=True, symbol="γ", tune=(2**-4, 2**4), doc="width of the Gaussian kernel"
    )
    C: float = param(default=1.0, low=1e-6, high=1e6, log=True, tune=(2**-5, 2**5), doc="cost of the ν-SVR")
    nu: float = param(default=0.5, low=1e-4, high=1.0, symbol="ν", tune=(2**-8, 1.0), doc="share of support vectors")
    ridge: float = param(default=0.1, low=1e-9, high=1e9, log=True, tune=(1e-3, 1e2), doc="weight of kernel ridge")
    standardised: bool = param(default=True, doc="1NNs: divide dimensions by their spread within classes; else 1NN")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        table, labels = view.seen_semantics.table, view.seen_labels
        centre, components = principal_components(view.features)

        @cache
        def projected(q: int) -> tuple[np.ndarray, np.ndarray]:
            Z = np.empty((len(view.features), q), dtype=np.float32)
            for where, block in view.features.blocks():
                Z[where] = (block - centre) @ components[:, :q]
            return class_moments(FeatureRows(Z), labels, len(table))

        @cache
        def exemplars(q: int, width: float) -> KernelRidge:
            means = projected(q)[0]
            return KernelRidge(ClassKernel.of(table, "rbf", width), means / _spread(means))

        for method in copies:
            q = min(method.n_components, components.shape[1])
            means, variances = projected(q)
            regression = exemplars(q, method.width)
            method.anchors_, method.centre_, method.components_ = table, centre, components[:, :q]
            method.within_ = np.sqrt(variances).mean(axis=0) + TINY  # (q,)
            weights, offsets = method._regress(regression)
            method.weights_, method.offsets_ = weights * _spread(means), offsets * _spread(means)  # (s, q), (q,)
            yield method

    def _regress(self, regression: KernelRidge) -> tuple[np.ndarray, np.ndarray]:
        """Dual weights (s, q) and offsets (q,) of the regression of standardised exemplars."""
        targets = regression.targets
        if self.regressor == "ridge":
            return regression.coefficients(self.ridge), np.zeros(targets.shape[1])
        from sklearn.svm import NuSVR

        kernel = regression.kernel(regression.kernel.anchors)
        weights, offsets = np.zeros_like(targets), np.zeros(targets.shape[1])
        for k, target in enumerate(targets.T):
            machine = NuSVR(kernel="precomputed", C=self.C, nu=self.nu, tol=1e-4).fit(kernel, target)
            weights[machine.support_, k] = machine.dual_coef_[0]
            offsets[k] = machine.intercept_[0]
        return weights, offsets

    def exemplars(self, semantics: Semantics) -> np.ndarray:
        """Predicted exemplars of a class table, shape (C, q), float64."""
        return ClassKernel.of(self.anchors_, "rbf", self.width)(semantics.table) @ self.weights_ + self.offsets_

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        scale = self.within_ if self.standardised else np.ones_like(self.within_)
        rows = (X - self.centre_) @ self.components_ / scale.astype(np.float32)
        return -squared_distances(rows, (self.exemplars(semantics) / scale).astype(np.float32)) / len(scale)


def principal_components(rows: FeatureRows) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) of the rows and all directions (d, k) in which they vary, the widest first, both float32."""
    n, d = rows.shape
    mean = sum((block.sum(axis=0, dtype=np.float64) for _, block in rows.blocks()), np.zeros(d)) / n
    eigen = SymmetricEigen.of_gram(gram(rows) / n - np.outer(mean, mean))
    kept = max(1, int((eigen.values > TINY * eigen.values[-1]).sum()))
    return mean.astype(np.float32), np.ascontiguousarray(eigen.vectors[:, ::-1][:, :kept], dtype=np.float32)


def _spread(means: np.ndarray) -> np.ndarray:
    """Standard deviation over classes (q,), 1 where there is none: gives regressors targets of unit scale."""
    spread = means.std(axis=0)
    return np.where(spread > TINY, spread, 1.0)
