"""Networks with a leading axis: every member computes, differentiates and learns as it would alone."""

import copy
from functools import partial

import pytest
import torch

from gzsl.nn.batches import ShuffledPasses, StackedRows, TrainingRows
from gzsl.nn.critic import Critic
from gzsl.nn.critic_gradients import critic_gradients
from gzsl.nn.generator import ConditionalGenerator
from gzsl.nn.latent import ConditionalEncoder, kl_to_standard_normal, sample_code
from gzsl.nn.losses.class_structure import class_means, distance_of_means, nearest_prototype, relation_gap
from gzsl.nn.losses.classification import frozen_softmax_loss, mean_cross_entropy
from gzsl.nn.losses.reconstruction import bce_rows, squared_rows, weighted_l1
from gzsl.nn.losses.wasserstein import adversarial_loss, wasserstein_distance
from gzsl.nn.meter import LossMeter, StackedMeter
from gzsl.nn.optim import adam
from gzsl.nn.stacking import affine, over, own_storage, stack_modules, take
from gzsl.nn.streams import StackedStreams, Streams
from gzsl.nn.wgan import WGANGP, weighted_sum

S, D, A, Z, H, K, B = 3, 10, 4, 3, 16, 3, 8


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=seeded(seed), dtype=dtype)


def critics(condition_dim=A):
    return [Critic(D, condition_dim, hidden_dim=H, rng=seeded(s), init="torch-default").double() for s in range(S)]


def generators():
    made = [ConditionalGenerator(Z, A, D, hidden_dim=H, rng=seeded(9 + s), init="torch-default") for s in range(S)]
    return [network.double() for network in made]


def test_affine_by_hand():
    x = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
    weight = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [2.0, 0.0]]])
    bias = torch.tensor([[0.5, 0.0], [0.0, -1.0]])
    expected = torch.tensor([[[1.5, 2.0]], [[7.0, 5.0]]])
    assert torch.equal(affine(x, weight, bias), expected)
    assert torch.equal(affine(x, weight), expected - bias[:, None])
    assert torch.equal(affine(x, weight, bias, out=torch.empty(2, 1, 2)), expected)
    assert torch.equal(affine(x[1], weight[1], bias[1]), expected[1])


def test_take_and_over():
    table = torch.arange(12).view(2, 3, 2)
    rows = torch.tensor([[2, 0], [1, 1]])
    assert take(table, rows).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]
    assert torch.equal(take(table[1], rows[1]), take(table, rows)[1])
    assert over(torch.tensor([1.0, 2.0]), 3).shape == (2, 1, 1)
    assert over(2.0, 3) == 2.0


def test_members_are_views_until_they_get_storage_of_their_own():
    members = critics()
    before = [copy.deepcopy(member) for member in members]
    stacked = stack_modules(members)
    for member, old in zip(members, before, strict=True):
        assert all(torch.equal(p, q) for p, q in zip(member.parameters(), old.parameters(), strict=True))
    with torch.no_grad():
        stacked.features.weight[1] += 1.0
    assert torch.equal(members[1].features.weight, before[1].features.weight + 1.0)
    assert torch.equal(members[0].features.weight, before[0].features.weight)
    own_storage(members[1])
    with torch.no_grad():
        stacked.features.weight.zero_()
    assert members[1].features.weight.abs().sum() > 0
    assert members[0].features.weight.abs().sum() == 0


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("weights", [(10.0, 1.0), ((0.5, 10.0, 3.0), (2.0, 1.0, 0.5))], ids=["same", "own"])
def test_critic_gradients_of_a_stack_are_those_of_its_members(conditional, weights):
    gp, whole = ([w] * S if isinstance(w, float) else list(w) for w in weights)
    joined = [w if isinstance(w, float) else torch.tensor(w, dtype=torch.float64) for w in weights]
    alone = critics(A if conditional else 0)
    stacked = stack_modules([copy.deepcopy(critic) for critic in alone])
    real, fake, u = normal(S, B, D, seed=1), normal(S, B, D, seed=2), torch.rand(S, B, generator=seeded(3)).double()
    a = normal(S, B, A, seed=4) if conditional else None
    found = critic_gradients(stacked, real, fake, a, u, gp_weight=joined[0], critic_weight=joined[1])
    for s, critic in enumerate(alone):
        condition = None if a is None else a[s]
        terms = critic_gradients(critic, real[s], fake[s], condition, u[s], gp_weight=gp[s], critic_weight=whole[s])
        for name, value in terms.items():
            torch.testing.assert_close(found[name][s], value, rtol=1e-12, atol=1e-13)
        for one, all_ in zip(critic.parameters(), stacked.parameters(), strict=True):
            torch.testing.assert_close(all_.grad[s], one.grad, rtol=1e-11, atol=1e-13)


