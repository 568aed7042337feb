"""Shares of classes among rows without labels: counted, clustered, or corrected for a classifier's mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gzsl.errors import MethodError

if TYPE_CHECKING:
    from gzsl.data.pool import ClassPrior


def refuse_collapse(
    predicted: np.ndarray, candidates: np.ndarray, names: Sequence[str], who: str, prior: ClassPrior
) -> None:
    """Refuse predictions (m,) that give all of many rows to one of several classes.

    Parameters
    ----------
    predicted : ndarray, shape (m,), int64
        Positions among the candidates.
    candidates : ndarray, shape (k,), int64
        Positions of the classes among ``names``, and in the prior; those of less than a row may stay empty.
    names : sequence of str
        Of all classes.
    who : str
        What predicted.
    prior : ClassPrior
        What is known of the classes' shares.

    Raises
    ------
    MethodError
        With the number of rows and the class.
    """
    shares = np.ones(len(candidates)) if prior.shares is None else prior.shares[candidates]
    expected = np.count_nonzero(shares * len(predicted) >= 1)
    if expected > 1 and len(predicted) > 2 * expected and (predicted == predicted[0]).all():
        other = "class_prior: uniform, " if prior.shares is None else ""
        raise MethodError(
            f"{who}: all {len(predicted)} unlabelled rows were given to {names[candidates[predicted[0]]]!r}, expected "
            f"some of each of {expected} classes; the scores tell them apart no more: "
            f"use {other}other features, or more passes of a method that is hardly trained"
        )


def best_candidates(
    own: np.ndarray, candidates: np.ndarray, names: Sequence[str], who: str, prior: ClassPrior
) -> np.ndarray:
    """Positions (m,) of the best scores (m, k) of unlabelled rows, refused as by `refuse_collapse`."""
    best: np.ndarray = own.argmax(axis=1)
    refuse_collapse(best, candidates, names, who, prior)
    return best


def counted(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Shares (k,) of predictions (m,), with one row more a class, so that none is without any (the count is ours)."""
    counts = np.bincount(predicted, minlength=n_classes) + 1.0
    return np.asarray(counts / counts.sum())


def clustered(X: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Shares (k,) of clusters that k-means finds from the centres of the predicted classes.

    The estimator of Bi-VAEGAN (CPE, arXiv:2303.08698). A class that nothing was predicted for starts from the row that
    scores it best (ours).

    Parameters
    ----------
    X : ndarray, shape (m, r)
        Rows, or what a classifier sees of them.
    predicted : ndarray, shape (m,), int64
        Predicted classes.
    scores : ndarray, shape (m, k)
        Of every class.
    """
    from sklearn.cluster import KMeans

    n_classes = scores.shape[1]
    centres = np.empty((n_classes, X.shape[1]), dtype=X.dtype)
    for c in range(n_classes):
        members = predicted == c
        centres[c] = X[members].mean(axis=0) if members.any() else X[scores[:, c].argmax()]
    if len(np.unique(X, axis=0)) < n_classes:
        return counted(predicted, n_classes)
    found = KMeans(n_classes, init=centres, n_init=1, random_state=0).fit(X).labels_
    return counted(found, n_classes)


def shift_corrected(labels: np.ndarray, known: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Shares (k,) under which a classifier's mistakes explain what it says of rows without labels.

    Black-box shift estimation (Lipton, Wang & Smola, arXiv:1802.03916): with ``C[i, j]`` the share of class i in what
    is said of labelled rows of class j and μ its share in what is said of the pool, C w = μ is solved by ridge of
    ``1 / min(n, m)``; negative shares become 0.

    Parameters
    ----------
    labels : ndarray, shape (n,), int64
        Classes of labelled rows, real or synthetic, that the classifier was not trained on.
    known, pool : ndarray, shapes (n, k) and (m, k)
        One in the column of the class that is predicted, which no scale of scores can change, or probabilities.
    """
    n_classes = known.shape[1]
    C = np.stack([known[labels == j].mean(axis=0) for j in range(n_classes)], axis=1)
    ridge = 1 / min(len(known), len(pool))
    w = np.linalg.solve(C.T @ C + ridge * np.eye(n_classes), C.T @ pool.mean(axis=0))
    w = np.maximum(w, 0) + 1 / (10 * n_classes * n_classes)
    return np.asarray(w / w.sum())
