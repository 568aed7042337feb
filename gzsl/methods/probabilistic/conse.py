"""ConSE: the mean of the class vectors that a seen-class classifier believes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.linear import softmax
from gzsl.methods import Method, register
from gzsl.methods.probabilistic.seen_softmax import seen_softmax
from gzsl.params import param
from gzsl.semantics import Semantics

TINY = 1e-12


@register(
    "conse",
    family="probabilistic",
    settings=("inductive",),
    fidelity="from paper",
    cite="Norouzi et al., Zero-Shot Learning by Convex Combination of Semantic Embeddings, ICLR 2014, arXiv:1312.5650",
    year=2014,
    test_params=[{}, {"n_top": None, "temperature": 4.0, "centred": True, "distance": "euclidean"}],
)
class ConSE(Method):
    """Average the vectors of the most probable seen classes, and look for the class nearest to the average.

    With P(s | x) of a softmax regression over the seen classes and its T largest values,
    ``f(x) = Σ_t P(s_t | x) a_{s_t} / Σ_t P(s_t | x)``; a class scores ``cos(f(x), a_c)``. Nothing is learnt between
    features and class vectors.

    **Differences.** ``temperature`` divides the classifier's outputs before the softmax: a well-trained classifier is
    so sure of itself that f(x) is the vector of one class, and the paper's classifier of 1000 classes is not.
    ``centred`` subtracts the mean seen vector before cosines are taken (ours). The benchmark paper uses
    one-against-rest logistic classifiers.

    Notes
    -----
    A seen class is its own nearest neighbour, so U is near 0 without calibration. All settings but the weight decay
    share one classifier in a grid.
    """

    n_top: int | None = param(
        default=10, low=1, high=1_000_000, symbol="T", doc="seen classes that are averaged; null: all of them"
    )
    temperature: float = param(
        default=1.0, low=1e-3, high=1e3, log=True, symbol="τ", tune=(0.5, 16.0), doc="divides the classifier's outputs"
    )
    centred: bool = param(default=False, doc="subtract the mean seen class vector first (ours)")
    distance: str = param(
        default="cosine", choices=("cosine", "euclidean"),
        doc="how f(x) is compared; euclidean with all classes is the Fréchet mean of Loki",
    )  # fmt: skip
    l2: float = param(
        default=1e-4, low=1e-12, high=1e6, log=True, tune=(1e-6, 1.0), doc="weight decay of the classifier (mean loss)"
    )
    n_iterations: int = param(default=100, low=1, high=100_000, doc="L-BFGS iterations at most")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        classifier, table = seen_softmax(view), view.seen_semantics.table
        for method in copies:
            model = classifier(method.l2, method.n_iterations)
            method.weights_, method.bias_ = model.weights, model.bias  # (d, s), (s,)
            method.seen_table_ = np.array(table)  # (s, a)
            method.centre_ = table.mean(axis=0) if method.centred else np.zeros(table.shape[1], np.float32)
            yield method

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Predicted class vector of every row, shape (n, a): a convex combination of the seen ones."""
        P = softmax((X @ self.weights_ + self.bias_) / self.temperature)
        return convex_combination(P, self.seen_table_, self.n_top)

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray:
        """Predicted class vector (n, a) of the rows, less the centre."""
        return self.embed(X) - self.centre_

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        found, table = self.embed(X) - self.centre_, semantics.table - self.centre_
        product = found @ table.T
        if self.distance == "euclidean":
            return 2 * product - (found**2).sum(axis=1)[:, None] - (table**2).sum(axis=1)
        return product / np.maximum(np.linalg.norm(found, axis=1)[:, None] * np.linalg.norm(table, axis=1), TINY)


def convex_combination(P: np.ndarray, table: np.ndarray, n_top: int | None) -> np.ndarray:
    """Average of the rows of ``table`` (s, a) by the ``n_top`` largest probabilities of every row of P (n, s)."""
    if n_top is not None and n_top < P.shape[1]:
        dropped = np.argpartition(-P, n_top - 1, axis=1)[:, n_top:]
        P = P.copy()
        np.put_along_axis(P, dropped, 0.0, axis=1)
        P /= P.sum(axis=1, keepdims=True)
    return P @ table
