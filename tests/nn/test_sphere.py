"""Points on the sphere and transport between clouds."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.special import ive
from torch.nn.functional import normalize

from gzsl.nn.sphere import sample_von_mises_fisher, sinkhorn_distance


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_samples_have_the_mean_cosine_of_the_distribution() -> None:
    for m, k in ((3, 5.0), (8, 20.0), (64, 110.0)):
        mean = normalize(torch.randn(1, m, generator=rng()), dim=1).expand(4000, m)
        drawn = sample_von_mises_fisher(mean, torch.full((4000, 1), k), rng(1))
        torch.testing.assert_close(drawn.norm(dim=1), torch.ones(4000), atol=1e-4, rtol=0)
        cosine = float((drawn * mean).sum(dim=1).mean())
        expected = ive(m / 2, k) / ive(m / 2 - 1, k)  # ratio of Bessel functions
        assert abs(cosine - expected) < 0.01, (m, k)
        off = (drawn - (drawn * mean).sum(dim=1, keepdim=True) * mean).mean(dim=0)
        assert float(off.norm()) < 0.05, "directions across the mean are balanced"


def test_samples_depend_on_the_generator_alone_and_carry_a_gradient() -> None:
    mean = normalize(torch.randn(6, 5, generator=rng()), dim=1).requires_grad_()
    spread = torch.full((6, 1), 10.0, requires_grad=True)
    drawn = sample_von_mises_fisher(mean, spread, rng(3))
    torch.testing.assert_close(drawn, sample_von_mises_fisher(mean, spread, rng(3)))
    (drawn * mean.detach()).sum().backward()
    assert spread.grad is not None
    assert mean.grad is not None
    assert bool((spread.grad > 0).all()), "a larger concentration moves every point towards its mean"
    assert float(mean.grad.abs().sum()) > 0


def test_transport_approaches_the_best_assignment() -> None:
    x, y = torch.randn(3, 6, 4, generator=rng()), torch.randn(3, 6, 4, generator=rng(1))
    found = sinkhorn_distance(x, y, epsilon=0.02, n_iterations=2000)
    for k in range(3):
        cost = ((x[k][:, None] - y[k][None]) ** 2).sum(dim=2).numpy()
        rows, columns = linear_sum_assignment(cost)
        assert abs(float(found[k]) - cost[rows, columns].mean()) < 0.02 * cost.mean()
    same = sinkhorn_distance(x, x.flip(1), epsilon=0.02, n_iterations=2000)
    np.testing.assert_allclose(same.numpy(), 0, atol=0.02)


def test_transport_pulls_clouds_together() -> None:
    x = torch.zeros(1, 4, 2, requires_grad=True)
    y = torch.tensor([[[1.0, 0.0]] * 4])
    sinkhorn_distance(x, y).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[[-0.5, 0.0]] * 4]))
