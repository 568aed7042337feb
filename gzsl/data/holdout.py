"""Images of seen classes that are kept from training, by a seed."""

from __future__ import annotations

import numpy as np


def holdout_mask(labels: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Choose about ``share`` of the rows of every class.

    Parameters
    ----------
    labels : ndarray, shape (n,)
        Class of every row.
    share : float
        Between 0 and 1.
    rng : numpy.random.Generator
        Which rows.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where held out: in every class of two or more rows at least one, and never all of them.
    """
    mask = np.zeros(len(labels), dtype=bool)
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        count = 0 if len(rows) < 2 else min(max(1, round(share * len(rows))), len(rows) - 1)
        mask[rng.permutation(rows)[:count]] = True
    return mask


def rows_held_out(
    labels: np.ndarray, unseen: np.ndarray, share: float, seed: int
) -> tuple[dict[str, np.ndarray], str]:
    """All images of unseen classes are test_unseen; a seeded share of every seen class is test_seen.

    Parameters
    ----------
    labels : ndarray, shape (N,), int64
        Class of every image.
    unseen : ndarray of int64
        Unseen classes.
    share : float
        Between 0 and 1.
    seed : int
        Which images.

    Returns
    -------
    dict
        Rows of trainval, test_seen and test_unseen.
    str
        A sentence that says what was done.
    """
    in_unseen = np.isin(labels, unseen)
    seen_rows = np.flatnonzero(~in_unseen)
    held_out = holdout_mask(labels[seen_rows], share, np.random.default_rng(seed))
    rows = {
        "trainval": seen_rows[~held_out],
        "test_seen": seen_rows[held_out],
        "test_unseen": np.flatnonzero(in_unseen),
    }
    note = (
        f"no image split was given: a seeded {share:.0%} of the images of every seen class were held out "
        f"as test_seen (seed {seed})"
    )
    return rows, note
