"""Loki: predict the class nearest, in expectation, to what a seen-class posterior says.

Source: Roberts, Li, Huang, Adila, Schoenberg, Liu, Pick, Ma and Sala, "Geometry-aware adaptation for pretrained
models", NeurIPS 2023, arXiv 2307.12226.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

from gzsl.calibration.base import Calibrator, register_calibrator
from gzsl.calibration.gaussian import squared_distances
from gzsl.data import TrainView
from gzsl.door.names import places, same_form
from gzsl.errors import MethodError
from gzsl.linear import softmax
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.semantics.unit_length import at_unit_length


@register_calibrator("loki")
class Loki(Calibrator):
    """Score every class by minus its expected distance under the method's seen-class posterior, then shift seen scores.

    ``score(v) = - sum_k p_k d(v, k)^power`` over the seen classes k: the best class is the weighted Fréchet mean of the
    labels. The unseen scores of the method play no part. Calibrated stacking then chooses the shift.

    Differences: the paper predicts without a shift; ``gamma_`` is ours. Distances are those of class vectors, every
    column scaled to unit variance (``euclidean``) or by angle (``cosine``), numbers of edges
    between classes in the class graph of the view (``graph``), or ``distances`` by name, each divided by its mean.
    `unreachable_classes` lists classes that this rule can never name.
    """

    rescores = True
    metric: str = param(default="euclidean", choices=("euclidean", "cosine", "graph"), doc="distance between classes")
    power: int = param(default=2, low=1, high=2, symbol="p", doc="2: Fréchet mean; 1: Fréchet median")
    distances: dict[str, dict[str, float]] | None = param(
        default=None, doc="distance of every class (outer name) to every seen class (inner); instead of the metric"
    )
    temperature: float = param(
        default=0.25, low=1e-4, high=1e4, log=True, tune=(0.05, 2.0),
        doc="softmax temperature, in standard deviations of a training row's seen scores",
    )  # fmt: skip

    @property
    def needs(self) -> tuple[str, ...]:
        """Class vectors, unless distances are given by name."""
        return ("vectors",) if self.distances is None else ()

    def _prepare(self, view: TrainView, seed: int) -> None:
        if self.metric == "graph" and self.distances is None:
            names = sorted(view.graph.class_names)
            self.graph_distances_ = view.graph.for_classes(names).distances()
            self.graph_classes_ = np.frombuffer("\n".join(names).encode(), dtype=np.uint8)

    def _tabulate(self, semantics: Semantics) -> None:
        seen = self.seen_
        if self.distances is not None:
            self.distances_ = given_distances(self.distances, semantics.class_names, seen) ** self.power
        elif self.metric == "graph":
            self.distances_ = self._path_lengths(semantics)[:, seen] ** self.power
        else:
            self.distances_ = class_distances(semantics.table, seen, self.metric) ** self.power
        self.distances_ /= np.maximum(self.distances_.mean(), 1e-12)

    def _path_lengths(self, semantics: Semantics) -> np.ndarray:
        """Numbers of edges (C, C) between the classes of a table, of which the calibrator knows those of its fit."""
        if not hasattr(self, "graph_distances_"):
            raise MethodError("calibration loki: metric 'graph' needs the class graph of a view, found none")
        place = places(self.graph_classes_.tobytes().decode().split("\n"))
        new = [name for name in semantics.class_names if same_form(name) not in place]
        if new:
            raise MethodError(
                f"calibration loki: class {new[0]!r} has no node in the class graph of the fit, expected classes that "
                "have (train again with a graph that has it, or use another metric)"
            )
        rows = [place[same_form(name)] for name in semantics.class_names]
        found = self.graph_distances_[np.ix_(rows, rows)]
        reached = found[np.isfinite(found)]
        return np.where(np.isfinite(found), found, 2 * reached.max(initial=1.0))

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        p = softmax(scores[:, self.seen_] / np.float32(self.temperature * self.unit_))
        return p @ -self.distances_.T.astype(np.float32), {}


def class_distances(table: np.ndarray, seen: np.ndarray, metric: str) -> np.ndarray:
    """Distances (C, K) of all classes to the seen ones, from class vectors (C, a).

    Parameters
    ----------
    table : ndarray, shape (C, a)
        Class vectors.
    seen : ndarray, shape (K,)
        Rows of the seen classes, whose statistics scale the columns.
    metric : str
        ``euclidean`` after scaling every column to unit variance, or ``cosine``: the chord of unit vectors.
    """
    table = table.astype(np.float64)
    if metric == "euclidean":
        deviation = table[seen].std(axis=0)
        table = table / np.where(deviation > 0, deviation, 1.0)
    else:
        table = at_unit_length(table)
    return np.sqrt(squared_distances(table, table[seen]))


def given_distances(
    table: Mapping[str, Mapping[str, float]], class_names: Sequence[str], seen: np.ndarray
) -> np.ndarray:
    """Distances (C, K) of all classes to the seen ones, looked up by name.

    Raises
    ------
    MethodError
        For a pair of classes that is missing, or whose distance is negative or not finite.
    """
    found = np.array([[table.get(v, {}).get(class_names[k], np.nan) for k in seen] for v in class_names])
    wrong = np.argwhere(~(np.isfinite(found) & (found >= 0)))
    if len(wrong):
        v, k = class_names[wrong[0][0]], class_names[seen[wrong[0][1]]]
        value = table.get(v, {}).get(k)
        raise MethodError(f"calibration loki: distances.{v}.{k}: found {value}, expected a distance of at least 0")
    return found


def unreachable_classes(distances: np.ndarray) -> np.ndarray:
    """Classes that no seen-class posterior makes the best one, by one small linear program a class.

    Parameters
    ----------
    distances : ndarray, shape (C, K)
        Distance of every class to every seen class, already raised to the power in use.

    Returns
    -------
    ndarray of int64
        Rows of ``distances`` that are never the strict or tied minimum for any probabilities.
    """
    lost = []
    for v, own in enumerate(distances):
        others = np.delete(distances, v, axis=0)
        found = linprog(
            np.zeros(len(own)), A_ub=own - others, b_ub=np.zeros(len(others)),
            A_eq=np.ones((1, len(own))), b_eq=[1.0], bounds=(0, 1), method="highs",
        )  # fmt: skip
        if found.status == 2:
            lost.append(v)
    return np.asarray(lost, dtype=np.int64)
