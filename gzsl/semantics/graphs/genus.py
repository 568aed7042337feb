"""A taxonomy of two levels from the words of class names."""

from __future__ import annotations

from pathlib import Path

from gzsl.params import param
from gzsl.semantics.chains import from_chains, genus_chains
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker
from gzsl.semantics.table import Semantics


@graph_maker("genus")
class Genus(GraphMaker):
    """Classes with the same last word of their names below it, as birds are called; all words below one root."""

    word: str = param(default="last", choices=("last", "first"), doc="which word of a name says the genus")

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        return from_chains(genus_chains(semantics.class_names, self.word), semantics.class_names, self.label)
