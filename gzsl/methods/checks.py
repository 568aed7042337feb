"""Checks of what a fit is given, before anything is learnt from it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set

import numpy as np

from gzsl.data.features import pooled_rows
from gzsl.data.view import TrainView
from gzsl.errors import GzslWarning, MethodError
from gzsl.semantics import table_faults
from gzsl.semantics.members import unit_rows

CHECKED_ROWS = 1000  # of the training rows, spread evenly


def warn_of_faults(view: TrainView, stacklevel: int = 3) -> None:
    """Warn of what is wrong with the class table that a fit gets."""
    for sentence in table_faults(view.semantics).sentences(view.semantics.name):
        warnings.warn(sentence, GzslWarning, stacklevel=stacklevel)
    other = other_space(view)
    if other is not None:
        warnings.warn(other, GzslWarning, stacklevel=stacklevel)


def other_space(view: TrainView) -> str | None:
    """What to say where class vectors are said to share the space of the features, but seen rows do not bear it out.

    Equal widths may be an accident: rows of seen classes that are nearest to their own class vector no more often than
    by chance (within three standard deviations) are of another space.
    """
    semantics, n_seen = view.semantics, len(view.seen)
    if not semantics.joint or n_seen < 2:
        return None
    rows = np.linspace(0, len(view.labels) - 1, min(len(view.labels), CHECKED_ROWS)).astype(np.int64)
    X = view.features.pooled.take(rows).to_array()
    table = unit_rows(semantics.table[view.seen])  # of the table alone: members can be many times as large
    best = (X @ table.T).argmax(axis=1)
    share, chance = float((best == view.seen_labels[rows]).mean()), 1 / n_seen
    if share > chance + 3 * np.sqrt(chance * (1 - chance) / len(rows)):
        return None
    return (
        f"semantics {semantics.name!r}: its vectors are said to share the space of the features, but rows of seen "
        f"classes are nearest to their own class in {100 * share:.1f} percent, chance is {100 * chance:.1f}: take "
        "the claim back (dataset.joint: false) and learn a map (preprocess.align: ridge)"
    )


def refuse_non_finite(view: TrainView, method: str) -> None:
    """Raise a `MethodError` that names the first training row with NaN or infinite features."""
    for where, block in view.features.blocks():
        if np.isfinite(block.sum()):
            continue  # a NaN or an infinity anywhere would show in the sum
        bad = np.flatnonzero(~np.isfinite(block).reshape(len(block), -1).all(axis=1))
        if len(bad):
            row = where.start + int(bad[0])
            raise MethodError(f"{method}: training row {row} has NaN or infinite features, expected finite ones")


def checked_features(X: np.ndarray, n_features: int, method: str, n_regions: int | None = None) -> np.ndarray:
    """Rows to be scored as float32, (n, d), or (n, R, d) where a method has ``n_regions``.

    Raises
    ------
    MethodError
        For another width or number of regions, for rows without regions where they are needed, and for NaN or infinite
        values.
    """
    X = np.asarray(X, dtype=np.float32)
    if n_regions is None:
        X = pooled_rows(X)
    wanted = (n_features,) if n_regions is None else (n_regions, n_features)
    if X.ndim != len(wanted) + 1 or X.shape[1:] != wanted:
        shape = ", ".join(map(str, ("images", *wanted)))
        remedy = ""
        if n_regions is not None and X.ndim == 2:
            remedy = "; gzsl features extract PICTURES --pooling grid --out FEATURES makes them"
        raise MethodError(f"{method}: features: found shape {X.shape}, expected ({shape}){remedy}")
    if not np.isfinite(X).all():
        row = int(np.flatnonzero(~np.isfinite(X).reshape(len(X), -1).all(axis=1))[0])
        raise MethodError(f"{method}: features: row {row} has NaN or infinite values, expected finite")
    return X


def best_names(scores: np.ndarray, class_names: Sequence[str], seen: Set[str]) -> np.ndarray:
    """Name of the best class of each row of scores (n, C); of equal ones an unseen class, and then the first, wins."""
    order = np.array(sorted(range(len(class_names)), key=lambda c: class_names[c] in seen), dtype=np.int64)
    return np.array(class_names)[order][scores[:, order].argmax(axis=1)]
