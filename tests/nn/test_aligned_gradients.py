"""Hand-written gradients of aligned autoencoders and of single layers against autograd."""

import copy

import pytest
import torch

from gzsl.methods import create
from gzsl.methods.iterative import Sizes
from gzsl.nn.aligned_gradients import AlignedAutoencoders
from gzsl.nn.batches import Batch
from gzsl.nn.gradients import BLOCK_ROWS, two_layer_gradients, two_layer_pass, write_weight_gradient
from gzsl.nn.latent import kl_to_standard_normal, wasserstein_between
from gzsl.nn.mlp import MLP
from gzsl.nn.streams import Streams

D, A, Z, N = 11, 7, 3, 6
ROLES = ("encode_x", "encode_a", "decode_x", "decode_a")


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def autoencoders(dtype=torch.float64, d=D, hidden=(13, 12, 9, 8)):
    sizes = ([d, hidden[0], 2 * Z], [A, hidden[1], 2 * Z], [Z, hidden[2], d], [Z, hidden[3], A])
    nets = [MLP(size, rng=rng(k), activation="relu", init="torch-default").to(dtype) for k, size in enumerate(sizes)]
    return AlignedAutoencoders(*nets)


def plain_losses(nets, x, a, noise, power):
    """One pass a use, as released code does."""
    (mx, vx), (ma, va) = (net(rows).chunk(2, dim=1) for net, rows in ((nets.encode_x, x), (nets.encode_a, a)))
    zx, za = mx + noise[:N] * (power * vx).exp(), ma + noise[N:] * (power * va).exp()
    return {
        "reconstruction": (nets.decode_x(zx) - x).abs().sum() + (nets.decode_a(za) - a).abs().sum(),
        "cross": (nets.decode_x(za) - x).abs().sum() + (nets.decode_a(zx) - a).abs().sum(),
        "divergence": kl_to_standard_normal(mx, vx).sum() + kl_to_standard_normal(ma, va).sum(),
        "alignment": wasserstein_between(mx, vx, ma, va).sum(),
    }


def rows(dtype=torch.float64, d=D, width=Z):
    source = rng(9)
    return [torch.randn(*size, generator=source, dtype=dtype) for size in ((N, d), (N, A), (2 * N, width))]


def parameters(nets):
    return {f"{role}.{name}": p for role in ROLES for name, p in getattr(nets, role).named_parameters()}


@pytest.mark.parametrize("width", [1, Z])
@pytest.mark.parametrize("power", [0.5, 1.0])
@pytest.mark.parametrize(
    "weights",
    [
        {"divergence": 0.0, "cross": 0.0, "alignment": 0.0},
        {"divergence": 2.0, "cross": 0.0, "alignment": 0.0},
        {"divergence": 0.0, "cross": 3.0, "alignment": 0.0},
        {"divergence": 0.0, "cross": 0.0, "alignment": 5.0},
        {"divergence": 0.25, "cross": 2.37, "alignment": 8.13},
    ],
)
def test_gradients_of_all_terms_equal_autograd(weights, power, width):
    nets, (x, a, noise) = autoencoders(), rows(width=width)
    oracle = copy.deepcopy(nets)
    terms = plain_losses(oracle, x, a, noise, power)
    sum(weights.get(name, 1.0) * value for name, value in terms.items()).backward()
    losses = nets.gradients(x, a, noise, power=power, **weights)
    assert set(losses) == set(terms)
    for name, value in terms.items():
        torch.testing.assert_close(losses[name], value.detach(), rtol=1e-11, atol=0)
    expected = parameters(oracle)
    for name, parameter in parameters(nets).items():
        torch.testing.assert_close(parameter.grad, expected[name].grad, rtol=1e-9, atol=1e-11)
        assert parameter.grad.abs().max() > 0


def test_each_weighted_term_changes_the_gradient():
    nets, (x, a, noise) = autoencoders(), rows()
    none = {"divergence": 0.0, "cross": 0.0, "alignment": 0.0}
    nets.gradients(x, a, noise, power=0.5, **none)
    before = {name: p.grad.clone() for name, p in parameters(nets).items()}
    for name in none:
        nets.gradients(x, a, noise, power=0.5, **none | {name: 1.0})
        gap = max(float((p.grad - before[key]).abs().max()) for key, p in parameters(nets).items())
        assert gap > 1e-3, name


def test_equal_posteriors_have_no_gradient_from_the_alignment():
    nets, (x, _, noise) = autoencoders(d=A), rows(d=A)
    nets = AlignedAutoencoders(nets.encode_a, copy.deepcopy(nets.encode_a), nets.decode_a, copy.deepcopy(nets.decode_a))
    calls = {"power": 0.5, "divergence": 0.0, "cross": 0.0}
    nets.gradients(x, x, noise, alignment=0.0, **calls)
    before = {name: p.grad.clone() for name, p in parameters(nets).items()}
    nets.gradients(x, x, noise, alignment=8.0, **calls)
    for name, p in parameters(nets).items():
        torch.testing.assert_close(p.grad, before[name], rtol=0, atol=0)


def test_single_precision_gradients_stay_within_1e_5():
    """Sizes whose rows do not begin at vector boundaries, and more of them than one block."""
    nets, (x, a, noise) = autoencoders(torch.float32, 203, (150, 131, 147, 99)), rows(torch.float32, 203)
    oracle = copy.deepcopy(nets)
    terms = plain_losses(oracle, x, a, noise, 0.5)
    weights = {"divergence": 0.25, "cross": 2.37, "alignment": 8.13}
    sum(weights.get(name, 1.0) * value for name, value in terms.items()).backward()
    nets.gradients(x, a, noise, power=0.5, **weights)
    expected = parameters(oracle)
    for name, parameter in parameters(nets).items():
        scale = float(expected[name].grad.abs().max())
        torch.testing.assert_close(parameter.grad, expected[name].grad, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("width", [16, 17])
def test_blocks_of_rows_give_the_same_product(width):
    weight = torch.nn.Parameter(torch.empty(2 * BLOCK_ROWS + 3, width))
    pull, inputs = torch.randn(5, len(weight), generator=rng()), torch.randn(5, width, generator=rng(1))
    write_weight_gradient(weight, pull, inputs)
    torch.testing.assert_close(weight.grad, pull.T @ inputs)


def test_buffers_are_kept():
    net = MLP([4, 5, 3], rng=rng(), activation="relu")
    inputs = torch.randn(2, 4, generator=rng())
    hidden, out = two_layer_pass(net, inputs)
    two_layer_gradients(net, inputs, hidden, out)
    places = [p.grad.data_ptr() for p in net.parameters()]
    two_layer_gradients(net, inputs, hidden, out)
    assert places == [p.grad.data_ptr() for p in net.parameters()]


def test_weights_of_the_method_follow_the_epochs():
    method = create("cada-vae", code_dim=Z, feature_dims=[9, 8], attribute_dims=[7, 6])
    method.streams = Streams(0)
    method.build(Sizes(D, A, 4), rng())
    method.optimisers()
    method.epoch_ = 50
    x, a = torch.rand(N, D, generator=rng()), torch.rand(N, A, generator=rng())
    found = method.update(Batch(x, torch.zeros(N, dtype=torch.int64), a))
    weights = {"reconstruction": 1.0, "divergence": 0.25 * 50 / 93, "cross": 2.37 * 29 / 54, "alignment": 8.13}
    torch.testing.assert_close(found["sum"], sum(w * found[name] for name, w in weights.items()))
