"""Kernel ridge from class vectors to classifier weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.kernel_ridge import KERNELS, ClassKernel, KernelRidge
from gzsl.methods import register
from gzsl.methods.graph.injection import InjectedClassifier, classifier_rows
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "weight-ridge",
    family="graph",
    settings=("inductive",),
    fidelity="from paper",
    cite="A baseline of Christensen, Mancini, Koepke, Winther & Akata, Image-free Classifier Injection for Zero-Shot "
    "Classification, ICCV 2023, arXiv:2308.10599 (there with a network)",
    year=2023,
    test_params=[{}, {"kernel": "linear", "ridge": 1.0}],
    needs=("classifier",),
)
class WeightRidge(InjectedClassifier):
    """``ŵ_c = k(a_c, A_S) (k(A_S, A_S) + λ I)^-1 W_S``: the closed form that image-free methods have to beat.

    W_S (s, d + 1) are the rows of the trained classifier; see `gzsl.methods.graph.injection`.

    **Differences.** The paper's plain regression is a network from class vectors to weights under a squared error;
    kernel ridge has one solution and no number of epochs.
    """

    kernel: str = param(default="rbf", choices=KERNELS, doc="between class vectors")
    width: float = param(
        default=1.0, low=1e-6, high=1e6, log=True, tune=(2**-4, 2**4), doc="of rbf, in median squared distances"
    )
    ridge: float = param(default=0.1, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-4, 1e2), doc="ridge weight")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        table = view.seen_semantics.table

        @cache
        def classifier(decay: float, n_iterations: int) -> np.ndarray:
            return classifier_rows(view, decay, n_iterations)

        @cache
        def regression(decay: float, n_iterations: int, kernel: str, width: float) -> KernelRidge:
            return KernelRidge(ClassKernel.of(table, kernel, width), classifier(decay, n_iterations))

        for method in copies:
            trained = (method.classifier_decay, method.classifier_iterations)
            method.seen_weights_, method.anchors_ = classifier(*trained), np.array(table)
            solved = regression(*trained, method.kernel, method.width)
            method.coefficients_ = solved.coefficients(method.ridge)
            yield method

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Regressed rows (C, d + 1)."""
        rows: np.ndarray = ClassKernel.of(self.anchors_, self.kernel, self.width)(semantics.table) @ self.coefficients_
        return rows
