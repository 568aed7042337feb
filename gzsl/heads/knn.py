"""Nearest rows of every class, a head without training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gzsl.heads.base import Head, HeadRows, State, register_head
from gzsl.params import param

BLOCK = 1024


@register_head("knn")
class KNNHead(Head):
    """Each class is as near as its ``k`` nearest rows are on average.

    With ``k = 1`` the best class is that of the nearest row, the rule of GDAN. For larger ``k`` every class is
    judged by its own nearest rows instead of by votes among all, so that scores stay comparable between classes
    and the seen-unseen curve can be drawn. A class with fewer rows than ``k`` is judged by all it has. The state
    is ``rows`` (n, d), sorted by class, and ``counts`` (C,).
    """

    k: int = param(default=1, low=1, high=100_000, doc="rows a class that are averaged")
    metric: str = param(default="euclidean", choices=("euclidean", "cosine"), doc="distance between rows")

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        order = torch.argsort(rows.y, stable=True)
        X = rows.X[order]
        kept = functional.normalize(X, dim=1) if self.metric == "cosine" else X
        return {"rows": kept.clone(), "counts": torch.bincount(rows.y, minlength=rows.n_classes).to(X.dtype)}

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Minus the mean distance to the nearest rows of every class: (n, d) -> (n, C)."""
        rows, sizes = state["rows"], state["counts"].long().tolist()
        X = functional.normalize(X, dim=1) if self.metric == "cosine" else X
        found = X.new_empty(len(X), len(sizes))
        for start in range(0, len(X), BLOCK):
            block = X[start : start + BLOCK]
            distances = torch.cdist(block, rows, compute_mode="use_mm_for_euclid_dist")
            for c, near in enumerate(distances.split(sizes, dim=1)):
                k = min(self.k, near.shape[1])
                nearest = near.amin(dim=1) if k == 1 else near.topk(k, dim=1, largest=False).values.mean(dim=1)
                found[start : start + len(block), c] = -nearest
        return found
