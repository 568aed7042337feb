"""Template of a method: copy it to gzsl/methods/<family>/, rename, and fill in. It runs as it stands."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.methods import Method, register
from gzsl.params import param
from gzsl.semantics import Semantics


@register(
    "my-method",  # lower-case letters, digits, hyphens; the file is my_method.py
    family="embedding",  # also the folder
    settings=("inductive",),
    fidelity="from paper",  # or "replicated from code", or "partly from memory: unverified"
    cite="Authors, Title, Venue 2026, arXiv:0000.00000",
    year=2026,
    test_params=[{}],  # hyper-parameters that the conformance tests run
)
class MyMethod(Method):
    """Say in one sentence what it does.

    Then the idea in a short paragraph and the objective with shapes: here, class vectors are regressed from
    features by ridge, W (d, a), and the class whose vector is nearest to ``x W`` scores highest.

    **Differences.** What differs from the paper or from released code, and why.
    """

    ridge: float = param(default=10.0, low=1e-6, high=1e6, log=True, symbol="λ", doc="ridge weight")

    def _fit(self, view: TrainView) -> None:
        X = view.features.to_array().astype(np.float64)  # (n, d)
        A = view.semantics.table[view.labels].astype(np.float64)  # (n, a)
        gram = X.T @ X + self.ridge * np.eye(view.n_features)  # (d, d)
        self.weights_ = np.linalg.solve(gram, X.T @ A).astype(np.float32)  # (d, a)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        mapped, table = X @ self.weights_, semantics.table  # (n, a), (C, a)
        return 2 * mapped @ table.T - (table**2).sum(axis=1)  # minus the squared distance, up to a number of the row
