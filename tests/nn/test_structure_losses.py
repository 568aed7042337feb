"""Loss terms of generators against values worked out by hand or by loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from gzsl.nn.comparator import BLOCKS, SLOPES, Comparator
from gzsl.nn.feature_statistics import feature_statistics
from gzsl.nn.frozen import frozen
from gzsl.nn.latent import kl_to_standard_normal, sample_code, wasserstein_between
from gzsl.nn.losses import class_structure as structure
from gzsl.nn.losses.contrastive import supervised_contrastive
from gzsl.nn.losses.divergence import sharma_mittal_to_uniform
from gzsl.nn.losses.reconstruction import bce_rows, squared_rows, weighted_l1
from gzsl.nn.penalty_weight import adapted


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_reconstruction_errors() -> None:
    found, expected = torch.tensor([[0.5, 0.2], [0.9, 0.1]]), torch.tensor([[1.0, 0.0], [1.0, 0.5]])
    by_hand = -(math.log(0.5) + math.log(0.8) + math.log(0.9) + 0.5 * math.log(0.1) + 0.5 * math.log(0.9)) / 2
    assert bce_rows(found, expected).item() == pytest.approx(by_hand, rel=1e-6)
    assert bce_rows(found * torch.nan, expected).isnan()
    assert squared_rows(found, expected).item() == pytest.approx((0.25 + 0.04 + 0.01 + 0.16) / 2, rel=1e-6)
    rows = [(0.5**3 + 0.2**3) / math.hypot(0.5, 0.2), (0.1**3 + 0.4**3) / math.hypot(0.1, 0.4)]
    assert weighted_l1(found, expected).item() == pytest.approx(sum(rows) / 2, rel=1e-5)
    assert weighted_l1(found, found).item() == 0


def test_gaussian_distances_against_torch() -> None:
    mean, logvar = torch.randn(5, 3, generator=rng()), torch.randn(5, 3, generator=rng(1))
    normal = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, logvar), expected)
    found = wasserstein_between(
        torch.tensor([[3.0, 0.0]]), torch.zeros(1, 2), torch.zeros(1, 2), torch.tensor([[0.0, math.log(25)]])
    )
    assert found.item() == pytest.approx(5.0, rel=1e-6)  # means 3 apart, deviations 4 apart
    drawn = sample_code(torch.zeros(1, 2), torch.tensor([[0.0, math.log(9)]]), torch.ones(1, 2))
    torch.testing.assert_close(drawn, torch.tensor([[1.0, 3.0]]))


def test_class_means_and_their_distances() -> None:
    x = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    y = torch.tensor([0, 0, 2])
    means, counts = structure.class_means(x, y, 3)
    torch.testing.assert_close(means, torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 3.0]]))
    assert counts.tolist() == [2, 0, 1]
    centres = torch.tensor([[1.0, 2.0], [9.0, 9.0], [0.0, 0.0]])
    assert structure.distance_of_means(x, y, centres).item() == pytest.approx((2 + 3) / 3)
    assert structure.distance_of_means(x, y, centres, squared=True).item() == pytest.approx((4 + 9) / 2)
    prototypes = torch.tensor([[[0.0, 1.0], [5.0, 5.0]]]).expand(3, 2, 2)
    assert structure.nearest_prototype(x, prototypes).item() == pytest.approx((1 + 5 + 4) / 3)


def test_centre_margin_and_hardest_centres() -> None:
    x, y = torch.tensor([[0.0], [4.0]]), torch.tensor([0, 1])
    centres = torch.tensor([[1.0], [3.0], [10.0]])
    other = structure.hardest_centres(x, y, centres)
    assert other.tolist() == [1, 0]
    found = structure.centre_margin(x, y, centres, other, inner=0.8, margin=2.0)
    by_hand = (max(0, 2 + 0.8 * 1 - 0.2 * 9) + max(0, 2 + 0.8 * 1 - 0.2 * 9)) / 2
    assert found.item() == pytest.approx(by_hand)


def test_relation_gap_against_a_loop() -> None:
    means, centres = torch.randn(4, 6, generator=rng()), torch.randn(5, 6, generator=rng(1))
    near = torch.tensor([[0, 1], [2, 3], [4, 0], [1, 2]])
    likeness = torch.rand(4, 2, generator=rng(2)) - 0.5
    found = structure.relation_gap(means, centres, near, likeness, below=0.1, above=0.05)
    for i in range(4):
        total = 0.0
        for j in range(2):
            cosine = functional.cosine_similarity(means[i], centres[near[i, j]], dim=0).item()
            target = likeness[i, j].item()
            total += max(0.0, cosine - target - 0.05) ** 2 + max(0.0, target - 0.1 - cosine) ** 2
        assert found[i].item() == pytest.approx(total, rel=1e-4, abs=1e-6)


def test_supervised_contrastive_against_a_loop() -> None:
    codes = functional.normalize(torch.randn(6, 4, generator=rng()), dim=1)
    y = torch.tensor([0, 0, 1, 1, 1, 2])
    anchors = []
    for i in range(6):
        others = [j for j in range(6) if j != i]
        scores = {j: float(codes[i] @ codes[j]) / 0.5 for j in others}
        partners = [j for j in others if y[j] == y[i]]
        if partners:
            total = math.log(sum(math.exp(s) for s in scores.values()))
            anchors.append(-sum(scores[j] - total for j in partners) / len(partners))
    assert len(anchors) == 5
    assert supervised_contrastive(codes, y, 0.5).item() == pytest.approx(sum(anchors) / 5, rel=1e-5)
    assert supervised_contrastive(codes, torch.arange(6), 0.5).item() == 0


def test_sharma_mittal_divergence() -> None:
    a, b = torch.tensor(0.4), torch.tensor(0.7)
    uniform = torch.full((1, 4), 0.25)
    assert abs(sharma_mittal_to_uniform(uniform, a, b).item()) < 1e-3
    peaked = torch.tensor([[0.7, 0.1, 0.1, 0.1]])
    overlap = (0.7**0.4 + 3 * 0.1**0.4) * 0.25**0.6
    assert sharma_mittal_to_uniform(peaked, a, b).item() == pytest.approx(
        (overlap ** (0.3 / 0.6) - 1) / (0.7 - 1), rel=1e-3
    )
    released = sharma_mittal_to_uniform(peaked, a, b, as_released=True)
    assert released.item() == pytest.approx((overlap ** (0.6 / 0.3) - 1) / (0.7 - 1), rel=1e-3)


def test_the_adaptive_weight_follows_the_penalty() -> None:
    weight = torch.tensor(10.0)
    for penalty, expected in ((1.2, 11.0), (1.02, 10.0), (0.3, 10 / 1.1)):
        assert adapted(weight, torch.tensor(penalty)).item() == pytest.approx(expected)


def test_a_frozen_network_passes_gradients_to_its_inputs_alone() -> None:
    net = torch.nn.Linear(3, 2)
    x = torch.randn(4, 3, generator=rng(), requires_grad=True)
    found = frozen(net, x)
    torch.testing.assert_close(found, net(x))
    found.sum().backward()
    assert x.grad is not None
    assert net.weight.grad is None


@pytest.mark.parametrize(("numbers", "activation"), [(2**17, "leaky-relu"), (40, "leaky-relu"), (90, "relu")])
def test_comparator_equals_one_joint_layer_on_pairs(
    numbers: int, activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BLOCKS, "cpu", numbers)  # 90 are two rows, so that the last block has one
    net = Comparator(4, 3, rng=rng(), hidden_dim=8, activation=activation)
    h, a = torch.randn(7, 4, generator=rng(1), requires_grad=True), torch.randn(5, 3, generator=rng(2))
    weight = torch.cat([net.rows.weight, net.vectors.weight], dim=1)
    pairs = torch.cat([h[:, None].expand(7, 5, 4), a[None].expand(7, 5, 3)], dim=2)
    hidden = functional.leaky_relu(functional.linear(pairs, weight, net.rows.bias), SLOPES[activation])
    expected = net.output(hidden).squeeze(2)
    found = net(h, a)
    torch.testing.assert_close(found, expected)
    inputs = [h, net.rows.weight, net.rows.bias, net.vectors.weight, net.output.weight]
    grads = [torch.autograd.grad((s * s).sum(), inputs, retain_graph=True) for s in (found, expected)]
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_feature_statistics_of_known_rows() -> None:
    real = torch.tensor([[[0.0, 2.0], [0.0, 4.0]], [[3.0, 0.0], [5.0, 0.0]]])
    same = feature_statistics(real, real)
    assert same["mean_gap"] == 0 and same["frechet"] == 0 and same["norm_ratio"] == same["spread_ratio"] == 1
    assert same["real_zeros"] == same["zeros"] == 0.5
    means = real.mean(dim=1, keepdim=True).expand(2, 2, 2)
    flat = feature_statistics(real, means)
    assert flat["spread_ratio"] == 0 and flat["mean_gap"] == 0
    assert flat["frechet"] == pytest.approx(1 / real.square().sum(2).mean().item())
    assert feature_statistics(real, torch.ones(2, 2, 2))["variance_ratio"] == 0
