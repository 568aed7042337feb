"""Scores that rank nothing: hard predictions written as one-hot rows, or scores rounded until they are equal."""

from __future__ import annotations

import numpy as np

MOST = 0.5  # share of rows from which on ties are worth a word
BLOCK_ROWS = 4096


def tie_note(scores: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> str | None:
    """One sentence where most rows leave the choice within a side, or between thresholds, to ties; else None.

    Parameters
    ----------
    scores : ndarray, shape (N, C)
        Higher is better.
    seen, unseen : ndarray of int64
        Columns of each side.
    """
    tied = flat = 0
    for start in range(0, len(scores), BLOCK_ROWS):
        block = scores[start : start + BLOCK_ROWS]
        tied += int((_shared_top(block[:, seen]) | _shared_top(block[:, unseen])).sum())
        flat += int(_two_values(block[:, np.concatenate([seen, unseen])]).sum())
    if max(tied, flat) < MOST * len(scores):
        return None
    ties = f"{tied} of {len(scores)} rows tie for the best class of a side"
    if flat >= MOST * len(scores):
        return (
            f"these are hard predictions ({flat} of {len(scores)} rows hold no more than two values, {ties}): T1, "
            "AUSUC and every threshold come from ties and mean little; give the scores that the predictions came from"
        )
    return f"{ties}: T1, AUSUC and every threshold come from ties and mean little; give scores that are not rounded"


def _shared_top(side: np.ndarray) -> np.ndarray:
    """Whether several columns of a row hold its largest value, shape (n,)."""
    if side.shape[1] < 2:
        return np.zeros(len(side), dtype=bool)
    return (side == side.max(axis=1, keepdims=True)).sum(axis=1) > 1


def _two_values(block: np.ndarray) -> np.ndarray:
    """Whether a row of three or more columns holds at most two values, shape (n,)."""
    if block.shape[1] < 3:
        return np.zeros(len(block), dtype=bool)
    extreme = (block == block.max(axis=1, keepdims=True)) | (block == block.min(axis=1, keepdims=True))
    return extreme.all(axis=1)
