"""Similarity of images to seen classes by rectified features, never all in memory at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gzsl.nn.batches import TrainingRows

PAIRS_AT_ONCE = 512  # (row, class) pairs whose rectified features are in memory together; they fit a cache


class RectifiedHistograms(nn.Module):
    """``Π_s(x) = w · φ_s(x)`` with ``φ_s(x) = min(x, v_s)`` (``int``) or ``max(0, x - v_s)`` (``relu``).

    Parameters
    ----------
    n_features, n_seen : int
        Sizes.
    kind : str
        ``int`` or ``relu``.
    learn_thresholds : bool
        Whether v (s, d) is trained beside w (d,).
    """

    def __init__(self, n_features: int, n_seen: int, kind: str, learn_thresholds: bool) -> None:
        super().__init__()
        self.kind = kind
        self.weights = nn.Parameter(torch.zeros(n_features))
        self.thresholds = nn.Parameter(torch.zeros(n_seen, n_features), requires_grad=learn_thresholds)

    @torch.no_grad()
    def place_thresholds(self, rows: TrainingRows) -> None:
        """Put every threshold at the mean of its class."""
        counts = torch.bincount(rows.y, minlength=len(rows.table))[:, None]
        self.thresholds.copy_(torch.zeros_like(self.thresholds).index_add(0, rows.y, rows.x) / counts)

    def forward(self, x: Tensor) -> Tensor:
        """Histograms (n, s) of rows (n, d)."""
        return torch.cat([self._rectified(x, part) @ self.weights for part in self._parts(len(x))], dim=1)

    @torch.no_grad()
    def set_gradients(self, x: Tensor, wanted: Tensor) -> None:
        """Gradients of w and v, given the gradient ``wanted`` (n, s) with respect to the histograms of x (n, d)."""
        w, v = self.weights, self.thresholds
        w.grad = torch.zeros_like(w)
        v.grad = torch.zeros_like(v) if v.requires_grad else None
        sign = 1.0 if self.kind == "int" else -1.0
        for part in self._parts(len(x)):
            w.grad += torch.einsum("ns,nsd->d", wanted[:, part], self._rectified(x, part))
            if v.grad is not None:
                above = (x[:, None] > v[part]).to(x.dtype)
                v.grad[part] = sign * w * torch.einsum("ns,nsd->sd", wanted[:, part], above)

    def _rectified(self, x: Tensor, part: slice) -> Tensor:
        v = self.thresholds[part]
        return torch.minimum(x[:, None], v) if self.kind == "int" else (x[:, None] - v).clamp_min(0)

    def _parts(self, n_rows: int) -> Iterator[slice]:
        size = max(1, PAIRS_AT_ONCE // max(n_rows, 1))
        return (slice(k, k + size) for k in range(0, len(self.thresholds), size))
