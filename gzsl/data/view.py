"""What a method may see while it is fitted, and the gate before the test data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gzsl.brief import brief
from gzsl.data.classifier import SeenClassifier
from gzsl.data.features import FeatureRows
from gzsl.data.pool import ClassPrior
from gzsl.errors import MethodError, ProtocolError
from gzsl.semantics import Semantics

if TYPE_CHECKING:
    from gzsl.semantics.graph import ClassGraph

SETTINGS = ("inductive", "transductive", "transfer")


@dataclass(frozen=True, eq=False)
class Shots:
    """A few labelled rows of classes that have no training rows; none of them is ever scored.

    Parameters
    ----------
    features : FeatureRows, shape (m, d)
        Preprocessed rows.
    labels : ndarray, shape (m,), int64
        Row of each one's class in the view's ``semantics``.
    """

    features: FeatureRows
    labels: np.ndarray

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class TrainView:
    """Everything a method may see: seen features and labels, and class semantics. No test label is in it.

    In a view of a `Task` the features are a matrix of the training rows alone (`FeatureRows.apart`): neither test rows
    nor the scaler of the test rows nor the files they came from can be reached from it.

    Parameters
    ----------
    features : FeatureRows, shape (n, d) or (n, R, d)
        Preprocessed training rows of seen classes; with their regions where the task was asked for them.
    labels : ndarray, shape (n,), int64
        Row of each image's class in ``semantics``.
    semantics : Semantics
        Class table of the seen and the candidate unseen classes.
    seen, unseen : ndarray of int64
        Rows of ``semantics`` with and without training images; kept in ascending order.
    setting : str
        ``inductive``, ``transductive``, or ``transfer``: no training rows, every class is unseen.
    unlabelled_features : FeatureRows, optional
        Unlabelled rows of unseen (or all) classes; only in the transductive setting.
    pool : str, optional
        Of which classes they are: ``unseen`` or ``all``; ``unseen`` where nothing is said.
    prior : ClassPrior, optional
        What is known of their classes' shares; uniform where nothing is said.
    class_graph : ClassGraph, optional
        Classes and other things as nodes with edges between them; its classes are those of ``semantics``.
    classifier : SeenClassifier, optional
        A trained classifier with a row for each seen class, for methods that put other classes into one; with it,
        there may be no training row at all (`gzsl.data.image_free.image_free_view`).
    shots : Shots, optional
        A few labelled rows of unseen classes, in few-shot learning.
    """

    features: FeatureRows
    labels: np.ndarray
    semantics: Semantics
    seen: np.ndarray
    unseen: np.ndarray
    setting: str = "inductive"
    unlabelled_features: FeatureRows | None = None
    class_graph: ClassGraph | None = None
    classifier: SeenClassifier | None = None
    pool: str | None = None
    prior: ClassPrior | None = None
    shots: Shots | None = None

    __repr__ = brief

    def __post_init__(self) -> None:
        for name, arrange in (("labels", np.array), ("seen", np.unique), ("unseen", np.unique)):
            array = arrange(np.array(getattr(self, name), dtype=np.int64))
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if self.setting not in SETTINGS:
            raise ProtocolError(f"setting: found {self.setting!r}, expected one of {', '.join(SETTINGS)}")
        if self.setting != "transductive" and self.unlabelled_features is not None:
            raise ProtocolError(f"unlabelled features were given in the {self.setting} setting, expected none")
        if self.setting == "transfer" and (len(self.seen) or len(self.features)):
            raise ProtocolError(
                f"training rows of {len(self.seen)} classes were given in the transfer setting, expected none"
            )
        if self.unlabelled_features is not None:
            self._complete_pool(self.unlabelled_features)
        if self.class_graph is not None and self.class_graph.class_names != self.semantics.class_names:
            raise ProtocolError(f"graph {self.class_graph.name!r}: found other classes than those of the class table")
        self._check_labels()
        if self.classifier is not None:
            self.classifier.check_width(self.n_features)

    def _complete_pool(self, rows: FeatureRows) -> None:
        if not len(rows):
            raise ProtocolError("pool: found no unlabelled row, expected at least one")
        object.__setattr__(self, "pool", self.pool or "unseen")
        if self.prior is None:
            object.__setattr__(self, "prior", ClassPrior.uniform(self.candidates, len(self.semantics)))

    def _check_labels(self) -> None:
        if len(self.labels) != len(self.features):
            raise MethodError(f"labels: found {len(self.labels)}, expected {len(self.features)}, one a feature row")
        empty = np.setdiff1d(self.seen, self.labels)
        if len(empty) and (self.classifier is None or len(self.labels)):
            name = self.semantics.class_names[empty[0]]
            raise MethodError(f"the seen class {name!r} has no training row, expected at least one")
        if len(np.setdiff1d(self.labels, self.seen)):
            raise MethodError("training labels name a class that is not seen, expected seen classes only")
        if self.shots is not None and len(np.setdiff1d(self.shots.labels, self.unseen)):
            raise MethodError("shots name a class that is not unseen, expected unseen classes only")

    @property
    def n_features(self) -> int:
        """Dimension ``d`` of a feature row, or of each of its regions."""
        return self.features.shape[-1]

    @property
    def seen_labels(self) -> np.ndarray:
        """Labels as positions in ``seen``, shape (n,), int64."""
        return np.searchsorted(self.seen, self.labels)

    @property
    def seen_semantics(self) -> Semantics:
        """Class table of the seen classes, in the order of ``seen``."""
        return self.semantics.take(self.seen)

    @property
    def unseen_semantics(self) -> Semantics:
        """Class table of the unseen classes, in the order of ``unseen``."""
        return self.semantics.take(self.unseen)

    @property
    def unlabelled(self) -> FeatureRows:
        """Unlabelled rows; asking for them in the inductive setting is a `ProtocolError`."""
        if self.unlabelled_features is None:
            raise ProtocolError(f"unlabelled features were asked for in the {self.setting} setting; none are given")
        return self.unlabelled_features

    @property
    def candidates(self) -> np.ndarray:
        """Rows of ``semantics`` that unlabelled rows may be of, ascending: the unseen ones, or all."""
        return self.unseen if self.pool != "all" else np.union1d(self.seen, self.unseen)

    @property
    def class_prior(self) -> ClassPrior:
        """What is known of the classes' shares; asking for it in the inductive setting is a `ProtocolError`."""
        if self.prior is None:
            raise ProtocolError(f"a class prior was asked for in the {self.setting} setting; none is given")
        return self.prior

    def without_pool(self) -> TrainView:
        """The same view in the inductive setting."""
        return replace(self, setting="inductive", unlabelled_features=None, pool=None, prior=None)

    @property
    def graph(self) -> ClassGraph:
        """Class graph, of a canonical view with its nodes in the order of their names.

        Asking for one that was not given is a `ProtocolError`.
        """
        if self.class_graph is None:
            raise ProtocolError("a class graph was asked for, but this view carries none")
        return self.class_graph

    def canonical(self) -> TrainView:
        """The same view with classes in the order of their names, so that no method depends on class order."""
        semantics, order = self.semantics.canonical()
        position = np.argsort(order)
        graph = None if self.class_graph is None else self.class_graph.take(order).canonical()
        return replace(
            self,
            semantics=semantics,
            labels=position[self.labels],
            seen=np.sort(position[self.seen]),
            unseen=np.sort(position[self.unseen]),
            class_graph=graph,
            shots=None if self.shots is None else replace(self.shots, labels=position[self.shots.labels]),
            prior=None if self.prior is None else self.prior.reordered(order),
        )


