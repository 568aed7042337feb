"""Scores of every pair of a row and a class vector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import skip_init

from gzsl.nn.init import linear
from gzsl.nn.mlp import SLOPE

SLOPES = {"relu": 0.0, "leaky-relu": SLOPE}
BLOCKS = {"cpu": 2**17}  # numbers of a block of hidden layers: half of a core's cache
LARGEST_BLOCK = 2**25


class Comparator(nn.Module):
    """F([h, a]): one hidden layer on a row and a class vector, for all pairs at once.

    The first layer is applied to rows and to vectors apart, so that pairs cost one sum each; see `PairScores`.

    Parameters
    ----------
    row_dim, vector_dim : int
        Sizes of a row and of a class vector.
    rng : torch.Generator
        Source of the initial weights, those of one joint layer.
    hidden_dim : int
        Hidden units h.
    activation : str
        Hidden activation, a key of `SLOPES`.
    init : str
        Initial weights, a key of `gzsl.nn.init.INITS`.
    """

    def __init__(
        self, row_dim: int, vector_dim: int, *, rng: torch.Generator, hidden_dim: int = 2048,
        activation: str = "leaky-relu", init: str = "released-gan",
    ) -> None:  # fmt: skip
        super().__init__()
        self._slope = SLOPES[activation]
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
        scores: Tensor = PairScores.apply(  # type: ignore[no-untyped-call]
            self.rows(h), self.vectors(vectors), self.output.weight.squeeze(0), self._slope
        )
        return scores + self.output.bias


class PairScores(torch.autograd.Function):
    """``w . act(l_b + r_c)`` of all pairs, (n, h), (C, h), (h,) -> (n, C); ``act`` has a slope of its own below 0.

    Pairs are worked through in blocks of rows that stay in the cache, and the backward pass makes their hidden layers
    again, so that memory does not grow with their number. With ``m`` the slopes of a pair's hidden layer and ``g`` the
    gradient of its score, all follows from ``A_b = sum_c g_bc m_bc`` and ``B_c = sum_b g_bc m_bc``: the gradients
    are ``w A``, ``w B`` and, as hidden layers are ``m (l + r)``, ``sum_b l_b A_b + sum_c r_c B_c``.
    """

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, weight: Tensor, slope: float) -> Tensor:
        """Scores of all pairs."""
        ctx.save_for_backward(left, right, weight)
        ctx.slope = slope
        found = left.new_empty(len(left), len(right))
        for rows, hidden in _blocks(left, right):
            torch.sum(hidden.clamp_min_(0).mul_(weight), dim=2, out=found[rows])
        linear_part = (left @ weight)[:, None] + right @ weight
        return found.mul_(1 - slope).add_(linear_part, alpha=slope)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Gradients for rows, vectors and weight."""
        left, right, weight = ctx.saved_tensors
        of_rows, of_vectors = torch.empty_like(left), torch.zeros_like(right)
        for rows, hidden in _blocks(left, right):
            pulled = hidden.gt_(0).mul_(gradient[rows, :, None])
            torch.sum(pulled, dim=1, out=of_rows[rows])
            if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
                of_vectors += pulled.sum(dim=0)
        of_rows.mul_(1 - ctx.slope).add_(gradient.sum(dim=1)[:, None], alpha=ctx.slope)
        of_vectors.mul_(1 - ctx.slope).add_(gradient.sum(dim=0)[:, None], alpha=ctx.slope)
        of_weight = (left * of_rows).sum(dim=0) + (right * of_vectors).sum(dim=0)
        return weight * of_rows, weight * of_vectors, of_weight, None


def _blocks(left: Tensor, right: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Hidden layers (b, C, h) of blocks of rows before their activation, in one buffer, and which rows they are."""
    count = max(1, BLOCKS.get(left.device.type, LARGEST_BLOCK) // right.numel())
    buffer = left.new_empty(min(count, len(left)), *right.shape)
    for start in range(0, len(left), count):
        part = left[start : start + count]
        yield slice(start, start + len(part)), torch.add(part[:, None], right, out=buffer[: len(part)])
