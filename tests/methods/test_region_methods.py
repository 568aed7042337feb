"""Methods that look at regions: their formulas against plain ones, and what must follow from them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Dirichlet, kl_divergence

from gzsl.conformance import Bench
from gzsl.conformance.cells import with_cells
from gzsl.data import FeatureRows, TrainView, final_task
from gzsl.data.pooled import pooled_view
from gzsl.errors import MethodError
from gzsl.methods import create, iterative
from gzsl.methods.attention.duet import attribute_contrast
from gzsl.methods.attention.regional import name_vectors, self_calibration, side_margin
from gzsl.methods.attention.sgma import channel_groups, overlap_of, spread_of
from gzsl.nn.attribute_attention import AttributeAttention
from gzsl.nn.evidence import combined, evidence_of, expected_cross_entropy, misleading_evidence, opinion
from gzsl.nn.losses.matching import class_kernel_distance, kernel_distance
from gzsl.nn.rmsprop import rmsprop


@pytest.fixture(scope="module")
def view() -> TrainView:
    return final_task(with_cells(Bench.simulated().dataset), "minmax", regions=True).view


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("named", [True, False])
def test_folded_attention_is_the_plain_one_and_so_are_its_gradients(named: bool) -> None:
    n, r, d, a, v = 5, 4, 7, 3, 6 if named else 3
    vectors = torch.randn(a, v, generator=rng(1)) if named else None
    module = AttributeAttention(vectors, a, d, rng()).double()
    with torch.no_grad():
        for weight in (module.place, module.gate):
            assert weight is not None
            weight.copy_(torch.randn(weight.shape, generator=rng(2)))
    x = torch.randn(n, r, d, generator=rng(3)).double()
    found = module(x)
    V = torch.eye(a).double() if module.vectors is None else module.vectors
    S = torch.einsum("iv,vf,brf->bir", V, module.score, x)
    A = torch.einsum("iv,vf,brf->bir", V, module.place, x).softmax(dim=-1)
    there = torch.einsum("bir,brf->bif", A, x)
    assert module.gate is not None
    gate = torch.einsum("iv,vf,bif->bi", V, module.gate, there)
    torch.testing.assert_close(found.score, (A * S).sum(dim=-1))
    torch.testing.assert_close(found.gate, gate)
    torch.testing.assert_close(found.weights.transpose(1, 2), A)
    pull = torch.randn(n, a, generator=rng(4)).double()
    weights = [p for p in module.parameters()]
    plain = torch.autograd.grad((((A * S).sum(dim=-1) * gate.sigmoid()) * pull).sum(), weights)
    folded = torch.autograd.grad(((found.score * found.gate.sigmoid()) * pull).sum(), weights)
    for one, two in zip(plain, folded, strict=True):
        torch.testing.assert_close(one, two)


def test_uniform_attention_of_the_baseline_is_pooled_eszsl(view: TrainView) -> None:
    X = view.features.to_array()[:20]
    for gamma in (0.1, 100.0):
        uniform = create("region-eszsl", gamma=gamma, sharpness=0.0).fit(view)
        pooled = create("eszsl", gamma=gamma).fit(pooled_view(view))
        wanted = pooled.scores(X.mean(axis=1), view.semantics)
        np.testing.assert_allclose(uniform.scores(X, view.semantics), wanted, rtol=1e-4, atol=1e-4)
    sharp = create("region-eszsl", sharpness=3.0).fit(view)
    maps = sharp.attention(X)
    assert maps is not None and maps.shape == (20, view.semantics.n_attributes, 9)
    np.testing.assert_allclose(maps.sum(axis=2), 1, rtol=1e-5)
    assert maps.max() > 0.3  # it does not stay uniform, 1/9


def test_dazle_before_training_attends_uniformly_and_scores_means(view: TrainView) -> None:
    method: Any = create("dazle", n_epochs=1, batch_size=480, lr=1e-8, weight_decay=0.0).fit(view)
    X = view.features.to_array()[:6]
    np.testing.assert_allclose(method.attention(X), 1 / 9, rtol=1e-4)
    unit = X / np.linalg.norm(X, axis=2, keepdims=True)
    evidence = unit.mean(axis=1) @ method.attention_.score.detach().numpy().T / 2  # the gate starts at one half
    seen = np.isin(view.semantics.class_names, method.seen_classes_)
    wanted = evidence @ view.semantics.table.T + np.where(seen, -1, 1)
    np.testing.assert_allclose(method.scores(X, view.semantics), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["dazle", "region-eszsl", "duet", "crest"])
def test_regions_in_another_order_from_the_beginning_change_nothing(name: str, view: TrainView) -> None:
    params: dict[str, Any] = {} if name == "region-eszsl" else {"n_epochs": 2, "lr": 1e-3}
    X, order = view.features.to_array(), np.random.default_rng(0).permutation(9)
    one = create(name, **params).fit(view)
    two = create(name, **params).fit(replace(view, features=FeatureRows(np.ascontiguousarray(X[:, order]))))
    first, second = one.scores(X[:9], view.semantics), two.scores(X[:9][:, order], view.semantics)
    np.testing.assert_allclose(first, second, rtol=1e-2, atol=1e-2)
    maps, moved = one.attention(X[:9]), two.attention(X[:9][:, order])
    assert maps is not None and moved is not None
    np.testing.assert_allclose(maps[:, :, order], moved, rtol=5e-2, atol=1e-3)


def test_batches_from_where_rows_lie_give_the_same_bits(view: TrainView, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"n_epochs": 2, "batch_size": 64, "lr": 1e-3}
    resident: Any = create("dazle", **params).fit(view)
    monkeypatch.setitem(iterative.RESIDENT, "cpu", 0)
    elsewhere: Any = create("dazle", **params).fit(view)
    assert not isinstance(elsewhere.rows.x, torch.Tensor)
    for name, value in resident.fitted_arrays().items():
        np.testing.assert_array_equal(value, elsewhere.fitted_arrays()[name])


def test_self_calibration_is_minus_the_log_of_the_mean_mass() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
    torch.testing.assert_close(self_calibration(logits, 2), -torch.log(torch.tensor(0.5)))
    assert side_margin(torch.tensor([True, False]), 2.0).tolist() == [-2.0, 2.0]


def test_names_are_encoded_once_an_attribute(view: TrainView, monkeypatch: pytest.MonkeyPatch) -> None:
    def encoded(texts: dict[str, str], encoder: str) -> Any:
        return SimpleNamespace(semantics=SimpleNamespace(table=np.eye(len(texts), 5) + len(texts)))

    monkeypatch.setattr("gzsl.semantics.sources.text_table", encoded)
    twice = replace(view.semantics, attribute_names=("red",) * view.semantics.n_attributes)
    assert name_vectors(twice, "dazle").shape == (view.semantics.n_attributes, 5)
    named: Any = create("dazle", n_epochs=1, attribute_vectors="names").fit(replace(view, semantics=twice))
    assert named.attention_.vectors.shape == (view.semantics.n_attributes, 5)
    nameless = replace(view, semantics=replace(view.semantics, attribute_names=None))
    with pytest.raises(MethodError, match="without names of attributes.*identity needs none"):
        create("dazle", attribute_vectors="names").fit(nameless)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rmsprop_takes_the_steps_that_its_formula_says(momentum: float) -> None:
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 6).double())
    optimiser = rmsprop([parameter], 0.01, momentum=momentum, weight_decay=0.1)
    wanted, mean, moving = parameter.detach().numpy().copy(), np.zeros(6), np.zeros(6)
    for k in range(1, 5):
        optimiser.zero_grad()
        ((parameter * k) ** 3).sum().backward()
        optimiser.step()
        pull = 3 * k**3 * wanted**2 + 0.1 * wanted
        mean = 0.99 * mean + 0.01 * pull**2
        step = pull / (np.sqrt(mean) + 1e-8)
        moving = momentum * moving + step
        wanted = wanted - 0.01 * (moving if momentum else step)
    np.testing.assert_allclose(parameter.detach().numpy(), wanted, rtol=1e-10)


def test_opinions_are_those_of_dempster_and_their_costs_those_of_dirichlet() -> None:
    evidence = torch.tensor([[4.0, 0.0, 0.0], [1.0, 2.0, 0.0]], dtype=torch.float64)
    beliefs, uncertainty = opinion(evidence)
    torch.testing.assert_close(beliefs.sum(dim=1) + uncertainty[:, 0], torch.ones(2).double())
    torch.testing.assert_close(evidence_of(beliefs, uncertainty), evidence)
    nothing = opinion(torch.zeros(2, 3).double())
    for one, two in zip(combined((beliefs, uncertainty), nothing), (beliefs, uncertainty), strict=True):
        torch.testing.assert_close(one, two)  # who knows nothing changes nothing
    other = opinion(torch.tensor([[0.0, 3.0, 0.0], [2.0, 2.0, 5.0]]).double())
    both, unsure = combined((beliefs, uncertainty), other)
    conflict = sum(beliefs[:, i] * other[0][:, j] for i in range(3) for j in range(3) if i != j)
    wanted = (beliefs * other[0] + beliefs * other[1] + other[0] * uncertainty) / (1 - conflict)[:, None]
    torch.testing.assert_close(both, wanted)
    torch.testing.assert_close(both.sum(dim=1) + unsure[:, 0], torch.ones(2).double())
    y = torch.tensor([0, 1])
    draws = Dirichlet(evidence + 1).sample((20_000,))
    expected = -draws.log().mean(dim=0).gather(1, y[:, None]).mean()
    assert abs(float(expected_cross_entropy(evidence, y) - expected)) < 0.05
    alpha = (evidence + 1).scatter(1, y[:, None], 1.0)
    wanted_kl = kl_divergence(Dirichlet(alpha), Dirichlet(torch.ones_like(alpha))).mean()
    torch.testing.assert_close(misleading_evidence(evidence, y), wanted_kl)


def test_the_kernel_distance_is_that_of_each_class() -> None:
    x, other = torch.randn(8, 3, generator=rng(1)).double(), torch.randn(8, 3, generator=rng(2)).double()
    y = torch.tensor([0, 1, 0, 1, 2, 2, 0, 1])
    widths = (2.0, 5.0)
    wanted = torch.stack([kernel_distance(x[y == c], other[y == c], widths) for c in range(3)]).mean()
    torch.testing.assert_close(class_kernel_distance(x, other, y, widths), wanted)
    assert float(kernel_distance(x, x.clone(), widths)) < 1e-5
    by_hand = sum(
        np.exp(-((a - b) ** 2).sum() / (2 * w)) for a in x.numpy() for b in other.numpy() for w in widths
    ) / len(x) ** 2  # fmt: skip
    inner = [
        sum(np.exp(-((a - b) ** 2).sum() / (2 * w)) for a in s for b in s for w in widths) / len(s) ** 2
        for s in (x.numpy(), other.numpy())
    ]
    assert float(kernel_distance(x, other, widths)) == pytest.approx(np.sqrt(inner[0] + inner[1] - 2 * by_hand))


def test_the_contrast_is_that_of_every_anchor_and_positive() -> None:
    n, k = 6, 2
    codes = torch.nn.functional.normalize(torch.randn(n, k, 4, generator=rng(5)).double(), dim=2)
    values = torch.rand(n, k, generator=rng(6)).double()
    had, y = values > 0.4, torch.tensor([0, 0, 1, 1, 2, 3])
    terms = []
    for i in range(k):
        for a in range(n):
            for p in range(n):
                if not (had[a, i] and had[p, i]) or y[a] == y[p]:
                    continue
                against = [torch.exp(codes[a, i] @ codes[m, i] / 0.5) for m in range(n) if not had[m, i]]
                good = torch.exp(codes[a, i] @ codes[p, i] / 0.5)
                weight = min(values[a, i], values[p, i])
                terms.append(-weight * torch.log(good / (good + sum(against))))
    assert terms
    torch.testing.assert_close(attribute_contrast(codes, values, had, y, 0.5), torch.stack(terms).mean())


def test_parts_are_channels_that_peak_together_and_maps_are_judged_by_place() -> None:
    X = np.zeros((3, 9, 6), np.float32)
    X[:, 0, :3], X[:, 8, 3:] = 1, 1  # three channels peak above left, three below right
    groups = channel_groups(FeatureRows(X), 2, 0)
    assert len(set(groups[:3].tolist())) == len(set(groups[3:].tolist())) == 1 and groups[0] != groups[5]
    corner = torch.zeros(1, 2, 9)
    corner[0, 0, 0] = corner[0, 1, 8] = 1
    assert float(spread_of(corner)) == 0 and float(overlap_of(corner)) == 0
    same = corner[:, [0, 0]]
    assert float(overlap_of(same)) == pytest.approx(0.8)
    flat = torch.full((1, 2, 9), 1 / 9)
    assert float(spread_of(flat)) == pytest.approx(2 * (2 / 3) / 9)
