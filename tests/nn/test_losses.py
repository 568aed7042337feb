"""Loss terms against values computed by hand and against autograd."""

import math

import pytest
import torch
from torch import nn

from gzsl.nn.critic import Critic
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.losses.gradient_penalty import (
    gradient_penalty,
    gradient_penalty_autograd,
    input_gradient,
    interpolate,
    unit_norm_penalty,
)
from gzsl.nn.losses.wasserstein import adversarial_loss, wasserstein_distance

DOUBLE = torch.float64


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(seed, n, d):
    return torch.randn(n, d, generator=seeded(seed), dtype=DOUBLE)


def test_wasserstein_terms_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -1.0])
    assert float(wasserstein_distance(real, fake)) == 2.5
    assert float(adversarial_loss(fake)) == 0.5


def test_unit_norm_penalty_by_hand():
    assert float(unit_norm_penalty(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))) == (16 + 1) / 2


def test_interpolate_goes_from_fake_to_real():
    real, fake = torch.tensor([[2.0], [2.0], [2.0]]), torch.tensor([[0.0], [0.0], [0.0]])
    assert interpolate(real, fake, torch.tensor([0.0, 0.25, 1.0])).flatten().tolist() == [0.0, 0.5, 2.0]


def test_gradient_penalty_by_hand():
    critic = Critic(2, hidden_dim=2, rng=seeded())
    with torch.no_grad():
        critic.features.weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 10.0]]))
        critic.features.bias.copy_(torch.tensor([0.0, -100.0]))
        critic.output.weight.copy_(torch.tensor([[1.0, 2.0]]))
    # the first unit is active (slope 1), the second is not (slope 0.2): gradient (3, 4), length 5
    ones = torch.ones(1, 2)
    assert float(gradient_penalty(critic, ones, ones, None, torch.zeros(1)).detach()) == pytest.approx(16)


@pytest.mark.parametrize("condition_dim", [0, 3])
def test_closed_form_penalty_equals_autograd_with_gradients_to_every_weight(condition_dim):
    critic = Critic(6, condition_dim, hidden_dim=9, rng=seeded(), init="torch-default").double()
    real, fake, a = rows(1, 8, 6), rows(2, 8, 6), rows(3, 8, condition_dim) if condition_dim else None
    u = torch.rand(8, generator=seeded(4), dtype=DOUBLE)
    closed = gradient_penalty(critic, real, fake, a, u)
    oracle = gradient_penalty_autograd(lambda x: critic(x, a), real, fake, u)
    torch.testing.assert_close(closed, oracle, rtol=1e-12, atol=0)
    names, weights = zip(*critic.named_parameters(), strict=True)
    ours = torch.autograd.grad(closed, weights, allow_unused=True)
    theirs = torch.autograd.grad(oracle, weights, allow_unused=True)
    for name, one, other in zip(names, ours, theirs, strict=True):
        if name in ("features.weight", "output.weight"):
            assert other.abs().max() > 0
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-14)
        else:
            assert one is None and (other is None or not other.any())


def test_input_gradient_of_a_deep_piecewise_linear_network_equals_autograd():
    sizes = [5, 7, 6, 1]
    layers = [nn.Linear(one, other, dtype=DOUBLE) for one, other in zip(sizes, sizes[1:], strict=False)]
    with torch.no_grad():
        for number, layer in enumerate(layers):
            layer.weight.copy_(rows(number, *layer.weight.shape))
            layer.bias.copy_(rows(9 + number, 1, len(layer.bias))[0])
    x = rows(20, 4, 5).requires_grad_()

    def run(x):
        slopes = []
        for layer in layers[:-1]:
            pre = layer(x)
            slopes.append((pre > 0).to(DOUBLE).detach())
            x = torch.relu(pre)
        return layers[-1](x)[:, 0], slopes

    scores, slopes = run(x)
    (expected,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    found = input_gradient([layer.weight for layer in layers], slopes)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    weights = [layer.weight for layer in layers]
    ours = torch.autograd.grad(unit_norm_penalty(found), weights)
    theirs = torch.autograd.grad(unit_norm_penalty(expected), weights)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_frozen_softmax_loss_by_hand_with_gradient_to_rows_alone():
    x = torch.zeros(2, 3, requires_grad=True)
    weight = torch.eye(3)[:2].requires_grad_()
    bias = torch.zeros(2, requires_grad=True)
    loss = frozen_softmax_loss(x, torch.tensor([0, 1]), weight, bias)
    assert float(loss.detach()) == pytest.approx(math.log(2))
    loss.backward()
    assert weight.grad is None and bias.grad is None
    expected = torch.tensor([[-0.25, 0.25, 0.0], [0.25, -0.25, 0.0]])
    torch.testing.assert_close(x.grad, expected)
