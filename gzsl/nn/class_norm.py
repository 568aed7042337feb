"""Standardise hidden units across classes, not across images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOMENTUM = 0.1
EPSILON = 1e-5


class ClassStandardisation(nn.Module):
    """``(h - mean) / (spread + ε)`` a unit, with mean and spread over the classes that pass through together.

    In training the statistics are those of the seen classes at hand, and running averages are kept; in evaluation
    the running averages serve any classes, so that a class's result does not depend on which others are scored.

    Parameters
    ----------
    n_units : int
        Width.
    spread : str
        ``std``: standard deviation; ``variance``: divide by the variance, as the released code does.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, n_units: int, spread: str = "std") -> None:
        super().__init__()
        self._by_std = spread == "std"
        self.register_buffer("mean", torch.zeros(n_units))
        self.register_buffer("variance", torch.ones(n_units))

    def forward(self, h: Tensor) -> Tensor:
        """Standardise (C, n_units)."""
        mean, variance = self.mean, self.variance
        if self.training:
            mean, variance = h.mean(dim=0), h.var(dim=0, unbiased=len(h) > 1)
            with torch.no_grad():
                self.mean.lerp_(mean, MOMENTUM)
                self.variance.lerp_(variance, MOMENTUM)
        return (h - mean) / ((variance + EPSILON).sqrt() if self._by_std else variance + EPSILON)
