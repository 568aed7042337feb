"""A softmax regression over the seen classes, trained once for all candidates that agree in its settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from gzsl.data import TrainView
from gzsl.linear import LinearModel, fit_linear, softmax_loss


def seen_softmax(view: TrainView) -> Callable[[float, int], LinearModel]:
    """Function of (weight decay, iterations) that trains on the view, each pair at most once.

    Parameters
    ----------
    view : TrainView
        Its features are read when this is called.

    Returns
    -------
    callable
        Gives a `LinearModel` with one output a seen class, in their order.
    """
    X, loss, n_classes = view.features.to_array(), softmax_loss(view.seen_labels), len(view.seen)

    @cache
    def train(l2: float, n_iterations: int) -> LinearModel:
        return fit_linear(X, n_classes, loss, l2, n_iterations=n_iterations)

    return train
