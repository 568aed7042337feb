"""A dataset's parts from arrays in memory: what anybody has at hand to features, labels, class table and split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.data.holdout import rows_held_out
from gzsl.data.splits import Split
from gzsl.door.arrays import numbers, plain
from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError, suggest
from gzsl.semantics import Members, Semantics

MIN_SEEN = 2


@dataclass(frozen=True, eq=False)
class Given:
    """Checked parts of a dataset.

    Attributes
    ----------
    features : ndarray, shape (N, d), float32
    labels : ndarray, shape (N,), int64
    semantics : Semantics
    split : Split
    notes : tuple of str
        What was decided, one sentence each.
    """

    features: np.ndarray
    labels: np.ndarray
    semantics: Semantics
    split: Split
    notes: tuple[str, ...]

    __repr__ = brief


def given_parts(
    X: Any, y: Any, A: Any, class_names: Any, unseen: Any, test_seen: Any, seed: int, table_name: str
) -> Given:
    """Check what `Dataset.from_arrays` is given; see there."""
    features = real_matrix(X, "X", "one row an image")
    semantics = class_table(A, class_names, table_name)
    by_name = _numbers_are_names(A, class_names)
    labels = class_ids(y, "y", semantics.class_names, by_name)
    if len(labels) != len(features):
        raise DataError(f"y: found {len(labels)} labels, expected {len(features)}, one a row of X")
    if unseen is None:
        return _untrained(features, labels, semantics)
    ids = _unseen_ids(unseen, semantics.class_names, by_name)
    notes = _check_classes(labels, ids, semantics.class_names)
    rows, note = _rows(labels, ids, test_seen, seed)
    seen = np.setdiff1d(np.arange(len(semantics)), ids)
    split = Split(seen, ids, rows["trainval"], rows["test_seen"], rows["test_unseen"])
    return Given(features, labels, semantics, split, (*notes, note))


def check_names(name: Any, features: Any, semantics: Any) -> None:
    """Refuse what cannot stand in a protocol or a path."""
    if not isinstance(name, str) or not name.strip() or set(name) & set("/\\\0"):
        raise DataError(f"name: found {name!r}, expected a name without slashes")
    for argument, text in (("features", features), ("semantics", semantics)):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{argument}: found {text!r}, expected what they are called in the protocol")


def real_matrix(values: Any, name: str, rows_are: str) -> np.ndarray:
    """Anything two-dimensional that holds finite real numbers, as float32 (n, d).

    Parameters
    ----------
    values : array-like
        Nested lists, an array of any real type, or a pandas frame.
    name : str
        Of the argument, for messages.
    rows_are : str
        What a row is, for messages.

    Raises
    ------
    DataError
        For another shape or kind, and for NaN, infinite or too large entries.
    """
    array = numbers(name, values)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"{name}: found an array of shape {array.shape}, expected two dimensions, {rows_are}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused here
        result = np.ascontiguousarray(array, dtype=np.float32)
    bad = ~np.isfinite(result).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        column = int(np.flatnonzero(~np.isfinite(result[row]))[0])
        raise DataError(
            f"{name}: row {row}, column {column} is {array[row, column]}, expected a finite number that float32 holds"
        )
    return result.copy() if result is values else result


def class_table(A: Any, class_names: Any, name: str, argument: str = "A") -> Semantics:
    """A class table from an array with names, a mapping of names to vectors, a pandas frame, or a `Semantics`.

    Raises
    ------
    DataError
        Naming the argument, what was found and what was expected.
    """
    if isinstance(A, Semantics):
        if class_names is not None and tuple(map(str, class_names)) != A.class_names:
            raise DataError(f"class_names: found other names than those of {argument}, expected none beside it")
        return A
    if getattr(A, "ndim", 0) == 3 or _are_matrices(A):
        members = Members.of([numbers(argument, group) for group in A])
        return replace(class_table(members.table(), class_names, name, argument), members=members)
    names: list[Any] | None = None
    attributes = None
    rows_are, values = "one row a class", A
    if isinstance(A, Mapping):
        rows_are, names, values = "one vector a class, all of one length", list(A), list(A.values())
    elif hasattr(A, "index") and hasattr(A, "columns"):
        names, attributes = list(A.index), tuple(map(str, A.columns))
    table = real_matrix(values, argument, rows_are)
    if class_names is not None:
        names = list(class_names)
    if names is None:
        names = list(range(len(table)))
    if len(names) != len(table):
        raise DataError(f"class_names: found {len(names)}, expected {len(table)}, one a row of {argument}")
    cleaned = tuple(str(name).strip() for name in names)
    twice = repeated(cleaned)
    if twice is not None or not all(cleaned):
        found = "an empty name" if twice is None else f"{twice!r} twice"
        raise DataError(f"class_names: found {found}, expected one name of its own a class")
    return Semantics(table, cleaned, name, attribute_names=attributes)


def class_ids(values: Any, name: str, class_names: Sequence[str], numbers_are_names: bool = False) -> np.ndarray:
    """Rows of the class table that labels mean: whole numbers are rows from 0, anything else is a name.

    Names are compared without outer white space and in one Unicode form.

    Parameters
    ----------
    values : array-like, shape (n,)
        Names or ids.
    name : str
        Of the argument, for messages.
    class_names : sequence of str
        Names of the table's rows.
    numbers_are_names : bool
        Whether the classes were named by numbers, so that a number is a name.

    Returns
    -------
    ndarray, shape (n,), int64

    Raises
    ------
    DataError
        For the first label that means no class.
    """
    array = plain(name, values)
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.ndim != 1 or not len(array):
        raise DataError(f"{name}: found an array of shape {array.shape}, expected a list of class names or ids")
    if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.floor(array)).all():
        array = array.astype(np.int64)
    if array.dtype.kind in "iu" and numbers_are_names:
        array = array.astype(str)
    if array.dtype.kind in "iu":
        return _numbered(array.astype(np.int64), name, len(class_names))
    if array.dtype.kind != "U":
        raise DataError(f"{name}: found {array.dtype}, expected class names or whole numbers from 0")
    place = places(class_names)
    found = [place.get(same_form(label.strip())) for label in array.tolist()]
    if None in found:
        row = found.index(None)
        label = array.tolist()[row]
        hint = suggest(label, class_names) if len(class_names) <= 20 or _close(label, class_names) else ""
        where = f"row {row} is " if len(found) > 1 else "found "
        raise DataError(f"{name}: {where}{label!r}, expected a class of A{f'; {hint}' if hint else ''}")
    return np.array(found, dtype=np.int64)


def _numbered(ids: np.ndarray, name: str, n_classes: int) -> np.ndarray:
    low, high = int(ids.min()), int(ids.max())
    if low >= 0 and high < n_classes:
        return ids
    hint = "; they look 1-based, subtract 1" if low >= 1 and high == n_classes else ""
    raise DataError(f"{name}: found ids {low} to {high}, expected 0 to {n_classes - 1}, the rows of A{hint}")


def _numbers_are_names(A: Any, class_names: Any) -> bool:
    """Whether the caller named the classes by numbers, such as the keys of a mapping."""
    if class_names is None:
        class_names = A if isinstance(A, Mapping) else A.index if hasattr(A, "columns") else ()
    names = list(class_names)
    return bool(names) and all(isinstance(name, int | np.integer) for name in names)


def _unseen_ids(unseen: Any, class_names: Sequence[str], numbers_are_names: bool) -> np.ndarray:
    if isinstance(unseen, str | int | float | np.number):
        unseen = [unseen]
    elif isinstance(unseen, Iterable) and not hasattr(unseen, "__array__"):
        unseen = list(unseen)
    if not len(unseen):
        raise DataError("unseen: found no class, expected the names or ids of at least one")
    ids = class_ids(unseen, "unseen", class_names, numbers_are_names)
    values, counts = np.unique(ids, return_counts=True)
    if counts.max() > 1:
        twice = class_names[values[counts.argmax()]]
        raise DataError(f"unseen: found class {twice!r} twice, expected distinct classes")
    if len(values) > len(class_names) - MIN_SEEN:
        raise DataError(
            f"unseen: found {len(values)} of {len(class_names)} classes, expected at least {MIN_SEEN} seen ones beside"
        )
    return values


def _check_classes(labels: np.ndarray, unseen: np.ndarray, class_names: Sequence[str]) -> list[str]:
    absent = np.setdiff1d(np.arange(len(class_names)), labels)
    for c in np.setdiff1d(absent, unseen):
        raise DataError(
            f"y: found no row of class {class_names[c]!r}, expected at least one for every class that is not unseen"
        )
    if len(absent) == len(unseen):
        raise DataError("y: found no row of an unseen class, expected some to test with")
    if not len(absent):
        return []
    return [f"{len(absent)} unseen classes have no row: they are candidates, and no mean contains them"]


def _rows(labels: np.ndarray, unseen: np.ndarray, test_seen: Any, seed: int) -> tuple[dict[str, np.ndarray], str]:
    """Rows of the three sets, and what was done."""
    if isinstance(test_seen, bool):
        raise DataError(f"test_seen: found {test_seen}, expected a share between 0 and 1, rows, or None")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DataError(f"seed: found {seed!r}, expected a whole number of at least 0")
    if isinstance(test_seen, float | np.floating):
        if not 0 < test_seen < 1:
            raise DataError(f"test_seen: found {test_seen}, expected a share between 0 and 1, rows, or None")
        rows, note = rows_held_out(labels, unseen, float(test_seen), int(seed))
        if not len(rows["test_seen"]):
            raise DataError(
                "test_seen: found a share, and no seen class with two rows to take it from; expected more rows, or None"
            )
        return rows, note
    in_unseen = np.isin(labels, unseen)
    chosen = np.empty(0, dtype=np.int64) if test_seen is None else _given_rows(test_seen, len(labels))
    if np.isin(labels[chosen], unseen).any():
        row = int(chosen[in_unseen[chosen]][0])
        raise DataError(f"test_seen: row {row} is of an unseen class, expected rows of seen classes")
    trained = np.setdiff1d(np.flatnonzero(~in_unseen), chosen)
    rows = {"trainval": trained, "test_seen": chosen, "test_unseen": np.flatnonzero(in_unseen)}
    if test_seen is None:
        return rows, "no image of a seen class is tested: plain zero-shot learning, T1 alone"
    return rows, f"the {len(chosen)} test_seen rows were given"


def _given_rows(rows: Any, n: int) -> np.ndarray:
    array = plain("test_seen", rows)
    if array.dtype.kind == "b" and array.shape == (n,):
        array = np.flatnonzero(array)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise DataError(
            f"test_seen: found {array.dtype} of shape {array.shape}, expected row numbers, a mask of {n}, a share "
            "between 0 and 1, or None"
        )
    outside = array[(array < 0) | (array >= n)]
    if len(outside):
        raise DataError(f"test_seen: found row {outside[0]}, expected 0 to {n - 1}")
    if len(np.unique(array)) < len(array):
        raise DataError("test_seen: found a row twice, expected distinct rows")
    return np.sort(array.astype(np.int64))


def _untrained(features: np.ndarray, labels: np.ndarray, semantics: Semantics) -> Given:
    """Parts of a dataset of which every class is a candidate and every row is tested."""
    absent = np.setdiff1d(np.arange(len(semantics)), labels)
    notes = [f"{len(absent)} classes have no row: they are candidates, and no mean contains them"]
    none = np.empty(0, dtype=np.int64)
    split = Split(none, np.arange(len(semantics)), none, none, np.arange(len(labels)))
    said = "no class is said to be unseen: no class is trained on (setting: transfer)"
    return Given(features, labels, semantics, split, (*(notes if len(absent) else ()), said))


def _are_matrices(A: Any) -> bool:
    """Whether these are the members of each class, as many as each has."""
    return isinstance(A, list | tuple) and bool(A) and all(getattr(group, "ndim", 0) == 2 for group in A)


def _close(name: str, class_names: Sequence[str]) -> bool:
    return suggest(name, class_names).startswith("did you mean")
