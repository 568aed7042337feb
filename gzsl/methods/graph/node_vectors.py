"""What methods that read class vectors off a graph share: inputs of nodes, targets of seen classes, and scores."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.errors import MethodError
from gzsl.methods.base import Method
from gzsl.methods.graph.similar import class_shares
from gzsl.methods.graph.targets import TARGETS, centre_of, class_targets, unit_rows
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_vectors import from_classes

INPUTS = ("classes", "vectors", "both")
SHARPNESS = 5.0  # of the mean of known classes that a class outside the graph gets; that of weighted averages


class NodeVectors(Method):
    """A method that predicts a vector (d,) for every class from a class graph; rows score by the cosine.

    The vectors live in the space of rows that were moved by the mean of the seen classes and scaled to unit length.
    A class that the fit did not know has no node: it gets the mean of the vectors of known classes, weighted by how
    near its class vector is to theirs.

    Attributes
    ----------
    class_weights_ : ndarray, shape (C, d), float32
        Predicted vectors of ``classes_``, of unit length.
    centre_ : ndarray, shape (d,), float32
        What is taken away from rows first.
    """

    inputs: str = param(
        default="classes", choices=INPUTS,
        doc="of nodes: class vectors (other nodes have means of those near), vectors of the graph, or both",
    )  # fmt: skip
    targets: str = param(
        default="cosine-softmax", choices=TARGETS, doc="of seen classes: weights of a cosine softmax, or class means"
    )
    target_scale: float = param(default=20.0, low=1e-3, high=1e4, log=True, doc="scale of the cosines in that softmax")
    target_iterations: int = param(default=30, low=1, high=10_000, doc="iterations of L-BFGS in that softmax, at most")
    centred: bool = param(default=True, doc="take the mean of the seen classes' means away from features first")

    def _targets(self, view: TrainView) -> np.ndarray:
        """Targets (s, d) of the seen classes; the centre is kept."""
        self.centre_ = centre_of(view, self.centred)
        return class_targets(view, self.centre_, self.targets, self.target_scale, self.target_iterations)

    def _inputs(self, graph: ClassGraph, table: np.ndarray) -> np.ndarray:
        """Input vectors (n, v) of the nodes, each part of unit length."""
        return node_inputs(graph, table, self.inputs, self.card.id)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return unit_rows(X, self.centre_) @ self.vectors_of(semantics).T

    def vectors_of(self, semantics: Semantics) -> np.ndarray:
        """Vectors (C, d) float32 of the classes of a table: predicted ones by name, means of them for new classes."""
        place = {name: row for row, name in enumerate(self.classes_)}
        rows = np.array([place.get(name, -1) for name in semantics.class_names])
        found: np.ndarray = self.class_weights_[rows]
        new = rows < 0
        if new.any():
            shares = class_shares(semantics.table[new], self.class_vectors_, SHARPNESS)
            found[new] = unit_rows(shares @ self.class_weights_, np.zeros(self.n_features_))
        return found


def node_inputs(graph: ClassGraph, table: np.ndarray, inputs: str, method: str) -> np.ndarray:
    """Input vectors (n, v) float32 of nodes, each part of unit length; see `INPUTS`.

    Raises
    ------
    MethodError
        When vectors are asked for of a graph that has none.
    """
    parts = []
    if inputs != "vectors":
        parts.append(from_classes(graph, table))
    if inputs != "classes":
        if graph.vectors is None:
            raise MethodError(
                f"{method}: inputs: found {inputs!r}, and graph {graph.name!r} has no vectors of its nodes, expected "
                "inputs: classes, or a graph with vectors"
            )
        parts.append(graph.vectors)
    return np.concatenate([unit_rows(part, np.zeros(part.shape[1])) for part in parts], axis=1)
