"""Every loss term of every generator reaches the weights that it should train."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from problems import small_view
from torch.optim import Optimizer

from gzsl.conformance import Bench
from gzsl.data import FeatureRows, TrainView
from gzsl.data.view import Shots
from gzsl.errors import MethodError, TrainingDiverged
from gzsl.heads import SoftmaxHead
from gzsl.heads.base import HeadRows
from gzsl.methods import Monitor, create, get_method, method_names
from gzsl.nn.feature_statistics import feature_statistics
from gzsl.nn.wgan import Terms
from gzsl.nn.wgan import backpropagate as plain_backpropagate

BY_HAND = {"cada-vae"}  # its gradients are compared with autograd, term by term, in tests/nn/test_aligned_gradients.py
GENERATORS = [n for n in method_names() if get_method(n).card.family == "generative" and n not in BY_HAND]
HOMES = ["gzsl.nn.wgan"] + [
    f"gzsl.methods.generative.{name}" for name in ("gdan", "sdgzsl", "evolving", "sabr", "cagnet", "ship")
]
OPEN_BAND = {"lsrgan": {"below": 0.0, "above": 0.0}, "free": {"margin": 1e4}}


def unit_view(n: int = 60) -> TrainView:
    view = small_view(n=n, d=9, a=5)
    X = view.features.to_array()
    return TrainView(FeatureRows((X / X.max()).astype(np.float32)), view.labels, view.semantics, view.seen, view.unseen)


@pytest.mark.parametrize("name", GENERATORS)
def test_every_term_has_a_gradient(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    largest: dict[str, float] = {}

    def watched(terms: Terms, optimisers: Sequence[Optimizer]) -> dict[str, torch.Tensor]:
        weights = [p for o in optimisers for group in o.param_groups for p in group["params"]]
        for term, (weight, value) in terms.items():
            if isinstance(weight, torch.Tensor) or weight != 0:
                found = torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True)
                size = max((float(g.abs().max()) for g in found if g is not None), default=0.0)
                largest[term] = max(size, largest.get(term, 0.0))
        return plain_backpropagate(terms, optimisers)

    for home in HOMES:
        monkeypatch.setattr(importlib.import_module(home), "backpropagate", watched)
    params: dict[str, Any] = {**get_method(name).card.test_params[0], "n_epochs": 3, **OPEN_BAND.get(name, {})}
    card = get_method(name).card
    view = Bench.simulated().serving(card).small if card.needs else unit_view()
    create(name, **params).fit(view, seed=0)
    assert largest, "no term was seen"
    still = [term for term, size in largest.items() if not size > 0]
    assert not still, f"no gradient from {still}"


def test_the_released_relation_term_has_no_gradient() -> None:
    params = {**get_method("lsrgan").card.test_params[0], "n_epochs": 2, "below": 0.0, "above": 0.0}
    with_term = create("lsrgan", **{**params, "relation": "released"}).fit(unit_view(), seed=0)
    without = create("lsrgan", **{**params, "relation": "released", "relation_weight": 0.0}).fit(unit_view(), seed=0)
    ours = create("lsrgan", **params).fit(unit_view(), seed=0)
    weights = [m.fitted_arrays()["generator_/net.layers.0.weight"] for m in (with_term, without, ours)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("name", "expected"), [("f-vaegan", "0 to 1"), ("f-clswgan", "0 to inf"), ("cizsl", "-1 to 1")]
)
def test_features_out_of_the_generators_range_are_refused(name: str, expected: str) -> None:
    view = unit_view()
    X = view.features.to_array() * 6 - 3
    wide = TrainView(FeatureRows(X), view.labels, view.semantics, view.seen, view.unseen)
    with pytest.raises(MethodError, match=f"expected {expected} for output.*preprocess"):
        create(name, n_epochs=1).fit(wide)


class Recording(Monitor):
    def __init__(self) -> None:
        self.seen: dict[int, dict[str, float]] = {}

    def epoch_done(self, method: Any, epoch: int, losses: Any) -> None:
        self.seen[epoch] = dict(losses)


def test_synthetic_rows_are_compared_with_real_ones_every_epoch() -> None:
    monitor = Recording()
    create("f-clswgan", **{**get_method("f-clswgan").card.test_params[0], "n_epochs": 2}).fit(
        unit_view(), monitor=monitor
    )
    assert set(monitor.seen) == {1, 2}
    names = {"mean_gap", "norm_ratio", "zeros", "real_zeros", "spread_ratio", "frechet", "variance_ratio"}
    assert {f"synthetic {name}" for name in names} <= set(monitor.seen[2])
    assert {"wasserstein", "gradient_penalty", "classification"} <= set(monitor.seen[2])


@pytest.mark.parametrize(("name", "form"), [("bi-vaegan", "sphere"), ("ship", "sphere"), ("sabr", "codes")])
def test_real_rows_are_compared_in_the_form_of_synthetic_ones(
    name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes may be as wide as features, and features of any length: both were compared as they came."""
    seen: list[torch.Tensor] = []

    def watched(real: torch.Tensor, fake: torch.Tensor) -> dict[str, float]:
        seen[:] = [real, fake]
        return feature_statistics(real, fake)

    monkeypatch.setattr("gzsl.methods.generative.base.feature_statistics", watched)
    card = get_method(name).card
    view = Bench.simulated().serving(card).small
    view = replace(view, features=FeatureRows(7 * view.features.to_array()))
    codes = {"latent_dim": view.n_features} if form == "codes" else {}
    method = create(name, **{**card.test_params[0], "n_epochs": 1, **codes}).fit(view)
    real, fake = seen
    assert real.shape == fake.shape and real.shape[2] == view.n_features
    if form == "sphere":
        assert torch.allclose(real.norm(dim=2), torch.ones(real.shape[:2]), atol=1e-5)
        assert torch.allclose(fake.norm(dim=2), torch.ones(real.shape[:2]), atol=1e-5)
    else:
        with torch.no_grad():
            codes_of_all = method.represent(torch.from_numpy(view.features.to_array()))  # type: ignore[attr-defined]
        assert torch.cdist(real.flatten(0, 1), codes_of_all).min(dim=1).values.max() < 1e-2


