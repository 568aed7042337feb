"""The one currency of data: features, labels, semantics, split, provenance; immutable and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from gzsl.brief import html_table, listing
from gzsl.data.benchmarks import own_name
from gzsl.data.card import DataCard
from gzsl.data.features import FeatureRows
from gzsl.data.fingerprint import content_hash, hash_features
from gzsl.data.given import check_names, given_parts
from gzsl.data.regions import Regions
from gzsl.data.splits import Split
from gzsl.data.tables import beside
from gzsl.errors import DataError, suggest
from gzsl.files import value_hash
from gzsl.semantics import Semantics

if TYPE_CHECKING:
    from gzsl.semantics.graph import ClassGraph
    from gzsl.semantics.graph_maker import Spec

__all__ = ["IN_MEMORY", "DataCard", "Dataset"]
IN_MEMORY = "arrays in memory"  # where a dataset of `Dataset.from_arrays` comes from


@dataclass(frozen=True, eq=False)
class Dataset:
    """A validated zero-shot dataset.

    Parameters
    ----------
    features : ndarray or memmap, shape (N, d), float32
        One row an image; never written to.
    labels : ndarray, shape (N,), int64
        Position of each row's class in ``class_names``.
    semantics : Semantics
        The selected class table, one row a class, in the order of ``class_names``.
    split : Split
        Seen/unseen classes and rows.
    card : DataCard
        Provenance.
    tables : mapping of str to Semantics
        All class tables that came with the data, unnormalised, by name.
    regions : Regions, optional
        Features of the regions of every picture, for methods that look at parts; `features` are for all others.
    graph : ClassGraph, optional
        Knowledge about the classes beside their table, in the order of ``class_names``; see `with_graph`.

    Raises
    ------
    DataError
        When any part is inconsistent with another.
    """

    features: np.ndarray
    labels: np.ndarray
    semantics: Semantics
    split: Split
    card: DataCard
    tables: Mapping[str, Semantics] = field(default_factory=dict)
    regions: Regions | None = None
    graph: ClassGraph | None = None

    @classmethod
    def from_arrays(
        cls,
        X: Any,
        y: Any,
        A: Any,
        *,
        unseen: Any,
        class_names: Any = None,
        test_seen: Any = 0.2,
        seed: int = 0,
        name: str = "mine",
        features: str = "unknown",
        semantics: str = "att",
        joint: bool = False,
    ) -> Dataset:
        """A dataset from arrays in memory, checked.

        Parameters
        ----------
        X : array-like, shape (N, d)
            One row an image: any real type, nested lists or a pandas frame; kept as float32.
        y : array-like, shape (N,)
            Class of each row, by name or by its row in ``A`` (from 0).
        A : array-like, shape (C, a) or (C, P, a)
            Class table: an array, a mapping of names to vectors, a pandas frame indexed by name, or a `Semantics`;
            several vectors a class are its members.
        unseen : array-like or None
            Names or ids of the classes that are kept from training; None: nothing is trained on (setting transfer).
        class_names : sequence of str, optional
            One a row of ``A``; its own where it has names, else the numbers of its rows.
        test_seen : float, array-like or None
            Rows of seen classes to test with: a share of each class, drawn by ``seed``; row numbers or a mask; None for
            plain zero-shot learning, which is tested on unseen classes alone (T1).
        seed : int
            Of the drawn rows.
        name, features, semantics : str
            What dataset, features and class table are called in the protocol.
        joint : bool
            Whether ``X`` and ``A`` are in one space.

        Raises
        ------
        DataError
            One sentence with the argument, what was found and what was expected.
        """
        check_names(name, features, semantics)
        given = given_parts(X, y, A, class_names, unseen, test_seen, seed, semantics)
        table = replace(given.semantics, joint=given.semantics.joint or joint)
        digest = content_hash(hash_features(given.features), given.labels, {table.name: table}, given.split)
        card = DataCard(own_name(name), features, digest, IN_MEMORY, None, given.notes)
        return cls(given.features, given.labels, table, given.split, card)

    def __repr__(self) -> str:
        n, d = self.features.shape
        return (
            f"Dataset({self.name!r}: {n} rows x {d} {self.features.dtype} ({self.card.features}), {self.n_classes} "
            f"classes, {self.semantics!r}, {self.split!r})"
        )

    def _repr_html_(self) -> str:
        n, d = self.features.shape
        split, names = self.split, self.class_names
        rows = [
            ("rows", f"{n} x {d} ({self.card.features})"),
            ("class table", ", ".join(f"{t.name} ({t.n_attributes})" for t in self.tables.values())),
            ("seen", f"{len(split.seen)}: {listing([names[c] for c in split.seen])}"),
            ("unseen", f"{len(split.unseen)}: {listing([names[c] for c in split.unseen])}"),
            ("split", f"{split.version}, trainval {len(split.trainval)}, test_seen {len(split.test_seen)}, "
                      f"test_unseen {len(split.test_unseen)}"),
        ]  # fmt: skip
        return html_table(f"Dataset {self.name}", rows)

    def __post_init__(self) -> None:
        features, labels = self.features.view(), np.array(self.labels, dtype=np.int64)
        for name, array in (("features", features), ("labels", labels)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        tables = dict(self.tables) or {self.semantics.name: self.semantics}
        object.__setattr__(self, "tables", MappingProxyType(tables))
        self._check()

    def _check(self) -> None:
        name = self.card.name
        if self.features.ndim != 2 or self.features.dtype != np.float32:
            raise DataError(
                f"{name}: features: found {self.features.dtype} of shape {self.features.shape}, "
                "expected float32 of shape (images, dimensions)"
            )
        if len(self.features) != len(self.labels):
            raise DataError(f"{name}: labels: found {len(self.labels)}, expected {len(self.features)}, one an image")
        if len(self.labels) and (self.labels.min() < 0 or self.labels.max() >= self.n_classes):
            raise DataError(
                f"{name}: labels: found {self.labels.min()} to {self.labels.max()}, "
                f"expected 0 to {self.n_classes - 1}, the rows of the class table"
            )
        for table in self.tables.values():
            if table.class_names != self.class_names:
                raise DataError(f"{name}: semantics {table.name!r}: class names differ from those of the dataset")
        if self.regions is not None:
            self.regions.check(len(self.labels), name)
            self._check_joint(table)
        self._check_joint(self.semantics)
        if self.graph is not None and self.graph.class_names != self.class_names:
            raise DataError(f"{name}: graph {self.graph.name!r}: classes differ from those of the dataset")
        self.split.check(self.labels, self.class_names)

    def _check_joint(self, table: Semantics) -> None:
        if table.joint and table.n_attributes != self.features.shape[1]:
            raise DataError(
                f"{self.card.name}: semantics {table.name!r} is said to share the space of the features, but has "
                f"{table.n_attributes} columns and they {self.features.shape[1]}: take the claim back (dataset.joint: "
                "false) or learn a map (preprocess.align: ridge)"
            )

    def rows(self, positions: np.ndarray, regions: bool = False) -> FeatureRows:
        """Some rows, unread: (n, d); with ``regions`` and where there are any, (n, R, d)."""
        if regions and self.regions is not None:
            return self.regions.take(positions)
        return FeatureRows(self.features, positions)

    def features_label(self, regions: bool = False) -> str:
        """What the protocol calls the features that a method reads, with or without regions."""
        return self.regions.label if regions and self.regions is not None else self.card.features

    def with_regions(self, regions: Regions) -> Dataset:
        """The same pictures with features of their regions, as many; the content hash is of both."""
        digest = value_hash([self.card.content_hash, regions.content])
        return replace(self, regions=regions, card=replace(self.card, content_hash=digest))

    @property
    def name(self) -> str:
        """Dataset name."""
        return self.card.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names; a class id is a position in this tuple."""
        return self.semantics.class_names

    @property
    def n_classes(self) -> int:
        """Number of classes ``C``."""
        return len(self.semantics)

    def with_features_name(self, name: str) -> Dataset:
        """The same data with another name for its features, as the protocol prints it; a note keeps the old one."""
        if name == self.card.features:
            return self
        note = f"features are called {name} on request, not {self.card.features}"
        return replace(self, card=replace(self.card, features=name, notes=(*self.card.notes, note)))

    @property
    def folder(self) -> Path | None:
        """Where its files lie; None of what is embedded or made in memory."""
        place = Path(self.card.source)
        return place if place.is_absolute() and place.is_dir() else None

    @property
    def content_hash(self) -> str:
        """That of the card, and of the graph where there is one: what decides the numbers besides the recipe."""
        digest = self.card.content_hash
        return digest if self.graph is None else value_hash([digest, self.graph.content_hash])

    @property
    def semantics_label(self) -> str:
        """What the protocol calls the knowledge about classes: the class table's name, ``att+wordnet`` with a graph."""
        return self.semantics.label if self.graph is None else f"{self.semantics.label}+{self.graph.name}"

    def training_part(self) -> Dataset:
        """The trainval rows alone, copied into memory: whoever holds the result cannot reach a test row.

        The content hash is that of what is left, so it does not depend on the test rows either.
        """
        rows = self.split.trainval
        features, labels, split = np.array(self.features[rows]), self.labels[rows], self.split.training_part()
        digest = content_hash(hash_features(features), labels, self.tables, split)
        card = replace(self.card, content_hash=digest, notes=(*self.card.notes, "the test rows were taken away"))
        kept = None if self.regions is None else self.regions.subset(rows)
        return replace(self, features=features, labels=labels, split=split, card=card, regions=kept)

    def with_joint(self, joint: bool) -> Dataset:
        """The same data, of which it is said whether class vectors and features share one space.

        Raises
        ------
        DataError
            For class vectors of another width than the features.
        """
        if joint == self.semantics.joint:
            return self
        says = "shares" if joint else "does not share"
        note = f"class table {self.semantics.name} {says} the features' space, on request"
        card = replace(self.card, notes=(*self.card.notes, note))
        return replace(self, semantics=replace(self.semantics, joint=joint), card=card)

    def with_semantics(self, name: str, normalise: str = "none") -> Dataset:
        """The same data with another class table, normalised with statistics of the seen classes.

        Raises
        ------
        DataError
            For a table that this dataset does not have, naming those it has.
        """
        if name not in self.tables:
            why = "".join(f"; {note}" for note in self.card.notes if note.startswith(f"table {name} "))
            known = f"{suggest(name, self.tables)} (available: {', '.join(sorted(self.tables))})"
            raise DataError(f"{self.name}: no semantics {name!r}; {known}{why}{beside(self.folder, name)}")
        table = self.tables[name].normalised(normalise, statistics_from=self.split.seen)
        return self if table is self.semantics else replace(self, semantics=table)

    def with_graph(self, spec: Spec | ClassGraph | None) -> Dataset:
        """The same data with a class graph, made of the selected class table or read.

        Parameters
        ----------
        spec : str, mapping or ClassGraph
            What `gzsl.semantics.graph_maker.make_graph` makes, files beside the data first; None takes it away.

        Raises
        ------
        DataError
            For an unknown name or option, a class without a node, and whatever the kind of graph refuses.
        """
        if spec is None:
            return replace(self, graph=None)
        from gzsl.semantics.graph_maker import make_graph  # here: it imports sparse algebra, which arrays do not need
        return replace(self, graph=make_graph(spec, self.semantics, self.folder))
