"""How synthetic rows differ from real ones of the same classes."""

from __future__ import annotations

import torch
from torch import Tensor

ZERO = 1e-6


def feature_statistics(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Compare rows class by class.

    Parameters
    ----------
    real, fake : Tensor, shapes (C, m, d) and (C, k, d)
        Rows of the same C classes; within a class they may repeat.

    Returns
    -------
    dict of str to float
        ``mean_gap``: distance of class means over the mean length of real ones. ``norm_ratio``: mean length of
        synthetic rows over that of real ones. ``zeros`` and ``real_zeros``: share of entries that are zero.
        ``spread_ratio``: variance within classes over that of real rows. ``frechet``: squared Frechet distance of
        Gaussians with diagonal covariances, averaged over classes, over the mean squared length of real rows.
        ``variance_ratio``: variance of all synthetic rows over that of all real ones; 0 when every row is the same.
    """
    means, fake_means = real.mean(dim=1), fake.mean(dim=1)
    spreads, fake_spreads = (x.var(dim=1, correction=0) for x in (real, fake))
    gap = (means - fake_means).square().sum(dim=1)
    frechet = gap + (spreads.sqrt() - fake_spreads.sqrt()).square().sum(dim=1)
    total, fake_total = (x.flatten(0, 1).var(dim=0, correction=0).sum() for x in (real, fake))
    found = {
        "mean_gap": gap.sqrt().mean() / means.norm(dim=1).mean(),
        "norm_ratio": fake.norm(dim=2).mean() / real.norm(dim=2).mean(),
        "zeros": (fake.abs() <= ZERO).to(fake.dtype).mean(),
        "real_zeros": (real.abs() <= ZERO).to(real.dtype).mean(),
        "spread_ratio": fake_spreads.sum() / spreads.sum().clamp_min(1e-30),
        "frechet": frechet.mean() / real.square().sum(dim=2).mean(),
        "variance_ratio": fake_total / total.clamp_min(1e-30),
    }
    return dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True))
