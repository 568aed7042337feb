"""Which classes are seen, and which rows are for training and for the two tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from gzsl.errors import DataError

VERSIONS = ("PS1", "PS2", "custom")
ROW_SETS = ("trainval", "test_seen", "test_unseen")


@dataclass(frozen=True, eq=False)
class Split:
    """A generalized zero-shot split of one dataset.

    Class ids are positions in ``Dataset.class_names``; rows are positions in its features; both 0-based.

    Parameters
    ----------
    seen, unseen : ndarray of int64
        Disjoint class ids; kept in ascending order.
    trainval, test_seen, test_unseen : ndarray of int64
        Disjoint rows.
    version : str
        ``PS1`` (first release: its ``train``/``val`` rows contain test rows), ``PS2``, or ``custom``.
    validation_classes : tuple of ndarray of int64
        Published class-wise validation folds (pseudo-unseen classes, each inside ``seen``); may be empty.
    test_removed : bool
        Whether the test rows were taken away; both test sets are empty then. Otherwise test_unseen never is, and
        test_seen only where there is nothing but unseen classes to test (see `generalized`).
    plain : bool
        Whether the test rows that were taken away were of unseen classes alone.
    reserve : ndarray of int64
        Rows of unseen classes that are kept apart from all tests, for shots to be drawn from; may be empty.
    """

    seen: np.ndarray
    unseen: np.ndarray
    trainval: np.ndarray
    test_seen: np.ndarray
    test_unseen: np.ndarray
    version: str = "custom"
    validation_classes: tuple[np.ndarray, ...] = ()
    test_removed: bool = False
    plain: bool = False
    reserve: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        for name in (*ROW_SETS, "reserve"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        for name in ("seen", "unseen"):
            object.__setattr__(self, name, _frozen(np.unique(getattr(self, name))))
        object.__setattr__(self, "validation_classes", tuple(_frozen(ids) for ids in self.validation_classes))

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(getattr(self, name))}" for name in ROW_SETS)
        folds = f", {len(self.validation_classes)} validation folds" if self.validation_classes else ""
        return f"Split({self.version}: {len(self.seen)} seen and {len(self.unseen)} unseen classes, {rows}{folds})"

    @property
    def generalized(self) -> bool:
        """Whether test rows may be of seen classes too; without any, this is plain zero-shot learning."""
        return not self.plain if self.test_removed else len(self.test_seen) > 0

    @property
    def transfer_only(self) -> bool:
        """Whether there is nothing to train on: no seen class and no training row, as the setting transfer allows."""
        return not len(self.seen) and not len(self.trainval) and not self.test_removed

    def training_part(self) -> Split:
        """The split of a dataset of which only the trainval rows are left, in their order."""
        none = np.empty(0, dtype=np.int64)
        rows = np.arange(len(self.trainval))
        plain = not self.generalized
        return replace(
            self, trainval=rows, test_seen=none, test_unseen=none, reserve=none, test_removed=True, plain=plain
        )

    def check(self, labels: np.ndarray, class_names: tuple[str, ...]) -> None:
        """Raise `DataError` unless the split is consistent with the labels it splits.

        Parameters
        ----------
        labels : ndarray, shape (N,)
            Class id of every row.
        class_names : tuple of str
            Names, for messages.
        """
        self._check_classes(class_names)
        self._check_rows(len(labels))
        sides = {"trainval": self.seen, "test_seen": self.seen, "test_unseen": self.unseen, "reserve": self.unseen}
        for name, allowed in sides.items():
            found = np.flatnonzero(np.bincount(labels[getattr(self, name)]))
            wrong = np.setdiff1d(found, allowed)
            if len(wrong):
                side = "unseen" if allowed is self.unseen else "seen"
                raise DataError(
                    f"split: {name} has rows of class {class_names[wrong[0]]!r}, expected {side} classes only"
                )
        empty = self.seen[np.bincount(labels[self.trainval], minlength=len(class_names))[self.seen] == 0]
        if len(empty):
            raise DataError(
                f"split: the seen class {class_names[empty[0]]!r} has no row in trainval, expected at least one"
            )

    def _check_classes(self, class_names: tuple[str, ...]) -> None:
        if not len(self.unseen) or not (len(self.seen) or self.transfer_only):
            raise DataError(
                f"split: found {len(self.seen)} seen and {len(self.unseen)} unseen classes, expected at least one each"
            )
        ids = np.concatenate([self.seen, self.unseen])
        outside = ids[(ids < 0) | (ids >= len(class_names))]
        if len(outside):
            raise DataError(f"split: found class id {outside[0]}, expected 0 to {len(class_names) - 1}")
        both = np.intersect1d(self.seen, self.unseen)
        if len(both):
            raise DataError(f"split: class {class_names[both[0]]!r} is both seen and unseen, expected one of them")
        for fold in self.validation_classes:
            if len(np.setdiff1d(fold, self.seen)):
                raise DataError("split: a validation fold has classes that are not seen, expected seen classes only")

    def _check_rows(self, n_rows: int) -> None:
        counts = {}
        for name in (*ROW_SETS, "reserve"):
            rows = getattr(self, name)
            expected_empty = self.test_removed and name != "trainval"
            if expected_empty and len(rows):
                raise DataError(f"split: {name} has {len(rows)} rows, expected none where the test rows were removed")
            may_be_empty = name in ("test_seen", "reserve") or (name == "trainval" and self.transfer_only)
            if not len(rows) and not expected_empty and not may_be_empty:
                raise DataError(f"split: {name} is empty, expected at least one row")
            outside = rows[(rows < 0) | (rows >= n_rows)]
            if len(outside):
                raise DataError(f"split: {name} has row {outside[0]}, expected 0 to {n_rows - 1}")
            counts[name] = np.bincount(rows, minlength=n_rows)
            if counts[name].max(initial=0) > 1:
                raise DataError(f"split: {name} lists a row twice, expected distinct rows")
        for first, second in itertools.combinations(counts, 2):
            both = np.flatnonzero(counts[first] * counts[second])
            if len(both):
                raise DataError(
                    f"split: {len(both)} rows are in both {first} and {second} (row {both[0]}), expected none"
                )


def _frozen(ids: np.ndarray) -> np.ndarray:
    array = np.array(ids, dtype=np.int64).ravel()
    array.setflags(write=False)
    return array
