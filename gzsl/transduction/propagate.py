"""Label propagation: the scores of a row become those of its neighbours among unlabelled and training rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from gzsl.nn.class_shares import best_candidates
from gzsl.nn.neighbour_graph import adjacency, averaging, nearest, settle, unit_rows
from gzsl.nn.pseudo_labels import as_rounds, shares_of, spread_of
from gzsl.params import param
from gzsl.transduction.base import Pooled, State, Wrapper, register_wrapper

LEAST = 1e-6  # share of a class that the logarithm sees


@register_wrapper("propagate")
class Propagate(Wrapper):
    """Classes spread over a graph of nearest neighbours from what a method says of every row.

    Nodes are the unlabelled rows and, where the table has seen classes, some training rows of each, all centred and at
    unit length. Y is the softmax of a row's scores, ``softmax(s / (τ σ))``, and the label of a training row. The
    weight of a neighbour is its cosine to a power, divided by the root of the neighbour's own degree, which keeps hubs
    from speaking for everybody; weights are made to sum to one a row, W. ``Z = (1 - α) Y + α W Z`` is solved by
    repetition; columns of Z are then scaled to the class prior (class mass normalisation, Zhu, Ghahramani & Lafferty,
    ICML 2003). Any row is scored as the nodes were: ``log((1 - α) y + α w Z)`` with its own neighbours w, so that no
    row's scores depend on others that are scored.
    """

    n_neighbours: int = param(default=15, low=1, high=10_000, symbol="k", tune=(5, 50), doc="neighbours a row")
    spread: float = param(default=0.8, low=0.0, high=0.999, symbol="α", tune=(0.3, 0.95), doc="share of neighbours")
    temperature: float = param(
        default=0.3, low=1e-3, high=100.0, log=True, symbol="τ", tune=(0.05, 2.0), doc="softness of what scores say"
    )
    power: float = param(default=3.0, low=0.0, high=100.0, doc="of cosines, for weights")
    seen_rows: int = param(default=30, low=0, high=100_000, doc="training rows a seen class in the graph")
    balanced: bool = param(default=True, doc="scale classes to their prior")

    def fit(self, pooled: Pooled, seed: int) -> tuple[State, np.ndarray]:
        """Build the graph and let classes spread."""
        own, shares = pooled.own, pooled.shares("propagate")
        unit, m, n_classes = self.temperature * spread_of(own), len(own), len(pooled.names)
        few = some_rows(pooled.seen_columns, self.seen_rows)
        Y = np.zeros((m + len(few), n_classes), dtype=np.float32)
        Y[:m, pooled.candidates] = shares_of(own, unit)
        Y[np.arange(m, len(Y)), pooled.seen_columns[few]] = 1
        rows = np.concatenate([pooled.X, pooled.seen_features[few]])
        centre = rows.mean(axis=0)
        keys = unit_rows(rows - centre)
        similar, place = nearest(keys, keys, self.n_neighbours + 1)  # the first is the row itself
        graph = adjacency(place, np.maximum(similar, 0) ** self.power, len(keys))
        hub = 1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=0)).ravel(), 1e-12)).astype(np.float32)
        Z = settle(averaging(graph @ sparse.diags(hub)), Y, self.spread)
        mass = np.ones(n_classes, dtype=np.float32)
        if self.balanced:
            found = Z[:m][:, pooled.candidates].mean(axis=0)
            mass[pooled.candidates] = (shares / np.maximum(found / found.sum(), 1e-9)).clip(1e-3, 1e3)
        reached = Z[:m, pooled.candidates] * mass[pooled.candidates]
        best = best_candidates(reached, pooled.candidates, pooled.names, "propagate", pooled.prior)
        rounds = as_rounds([pooled.candidates[own.argmax(axis=1)], pooled.candidates[best]])
        unit_ = np.array([unit], dtype=np.float32)
        return {"keys": keys, "centre": centre, "hub": hub, "spread": Z, "mass": mass, "unit": unit_}, rounds

    def scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Logarithm of what a row and its neighbours say."""
        own = shares_of(scores, float(state["unit"][0]))
        similar, place = nearest(unit_rows(X - state["centre"]), state["keys"], self.n_neighbours + 1)
        weight = np.maximum(similar, 0) ** self.power * state["hub"][place]
        graph = averaging(adjacency(place, weight, len(state["keys"])))
        silent = np.asarray(graph.sum(axis=1)).ravel() == 0
        found = (1 - self.spread) * own + self.spread * (graph @ state["spread"])
        found[silent] = own[silent]
        return np.log(np.asarray(found * state["mass"], dtype=np.float32) + LEAST)


def some_rows(labels: np.ndarray, count: int) -> np.ndarray:
    """Positions of at most ``count`` rows of each label, evenly over its rows."""
    found = [np.empty(0, dtype=np.int64)]
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        found.append(rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(np.int64))])
    return np.concatenate(found)
