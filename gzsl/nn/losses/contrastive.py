"""Contrastive terms."""

from __future__ import annotations

import torch
from torch import Tensor


def supervised_contrastive(codes: Tensor, y: Tensor, temperature: float, n_anchors: int | None = None) -> Tensor:
    """Rows of a class should be more alike than rows of different classes.

    For every anchor ``i`` with at least one other row of its class,
    ``-mean_p [s_ip - log sum_{j != i} exp s_ij]`` over those rows ``p``, with ``s`` the cosine over the temperature;
    averaged over such anchors.

    Parameters
    ----------
    codes : Tensor, shape (n, k)
        Rows of unit length.
    y : Tensor, shape (n,), int64
        Classes.
    temperature : float
        Divides the cosines.
    n_anchors : int, optional
        Only the first so many rows are anchors; all when None.

    Returns
    -------
    Tensor, 0-d
        0 when no anchor has a partner.
    """
    m = len(codes) if n_anchors is None else n_anchors
    alike = codes[:m] @ codes.T / temperature
    itself = torch.eye(m, len(codes), dtype=torch.bool, device=codes.device)
    logp = alike - alike.masked_fill(itself, -torch.inf).logsumexp(dim=1, keepdim=True)
    partner = (y[:m, None] == y) & ~itself
    count = partner.sum(dim=1)
    per_anchor = -(logp * partner).sum(dim=1) / count.clamp_min(1)
    return per_anchor.sum() / (count > 0).sum().clamp_min(1)
