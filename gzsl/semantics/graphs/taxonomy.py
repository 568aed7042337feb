"""A taxonomy that a user has as a table."""

from __future__ import annotations

from pathlib import Path

from gzsl.errors import DataError
from gzsl.params import param
from gzsl.semantics.chains import from_chains, read_chains
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker, place_of
from gzsl.semantics.table import Semantics


@graph_maker("taxonomy")
class Taxonomy(GraphMaker):
    """Classes below what is wider, from a table: a column class, and in the columns to the right what is above it."""

    file: str = param(default="", doc="CSV with class, parent, ...; beside the data, or a path")
    columns: tuple[str, ...] = param(default=(), doc="columns above a class, nearest first; empty: all to its right")

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        if not self.file:
            raise DataError("graph taxonomy: file: found none, expected a CSV with class, parent, ... under file")
        path = place_of(self.file, folder)
        return from_chains(read_chains(path, self.columns), semantics.class_names, str(path))
