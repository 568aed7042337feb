"""WGAN-GP steps against a plain autograd loop."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.nn.critic import Critic
from gzsl.nn.critic_gradients import critic_gradients
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.losses.classification import frozen_softmax_loss
from gzsl.nn.losses.gradient_penalty import gradient_penalty_autograd
from gzsl.nn.optim import adam
from gzsl.nn.wgan import WGANGP, weighted_sum

D, A, Z, H, K = 10, 4, 3, 16, 3
B = 8  # a power of two, so that the gradient of the last bias is exactly 0 in the plain loop too


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(seed, condition_dim=A, n=B * K, dtype=torch.float32):
    rng = seeded(seed)
    sizes = {"x": (n, D), "a": (n, condition_dim), "noise": (n, Z)}
    made = {name: torch.randn(size, generator=rng, dtype=dtype) for name, size in sizes.items()}
    return made | {"u": torch.rand(n, generator=rng, dtype=dtype)}


def networks(dtype=torch.float32, condition_dim=A):
    rng = seeded(11)
    generator = ConditionalGenerator(Z, A, D, hidden_dim=H, rng=rng, init="torch-default")
    critic = Critic(D, condition_dim, hidden_dim=H, rng=rng, init="torch-default")
    return generator.to(dtype), critic.to(dtype)


def plain_critic_loss(critic, real, fake, a, u, gp_weight, critic_weight=1.0):
    distance = critic(real, a).mean() - critic(fake, a).mean()
    penalty = gradient_penalty_autograd(lambda rows: critic(rows, a), real, fake, u)
    return distance, penalty, critic_weight * (gp_weight * penalty - distance)


def compare_gradients(critic, real, fake, a, u, **weights):
    oracle = copy.deepcopy(critic)
    distance, penalty, loss = plain_critic_loss(oracle, real, fake, a, u, **weights)
    loss.backward()
    found = critic_gradients(critic, real, fake, a, u, **weights)
    torch.testing.assert_close(found["wasserstein"], distance.detach(), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(found["gradient_penalty"], penalty.detach(), rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(found["critic"], loss.detach(), rtol=1e-11, atol=1e-12)
    for (name, one), other in zip(critic.named_parameters(), oracle.parameters(), strict=True):
        expected = torch.zeros_like(one) if other.grad is None else other.grad
        torch.testing.assert_close(one.grad, expected, rtol=1e-9, atol=1e-11, msg=lambda m, n=name: f"{n}: {m}")


@given(seed=st.integers(0, 10**6), n=st.integers(1, 9), conditional=st.booleans(), gp_weight=st.floats(0, 50))
@settings(deadline=None, max_examples=40)
def test_hand_written_gradients_equal_autograd(seed, n, conditional, gp_weight):
    _, critic = networks(torch.float64, A if conditional else 0)
    one, other = draw(seed, n=n, dtype=torch.float64), draw(seed + 1, n=n, dtype=torch.float64)
    a = one["a"] if conditional else None
    compare_gradients(critic, one["x"], other["x"], a, one["u"], gp_weight=gp_weight, critic_weight=2.5)


def test_gradients_are_right_where_an_output_weight_is_zero():
    _, critic = networks(torch.float64)
    with torch.no_grad():
        critic.output.weight[0, :3] = 0
    one, other = draw(1, n=B, dtype=torch.float64), draw(2, n=B, dtype=torch.float64)
    compare_gradients(critic, one["x"], other["x"], one["a"], one["u"], gp_weight=10.0)
    assert critic.output.weight.grad[0, :3].abs().min() > 0


def test_a_critic_without_slope_gives_finite_gradients():
    _, critic = networks(torch.float64)
    with torch.no_grad():
        critic.features.weight.zero_()
    one, other = draw(1, n=B, dtype=torch.float64), draw(2, n=B, dtype=torch.float64)
    compare_gradients(critic, one["x"], other["x"], one["a"], one["u"], gp_weight=10.0)


def test_gradient_buffers_are_overwritten_not_added_to():
    _, critic = networks()
    one, other = draw(1, n=B), draw(2, n=B)
    critic_gradients(critic, one["x"], other["x"], one["a"], one["u"], gp_weight=10.0)
    first = [p.grad.clone() for p in critic.parameters()]
    buffers = [p.grad.data_ptr() for p in critic.parameters()]
    critic_gradients(critic, one["x"], other["x"], one["a"], one["u"], gp_weight=10.0)
    assert all(torch.equal(p.grad, g) for p, g in zip(critic.parameters(), first, strict=True))
    assert buffers == [p.grad.data_ptr() for p in critic.parameters()]


def test_penalty_weight_zero_removes_the_penalty_and_another_changes_every_gradient():
    one, other = draw(1, n=B, dtype=torch.float64), draw(2, n=B, dtype=torch.float64)
    _, critic = networks(torch.float64)
    gradients = {}
    for weight in (0.0, 10.0):
        critic_gradients(critic, one["x"], other["x"], one["a"], one["u"], gp_weight=weight)
        gradients[weight] = {name: p.grad.clone() for name, p in critic.named_parameters()}
    _, oracle = networks(torch.float64)
    (oracle(other["x"], one["a"]).mean() - oracle(one["x"], one["a"]).mean()).backward()
    for name, p in oracle.named_parameters():
        torch.testing.assert_close(gradients[0.0][name], p.grad, rtol=1e-9, atol=1e-12)
    for name in ("features.weight", "output.weight"):
        assert not torch.allclose(gradients[0.0][name], gradients[10.0][name])


def trainer(generator, critic, **options):
    opt_g, opt_d = adam(generator.parameters(), 1e-3), adam(critic.parameters(), 1e-3)
    return WGANGP(generator, critic, opt_g, opt_d, n_critic=K, **options)


class Plain:
    """The same training written with autograd and unfused Adam."""

    def __init__(self, generator, critic):
        self.generator, self.critic = generator, critic
        self.opt_g = torch.optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.999), foreach=False)
        self.opt_d = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.999), foreach=False)

    def critic_steps(self, x, a, noise, u):
        sums = torch.zeros(3, dtype=x.dtype)
        for x_b, a_b, noise_b, u_b in zip(x.split(B), a.split(B), noise.split(B), u.split(B), strict=True):
            fake = self.generator(noise_b, a_b).detach()
            terms = plain_critic_loss(self.critic, x_b, fake, a_b, u_b, 10.0)
            self.opt_d.zero_grad()
            terms[2].backward()
            self.opt_d.step()
            sums += torch.stack(terms).detach()
        return dict(zip(("wasserstein", "gradient_penalty", "critic"), sums / K, strict=True))

    def generator_step(self, a, noise, classify):
        fake = self.generator(noise, a)
        adversarial, cls = -self.critic(fake, a).mean(), classify(fake)
        loss = adversarial + 0.5 * cls
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return {"adversarial": adversarial.detach(), "cls": cls.detach(), "generator": loss.detach()}


def classifier(dtype):
    weight = torch.randn(5, D, generator=seeded(21), dtype=dtype)
    y = torch.arange(B) % 5
    return lambda fake: frozen_softmax_loss(fake, y, weight, torch.zeros(5, dtype=dtype))


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_iterations_equal_the_plain_loop(dtype, rtol):
    ours, plain = trainer(*networks(dtype)), Plain(*networks(dtype))
    classify = classifier(dtype)
    for number in range(6):
        batch, last = draw(number, dtype=dtype), draw(100 + number, n=B, dtype=dtype)
        mine = ours.critic_steps(**batch)
        mine |= ours.generator_step(last["a"], last["noise"], lambda fake: {"cls": (0.5, classify(fake))})
        theirs = plain.critic_steps(**batch) | plain.generator_step(last["a"], last["noise"], classify)
        assert mine.keys() == theirs.keys()
        for name, value in theirs.items():
            assert mine[name].ndim == 0 and not mine[name].requires_grad
            torch.testing.assert_close(mine[name], value, rtol=rtol, atol=rtol / 10)
    for one, other in zip(ours.generator.parameters(), plain.generator.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=10 * rtol, atol=10 * rtol)


def test_same_tensors_give_the_same_bits():
    results = []
    for _ in range(2):
        wgan = trainer(*networks())
        for number in range(3):
            wgan.critic_steps(**draw(number))
            last = draw(50 + number, n=B)
            wgan.generator_step(last["a"], last["noise"])
        results.append([p.clone() for net in (wgan.generator, wgan.critic) for p in net.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_each_step_trains_its_own_network_only():
    wgan = trainer(*networks())
    before = {name: p.clone() for name, p in wgan.generator.named_parameters()}
    wgan.critic_steps(**draw(1))
    assert all(torch.equal(before[name], p) for name, p in wgan.generator.named_parameters())
    critic = {name: p.clone() for name, p in wgan.critic.named_parameters()}
    last = draw(2, n=B)
    wgan.generator_step(last["a"], last["noise"])
    assert all(torch.equal(critic[name], p) for name, p in wgan.critic.named_parameters())
    assert all(not torch.equal(before[name], p) for name, p in wgan.generator.named_parameters())


def generator_gradients(extra_terms=None, **options):
    wgan = trainer(*networks(torch.float64), **options)
    last = draw(3, n=B, dtype=torch.float64)
    losses = wgan.generator_step(last["a"], last["noise"], extra_terms)
    return losses, torch.cat([p.grad.flatten() for p in wgan.generator.parameters()])


def test_extra_term_of_weight_zero_is_removed_and_else_adds_its_gradient():
    classify = classifier(torch.float64)
    _, without = generator_gradients()
    losses, zero = generator_gradients(lambda fake: {"cls": (0.0, classify(fake) * torch.nan)})
    assert torch.equal(zero, without) and losses["generator"].isfinite() and losses["cls"].isnan()
    _, one = generator_gradients(lambda fake: {"cls": (1.0, classify(fake))})
    _, two = generator_gradients(lambda fake: {"cls": (2.0, classify(fake))})
    assert (one - without).abs().max() > 0
    torch.testing.assert_close(two - without, 2 * (one - without), rtol=1e-9, atol=1e-12)


def test_adversarial_weight_scales_the_adversarial_gradient():
    _, one = generator_gradients()
    _, three = generator_gradients(adversarial_weight=3.0)
    assert one.abs().max() > 0
    torch.testing.assert_close(three, 3 * one, rtol=1e-9, atol=1e-14)


def test_weights_may_be_tensors_that_adapt():
    plain, adaptive = trainer(*networks()), trainer(*networks(), gp_weight=torch.tensor(10.0))
    one, other = plain.critic_steps(**draw(1)), adaptive.critic_steps(**draw(1))
    torch.testing.assert_close(one, other)
    adaptive.gp_weight = adaptive.gp_weight * 1.1
    assert float(adaptive.critic_steps(**draw(1))["critic"]) != float(plain.critic_steps(**draw(1))["critic"])


def test_given_fakes_train_an_unconditional_critic():
    generator, critic = networks(condition_dim=0)
    wgan, batch = trainer(generator, critic), draw(1)
    before = critic.features.weight.clone()
    terms = wgan.critic_steps_on(batch["x"], draw(2)["x"], None, batch["u"])
    assert set(terms) == {"wasserstein", "gradient_penalty", "critic"}
    assert not torch.equal(before, critic.features.weight)


def test_rows_must_divide_into_batches():
    wgan = trainer(*networks())
    with pytest.raises(ValueError, match="found 7 rows, expected a multiple of n_critic=3"):
        wgan.critic_steps(**draw(1, n=7))


def test_weighted_sum_by_hand():
    three, four, nan = torch.tensor([3.0, 4.0, torch.nan])
    terms = {"a": (2.0, three), "b": (0.0, nan), "c": (torch.tensor(0.5), four)}
    assert float(weighted_sum(terms)) == 8.0
