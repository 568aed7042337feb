"""ZLaP: labels spread from class vectors over a graph of rows without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.nn.class_shares import best_candidates
from gzsl.nn.neighbour_graph import adjacency, nearest, spread, symmetric
from gzsl.params import param
from gzsl.semantics import Semantics

COLUMNS = 64  # that are solved together


@dataclass(frozen=True, eq=False)
class SpreadLabels:
    """What every node of the graph says of the classes of a table.

    Attributes
    ----------
    classes : ndarray, shape (C, a)
        Class vectors at unit length.
    rows : ndarray, shape (n, C), float32
        Block of the inverse: of the pool's rows.
    own : ndarray, shape (C, C), float32
        The same of the classes themselves.
    """

    classes: np.ndarray
    rows: np.ndarray
    own: np.ndarray


@register(
    "zlap",
    family="transductive",
    settings=("inductive", "transductive"),
    fidelity="replicated from code",
    cite="Stojnić, Kalantidis & Tolias, Label Propagation for Zero-shot Classification with Vision-Language Models, "
    "CVPR 2024, arXiv:2404.04072",
    year=2024,
    needs=("joint",),
    test_params=[{}, {"n_neighbours": 3, "power": 1.0, "spread": 0.8}],
)
class ZLaP(JointHead):
    """A row gets its scores from the rows beside it, and they from theirs and from class vectors.

    Nodes are the rows x of a pool and the classes t. A row is joined to its k nearest rows with their similarity
    (negative ones count as 0) and to its k nearest classes with their similarity to the power γ; W is that and its
    transpose, its diagonal empty, divided by the roots of the degrees of both ends. Column c of ``(I - α W)^-1`` at
    class c is what the nodes say of c. A row that is scored is joined to the pool's rows and classes likewise, and
    scores the weighted sum of what they say.

    **Differences.** Released code scores a pool's row by its own node and any other as above; here all are scored as
    above, so that no row's scores depend on whether it is in the pool. It solves one system a row: by symmetry of the
    inverse the block of the classes' columns, solved once, serves all rows. The pool is the unlabelled rows, in the
    inductive setting the training rows (without labels).

    **Notes.** Reads rows without labels. The graph meets all pairs of rows of the pool, in blocks; columns are solved
    in blocks too.
    """

    n_neighbours: int = param(default=5, low=1, high=10_000, symbol="k", tune=(3, 30), doc="nearest rows and classes")
    power: float = param(default=5.0, low=0.1, high=100.0, symbol="γ", tune=(1.0, 10.0), doc="of class similarities")
    spread: float = param(
        default=0.3, low=0.0, high=0.999, symbol="α", tune=(0.1, 0.9), doc="share that comes from neighbours"
    )

    def learn(self, view: TrainView) -> None:
        """Keep the pool ``pool_`` (n, a) and its nearest rows."""
        rows = view.features if view.unlabelled_features is None else view.unlabelled
        self.pool_ = self.rows_of(rows)
        self.similar_, self.near_ = nearest(self.pool_, self.pool_, self.n_neighbours)
        if view.unlabelled_features is not None:
            possible = view.candidates
            side = self.class_side(view.semantics)
            self._prepared = (view.semantics, side)  # type: ignore[misc]
            own = self.joint_scores(self.pool_, side)[:, possible]
            best_candidates(own, possible, view.semantics.class_names, self.card.id, view.class_prior)

    def class_side(self, semantics: Semantics) -> SpreadLabels:
        """Build the graph of pool and classes, and solve the classes' columns."""
        T = unit(self.views(semantics).means)
        n, total = len(self.pool_), len(self.pool_) + len(T)
        rows = sparse.hstack([adjacency(self.near_, self.similar_, n), self._to_classes(self.pool_, T)])
        graph = symmetric(sparse.vstack([rows, sparse.csr_matrix((len(T), total))], format="csr"))
        found = class_columns(graph, n + np.arange(len(T)), self.spread)
        return SpreadLabels(T, found[:n], found[n:])

    def joint_scores(self, Z: np.ndarray, side: SpreadLabels) -> np.ndarray:
        """Weighted sums over a row's neighbours in the pool and among the classes: (n, a) -> (n, C)."""
        similar, near = nearest(Z, self.pool_, self.n_neighbours)
        found = adjacency(near, similar, len(self.pool_)) @ side.rows + self._to_classes(Z, side.classes) @ side.own
        silent = ~found.any(axis=1)  # without a neighbour of positive similarity: the similarities decide
        found[silent] = (Z[silent] @ side.classes.T - 2) * 1e-6
        return found.astype(np.float32)

    def _to_classes(self, Z: np.ndarray, T: np.ndarray) -> sparse.csr_matrix:
        similar, near = nearest(Z, T, self.n_neighbours)
        return adjacency(near, np.maximum(similar, 0) ** self.power, len(T))


def class_columns(graph: sparse.csr_matrix, nodes: np.ndarray, alpha: float) -> np.ndarray:
    """Columns ``nodes`` of ``(I - α graph)^-1``, (n, len(nodes)) float32, some at a time."""
    found = np.empty((graph.shape[0], len(nodes)), dtype=np.float32)
    for start in range(0, len(nodes), COLUMNS):
        some = nodes[start : start + COLUMNS]
        seeds = np.zeros((graph.shape[0], len(some)))
        seeds[some, np.arange(len(some))] = 1
        found[:, start : start + COLUMNS] = spread(graph, seeds, alpha)
    return found
