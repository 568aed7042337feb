"""What the embedded datasets share: checked options and a seeded hold-out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from gzsl.data.splits import Split
from gzsl.errors import DataError, suggest


def check_options(dataset: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise `DataError` for the first option that the dataset does not have, naming the nearest one."""
    for key in given:
        if key not in known:
            raise DataError(f"{dataset}: unknown option {key!r}; {suggest(key, known)}")


def check_number(dataset: str, option: str, value: Any, kind: type, low: float, high: float = np.inf) -> None:
    """Raise `DataError` unless ``value`` is a number of that kind (an int also serves as a float) in range.

    Parameters
    ----------
    dataset, option : str
        For the message.
    value : Any
        What the user gave.
    kind : type
        ``int`` or ``float``.
    low, high : float
        Inclusive range.
    """
    other_kind = isinstance(value, bool) or not isinstance(value, Real if kind is float else Integral)
    if other_kind or not low <= value <= high:
        noun = "an integer" if kind is int else "a number"
        limits = f"of at least {low:g}" if high == np.inf else f"from {low:g} to {high:g}"
        raise DataError(f"{dataset}: option {option!r}: found {value!r}, expected {noun} {limits}")


def split_with_hold_out(
    labels: np.ndarray,
    unseen: np.ndarray,
    counts: np.ndarray,
    rng: np.random.Generator,
    validation_classes: tuple[np.ndarray, ...] = (),
) -> Split:
    """A split that keeps ``counts[k]`` drawn rows of the k-th seen class for test_seen.

    Parameters
    ----------
    labels : ndarray, shape (N,), int64
        Class of every row.
    unseen : ndarray of int64
        Classes of which every row is for test_unseen; all others are seen.
    counts : ndarray of int64
        Rows to hold out of each seen class, in ascending order of the classes.
    rng : numpy.random.Generator
        Which rows.
    validation_classes : tuple of ndarray of int64
        Fixed validation folds.
    """
    in_unseen = np.isin(labels, unseen)
    seen = np.unique(labels[~in_unseen])
    drawn = [
        rng.choice(np.flatnonzero(labels == c), count, replace=False) for c, count in zip(seen, counts, strict=True)
    ]
    test_seen = np.sort(np.concatenate(drawn))
    trainval = np.setdiff1d(np.flatnonzero(~in_unseen), test_seen)
    return Split(
        seen, unseen, trainval, test_seen, np.flatnonzero(in_unseen), validation_classes=validation_classes
    )
