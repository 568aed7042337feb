"""Random points on the unit sphere around given directions, and the transport distance between clouds of points."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

_SAFE_EXPONENT = 60.0
_SETTLED = 1e-6  # largest relative change of a scaling in an iteration that counts as converged


def sample_von_mises_fisher(mean: Tensor, concentration: Tensor, rng: torch.Generator) -> Tensor:
    """Draw one point a row from the von Mises-Fisher distribution, differentiably.

    The component along the mean is drawn by Ulrich's and Wood's rejection from Beta proposals, the rest is uniform
    across it, and a reflection turns the first axis into the mean (Davidson et al., "Hyperspherical variational
    auto-encoders", UAI 2018, arXiv 1804.00891). The gradient flows through the accepted proposal.

    Parameters
    ----------
    mean : Tensor, shape (n, m)
        Unit directions, m at least 2.
    concentration : Tensor, shape (n, 1)
        Positive.
    rng : torch.Generator
        Source of the randomness.

    Returns
    -------
    Tensor, shape (n, m)
        Unit vectors.
    """
    n, m = mean.shape
    along = _along(concentration, m, rng)
    across = normalize(torch.randn(n, m - 1, generator=rng, device=mean.device), dim=1)
    point = torch.cat([along, torch.sqrt((1 - along**2).clamp_min(1e-10)) * across], dim=1)
    first = torch.zeros_like(mean)
    first[:, 0] = 1.0
    mirror = normalize(first - mean + 1e-8, dim=1)
    return point - 2 * (point * mirror).sum(dim=1, keepdim=True) * mirror


def _along(k: Tensor, m: int, rng: torch.Generator) -> Tensor:
    """Component (n, 1) along the mean for concentrations (n, 1)."""
    root = torch.sqrt(4 * k**2 + (m - 1) ** 2)
    b = (m - 1) / (2 * k + root)  # (-2k + root) / (m - 1) without cancellation
    a = (m - 1 + 2 * k + root) / 4
    d = 4 * a * b / (1 + b) - (m - 1) * math.log(m - 1)
    chosen = torch.zeros_like(k)
    waiting = torch.arange(len(k), device=k.device)
    while len(waiting):
        epsilon = _symmetric_beta(len(waiting), m - 1, rng, k.device)
        with torch.no_grad():
            bw, dw, aw = b[waiting], d[waiting], a[waiting]
            t = 2 * aw * bw / (1 - (1 - bw) * epsilon)
            uniform = torch.rand(t.shape, generator=rng, device=k.device)
            accepted = ((m - 1) * torch.log(t) - t + dw >= torch.log(uniform))[:, 0]
        chosen[waiting[accepted]] = epsilon[accepted]
        waiting = waiting[~accepted]
    return (1 - (1 + b) * chosen) / (1 - (1 - b) * chosen)


def _symmetric_beta(n: int, doubled: int, rng: torch.Generator, device: torch.device) -> Tensor:
    """Draws (n, 1) from Beta(doubled / 2, doubled / 2), as a share of squared normals."""
    squares = torch.randn(n, 2 * doubled, generator=rng, device=device) ** 2
    return squares[:, :doubled].sum(dim=1, keepdim=True) / squares.sum(dim=1, keepdim=True)


def sinkhorn_distance(x: Tensor, y: Tensor, *, epsilon: float = 0.1, n_iterations: int = 100) -> Tensor:
    """Entropic transport cost (n,) between clouds (n, k, m) and (n, l, m) under squared Euclidean cost.

    The plan counts as a constant in the gradient, which makes it the gradient of the regularised cost (exact at
    convergence) and spares going back through the iterations.

    Parameters
    ----------
    x, y : Tensor
        Points with equal weights.
    epsilon : float
        Weight of the entropy.
    n_iterations : int
        Updates of both potentials at most; close clouds settle after a few.
    """
    squares = (x**2).sum(dim=2)[:, :, None] + (y**2).sum(dim=2)[:, None, :]
    cost = (squares - 2 * x @ y.mT).clamp_min(0)
    with torch.no_grad():
        plan = _sinkhorn_plan(cost, epsilon, n_iterations)
    return (plan * cost).sum(dim=(1, 2))


def _sinkhorn_plan(cost: Tensor, epsilon: float, n_iterations: int) -> Tensor:
    """Transport plans (n, k, l) with uniform margins for costs (n, k, l); in the log domain where exp underflows."""
    if float(cost.max()) / epsilon < _SAFE_EXPONENT:
        kernel = torch.exp(-cost / epsilon)
        u, v = cost.new_ones(*cost.shape[:2], 1), cost.new_ones(cost.shape[0], cost.shape[2], 1)
        for _ in range(n_iterations):
            before, u = u, 1 / (cost.shape[1] * (kernel @ v))
            v = 1 / (cost.shape[2] * (kernel.mT @ u))
            if float((u / before - 1).abs().max()) < _SETTLED:
                break
        return u * kernel * v.mT
    log_k, log_l = -math.log(cost.shape[1]), -math.log(cost.shape[2])
    f, g = cost.new_zeros(cost.shape[:2]), cost.new_zeros(cost.shape[0], cost.shape[2])
    for _ in range(n_iterations):
        f = -epsilon * torch.logsumexp((g[:, None, :] - cost) / epsilon + log_l, dim=2)
        g = -epsilon * torch.logsumexp((f[:, :, None] - cost) / epsilon + log_k, dim=1)
    return torch.exp((f[:, :, None] + g[:, None, :] - cost) / epsilon + log_k + log_l)
