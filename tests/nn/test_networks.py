"""Initial weights, MLPs, generator and critic."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from gzsl.nn.critic import Critic
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.init import INITS, linear
from gzsl.nn.mlp import ACTIVATIONS, MLP


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_released_init_is_normal_with_zero_bias():
    layer = linear(300, 200, init="released-gan", rng=seeded()).requires_grad_(False)
    assert abs(float(layer.weight.std()) - 0.02) < 5e-4 and abs(float(layer.weight.mean())) < 5e-4
    assert not layer.bias.any()


def test_torch_default_init_has_the_range_of_torch():
    layer = linear(300, 200, init="torch-default", rng=seeded()).requires_grad_(False)
    bound = 1 / math.sqrt(300)
    theirs = nn.Linear(300, 200).requires_grad_(False)
    for ours, other in ((layer.weight, theirs.weight), (layer.bias, theirs.bias)):
        assert float(ours.abs().max()) <= bound
        assert abs(float(ours.std()) - float(other.std())) < 0.15 * bound


@pytest.mark.parametrize("init", list(INITS))
@pytest.mark.parametrize(
    "make",
    [
        lambda rng, init: MLP([4, 5, 3], rng=rng, init=init),
        lambda rng, init: ConditionalGenerator(2, 3, 4, hidden_dim=5, rng=rng, init=init),
        lambda rng, init: Critic(4, 3, hidden_dim=5, rng=rng, init=init),
    ],
    ids=["mlp", "generator", "critic"],
)
def test_weights_depend_on_the_generator_alone(make, init):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = make(seeded(3), init).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    two, other = make(seeded(3), init).state_dict(), make(seeded(4), init).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
    assert all(tensor.isfinite().all() for tensor in one.values())


def test_unknown_names_are_refused():
    with pytest.raises(KeyError):
        MLP([2, 2], rng=seeded(), output="swish")
    with pytest.raises(KeyError):
        linear(2, 2, init="ones", rng=seeded())


def test_mlp_applies_its_layers_in_order():
    net = MLP([3, 4, 5, 2], rng=seeded(), activation="relu", output="sigmoid")
    x = torch.randn(6, 3, generator=seeded(1))
    one, two, three = net.layers
    hidden = torch.relu(two(torch.relu(one(x))))
    torch.testing.assert_close(net.hidden(x), hidden)
    torch.testing.assert_close(net(x), torch.sigmoid(three(hidden)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", [-1.0, 2.0]),
        ("relu", [0.0, 2.0]),
        ("leaky-relu", [-0.2, 2.0]),
        ("sigmoid", [0.2689414, 0.8807971]),
        ("tanh", [-0.7615942, 0.9640276]),
        ("unit", [-0.4472136, 0.8944272]),
    ],
)
def test_activations_by_hand(name, expected):
    torch.testing.assert_close(ACTIVATIONS[name](torch.tensor([[-1.0, 2.0]])), torch.tensor([expected]))


def test_generator_reads_noise_then_condition_and_shifts_its_hidden_layer():
    net = ConditionalGenerator(2, 3, 4, hidden_dim=5, rng=seeded(), output="none")
    noise, a = torch.randn(6, 2, generator=seeded(1)), torch.randn(6, 3, generator=seeded(2))
    shift = torch.randn(6, 5, generator=seeded(3))
    first, last = net.net.layers
    hidden = functional.leaky_relu(first(torch.cat([noise, a], 1)), 0.2)
    torch.testing.assert_close(net(noise, a), last(hidden))
    torch.testing.assert_close(net(noise, a, shift), last(hidden + shift))


@pytest.mark.parametrize("output", ["relu", "sigmoid"])
def test_generator_output_range(output):
    net = ConditionalGenerator(2, 3, 40, hidden_dim=5, rng=seeded(), output=output)
    made = net(torch.randn(6, 2, generator=seeded(1)), torch.randn(6, 3, generator=seeded(2)))
    assert made.min() >= 0 and made.shape == (6, 40)


def test_critic_is_one_joint_layer_split_in_two():
    critic, rng = Critic(4, 3, hidden_dim=5, rng=seeded(), init="torch-default"), seeded()
    first, last = linear(7, 5, init="torch-default", rng=rng), linear(5, 1, init="torch-default", rng=rng)
    x, a = torch.randn(6, 4, generator=seeded(1)), torch.randn(6, 3, generator=seeded(2))
    pre = first(torch.cat([x, a], 1))
    torch.testing.assert_close(critic.preactivation(x, a), pre)
    torch.testing.assert_close(critic(x, a), last(functional.leaky_relu(pre, 0.2))[:, 0])


def test_unconditional_critic_takes_no_class_vectors():
    critic = Critic(4, hidden_dim=5, rng=seeded())
    assert critic.condition is None and critic(torch.ones(6, 4)).shape == (6,)
    torch.testing.assert_close(critic.frozen(torch.ones(6, 4)), critic(torch.ones(6, 4)))


def test_slopes_are_the_derivative_of_the_activation():
    critic = Critic(4, hidden_dim=5, rng=seeded())
    pre = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    functional.leaky_relu(pre, critic.slope).sum().backward()
    assert torch.equal(critic.slopes(pre), pre.grad)


def test_frozen_scores_pass_gradients_to_rows_alone():
    critic = Critic(4, 3, hidden_dim=5, rng=seeded())
    x, a = torch.randn(6, 4, generator=seeded(1)), torch.randn(6, 3, generator=seeded(2))
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    critic.frozen(one, a).sum().backward()
    assert all(p.grad is None for p in critic.parameters())
    scores = critic(other, a)
    scores.sum().backward()
    torch.testing.assert_close(one.grad, other.grad)
    torch.testing.assert_close(critic.frozen(x, a), scores)
