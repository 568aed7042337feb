"""What a class graph promises before any training: its sizes, what is cut off in it, and how fast it smooths."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from gzsl.brief import brief, listing
from gzsl.errors import DataError
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.unit_length import at_unit_length

HOPS = (0, 1, 2, 4, 8)
SAME = 0.999  # cosine above which two classes count as one


@dataclass(frozen=True)
class Smoothing:
    """How alike the classes' vectors are after some steps of the normalised adjacency.

    Attributes
    ----------
    hops : int
        Steps.
    mean : float
        Mean cosine of pairs of classes.
    nearest : float
        Mean over classes of the cosine to the most similar other one.
    lost : int
        Classes with the vector of another one: a cosine over 0.999.
    """

    hops: int
    mean: float
    nearest: float
    lost: int


@dataclass(frozen=True)
class GraphReport:
    """Numbers about a class graph.

    Attributes
    ----------
    name : str
        Of the graph.
    n_nodes, n_classes : int
        Sizes.
    relations : dict of str to int
        Edges of each relation; what has no direction counts twice.
    n_values : int
        Length of a node's vector; 0 without vectors.
    n_components, largest : int
        Components, and nodes in the largest.
    depth : int or None
        Levels below the roots of a hierarchy; None without one.
    alone : tuple of str
        Classes without a neighbour.
    cut_off : tuple of str
        Unseen classes without a path to a seen one, from which nothing can reach them.
    hops_to_seen : float
        Mean number of edges from an unseen class to the nearest seen one, of those that have a path; NaN without one.
    smoothing : tuple of Smoothing
        By number of steps.
    remarks : tuple of str
        What to mend or to know before training, one sentence each.
    notes : tuple of str
        How the graph was made.
    """

    name: str
    n_nodes: int
    n_classes: int
    relations: dict[str, int]
    n_values: int
    n_components: int
    largest: int
    depth: int | None
    alone: tuple[str, ...]
    cut_off: tuple[str, ...]
    hops_to_seen: float
    smoothing: tuple[Smoothing, ...]
    remarks: tuple[str, ...]
    notes: tuple[str, ...] = ()

    __repr__ = brief

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not there is None."""
        found = asdict(self)
        found["hops_to_seen"] = None if np.isnan(self.hops_to_seen) else self.hops_to_seen
        return found


def graph_report(graph: ClassGraph, seen: np.ndarray | None = None, unseen: np.ndarray | None = None) -> GraphReport:
    """Examine a class graph.

    Parameters
    ----------
    graph : ClassGraph
        With classes as in the class table.
    seen, unseen : ndarray of int, optional
        Classes with and without training images; without them nothing is said of paths between the two.
    """
    A = graph.adjacency()
    _, component = connected_components(A, directed=False)
    degree = np.diff(A.indptr)[graph.class_nodes]
    names = np.array(graph.class_names, dtype=object)
    far, lost, hops = np.zeros(0), (), graph.distances()
    if seen is not None and unseen is not None and len(seen) and len(unseen):
        far = hops[np.ix_(unseen, seen)].min(axis=1)
        lost = tuple(names[unseen][np.isinf(far)])
    alone = tuple(names[degree == 0])
    smoothing = tuple(_smoothed(graph))
    depth, remark = _depth(graph)
    reached = far[np.isfinite(far)]
    return GraphReport(
        graph.name, len(graph), len(names), {name: weights.nnz for name, weights in graph.relations.items()},
        0 if graph.vectors is None else graph.vectors.shape[1], int(component.max()) + 1,
        int(np.bincount(component).max()), depth, alone, lost,
        float(reached.mean()) if len(reached) else float("nan"), smoothing,
        tuple([*remark, *_remarks(alone, lost, smoothing), *_outlying(hops, names)]), graph.notes,
    )  # fmt: skip


def _smoothed(graph: ClassGraph) -> list[Smoothing]:
    """Vectors of the classes after each number of steps; without vectors, of what each class spreads."""
    values = graph.vectors
    if values is None:
        values = np.zeros((len(graph), len(graph.class_names)), dtype=np.float32)
        values[graph.class_nodes, np.arange(len(graph.class_names))] = 1.0
    step = graph.normalised_adjacency("symmetric")
    found, done = [], 0
    for hops in HOPS:
        for _ in range(hops - done):
            values = np.asarray(step @ values)
        done = hops
        rows = at_unit_length(values[graph.class_nodes].astype(np.float64))
        cosines = rows @ rows.T
        pairs = cosines[~np.eye(len(rows), dtype=bool)]
        np.fill_diagonal(cosines, -np.inf)
        nearest = cosines.max(axis=1) if len(rows) > 1 else np.zeros(1)
        mean = float(pairs.mean()) if len(pairs) else 0.0
        found.append(Smoothing(hops, mean, float(nearest.mean()), int((nearest > SAME).sum())))
    return found


def _depth(graph: ClassGraph) -> tuple[int | None, list[str]]:
    if IS_A not in graph.relations:
        return None, []
    try:
        return int(graph.hierarchy.levels.max()), []
    except DataError as circle:
        return None, [f"the relation {IS_A} is no hierarchy: {circle}"]


def _outlying(hops: np.ndarray, names: np.ndarray) -> list[str]:
    """Classes much further from any other than is usual: often another sense of their name, or a misspelt parent."""
    nearest = np.where(np.eye(len(hops), dtype=bool), np.inf, hops).min(axis=1)
    known = nearest[np.isfinite(nearest)]
    if len(known) < 3:
        return []
    odd = np.flatnonzero(np.isfinite(nearest) & (nearest > 2 * max(float(np.median(known)), 1.0)))
    if not len(odd):
        return []
    order = odd[np.argsort(-nearest[odd], kind="stable")]
    said = listing([f"{names[c]} ({int(nearest[c])} hops)" for c in order])
    return [f"{len(odd)} classes lie far from all others: {said}; is that what their names mean here?"]


def _remarks(alone: tuple[str, ...], lost: tuple[str, ...], smoothing: tuple[Smoothing, ...]) -> list[str]:
    found = []
    if alone:
        found.append(f"{len(alone)} classes have no neighbour ({listing(alone)}): the graph says nothing about them")
    if lost:
        found.append(
            f"{len(lost)} unseen classes have no path to a seen one ({listing(lost)}): nothing learnt reaches them"
        )
    before = smoothing[0].lost
    first = next((s for s in smoothing[1:] if s.lost > before), None)
    if first is not None:
        found.append(
            f"after {first.hops} hops {first.lost} classes have the vector of another one (cosine over {SAME}), "
            f"{before} before: a network of so many layers over-smooths here"
        )
    return found
