"""Scores of every pair of a row and a class vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init
from torch.utils.checkpoint import checkpoint

from gzsl.nn.init import linear
from gzsl.nn.mlp import ACTIVATIONS

LARGEST_BLOCK = 2**25


class Comparator(nn.Module):
    """F([h, a]): one hidden layer on a row and a class vector, for all pairs at once.

    The first layer is applied to rows and to vectors apart, so that pairs cost one sum each. Large sets of pairs
    are worked through in blocks of rows whose hidden layers are computed again in the backward pass, so that
    memory does not grow with their number.

    Parameters
    ----------
    row_dim, vector_dim : int
        Sizes of a row and of a class vector.
    rng : torch.Generator
        Source of the initial weights, those of one joint layer.
    hidden_dim : int
        Hidden units h.
    activation : str
        Hidden activation, a key of `gzsl.nn.mlp.ACTIVATIONS`.
    init : str
        Initial weights, a key of `gzsl.nn.init.INITS`.
    """

    def __init__(
        self, row_dim: int, vector_dim: int, *, rng: torch.Generator, hidden_dim: int = 2048,
        activation: str = "leaky-relu", init: str = "released-gan",
    ) -> None:  # fmt: skip
        super().__init__()
        self._activation = ACTIVATIONS[activation]
        joint = linear(row_dim + vector_dim, hidden_dim, init=init, rng=rng)
        self.rows = skip_init(nn.Linear, row_dim, hidden_dim)
        self.vectors = skip_init(nn.Linear, vector_dim, hidden_dim, bias=False)
        self.output = linear(hidden_dim, 1, init=init, rng=rng)
        with torch.no_grad():
            self.rows.weight.copy_(joint.weight[:, :row_dim])
            self.rows.bias.copy_(joint.bias)
            self.vectors.weight.copy_(joint.weight[:, row_dim:])
        self.output.bias.requires_grad_(False)  # a softmax over vectors does not see it

    def forward(self, h: Tensor, vectors: Tensor) -> Tensor:
        """Scores of all pairs: (n, r), (C, a) -> (n, C)."""
        left, right = self.rows(h), self.vectors(vectors)
        block = max(1, LARGEST_BLOCK // right.numel())
        if len(left) <= block:
            return self._pairs(left, right)
        pieces = [checkpoint(self._pairs, part, right, use_reentrant=False) for part in left.split(block)]
        return torch.cat(pieces)

    def _pairs(self, left: Tensor, right: Tensor) -> Tensor:
        scores: Tensor = self.output(self._activation(left[:, None] + right[None])).squeeze(2)
        return scores
