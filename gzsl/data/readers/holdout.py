"""A split from nothing but a list of unseen classes: some seen images are held out by a fixed seed."""

from __future__ import annotations

import numpy as np

from gzsl.data.holdout import rows_held_out

SHARE = 0.2
SEED = 0


def rows_from_unseen(labels: np.ndarray, unseen: np.ndarray) -> tuple[dict[str, np.ndarray], str]:
    """All images of unseen classes are test_unseen; a seeded fifth of every seen class is test_seen.

    Parameters
    ----------
    labels : ndarray, shape (N,), int64
        Class of every image.
    unseen : ndarray of int64
        Unseen classes.

    Returns
    -------
    dict, str
        See `gzsl.data.holdout.rows_held_out`.
    """
    return rows_held_out(labels, unseen, SHARE, SEED)
