"""Networks over a class graph that regress a vector a seen class: everything but the network is here, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from torch import Tensor

from gzsl.data import TrainView
from gzsl.methods.base import Method
from gzsl.methods.descent import DescentMethod
from gzsl.methods.graph.node_vectors import NodeVectors
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.params import param
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.sparse_edges import normalised


class NodeRegression(NodeVectors, DescentMethod):
    """A network over the whole graph, trained on the nodes of seen classes: half the mean squared distance.

    The training rows of the loop are the targets, one a seen class, so an epoch is one step where ``batch_size`` is at
    least their number. Unseen classes are nodes during training; their images and class means are not. A subclass
    writes `wire`, ``build`` and `outputs`.

    Attributes
    ----------
    input_dim_ : int
        Values a node.
    """

    n_epochs: int = param(default=300, low=1, high=100_000, doc="passes over the seen classes, at most")
    batch_size: int = param(default=100_000, low=1, high=1_000_000, doc="seen classes a step; all of them at most")
    weight_decay: float = param(
        default=5e-4, low=0.0, high=1e3, tune=(0.0, 1e-2), doc="weight of half the squared weights, in the gradient"
    )

    def wire(self, graph: ClassGraph) -> np.ndarray:
        """Keep the matrices that the network needs; returns the nodes (k,) whose inputs it takes."""
        raise NotImplementedError

    def outputs(self, training: bool) -> Tensor:
        """Unit vectors (C, d) of all classes, in the order of ``classes_``."""
        raise NotImplementedError

    def rows_a_step(self, available: int) -> int:
        """All seen classes at most."""
        return min(self.batch_size, available)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Half the mean squared distance of the outputs of the batch's classes from their targets."""
        found = self.outputs(training=True)[self._seen[batch.y]]
        return {"regression": (found - batch.x).square().sum(dim=1).mean() / 2}

    def prepare_scoring(self) -> Self:
        """Keep the present vectors of all classes."""
        with torch.inference_mode():
            self.class_weights_ = self.outputs(training=False).float().cpu().numpy()
        return self

    def _place(self, view: TrainView) -> None:
        graph = view.graph.canonical()
        targets = self._targets(view)
        self.rows = TrainingRows(  # type: ignore[misc]
            self.to_device(targets), torch.arange(len(targets), device=self.device),
            self.to_device(view.seen_semantics.table),
        )  # fmt: skip
        self._seen = torch.tensor(view.seen, device=self.device)
        inputs = self._inputs(graph, view.semantics.table)
        self.input_dim_ = int(inputs.shape[1])
        self._node_inputs = self.to_device(inputs[self.wire(graph)])
        self._build()

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Vectors of classes: the network is not needed any more."""
        return Method.fitted_arrays(self)

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the vectors back."""
        Method.restore_arrays(self, arrays)


class NeighbourRegression(NodeRegression):
    """A network whose layers sum up over the nearest neighbours and the node itself."""

    self_weight: float = param(
        default=1.0, low=1e-3, high=1e3, log=True, doc="of the edge from every node to itself (ours; papers: 1)"
    )

    def step_over(self, graph: ClassGraph, kind: str) -> csr_array:
        """Normalised adjacency (n, n) of all relations, both ways, with edges from nodes to themselves."""
        loops = self.self_weight * eye_array(len(graph), format="csr")
        return normalised(csr_array(graph.adjacency() + loops), kind, self_loops=False)
