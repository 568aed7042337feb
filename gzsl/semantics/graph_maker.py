"""Class graphs by name: what a recipe's ``dataset.graph`` and ``gzsl semantics graph`` mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.sparse.csgraph import connected_components

from gzsl.door.paths import is_folder, user_path
from gzsl.errors import DataError, suggest
from gzsl.params import Configurable, configure, param, plain
from gzsl.registry import Registry
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_folder import has_graph
from gzsl.semantics.node_names import note_alike
from gzsl.semantics.node_vectors import from_classes, from_texts, from_words, positional
from gzsl.semantics.table import Semantics

BESIDE = "graphs"  # folder of a dataset in which graphs are looked for by name
VECTORS = ("attributes", "own", "none", "positional", "words", "sentences")
Spec = str | Mapping[str, Any]


class GraphMaker(Configurable):
    """Makes a graph of one kind; hyper-parameters are the options of a recipe's ``dataset.graph``.

    A subclass is decorated with `graph_maker` and writes ``_make``.
    """

    usual_vectors: ClassVar[str] = "attributes"
    vectors: str | None = param(
        default=None, choices=(None, *VECTORS),
        doc="node vectors: attributes (classes their own, other nodes the mean of those around), own, none, positional "
        "(spectral), words (of names, from a file), sentences (of texts or names, extra text)",
    )  # fmt: skip
    words: str = param(default="", doc="file of word vectors, for vectors words; beside the data, or a path")
    dims: int = param(default=32, low=1, high=10_000, doc="values a node, for vectors positional")

    def make(self, semantics: Semantics, folder: Path | None = None) -> ClassGraph:
        """A graph of the classes of a table.

        Parameters
        ----------
        semantics : Semantics
            The classes and their vectors.
        folder : Path, optional
            Where files are looked for first: that of the dataset.

        Raises
        ------
        DataError
            For unusable options or files, and for a graph in which no class has a path to another.
        """
        # classes in the order of their names: a graph does not depend on the order of the table
        table, order = semantics.canonical()
        made = self._make(table, folder)
        made = replace(made, name=self.label, notes=(*made.notes, *note_alike(made.nodes, f"graph {self.label!r}")))
        refuse_torn(made)
        return self._with_vectors(made, table, folder).take(np.argsort(order))

    @property
    def label(self) -> str:
        """Name for the protocol, with the options that are not the usual ones."""
        usual = plain(type(self)())
        changed = [f"{key}={_short(value)}" for key, value in plain(self).items() if value != usual[key]]
        return f"{self.part_id}({', '.join(changed)})" if changed else self.part_id

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        raise NotImplementedError

    def _with_vectors(self, graph: ClassGraph, semantics: Semantics, folder: Path | None) -> ClassGraph:
        kind = self.vectors or self.usual_vectors
        if kind == "none":
            return graph.with_vectors(None)
        if kind == "own" and graph.vectors is None:
            raise DataError(f"graph {graph.name!r}: found no vectors of its own, expected some or vectors: attributes")
        if kind == "positional":
            return graph.with_vectors(positional(graph, self.dims))
        if kind in ("words", "sentences"):
            if kind == "words" and not self.words:
                raise DataError(f"graph {graph.name!r}: words: found no file, expected word vectors (words: FILE)")
            found, notes = from_words(graph, place_of(self.words, folder)) if self.words else from_texts(graph)
            return replace(graph, vectors=found, notes=(*graph.notes, *notes))
        return graph if kind.startswith("own") and graph.vectors is not None else _of_classes(graph, semantics)


GRAPHS: Registry[type[GraphMaker]] = Registry("graph", "gzsl.semantics.graphs", DataError)


def _of_classes(graph: ClassGraph, semantics: Semantics) -> ClassGraph:
    return graph.with_vectors(from_classes(graph, semantics.table))


def graph_maker(name: str) -> Callable[[type[GraphMaker]], type[GraphMaker]]:
    """Register a class of makers under a name."""
    return GRAPHS.part(name)


def make_graph(spec: Spec | ClassGraph, semantics: Semantics, folder: Path | None = None) -> ClassGraph:
    """The graph that a name, a path, or a mapping with options means.

    Parameters
    ----------
    spec : str, mapping or ClassGraph
        Name of a kind of graph (``attributes-knn``, ``taxonomy``, ...); name of a folder in ``graphs`` of the dataset,
        or path of one, with ``nodes.csv`` and ``edges.csv``; a mapping with such a name under ``name`` and options
        beside it; or a graph that is made already.
    semantics : Semantics
        The classes, each of which has to have a node.
    folder : Path, optional
        Of the dataset.

    Raises
    ------
    DataError
        For an unknown name (with the nearest one) or option, and whatever the kind of graph refuses.
    """
    if isinstance(spec, ClassGraph):
        return spec.for_classes(semantics.class_names)
    return graph_maker_for(spec, folder).make(semantics, folder)


def graph_maker_for(spec: Spec, folder: Path | None = None) -> GraphMaker:
    """What makes the graph that a name, a path or a mapping means, with its options checked; see `make_graph`."""
    maker = _maker(spec, folder)
    maker.check_parameters()
    return maker


def check_spec(spec: Spec) -> None:
    """Refuse options that no kind of graph has, and values of a wrong type, before any data are read.

    Raises
    ------
    DataError
        Naming the option.
    """
    name, options = _parts(spec)
    if options or name in GRAPHS.names():
        _configured(name, options).check_parameters()


def place_of(name: str, folder: Path | None) -> Path:
    """A file or folder as a user calls it: beside the data where it is there, else as it is written."""
    path = user_path(name, "a file or folder beside the data")
    beside = None if folder is None or path.is_absolute() else folder / path
    return beside if beside is not None and beside.exists() else path


def refuse_torn(graph: ClassGraph) -> None:
    """Refuse a graph in which no class has a path to another: nothing can pass from seen classes to unseen ones."""
    _, component = connected_components(graph.adjacency(), directed=False)
    count = len(graph.class_names)
    if count > 1 and len(np.unique(component[graph.class_nodes])) == count:
        raise DataError(
            f"graph {graph.name!r}: found one component a class, none of which has a path to another, expected edges "
            "that connect classes (a common parent, or more neighbours)"
        )


def _maker(spec: Spec, folder: Path | None) -> GraphMaker:
    name, options = _parts(spec)
    saved = [place_of(f"{BESIDE}/{name}", folder), place_of(name, folder)]
    if name in GRAPHS.names():
        saved = [] if options else saved[:1]
    for place in saved:
        if is_folder(place, "the folder of a graph") and has_graph(place):
            return _configured("folder", {"folder": str(place), **options})
    if not options and name not in GRAPHS.names():
        raise DataError(
            f"dataset.graph: no kind of graph and no folder with nodes.csv and edges.csv is called {name!r}; "
            f"{suggest(name, GRAPHS.names())}"
        )
    return _configured(name, options)


def _parts(spec: Spec) -> tuple[str, dict[str, Any]]:
    given: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = given.pop("name", None)
    if not isinstance(name, str) or not name:
        raise DataError(
            f"dataset.graph: found no name, expected one of {', '.join(GRAPHS.names())}, or the folder of a graph"
        )
    return name, given


def _configured(name: str, options: Mapping[str, Any]) -> GraphMaker:
    return configure(GRAPHS.get(name), options, where=f"dataset.graph: {name}", error=DataError)


def _short(value: Any) -> str:
    text = str(value)
    return Path(text).name if isinstance(value, str) and len(Path(text).parts) > 1 else text
