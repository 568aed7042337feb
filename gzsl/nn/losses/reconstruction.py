"""How far a reconstruction is from what it should be."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-12


def bce_rows(found: Tensor, expected: Tensor) -> Tensor:
    """Binary cross-entropy summed over dimensions, averaged over rows: (n, d) in [0, 1] -> 0-d."""
    inside, truth = found.clamp(1e-7, 1 - 1e-7), expected.clamp(0, 1)  # NaN passes, for the guard to name it
    return -torch.addcmul(truth * inside.log(), 1 - truth, torch.log1p(-inside)).sum(dim=(-2, -1)) / found.shape[-2]


def squared_rows(found: Tensor, expected: Tensor) -> Tensor:
    """Squared Euclidean distance averaged over rows: (n, d) -> 0-d."""
    return (found - expected).square().sum(dim=-1).mean(dim=-1)


def weighted_l1(found: Tensor, expected: Tensor) -> Tensor:
    """Mean over rows of ``sum_i |d_i|^3 / ||d||``: errors weighted by their share of the row's error, 0-d.

    The attribute reconstruction of TF-VAEGAN and FREE; the weights ``d_i^2 / ||d||`` are differentiated as well.
    """
    difference = found - expected
    length = difference.square().sum(dim=-1).clamp_min(SMALLEST).sqrt()
    return (difference.abs().pow(3).sum(dim=-1) / length).mean(dim=-1)