@dataclass(frozen=True, eq=False)
class EvalRows:
    """Rows to be scored, with the answers; never handed to a method.

    Parameters
    ----------
    features : FeatureRows, shape (n, d) or (n, R, d)
        Preprocessed rows.
    labels : ndarray, shape (n,), int64
        Row of each image's class in the class table that is scored.
    """

    features: FeatureRows
    labels: np.ndarray

    __repr__ = brief


class TestGate:
    """Holds the test rows and counts how often they were handed out."""

    __test__ = False  # not a test case, whatever pytest thinks of its name

    def __init__(self, seen: EvalRows, unseen: EvalRows) -> None:
        self._seen, self._unseen = seen, unseen
        self.reads = 0
        self._mixed: MixedRows | None = None
        self._pool_labels: np.ndarray | None = None

    def __repr__(self) -> str:
        sizes = f"test_seen {len(self._seen.labels)}, test_unseen {len(self._unseen.labels)}"
        return f"TestGate({sizes}, reads {self.reads})"

    def open(self) -> tuple[EvalRows, EvalRows]:
        """Hand out (test_seen, test_unseen); each call is counted and recorded with the result."""
        self.reads += 1
        return self._seen, self._unseen

    def unlabelled(self, rows: str) -> FeatureRows:
        """Hand out features alone, of test_unseen or of all rows, for a fit; each call is counted as a read.

        They come in an order of their content: in files they often stand class by class.

        Parameters
        ----------
        rows : str
            ``unseen`` or ``all``.
        """
        self.reads += 1
        sides = (self._unseen,) if rows == "unseen" else (self._seen, self._unseen)
        features = FeatureRows.joined([side.features for side in sides])
        if not len(features):
            raise ProtocolError("pool: found no unlabelled row, expected at least one")
        order = features.content_order()
        self._pool_labels = np.concatenate([side.labels for side in sides])[order]
        return features.take(order).apart()

    def pool_labels(self) -> np.ndarray:
        """Labels (m,) of what `unlabelled` handed out, for a diagnosis or for the true prior; counted as a read."""
        if self._pool_labels is None:
            raise ProtocolError("labels of unlabelled rows were asked for, but none were handed out")
        self.reads += 1
        return self._pool_labels

    def mixed(self) -> MixedRows:
        """Hand out all rows in one order, made of their content, that tells nobody on which side a row is; counted."""
        self.reads += 1
        if self._mixed is None:
            features = FeatureRows.joined([self._seen.features, self._unseen.features])
            labels = np.concatenate([self._seen.labels, self._unseen.labels])
            order = features.content_order()
            is_unseen = order >= len(self._seen.labels)
            self._mixed = MixedRows(EvalRows(features.take(order), labels[order]), order, is_unseen)
        return self._mixed


@dataclass(frozen=True, eq=False)
class MixedRows:
    """Rows of both sides in one order, with the way back.

    Attributes
    ----------
    rows : EvalRows
        All rows.
    order : ndarray, shape (n,), int64
        Where each of them stood: test_seen first, then test_unseen.
    is_unseen : ndarray, shape (n,), bool
        Whether it is of test_unseen.
    """

    rows: EvalRows
    order: np.ndarray
    is_unseen: np.ndarray

    def restored(self, values: np.ndarray) -> np.ndarray:
        """Values a row (n, ...) in the order of test_seen, then test_unseen."""
        result = np.empty_like(values)
        result[self.order] = values
        return result
