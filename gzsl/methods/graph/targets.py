"""What networks over graphs regress: a vector a seen class, in the space of unit feature rows."""

from __future__ import annotations

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.linalg import class_moments
from gzsl.linear import fit_cosine, softmax_loss
from gzsl.semantics.unit_length import at_unit_length

TARGETS = ("cosine-softmax", "class-means")
TINY = 1e-12


def unit_rows(X: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Rows (n, d) around a centre (d,), scaled to unit length; zero rows stay zero. float32."""
    return at_unit_length(X - centre).astype(np.float32, copy=False)


def centre_of(view: TrainView, centred: bool) -> np.ndarray:
    """Mean (d,) of the means of seen classes, so that large classes weigh no more; zeros unless ``centred``."""
    if not centred:
        return np.zeros(view.n_features, dtype=np.float32)
    means, _ = class_moments(view.features, view.seen_labels, len(view.seen))
    return means.mean(axis=0).astype(np.float32)


def class_targets(view: TrainView, centre: np.ndarray, kind: str, scale: float, n_iterations: int) -> np.ndarray:
    """Target of each seen class, unit rows (s, d), float32.

    Parameters
    ----------
    view : TrainView
        Training rows.
    centre : ndarray, shape (d,)
        Taken away from every row first.
    kind : str
        ``class-means``: direction of the mean of a class's unit rows; ``cosine-softmax``: weights of a softmax over
        scaled cosines that was trained on them, from the means on.
    scale : float
        Factor of the cosines.
    n_iterations : int
        Iterations of L-BFGS at most; the loss weighs classes equally.
    """
    X, labels, s = unit_rows(view.features.to_array(), centre), view.seen_labels, len(view.seen)
    means, _ = class_moments(FeatureRows(X), labels, s)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    means = np.where(lengths > TINY, means / np.maximum(lengths, TINY), 1 / np.sqrt(means.shape[1]))
    if kind == "class-means":
        return means.astype(np.float32)
    shares = 1 / np.bincount(labels, minlength=s)[labels]
    loss = softmax_loss(labels, len(labels) / s * shares)
    return fit_cosine(X, means, loss, scale, n_iterations=n_iterations)
