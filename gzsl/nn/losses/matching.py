"""Distances of two samples by kernels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def kernel_distance(x: Tensor, other: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """Maximum mean discrepancy of two samples, 0-d: a sum of Gaussian kernels, and the root of its square.

    Parameters
    ----------
    x, other : Tensor, shapes (n, d) and (m, d)
        Samples.
    bandwidths : sequence of float
        Squared widths: a kernel is ``exp(-|x - x'|^2 / 2b)``.
    """
    both = torch.cat([x, other])
    squares = torch.cdist(both, both) ** 2
    kernel = torch.stack([torch.exp(-squares / (2 * b)) for b in bandwidths]).sum(dim=0)
    n = len(x)
    found = kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2 * kernel[:n, n:].mean()
    return found.clamp_min(1e-12).sqrt()


def class_kernel_distance(x: Tensor, other: Tensor, y: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """Mean over the classes of `kernel_distance` of the rows of both samples that belong to one class: 0-d.

    Parameters
    ----------
    x, other : Tensor, shape (n, d)
        Samples whose rows belong together.
    y : Tensor, shape (n,)
        Class of each row.
    bandwidths : sequence of float
        As in `kernel_distance`.
    """
    same = (y[:, None] == y[None, :]).to(x.dtype)
    size = same.sum(dim=1)
    both = torch.cat([x, other])
    squares = torch.cdist(both, both) ** 2
    kernel = torch.stack([torch.exp(-squares / (2 * b)) for b in bandwidths]).sum(dim=0)
    n = len(x)
    mixed = kernel[:n, :n] + kernel[n:, n:] - kernel[:n, n:] - kernel[n:, :n]
    a_row = (mixed * same).sum(dim=1) / size**2  # rows of a class add up to its distance
    classes, place = torch.unique(y, return_inverse=True)
    total = torch.zeros(len(classes), dtype=x.dtype, device=x.device).index_add(0, place, a_row)
    return total.clamp_min(1e-12).sqrt().mean()
