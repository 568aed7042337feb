"""ZSL-KG: transformer graph convolutions, which join the neighbours of a class without an order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from gzsl.methods.graph.node_regression import NodeRegression
from gzsl.methods.iterative import Sizes
from gzsl.methods.registry import register
from gzsl.nn.neighbours import NeighbourLayer, walked_neighbours
from gzsl.nn.streams import derived_seed
from gzsl.params import param
from gzsl.semantics.graph import ClassGraph


@register(
    "zsl-kg",
    family="graph",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Nayak & Bach, Zero-Shot Learning with Common Sense Knowledge Graphs, TMLR 2022, arXiv:2006.10713",
    year=2022,
    test_params=[
        {
            "n_epochs": 60,
            "lr": 5e-3,
            "hidden_dim": 48,
            "n_neighbours": (4, 4),
            "feature_dropout": 0.1,
            "dropouts": False,
            "target_iterations": 10,
        }
    ],
    needs=("graph",),
)
class ZSLKG(NodeRegression):
    """Two layers in which a small transformer without positions joins a node with its likeliest neighbours.

    The neighbours of a node are those that random walks from it visit most, drawn once a fit; with itself they are
    tokens (k, v), which two layers, one self-attention head and a mean turn into one vector (`gzsl.nn.neighbours`);
    then ``W h + b``, LeakyReLU in the first layer, and unit rows: (n, v) -> (n, h) -> (C, d). Loss as in `sgcn`.

    **Differences.** Targets are trained on the features at hand and have no bias (`gcnz`). Edges of all relations
    count, both ways, as in the released graphs. The transformer is that of the library that the released code uses,
    written anew. Units within the blocks are half their inputs at most 1024, as released where not set there. Walks
    with the seed of the fit replace one stored sample.

    Notes
    -----
    One step handles (nodes that classes depend on) x (neighbours) tokens: the numbers of neighbours set the cost.
    """

    hidden_dim: int = param(default=2048, low=1, high=100_000, doc="units between the layers")
    block_dim: int = param(default=100, low=1, high=100_000, doc="units within the first layer's transformer")
    n_neighbours: tuple[int, int] = param(default=(100, 50), doc="neighbours at most, of the first and second layer")
    n_walks: int = param(default=10, low=1, high=10_000, doc="random walks a node")
    walk_length: int = param(default=20, low=1, high=10_000, doc="steps of a walk")
    feature_dropout: float = param(default=0.5, low=0.0, high=0.95, doc="share of node vectors set to 0 in training")
    dropouts: bool = param(default=True, doc="dropout of 0.1 and 0.2 within transformers, as in the library")

    def wire(self, graph: ClassGraph) -> np.ndarray:
        """Draw neighbours of classes, and those of these."""
        adjacency, rng = graph.adjacency(), np.random.default_rng(derived_seed(self.streams.seed, "walks"))
        self._sets: list[tuple[Tensor, Tensor]] = []
        nodes = graph.class_nodes
        for most in reversed(self.n_neighbours):
            near, mask = walked_neighbours(
                adjacency, nodes, most, walks=self.n_walks, length=self.walk_length, rng=rng
            )
            nodes = np.unique(near)
            places = torch.tensor(np.searchsorted(nodes, near), device=self.device)
            self._sets.insert(0, (places, torch.tensor(mask, device=self.device)))
        return nodes

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the layers."""
        v, h = self.input_dim_, self.hidden_dim
        half = [max(1, min(size // 2, 1024)) for size in (v, h)]
        self.layers_ = nn.ModuleList([
            NeighbourLayer(v, h, self.block_dim, half[0], rng=rng, activation=True),
            NeighbourLayer(h, sizes.n_features, half[1], half[1], rng=rng, activation=False),
        ])  # fmt: skip

    def outputs(self, training: bool) -> Tensor:
        """Unit vectors of all classes."""
        h = self._node_inputs
        drop = self.streams.dropout if training and self.dropouts else None
        for layer, (places, mask) in zip(self.layers_, self._sets, strict=True):
            h = self.streams.dropout(h, self.feature_dropout) if training else h
            h = layer(h[places], mask, drop)
        return h
