"""Which rows without labels are believed, and how far scores are turned into shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def softened(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Shares of classes (n, C) float32 from scores of any scale: their unit is their spread over all rows.

    The spread is the root mean square of scores around their row's mean, so that a temperature means the same for
    log-likelihoods and for cosines.
    """
    return shares_of(scores, temperature * spread_of(scores))


def spread_of(scores: np.ndarray) -> float:
    """Root mean square of scores (n, C) around their row's mean; 1 where they are all alike."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = float(np.sqrt(np.mean(np.square(centred, dtype=np.float64))))
    return spread if np.isfinite(spread) and spread > 0 else 1.0


def shares_of(scores: np.ndarray, unit: float) -> np.ndarray:
    """``softmax(scores / unit)`` over the columns, (n, C) float32."""
    raised = (scores - scores.max(axis=1, keepdims=True)) / unit
    shares = np.exp(raised, dtype=np.float32)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def quotas(shares: np.ndarray, n_rows: int, part: float) -> np.ndarray:
    """How many rows (k,) each class may have: its share of a ``part`` of the rows, at least one."""
    return np.maximum(1, np.ceil(part * shares * n_rows - 1e-9)).astype(np.int64)


def sure_rows(
    shares: np.ndarray, counts: np.ndarray, eligible: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that are surest of each class, as many as its quota.

    An eligible row counts for its best class alone. A class without such rows gets the one that has most of it,
    eligible or not, but for the surest row of another class; of several such classes the one with the surest row comes
    first.

    Parameters
    ----------
    shares : ndarray, shape (m, k)
        Of classes in every row.
    counts : ndarray, shape (k,), int64
        Quotas.
    eligible : ndarray, shape (m,), bool, optional
        Which rows may be taken; all of them unless given.

    Returns
    -------
    rows, labels : ndarray of int64
        Positions and classes. A row that helps an otherwise empty class may stand twice, with that class last.
    """
    best = shares.argmax(axis=1) if eligible is None else np.where(eligible, shares.argmax(axis=1), -1)
    rows, labels, empty = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], []
    for c, count in enumerate(counts):
        members = np.flatnonzero(best == c)
        if not len(members):
            empty.append(c)
        order = np.argsort(-shares[members, c], kind="stable")
        rows.append(members[order[:count]])
        labels.append(np.full(len(rows[-1]), c))
    free = np.ones(len(shares), dtype=bool)
    free[[own[0] for own in rows if len(own)]] = False
    for c in sorted(empty, key=lambda c: -shares[:, c].max()):
        row = (np.where(free, shares[:, c], -1) if free.any() else shares[:, c]).argmax()
        free[row] = False
        rows.append(np.array([row]))
        labels.append(np.array([c]))
    return np.concatenate(rows), np.concatenate(labels)


def entropy(logp: Tensor) -> Tensor:
    """How unsure rows of log-probabilities (n, C) are, (n,)."""
    return -(logp.exp() * logp).sum(dim=1)


def surest(uncertainty: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The ``share`` of rows that are least uncertain, (n,) bool, and the uncertainty (1,) that they do not exceed."""
    order = uncertainty.sort().values
    kept = max(1, round(share * len(order)))
    threshold = order[kept - 1 : kept].clone() if share > 0 else order[:1] - 1
    return uncertainty <= threshold, threshold


def as_rounds(rounds: list[np.ndarray]) -> np.ndarray:
    """Pseudo-labels of several rounds (T, m) int64; -1 where a row had none."""
    return np.stack(rounds).astype(np.int64)


def labelled_in(rows: np.ndarray, labels: np.ndarray, n_rows: int) -> np.ndarray:
    """Pseudo-labels (m,) of one round from the rows that have one, the last where a row has two; -1 for the others."""
    found = np.full(n_rows, -1, dtype=np.int64)
    found[rows] = labels
    return found
