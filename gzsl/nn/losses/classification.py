"""Cross-entropy terms through a linear classifier."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from gzsl.nn.stacking import affine


def frozen_softmax_loss(x: Tensor, y: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Mean cross-entropy of rows under a linear softmax that does not learn.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Features; the only input that receives a gradient.
    y : Tensor, shape (n,), int64
        Rows of ``weight`` that the features should be classified as.
    weight, bias : Tensor, shapes (C, d) and (C,)
        Classifier, such as the state of a `gzsl.heads.SoftmaxHead`.

    Returns
    -------
    Tensor, 0-d
    """
    return mean_cross_entropy(affine(x, weight.detach(), bias.detach()), y)


def mean_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of a softmax over rows: (n, C), (n,) -> 0-d."""
    if y.ndim == 1:
        return functional.cross_entropy(logits, y)
    rows = functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
    return rows.view(y.shape).mean(dim=-1)
