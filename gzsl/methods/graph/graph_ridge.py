"""The closed-form cousin of graph networks: propagate node vectors, then regress by kernel ridge."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Self

import numpy as np

from gzsl.data import TrainView
from gzsl.kernel_ridge import KERNELS, ClassKernel, KernelRidge
from gzsl.methods import register
from gzsl.methods.graph.node_vectors import NodeVectors, node_inputs
from gzsl.methods.graph.targets import centre_of, class_targets, unit_rows
from gzsl.params import param


@register(
    "graph-ridge",
    family="graph",
    settings=("inductive",),
    fidelity="from paper",
    cite="After Wu, Souza, Zhang, Fifty, Yu & Weinberger, Simplifying Graph Convolutional Networks, ICML 2019, "
    "arXiv:1902.07153",
    year=2019,
    test_params=[
        {"target_iterations": 10},
        {"n_hops": 1, "kept": 0.5, "kernel": "linear", "ridge": 0.01, "targets": "class-means"},
    ],
    needs=("graph",),
)
class GraphRidge(NodeVectors):
    """What graph networks have to beat: K steps over the graph without any network, then one ridge regression.

    Node vectors E (n, v) are propagated, ``F <- (1 - α) Â F + α E``, K times; the vector of a class is
    ``k(f_c, F_S) (k(F_S, F_S) + λ I)^-1 T`` with the targets T (s, d) of the seen classes, scaled to unit length. With
    K = 0 it is kernel ridge on the node vectors: what the edges add is the difference.

    **Differences.** The paper has logistic regression on ``Â^K E`` (K = 2, α = 0) and classifies nodes; kernel,
    targets and the use for unseen classes are ours.
    """

    n_hops: int = param(default=2, low=0, high=1000, symbol="K", doc="steps over the graph")
    kept: float = param(default=0.0, low=0.0, high=1.0, symbol="α", doc="share of a node's own vector in every step")
    kernel: str = param(default="rbf", choices=KERNELS, doc="between propagated vectors")
    width: float = param(
        default=1.0, low=1e-6, high=1e6, log=True, tune=(2**-4, 2**4), doc="of rbf, in median squared distances"
    )
    ridge: float = param(default=0.1, low=1e-9, high=1e9, log=True, symbol="λ", tune=(1e-4, 1e2), doc="ridge weight")

    def _fit(self, view: TrainView) -> None:
        next(self._fit_grid(view, [self]))

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        graph = view.graph.canonical()
        centre, step = cache(lambda centred: centre_of(view, centred)), graph.normalised_adjacency("symmetric")

        @cache
        def targets(centred: bool, kind: str, scale: float, n_iterations: int) -> np.ndarray:
            return class_targets(view, centre(centred), kind, scale, n_iterations)

        @cache
        def propagated(inputs: str, n_hops: int, kept: float) -> np.ndarray:
            own = node_inputs(graph, view.semantics.table, inputs, self.card.id).astype(np.float64)
            if not n_hops:
                return own
            return (1 - kept) * (step @ propagated(inputs, n_hops - 1, kept)) + kept * own

        @cache
        def regression(features: tuple, kernel: str, width: float, goal: tuple) -> tuple[KernelRidge, np.ndarray]:
            F = unit_rows(propagated(*features)[graph.class_nodes], np.zeros(1)).astype(np.float64)
            made = ClassKernel.of(F[view.seen], kernel, width)
            return KernelRidge(made, targets(*goal)), made(F)

        for method in copies:
            features = (method.inputs, method.n_hops, method.kept)
            goal = (method.centred, method.targets, method.target_scale, method.target_iterations)
            solved, kernel = regression(features, method.kernel, method.width, goal)
            method.centre_ = centre(method.centred)
            method.class_weights_ = unit_rows(kernel @ solved.coefficients(method.ridge), np.zeros(1))
            yield method
