"""GCNZ: a deep graph convolution network from node vectors to classifier weights."""

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
    "gcnz",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Wang, Ye & Gupta, Zero-shot Recognition via Semantic Embeddings and Knowledge Graphs, CVPR 2018, "
    "arXiv:1803.08035",
    year=2018,
    test_params=[
        {"n_epochs": 80, "lr": 1e-2, "hidden_dims": (64,), "target_iterations": 10},
        {"n_epochs": 60, "lr": 1e-2, "hidden_dims": (48, 32), "dropout": 0.3, "targets": "class-means"},
    ],
    needs=("graph",),
)
class GCNZ(NeighbourRegression):
    """Graph convolutions take the vectors of all nodes to classifier weights; those of unseen classes come with them.

    ``h_{l+1} = LeakyReLU(Â h_l W_l)``, (n, k_l) -> (n, k_{l+1}), with ``Â = D^-1/2 (A + I) D^-1/2`` and no bias; the
    last layer is linear and its rows are scaled to unit length. ``1/2 mean_c |ŵ_c - w_c|²`` over the seen classes is
    minimised, where w_c (d,) are unit targets (`gzsl.methods.graph.node_vectors`).

    **Differences.** The released code predicts the last layer of an ImageNet network with its bias; here the targets
    are trained on the features at hand, and centred features replace the bias. Its inputs are divided by their sums,
    ours by their lengths. Its loss multiplies the squares by (n / s)² and sums them, which makes its weight decay,
    5e-4 on every layer, next to nothing on a large graph; ours is a mean. Its dropout is 0 unless fed otherwise.
    Only nodes that classes depend on are computed, which changes no output.

    Notes
    -----
    Six layers smooth small or dense graphs until all classes are one point (``gzsl semantics report`` shows it): one
    or two hidden layers are enough there. Unseen classes are nodes while the network is trained.
    """

    hidden_dims: tuple[int, ...] = param(default=(2048, 2048, 1024, 1024, 512), doc="units of the hidden layers")
    dropout: float = param(default=0.0, low=0.0, high=0.95, doc="share of inputs set to 0 in the last two layers")

    def wire(self, graph: ClassGraph) -> np.ndarray:
        """One symmetric step a layer."""
        steps = [[self.step_over(graph, "symmetric")]] * (len(self.hidden_dims) + 1)
        cut, inputs = receptive_field(steps, graph.class_nodes)
        self._steps = [step for (step,) in cut]
        return inputs

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the network."""
        self.network_ = GraphNetwork([self.input_dim_, *self.hidden_dims, sizes.n_features], rng=rng, bias=False)

    def outputs(self, training: bool) -> Tensor:
        """Unit vectors of all classes."""
        n = len(self._steps)
        drop: Dropout | None = (lambda h: self.streams.dropout(h, self.dropout)) if training else None
        return self.network_(self._node_inputs, self._steps, [drop if k >= n - 2 else None for k in range(n)])
