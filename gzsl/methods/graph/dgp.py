"""DGP: a class is joined with all its ancestors at once, by how far away they are."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from torch import Tensor, nn
from torch.nn import functional

from gzsl.methods.graph.node_regression import NodeRegression
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.graph import GroupedConvolution, receptive_field
from gzsl.params import param
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.sparse_edges import normalised


@register(
    "dgp",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Kampffmeyer, Chen, Liang, Wang, Zhang & Xing, Rethinking Knowledge Graph Propagation for Zero-Shot Learning, "
    "CVPR 2019, arXiv:1805.11724",
    year=2019,
    test_params=[{"n_epochs": 80, "lr": 1e-2, "hidden_dim": 64, "dropout": 0.2, "target_iterations": 10}],
    needs=("graph",),
)
class DGP(NodeRegression):
    """Two layers: every node gathers its descendants, then every class its ancestors, whatever their distance.

    ``h' = Σ_g softmax(α)_g P_g (h W + b)``, where P_g (n, n) takes the mean over the nodes g steps away, g = 0 .. K,
    the last group also over those further away; (n, v) -> (n, h) -> (n, d). The first layer goes up the hierarchy, the
    second down, each with its own α. LeakyReLU between them, dropout on both inputs, unit rows at the end; loss as in
    `sgcn`.

    **Differences.** A graph without the relation ``is_a`` has no ancestors: its groups are the nodes exactly g hops
    away, up to K, in both layers. Targets, bias and selection as in `sgcn`.

    Notes
    -----
    In a hierarchy of n nodes there are as many edges as pairs of a node and an ancestor; in a graph without one, groups
    may hold n² pairs.
    """

    hidden_dim: int = param(default=2048, low=1, high=100_000, doc="units of the hidden layer")
    dropout: float = param(default=0.5, low=0.0, high=0.95, doc="share of inputs of both layers set to 0 in training")
    n_hops: int = param(default=4, low=1, high=100, symbol="K", doc="distance of the last group")

    def wire(self, graph: ClassGraph) -> np.ndarray:
        """Means over groups of descendants, then of ancestors."""
        up = graph.hierarchy.steps_up(self.n_hops) if IS_A in graph.relations else hops(graph.adjacency(), self.n_hops)
        layers = [[normalised(g, "random-walk", self_loops=False) for g in side] for side in ([g.T for g in up], up)]
        self._groups, inputs = receptive_field(layers, graph.class_nodes)
        self.n_groups_ = len(up)
        return inputs

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the layers."""
        shapes = [(self.input_dim_, self.hidden_dim), (self.hidden_dim, sizes.n_features)]
        self.layers_ = nn.ModuleList(GroupedConvolution(*shape, self.n_groups_, rng=rng) for shape in shapes)

    def outputs(self, training: bool) -> Tensor:
        """Unit vectors of all classes."""
        share = self.dropout if training else 0.0
        hidden = self.layers_[0](self.streams.dropout(self._node_inputs, share), self._groups[0])
        hidden = self.streams.dropout(functional.leaky_relu(hidden, 0.2), share)
        return functional.normalize(self.layers_[1](hidden, self._groups[1]))


def hops(adjacency: csr_array, most: int) -> list[csr_array]:
    """Matrices (n, n) of 0 and 1 by number of hops, from the identity on: j is exactly k hops away from i."""
    step = csr_array(adjacency, dtype=np.float32, copy=True)
    step.data[:] = 1.0
    groups = [csr_array(eye_array(adjacency.shape[0], format="csr", dtype=np.float32))]
    known = groups[0]
    for _ in range(most):
        reached = csr_array(groups[-1] @ step)
        reached.data[:] = 1.0
        fresh = csr_array(reached - reached.multiply(known))
        fresh.eliminate_zeros()
        if not fresh.nnz:
            break
        groups.append(fresh)
        known = csr_array(known + fresh)
    return groups
