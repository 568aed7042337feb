"""ZLaP: labels spread from class vectors over a graph of rows without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gzsl.data import TrainView
from gzsl.methods import register
from gzsl.methods.transductive.neighbours import nearest, normalised_graph, propagate
from gzsl.methods.zero_shot_heads.base import JointHead
from gzsl.methods.zero_shot_heads.prompt_views import unit
from gzsl.params import param
from gzsl.semantics import Semantics


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

    Nodes are the rows x of a pool and the classes t. A row is joined to its k nearest rows with their similarity (negative
    ones count as 0) and to its k nearest classes with their similarity to the power γ; W is that and its transpose, its
    diagonal empty, divided by the roots of the degrees of both ends. Column c of ``(I - α W)^-1`` at class c is what the
    nodes say of c. A row that is scored is joined to the pool's rows and classes likewise, and scores the weighted
    sum of what they say.

    **Differences.** Released code scores a pool's row by its own node and any other as above; here all are scored as above, so
    that no row's scores depend on whether it is in the pool. It solves one system a row: by symmetry of the inverse the
    block of the classes' columns, solved once, serves all rows. The pool is the unlabelled rows, in the inductive
    setting the training rows (without labels).

    **Notes.** Reads rows without labels. The graph meets all pairs of rows of the pool, in blocks; columns are solved in
    blocks too.
    """

    n_neighbours: int = param(default=5, low=1, high=10_000, symbol="k", tune=(3, 30), doc="nearest rows and classes")
    power: float = param(default=5.0, low=0.1, high=100.0, symbol="γ", tune=(1.0, 10.0), doc="of similarities to classes")
    spread: float = param(default=0.3, low=0.0, high=0.999, symbol="α", tune=(0.1, 0.9), doc="share that comes from neighbours")

    def learn(self, view: TrainView) -> None:
        """Keep the pool ``pool_`` (n, a) and its nearest rows."""
        rows = view.features if view.unlabelled_features is None else view.unlabelled
        self.pool_ = self.rows_of(rows)
        k = min(self.n_neighbours, len(self.pool_))
        self.near_, self.similar_ = nearest(self.pool_, self.pool_, k)

    def class_side(self, semantics: Semantics) -> SpreadLabels:
        """Build the graph of pool and classes, and solve the classes' columns."""
        T = unit(self.views(semantics).means)
        n, k = len(self.pool_), min(self.n_neighbours, len(T))
        places, similar = nearest(self.pool_, T, k)
        targets = np.hstack([self.near_, n + places])
        weights = np.hstack([np.maximum(self.similar_, 0), np.maximum(similar, 0) ** self.power])
        starts = np.arange(n + 1) * targets.shape[1]
        ends = np.concatenate([starts, np.full(len(T), starts[-1])])
        graph = normalised_graph(csr_array((weights.ravel(), targets.ravel(), ends), shape=(n + len(T),) * 2))
        found = propagate(graph, n + np.arange(len(T)), self.spread)
        return SpreadLabels(T, found[:n], found[n:])

    def joint_scores(self, Z: np.ndarray, side: SpreadLabels) -> np.ndarray:
        """Weighted sums over a row's neighbours in the pool and among the classes: (n, a) -> (n, C)."""
        found = self._from_rows(Z, side) + self._from_classes(Z, side)
        silent = ~found.any(axis=1)  # without a neighbour of positive similarity: the similarities decide
        found[silent] = (Z[silent] @ side.classes.T - 2) * 1e-6
        return found

    def _from_rows(self, Z: np.ndarray, side: SpreadLabels) -> np.ndarray:
        near, similar = nearest(Z, self.pool_, self.near_.shape[1])
        return _gathered(near, np.maximum(similar, 0), side.rows)

    def _from_classes(self, Z: np.ndarray, side: SpreadLabels) -> np.ndarray:
        near, similar = nearest(Z, side.classes, min(self.n_neighbours, len(side.classes)))
        return _gathered(near, np.maximum(similar, 0) ** self.power, side.own)


def _gathered(places: np.ndarray, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``Σ_j weights[n, j] values[places[n, j]]``, (n, C)."""
    starts = np.arange(len(places) + 1) * places.shape[1]
    chosen = csr_array((weights.ravel(), places.ravel(), starts), shape=(len(places), len(values)))
    return np.asarray(chosen @ values, dtype=np.float32)
