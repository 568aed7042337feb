"""The class graph: classes and other things as nodes, typed weighted edges between them, knowledge beside the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from scipy.sparse import csr_array

from gzsl.brief import html_table, listing
from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError, suggest
from gzsl.files import value_hash
from gzsl.semantics import graph_walks as walks
from gzsl.semantics.sparse_edges import array_hash, edges_between, frozen, normalised

IS_A = "is_a"  # the relation of a hierarchy: from what is narrower to what is wider


@dataclass(frozen=True, eq=False)
class ClassGraph:
    """Nodes with names, edges with a relation and a weight, and the node of every class.

    Parameters
    ----------
    nodes : tuple of str
        Unique names; a node id is a position in this tuple.
    relations : mapping of str to csr_array, each of shape (n, n)
        Weights over 0 of the edges of each relation, from the node of the row to that of the column. What has no
        direction stands in both; ``is_a`` goes from what is narrower to what is wider.
    class_names : tuple of str
        Unique names of classes, as the class table has them.
    class_nodes : ndarray, shape (C,), int64
        Node of each class, all of them different.
    vectors : ndarray, shape (n, v), float32, optional
        A finite vector a node.
    name : str
        What the protocol calls the graph.
    notes : tuple of str
        What was found or decided when it was made, one sentence each; no part of its content.
    texts : tuple of str, optional
        What each node is, in words: what vectors may be made of; no part of its content either.

    Raises
    ------
    DataError
        When any part is inconsistent with another.
    """

    nodes: tuple[str, ...]
    relations: Mapping[str, csr_array]
    class_names: tuple[str, ...]
    class_nodes: np.ndarray
    vectors: np.ndarray | None = None
    name: str = "graph"
    notes: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None

    @classmethod
    def from_edges(
        cls,
        nodes: Sequence[str],
        edges: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]],
        class_names: Sequence[str],
        class_nodes: np.ndarray | Sequence[int],
        *,
        vectors: np.ndarray | None = None,
        name: str = "graph",
        notes: Sequence[str] = (),
        texts: Sequence[str] | None = None,
    ) -> ClassGraph:
        """A graph from lists of edges: by relation, ids of sources (E,), of targets (E,), weights (E,) or None for 1.

        An edge that stands several times has the sum of its weights.
        """
        found = {relation: edges_between(len(nodes), *parts) for relation, parts in edges.items()}
        ids, said = np.asarray(class_nodes, dtype=np.int64), None if texts is None else tuple(texts)
        return cls(tuple(nodes), found, tuple(class_names), ids, vectors, name, tuple(notes), said)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(str(node) for node in self.nodes))
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        class_nodes = np.array(self.class_nodes, dtype=np.int64)
        class_nodes.setflags(write=False)
        object.__setattr__(self, "class_nodes", class_nodes)
        if self.vectors is not None:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
                vectors = np.array(self.vectors, dtype=np.float32, order="C")
            vectors.setflags(write=False)
            object.__setattr__(self, "vectors", vectors)
        made = {name: frozen(self.relations[name]) for name in sorted(self.relations)}
        object.__setattr__(self, "relations", MappingProxyType(made))
        self._check()

    def _check(self) -> None:
        where, n = f"graph {self.name!r}", len(self.nodes)
        for kind, names in (("node", self.nodes), ("class", self.class_names)):
            twice = repeated(names)
            if not names or twice is not None:
                found = "no name" if not names else f"the name {twice!r} twice"
                raise DataError(f"{where}: {kind}: found {found}, expected unique names")
        if not self.relations:
            raise DataError(f"{where}: found no relation, expected edges of at least one")
        for relation, weights in self.relations.items():
            if weights.shape != (n, n):
                raise DataError(f"{where}: relation {relation!r}: found shape {weights.shape}, expected {(n, n)}")
            if weights.nnz and not (np.isfinite(weights.data).all() and weights.data.min() > 0):
                raise DataError(f"{where}: relation {relation!r}: found a weight that is not over 0 and finite")
        self._check_class_nodes(where, n)
        if self.texts is not None and len(self.texts) != n:
            raise DataError(f"{where}: texts: found {len(self.texts)}, expected {n}, one a node")
        if self.vectors is not None:
            self._check_vectors(where, n, self.vectors)

    def _check_vectors(self, where: str, n: int, vectors: np.ndarray) -> None:
        if vectors.ndim != 2 or len(vectors) != n or not vectors.shape[1]:
            raise DataError(f"{where}: vectors: found shape {vectors.shape}, expected ({n}, values), one a node")
        if not np.isfinite(vectors).all():
            row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
            raise DataError(f"{where}: vectors: that of node {self.nodes[row]!r} has NaN or infinite values")

    def _check_class_nodes(self, where: str, n: int) -> None:
        ids = self.class_nodes
        if ids.shape != (len(self.class_names),):
            raise DataError(f"{where}: found nodes of {len(ids)} classes, expected {len(self.class_names)}")
        if ids.min() < 0 or ids.max() >= n:
            wrong = self.class_names[int(np.flatnonzero((ids < 0) | (ids >= n))[0])]
            raise DataError(f"{where}: class {wrong!r} has a node that does not exist, expected ids from 0 to {n - 1}")
        order = np.argsort(ids, kind="stable")
        same = np.flatnonzero(np.diff(ids[order]) == 0)
        if len(same):
            a, b = (self.class_names[c] for c in order[same[0] : same[0] + 2])
            raise DataError(
                f"{where}: classes {a!r} and {b!r} have the same node {self.nodes[ids[order[same[0]]]]!r}, expected "
                "a node each (hang a node of its own below it for one of them)"
            )

    def __repr__(self) -> str:
        size = "" if self.vectors is None else f", vectors of {self.vectors.shape[1]}"
        edges = f"{self.n_edges} edges of {listing(list(self.relations))}"
        return f"ClassGraph({self.name!r}: {len(self)} nodes{size}, {edges}; {len(self.class_names)} classes)"

    def _repr_html_(self) -> str:
        rows = [(f"edges: {name}", str(weights.nnz)) for name, weights in self.relations.items()]
        size = "none" if self.vectors is None else str(self.vectors.shape[1])
        about = [("nodes", f"{len(self.nodes)}: {listing(self.nodes)}"), ("classes", listing(self.class_names))]
        return html_table(f"ClassGraph {self.name}", [*about, *rows, ("values a node", size)])

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def n_edges(self) -> int:
        """Edges of all relations; one that has no direction counts twice."""
        return sum(weights.nnz for weights in self.relations.values())

    @cached_property
    def content_hash(self) -> str:
        """32 hex digits: the same whatever the order of the nodes, and whatever the graph is called."""
        whole = self.canonical()
        parts = {
            name: [array_hash(weights.indptr), array_hash(weights.indices), array_hash(weights.data, "<f4")]
            for name, weights in whole.relations.items()
        }
        vectors = None if whole.vectors is None else array_hash(whole.vectors, "<f4")
        return value_hash([whole.nodes, parts, whole.class_names, array_hash(whole.class_nodes), vectors])

    # other graphs of it

    def take(self, ids: Sequence[int] | np.ndarray) -> ClassGraph:
        """The same graph for classes ``ids`` in that order; nodes of the others stay, as nodes of no class."""
        ids = np.asarray(ids, dtype=np.int64)
        names = tuple(self.class_names[c] for c in ids)
        return replace(self, class_names=names, class_nodes=self.class_nodes[ids])

    def for_classes(self, names: Sequence[str]) -> ClassGraph:
        """The same graph for the classes called ``names``, in that order.

        Raises
        ------
        DataError
            For a class that has no node.
        """
        place, forms = places(self.class_names), [same_form(name) for name in names]
        missing = [name for name, form in zip(names, forms, strict=True) if form not in place]
        if missing:
            raise DataError(
                f"graph {self.name!r}: found no node of class {missing[0]!r} ({len(missing)} such classes), expected "
                f"one a class; {suggest(missing[0], self.class_names)}"
            )
        return self.take(np.array([place[form] for form in forms], dtype=np.int64))

    def permuted(self, order: np.ndarray) -> ClassGraph:
        """The same graph with its nodes in another order: node ``k`` of the result is node ``order[k]`` of this one."""
        order = np.asarray(order, dtype=np.int64)
        position = np.argsort(order)
        return replace(
            self,
            nodes=tuple(self.nodes[i] for i in order),
            relations={name: weights[order][:, order] for name, weights in self.relations.items()},
            class_nodes=position[self.class_nodes],
            vectors=None if self.vectors is None else self.vectors[order],
            texts=None if self.texts is None else tuple(self.texts[i] for i in order),
        )

    def canonical(self) -> ClassGraph:
        """Nodes in the order of their names, so that no method depends on the order in which a file has them."""
        order = np.array(sorted(range(len(self)), key=self.nodes.__getitem__), dtype=np.int64)
        return self if (np.diff(order) == 1).all() else self.permuted(order)

    def only(self, relations: Iterable[str]) -> ClassGraph:
        """The same nodes with the edges of some relations; an unknown one is a `DataError`."""
        return replace(self, relations={name: self.relation(name) for name in relations})

    def with_vectors(self, vectors: np.ndarray | None) -> ClassGraph:
        """The same graph with other vectors (n, v)."""
        return replace(self, vectors=vectors)

    # sparse algebra

    def relation(self, name: str) -> csr_array:
        """Weights (n, n) of one relation; an unknown one is a `DataError`."""
        if name not in self.relations:
            raise DataError(f"graph {self.name!r}: unknown relation {name!r}; {suggest(name, self.relations)}")
        return self.relations[name]

    def adjacency(self, relations: Iterable[str] | None = None, *, directed: bool = False) -> csr_array:
        """Weights (n, n) of some relations (all when None) together; both ways unless ``directed``."""
        names = list(self.relations if relations is None else relations)
        return walks.together([self.relation(name) for name in names], directed)

    def normalised_adjacency(
        self,
        kind: str = "symmetric",
        *,
        self_loops: bool = True,
        relations: Iterable[str] | None = None,
        directed: bool = False,
    ) -> csr_array:
        """Adjacency (n, n), float32, as graph convolutions use it.

        Parameters
        ----------
        kind : str
            ``symmetric``: D^-1/2 A D^-1/2; ``random-walk``: D^-1 A, whose rows add up to 1.
        self_loops : bool
            Whether every node has an edge of weight 1 to itself first. A node without any edge has a row of zeros.
        relations, directed
            As in `adjacency`.
        """
        return normalised(self.adjacency(relations, directed=directed), kind, self_loops)

    def propagated(self, values: np.ndarray, hops: int, kind: str = "symmetric") -> np.ndarray:
        """Values (n, k) after ``hops`` steps of the normalised adjacency."""
        return walks.propagated(self.normalised_adjacency(kind), values, hops)

    def distances(self, lengths: str = "hops", relations: Iterable[str] | None = None) -> np.ndarray:
        """Lengths (C, C), float64, of the shortest paths between classes, whatever direction edges have.

        Parameters
        ----------
        lengths : str
            Of an edge: ``hops`` 1; ``weights`` its weight; ``inverse`` 1 / weight, where a weight says how alike.
        relations : iterable of str, optional
            Some alone.

        Returns
        -------
        ndarray
            Infinite between classes of different components.
        """
        edges = self.adjacency(relations)
        if lengths == "hops":
            return walks.hops_between(edges, self.class_nodes)
        return walks.path_lengths(edges, self.class_nodes, lengths)[:, self.class_nodes]

    def diffusion_kernel(self, beta: float = 1.0, relations: Iterable[str] | None = None) -> np.ndarray:
        """Kernel (C, C), float64, of classes: exp(-beta L) with the symmetric normalised Laplacian L of the graph."""
        return walks.diffusion(self.adjacency(relations), self.class_nodes, beta)

    # hierarchy

    @cached_property
    def hierarchy(self) -> walks.Hierarchy:
        """Parents, ancestors, descendants and levels by the relation ``is_a``.

        Raises
        ------
        DataError
            Without that relation, and where it goes in a circle.
        """
        if IS_A not in self.relations:
            raise DataError(
                f"graph {self.name!r}: a hierarchy was asked for, found the relations {', '.join(self.relations)}, "
                f"expected {IS_A} (graphs taxonomy and wordnet have it)"
            )
        return walks.Hierarchy(self.relations[IS_A], self.nodes, self.name)