def wgan(generator, critic):
    opt_g, opt_d = adam(generator.parameters(), 1e-2), adam(critic.parameters(), 1e-2)
    return WGANGP(generator, critic, opt_g, opt_d, n_critic=K)


def classify(fake, y, weight, bias):
    return {"cls": (0.1, frozen_softmax_loss(fake, y, weight, bias))}


def test_whole_iterations_of_a_stack_train_every_member_as_alone():
    pairs = list(zip(generators(), critics(), strict=True))
    joined = wgan(*(stack_modules(copy.deepcopy(nets)) for nets in zip(*pairs, strict=True)))
    separate = [wgan(*pair) for pair in pairs]
    weight, bias = normal(S, 5, D, seed=5), normal(S, 5, seed=6)
    for step in range(3):
        x, a = normal(S, K * B, D, seed=20 + step), normal(S, K * B, A, seed=30 + step)
        noise, u = normal(S, K * B, Z, seed=40 + step), torch.rand(S, K * B, generator=seeded(step)).double()
        y = torch.randint(5, (S, B), generator=seeded(50 + step))
        found = joined.critic_steps(x, a, noise, u)
        found |= joined.generator_step(a[:, :B], noise[:, :B], partial(classify, y=y, weight=weight, bias=bias))
        for s, one in enumerate(separate):
            terms = one.critic_steps(x[s], a[s], noise[s], u[s])
            extra = partial(classify, y=y[s], weight=weight[s], bias=bias[s])
            terms |= one.generator_step(a[s, :B], noise[s, :B], extra)
            for name, value in terms.items():
                torch.testing.assert_close(found[name][s], value, rtol=1e-9, atol=1e-11)
    for s, one in enumerate(separate):
        for network, stacked in ((one.generator, joined.generator), (one.critic, joined.critic)):
            for parameter, all_ in zip(network.parameters(), stacked.parameters(), strict=True):
                torch.testing.assert_close(all_[s], parameter, rtol=1e-9, atol=1e-11)
        for optimiser, stacked in ((one.opt_g, joined.opt_g), (one.opt_d, joined.opt_d)):
            pairs_ = zip(optimiser.state.values(), stacked.state.values(), strict=True)
            for state, all_ in pairs_:
                torch.testing.assert_close(all_["exp_avg_sq"][s], state["exp_avg_sq"], rtol=1e-9, atol=1e-13)


def test_a_member_that_is_not_finite_leaves_the_gradients_of_the_others_alone():
    nets = generators()
    stacked = stack_modules(copy.deepcopy(nets))
    fake = stacked(normal(S, B, Z), normal(S, B, A, seed=1))
    loss = weighted_sum({"one": (1.0, fake.square().mean(dim=(-2, -1)) * torch.tensor([1.0, torch.nan, 1.0]))})
    loss.backward(torch.ones_like(loss))
    finite = [bool(torch.isfinite(stacked.net.layers[0].weight.grad[s]).all()) for s in range(S)]
    assert finite == [True, False, True]


