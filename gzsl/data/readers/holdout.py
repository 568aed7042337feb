"""A split from nothing but a list of unseen classes: some seen images are held out by a fixed seed."""

from __future__ import annotations

import numpy as np

from gzsl.data.folds import holdout_mask

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
    dict
        Rows of trainval, test_seen and test_unseen.
    str
        A sentence that says what was done.
    """
    in_unseen = np.isin(labels, unseen)
    seen_rows = np.flatnonzero(~in_unseen)
    held_out = holdout_mask(labels[seen_rows], SHARE, np.random.default_rng(SEED))
    rows = {
        "trainval": seen_rows[~held_out],
        "test_seen": seen_rows[held_out],
        "test_unseen": np.flatnonzero(in_unseen),
    }
    note = (
        f"no image split was given: a seeded {SHARE:.0%} of the images of every seen class were held out "
        f"as test_seen (seed {SEED})"
    )
    return rows, note