def test_a_generator_whose_rows_have_another_width_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = get_method("f-clswgan")
    monkeypatch.setattr(cls, "sample", lambda self, a, rng: torch.rand(len(a), 4))
    with pytest.raises(MethodError, match="4 entries, expected 9.*as_made"):
        create("f-clswgan", **{**cls.card.test_params[0], "n_epochs": 1}).fit(unit_view())


def test_a_generator_that_makes_one_point_only_ends_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = get_method("f-clswgan")
    monkeypatch.setattr(cls, "sample", lambda self, a, rng: torch.ones(len(a), 9))
    with pytest.raises(TrainingDiverged, match="collapsed"):
        create("f-clswgan", **{**cls.card.test_params[0], "n_epochs": 2}).fit(unit_view())


def test_the_cascade_head_needs_the_transductive_setting() -> None:
    params = {**get_method("lisgan").card.test_params[0], "n_epochs": 1, "head": {"name": "cascade", "n_epochs": 3}}
    with pytest.raises(MethodError, match="transductive"):
        create("lisgan", **params).fit(unit_view())
    view = unit_view()
    X = np.random.default_rng(0).random((30, 9), dtype=np.float32)
    shown = TrainView(
        view.features, view.labels, view.semantics, view.seen, view.unseen,
        setting="transductive", unlabelled_features=FeatureRows(X),
    )  # fmt: skip
    method = create("lisgan", **params).fit(shown)
    assert np.isfinite(method.scores(X, view.semantics)).all()


@pytest.mark.parametrize("name", ["f-clswgan", "cada-vae"])
def test_the_head_gets_shots_besides_what_is_synthesised(name: str) -> None:
    view, params = unit_view(), {**get_method(name).card.test_params[0], "n_epochs": 1}
    few = np.random.default_rng(3).random((2 * len(view.unseen), 9), dtype=np.float32)
    shown = replace(view, shots=Shots(FeatureRows(few), np.repeat(view.unseen, 2)))
    got: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Watching(SoftmaxHead):
        def _fit(self, rows: HeadRows, rng: torch.Generator) -> dict[str, torch.Tensor]:
            got.append((rows.X, rows.y))
            return super()._fit(rows, rng)

    head = Watching(n_epochs=1)
    plain, with_shots = (create(name, **params).set_params(head=head).fit(v, seed=0) for v in (view, shown))
    (X0, y0), _, (X1, y1), (X2, _) = got
    assert len(X1) == len(X0) + len(few) and len(X2) > len(few)
    assert y1[len(y0) :].tolist() == shown.shots.labels.tolist()  # type: ignore[union-attr]
    torch.testing.assert_close(X1[len(y0) :], with_shots._represented(torch.from_numpy(few)))
    X = view.features.to_array()[:4]
    assert not np.array_equal(plain.scores(X, view.semantics), with_shots.scores(X, view.semantics))


def test_batches_and_counts_larger_than_the_data_are_fine() -> None:
    view = unit_view(n=20)
    params = {**get_method("f-vaegan").card.test_params[0], "n_epochs": 1, "batch_size": 500, "n_synthetic": 3000}
    method = create("f-vaegan", **params).fit(view)
    assert np.isfinite(method.scores(np.zeros((2, 9), np.float32), view.semantics)).all()


def test_unseen_scores_come_from_the_classifier_that_learnt_on_the_way() -> None:
    view = unit_view()
    params = {**get_method("lsrgan").card.test_params[0], "n_epochs": 1}
    method = create("lsrgan", **params).fit(view)
    X = view.features.to_array()[:4]
    logits = torch.nn.functional.linear(
        torch.from_numpy(X), method.classifier_.weight.detach(), method.classifier_.bias.detach()
    )
    expected = torch.log_softmax(logits[:, [5, 6]], dim=1).numpy()
    np.testing.assert_allclose(method.scores(X, view.unseen_semantics), expected, atol=1e-6)
    assert method.heads_ == {}
