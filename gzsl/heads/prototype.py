"""Nearest class mean, a head without training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gzsl.heads.base import Head, HeadRows, State, register_head
from gzsl.params import param


@register_head("prototype")
class PrototypeHead(Head):
    """Nearest mean: each class is the average of its rows.

    Scores are cosines between a row and the class means, or negative squared Euclidean distances to them.
    Nothing is random and nothing is tuned. The state is ``means``, shape (C, d).
    """

    metric: str = param(
        default="cosine",
        choices=("cosine", "euclidean"),
        doc="cosine, or negative squared Euclidean distance",
    )

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        sums = rows.X.new_zeros(rows.n_classes, rows.X.shape[1]).index_add_(0, rows.y, rows.X)
        return {"means": sums / torch.bincount(rows.y, minlength=rows.n_classes)[:, None]}

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Similarity to the mean of every class: (n, d) -> (n, C)."""
        means = state["means"]
        if self.metric == "cosine":
            return functional.normalize(X, dim=1) @ functional.normalize(means, dim=1).t()
        squares = X.square().sum(1, keepdim=True) + means.square().sum(1)
        return torch.addmm(squares, X, means.t(), beta=-1, alpha=2)
