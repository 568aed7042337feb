"""SGCN: two graph convolutions over the nearest neighbours, the simple form of dense graph propagation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gzsl.methods.graph.node_regression import NeighbourRegression
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.graph import Dropout, GraphNetwork, receptive_field
from gzsl.params import param
from gzsl.semantics.graph import ClassGraph


@register(
    "sgcn",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Kampffmeyer, Chen, Liang, Wang, Zhang & Xing, Rethinking Knowledge Graph Propagation for Zero-Shot Learning, "
    "CVPR 2019, arXiv:1805.11724",
    year=2019,
    test_params=[{"n_epochs": 80, "lr": 1e-2, "hidden_dim": 64, "dropout": 0.2, "target_iterations": 10}],
    needs=("graph",),
)
class SGCN(NeighbourRegression):
    """Two layers ``P h W + b`` with the mean over neighbours ``P = D^-1 (A + I)``: few hops, so little is smoothed.

    (n, v) -> (n, h) -> (n, d): LeakyReLU between the layers, dropout on the input of both, unit rows at the end; half
    the mean squared distance from the targets of the seen classes is minimised, as in `gcnz`.

    **Differences.** Targets are trained on the features at hand and have no bias (`gcnz`). Edges have the weights of
    the graph; those of the paper weigh 1. The second stage, which trains the image network under the predicted
    weights, has no counterpart for fixed features. Released runs take the last of 3000 epochs; here validation classes
    choose. Only nodes that classes depend on are computed, which changes no output.
    """

    hidden_dim: int = param(default=2048, low=1, high=100_000, doc="units of the hidden layer")
    dropout: float = param(default=0.5, low=0.0, high=0.95, doc="share of inputs of both layers set to 0 in training")

    def wire(self, graph: ClassGraph) -> np.ndarray:
        """Two steps to the mean over neighbours."""
        cut, inputs = receptive_field([[self.step_over(graph, "random-walk")]] * 2, graph.class_nodes)
        self._steps = [step for (step,) in cut]
        return inputs

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network."""
        self.network_ = GraphNetwork([self.input_dim_, self.hidden_dim, sizes.n_features], rng=rng, bias=True)

    def outputs(self, training: bool) -> Tensor:
        """Unit vectors of all classes."""
        drop: Dropout | None = (lambda h: self.streams.dropout(h, self.dropout)) if training else None
        return self.network_(self._node_inputs, self._steps, [drop, drop])
