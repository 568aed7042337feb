"""A graph that lies in a folder."""

from __future__ import annotations

from pathlib import Path

from gzsl.params import param
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_folder import read_graph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker, place_of
from gzsl.semantics.table import Semantics


@graph_maker("folder")
class GraphFolder(GraphMaker):
    """A graph from a folder with ``nodes.csv``, ``edges.csv`` and maybe ``vectors.npy``."""

    usual_vectors = "own or attributes"
    folder: str = param(default="", doc="the folder; beside the data, or a path")

    @property
    def label(self) -> str:
        """Name of the folder."""
        return Path(self.folder).name or self.part_id

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        return read_graph(place_of(self.folder, folder), semantics.class_names)
