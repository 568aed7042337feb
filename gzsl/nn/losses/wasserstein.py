"""Wasserstein terms of a critic and of its generator."""

from __future__ import annotations

from torch import Tensor


def wasserstein_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Estimate the distance that a critic maximises: mean score of real rows minus that of fake rows.

    Parameters
    ----------
    real, fake : Tensor, shape (n,)
        Scores of the critic.

    Returns
    -------
    Tensor, 0-d
    """
    return real.mean(dim=-1) - fake.mean(dim=-1)


def adversarial_loss(fake: Tensor) -> Tensor:
    """Make fake rows score high: minus the mean score, (n,) -> 0-d."""
    return -fake.mean(dim=-1)