C = 4
ROWS = {"x": normal(S, B, D).sigmoid(), "other": normal(S, B, D, seed=1).sigmoid(), "code": normal(S, B, Z, seed=2),
        "wide": normal(S, B, Z, seed=3), "score": normal(S, B, seed=4), "y": torch.randint(C, (S, B)),
        "logits": normal(S, B, C, seed=5), "centres": normal(S, C, D, seed=6), "near": torch.randint(C, (S, C, 2)),
        "likeness": normal(S, C, 2, seed=7), "souls": normal(S, B, 3, D, seed=8)}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (adversarial_loss, ["score"]),
        (lambda score: wasserstein_distance(score, score.square()), ["score"]),
        (mean_cross_entropy, ["logits", "y"]),
        (bce_rows, ["x", "other"]),
        (squared_rows, ["x", "other"]),
        (weighted_l1, ["x", "other"]),
        (kl_to_standard_normal, ["code", "wide"]),
        (lambda m, v: sample_code(m, v, m), ["code", "wide"]),
        (lambda x, y: class_means(x, y, C)[0], ["x", "y"]),
        (lambda x, y: class_means(x, y, C)[1], ["x", "y"]),
        (distance_of_means, ["x", "y", "centres"]),
        (lambda x, y, c: distance_of_means(x, y, c, squared=True), ["x", "y", "centres"]),
        (nearest_prototype, ["x", "souls"]),
        (lambda c, n, v: relation_gap(c, c.flip(-1), n, v, 0.1, 0.1), ["centres", "near", "likeness"]),
    ],
)
def test_losses_of_a_stack_are_those_of_its_members(function, names):
    found = function(*(ROWS[name] for name in names))
    for s in range(S):
        torch.testing.assert_close(found[s], function(*(ROWS[name][s] for name in names)), rtol=1e-12, atol=1e-13)


def test_an_encoder_may_be_stacked():
    members = [ConditionalEncoder(D, A, Z, rng=seeded(s), hidden_dim=H).double() for s in range(S)]
    x, a = normal(S, B, D), normal(S, B, A, seed=1)
    found = stack_modules(copy.deepcopy(members))(x, a)
    for s, member in enumerate(members):
        for part, all_ in zip(member(x[s], a[s]), found, strict=True):
            torch.testing.assert_close(all_[s], part, rtol=1e-12, atol=1e-14)


def test_streams_of_a_stack_draw_what_each_run_draws_alone():
    joined, alone = StackedStreams([Streams(s) for s in range(S)]), [Streams(s) for s in range(S)]
    for _ in range(2):
        noise, mix = joined.normal("noise", 33, 5), joined.uniform("mix", 33)
        for s, streams in enumerate(alone):
            assert torch.equal(noise[s], streams.normal("noise", 33, 5))
            assert torch.equal(mix[s], streams.uniform("mix", 33))
    with pytest.raises(TypeError, match="no generator of its own"):
        joined.fresh("noise")


def test_rows_of_a_stack_are_those_of_each_run():
    def rows(n, seed):
        return TrainingRows(normal(n, 2, seed=seed), torch.arange(n) % 3, normal(3, 4, seed=seed + 1))

    first, second = rows(7, 0), rows(9, 5)
    members = [first, second, first]
    joined = StackedRows(members)
    assert len(joined.x) == 16  # the third run shares the rows of the first
    drawn = torch.stack([ShuffledPasses(len(m), seeded(s)).next(6) for s, m in enumerate(members)])
    batch = joined.batch(drawn)
    assert len(batch) == 6
    for s, member in enumerate(members):
        alone = member.batch(drawn[s])
        for part in ("x", "y", "a"):
            assert torch.equal(getattr(batch, part)[s], getattr(alone, part))
        assert torch.equal(batch.last(2).a[s], alone.last(2).a)


def test_meters_of_a_stack_end_their_epochs_one_by_one():
    members = [LossMeter(), LossMeter()]
    members[1].add({"loss": torch.tensor(3.0)}, 1)  # from before the two were stacked
    joined = StackedMeter(members)
    joined.add({"loss": torch.tensor([1.0, 5.0])}, 2)
    assert members[0].close_epoch() == {"loss": 1.0}
    joined.refresh()
    joined.add({"loss": torch.tensor([2.0, torch.nan])}, 3)
    assert members[0].diverged() is None
    assert members[1].diverged() == ("loss", 3)
    assert members[0].close_epoch() == {"loss": 2.0}
    assert joined.latest() == {"loss": 2.0}
