"""Checks of what a fit is given, before anything is learnt from it."""

from __future__ import annotations

import warnings

import numpy as np

from gzsl.data.view import TrainView
from gzsl.errors import GzslWarning, MethodError
from gzsl.semantics import table_faults


def warn_of_faults(view: TrainView, stacklevel: int = 3) -> None:
    """Warn of what is wrong with the class table that a fit gets."""
    for sentence in table_faults(view.semantics).sentences(view.semantics.name):
        warnings.warn(sentence, GzslWarning, stacklevel=stacklevel)


def refuse_non_finite(view: TrainView, method: str) -> None:
    """Raise a `MethodError` that names the first training row with NaN or infinite features."""
    for where, block in view.features.blocks():
        if np.isfinite(block.sum()):
            continue  # a NaN or an infinity anywhere would show in the sum
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            row = where.start + int(bad[0])
            raise MethodError(f"{method}: training row {row} has NaN or infinite features, expected finite ones")
