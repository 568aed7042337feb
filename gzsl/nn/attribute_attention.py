"""Attention of attributes over the regions of a picture, in its folded form."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Attended:
    """What attributes see in some pictures.

    Attributes
    ----------
    score : Tensor, shape (n, a)
        How much of each attribute there is where it looks.
    gate : Tensor, shape (n, a)
        How much each attribute counts, before a sigmoid.
    weights : Tensor, shape (n, R, a)
        Where it looks: sums over regions are 1.
    """

    score: Tensor
    gate: Tensor
    weights: Tensor


class AttributeAttention(nn.Module):
    """Every attribute looks for itself in the regions of a picture.

    An attribute with the vector v_i (v,) scores a region f_r (d,) with ``s_ir = v_i W1 f_r``, looks at it with the
    weight ``α_ir = softmax_r v_i W2 f_r``, and counts ``v_i W3 Σ_r α_ir f_r``. Since only products with f_r are
    needed, the three maps V W (a, d) are made once and one product with all regions gives everything: the attended
    features (n, a, d) of every attribute never exist.

    Parameters
    ----------
    vectors : Tensor, shape (a, v), or None
        Vectors of the attributes, which are trained as well; None where each is a direction of its own (the identity).
    n_attributes, n_dims : int
        Sizes a and d.
    rng : torch.Generator
        Of the initial weights: W1 from N(0, 1), W2 and W3 zero, so that attention starts uniform.
    gated : bool
        Whether there is a W3.
    """

    def __init__(
        self, vectors: Tensor | None, n_attributes: int, n_dims: int, rng: torch.Generator, gated: bool = True
    ) -> None:
        super().__init__()
        width = n_attributes if vectors is None else vectors.shape[1]
        self.vectors = None if vectors is None else nn.Parameter(vectors.clone())
        self.score = nn.Parameter(torch.randn(width, n_dims, generator=rng))
        self.place = nn.Parameter(torch.zeros(width, n_dims))
        self.gate = nn.Parameter(torch.zeros(width, n_dims)) if gated else None

    def forward(self, x: Tensor) -> Attended:
        """Look at regions (n, R, d)."""
        maps = [self.folded(self.score), self.folded(self.place)]
        if self.gate is not None:
            maps.append(self.folded(self.gate))
        found = x @ torch.cat(maps).T
        score, place, *rest = found.split(len(maps[0]), dim=-1)
        weights = place.softmax(dim=1)
        seen = (weights * score).sum(dim=1)
        counted = (weights * rest[0]).sum(dim=1) if rest else torch.zeros_like(seen)
        return Attended(seen, counted, weights)

    def folded(self, weight: Tensor) -> Tensor:
        """``V W`` (a, d)."""
        return weight if self.vectors is None else self.vectors @ weight
