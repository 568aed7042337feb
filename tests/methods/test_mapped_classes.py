"""CMT, CMT*, DEM, CNZSL, prototypical networks and PSR against formulas written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from problems import small_view
from scipy.special import erf
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression

from gzsl.data import TrainView
from gzsl.methods import create
from gzsl.methods.descent import DescentMethod, negative_squared_distances
from gzsl.methods.embedding.outlying import GaussianNovelty, OutlierNovelty
from gzsl.nn.class_norm import ClassStandardisation


@pytest.fixture(scope="module")
def view() -> TrainView:
    return small_view(n=150)


def fitted(name: str, view: TrainView, **params: Any) -> Any:
    return create(name, **{"n_epochs": 2, "batch_size": 32, **params}).fit(view, seed=0)


def whole_batch(method: Any) -> Any:
    return method.rows.batch(torch.arange(len(method.rows)))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("cmt", {}), ("dem", {"hidden_dim": 8}), ("dem", {"hidden_dim": 8, "fit_to": "rows"}),
        ("cnzsl", {"hidden_dim": 8}),
        ("protonet", {"n_dims": 6, "n_ways": 3, "n_queries": 4}), ("psr", {"hidden_dim": 8}), ("bucher", {}),
    ],
)  # fmt: skip
def test_every_loss_term_has_a_gradient(name: str, params: dict[str, Any], view: TrainView) -> None:
    method = fitted(name, view, **params)
    assert isinstance(method, DescentMethod)
    for term, value in method.losses(whole_batch(method)).items():
        found = torch.autograd.grad(value, method.trainable(), allow_unused=True, retain_graph=True)
        assert any(g is not None and g.abs().sum() > 0 for g in found), term


def test_negative_squared_distances() -> None:
    x, p = torch.rand(4, 3), torch.rand(5, 3)
    torch.testing.assert_close(negative_squared_distances(x, p), -torch.cdist(x, p) ** 2)


def test_cmt_loss_and_scores_by_rows(view: TrainView) -> None:
    method = fitted("cmt", view, hidden_dim=5)
    first, second = method.network_.layers
    losses, X = [], view.features.to_array()
    for x, y in zip(X, view.seen_labels, strict=True):
        f = second.weight @ torch.tanh(first.weight @ torch.tensor(x) + first.bias) + second.bias
        losses.append(((torch.tensor(view.seen_semantics.table[y]) - f) ** 2).sum())
    torch.testing.assert_close(method.losses(whole_batch(method))["regression"], torch.stack(losses).mean())
    f = method.embed(X).numpy()
    expected = -((f[:, None] - view.semantics.table) ** 2).sum(axis=2)
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-3, atol=1e-5)


def test_dem_class_means_have_the_gradient_of_all_rows(view: TrainView) -> None:
    """Regression to class means equals regression to rows up to a constant, whatever the network."""
    rows, means = fitted("dem", view, hidden_dim=8, fit_to="rows"), fitted("dem", view, hidden_dim=8)
    means.network_.load_state_dict(rows.network_.state_dict())
    gradients = [
        torch.autograd.grad(m.losses(whole_batch(m))["regression"], m.trainable()) for m in (rows, means)
    ]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)
    X = torch.tensor(view.features.to_array())
    within = sum(((X[means.rows.y == c] - X[means.rows.y == c].mean(dim=0)) ** 2).sum() for c in range(5)) / X.numel()
    difference = rows.losses(whole_batch(rows))["regression"] - means.losses(whole_batch(means))["regression"]
    torch.testing.assert_close(difference, torch.as_tensor(within, dtype=difference.dtype), atol=1e-5, rtol=1e-4)


def test_dem_looks_for_the_nearest_mapped_class(view: TrainView) -> None:
    X = view.features.to_array()
    method = fitted("dem", view, hidden_dim=8)
    with torch.no_grad():
        prototypes = method.network_(torch.tensor(view.semantics.table)).numpy()
    expected = -((X[:, None] - prototypes) ** 2).mean(axis=2)
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-3, atol=1e-5)
    method.set_params(distance="cosine")
    cosine = [[x @ p / np.linalg.norm(x) / np.linalg.norm(p) for p in prototypes] for x in X]
    np.testing.assert_allclose(method.scores(X, view.semantics), cosine, rtol=1e-3, atol=1e-5)


def test_gaussian_detector_by_hand() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]])
    labels = rng.integers(2, size=200)
    rows = centres[labels] + rng.standard_normal((200, 3)) * np.array([0.5, 1.5])[labels][:, None]
    found = GaussianNovelty.of(rows, labels, centres, share=0.1)
    for c in range(2):
        own = ((rows[labels == c] - centres[c]) ** 2).sum(axis=1).mean() / 3
        assert found.variances[c] == pytest.approx(own)
    densities = [
        max(multivariate_normal.logpdf(r, centres[c], found.variances[c]) for c in range(2)) for r in rows[:20]
    ]
    np.testing.assert_allclose(found.log_density(rows[:20]), densities, rtol=1e-6)
    assert found.probability(rows).mean() == pytest.approx(0.1, abs=0.01)
    assert found.probability(np.array([[40.0, -40.0, 0.0]]))[0] == 1


def test_outlier_detector_equals_a_loop() -> None:
    rng = np.random.default_rng(1)
    context, rows, k, lam = rng.standard_normal((30, 2)), rng.standard_normal((8, 2)) * 3, 4, 3.0

    def nearest(point: np.ndarray, skip: int | None) -> np.ndarray:
        gaps = ((context - point) ** 2).sum(axis=1)
        if skip is not None:
            gaps[skip] = np.inf
        return np.argsort(gaps)[:k]

    def spread(point: np.ndarray, near: np.ndarray) -> float:
        return lam * float(np.sqrt(((context[near] - point) ** 2).sum(axis=1).mean()))

    own = [nearest(p, i) for i, p in enumerate(context)]
    spreads = np.array([spread(p, near) for p, near in zip(context, own, strict=True)])
    outlying = np.array([spreads[i] / spreads[own[i]].mean() - 1 for i in range(30)])
    Z = lam * np.sqrt((outlying**2).mean())
    expected = []
    for p in rows:
        near = nearest(p, None)
        expected.append(max(0.0, erf((spread(p, near) / spreads[near].mean() - 1) / Z)))
    np.testing.assert_allclose(OutlierNovelty.of(context, k, lam).probability(rows), expected, rtol=1e-6)


@pytest.mark.parametrize("detector", ["gaussian", "loop"])
def test_cmt_star_decides_as_the_mixture_says(detector: str, view: TrainView) -> None:
    method = fitted("cmt-star", view, hidden_dim=5, detector=detector, n_neighbours=3, l2=1e-2, n_epochs=5)
    X = view.features.to_array()
    new, f = method.novelty(X), method.embed(X).numpy().astype(float)
    unseen = -((f[:, None] - view.unseen_semantics.table) ** 2).sum(axis=2) / (2 * method.variances_.mean())
    unseen = np.exp(unseen - unseen.max(axis=1, keepdims=True))
    unseen /= unseen.sum(axis=1, keepdims=True)
    with torch.no_grad():
        seen = method.softmax_(torch.tensor(X)).softmax(dim=1).numpy()
    expected = np.concatenate([(1 - new)[:, None] * seen, new[:, None] * unseen], axis=1)
    found = np.exp(method.scores(X, view.semantics).astype(float))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    plain = -((f[:, None] - view.unseen_semantics.table) ** 2).sum(axis=2)
    np.testing.assert_array_equal(method.scores(X, view.unseen_semantics).argmax(axis=1), plain.argmax(axis=1))


def test_cmt_star_keeps_rows_of_every_class_away_from_training(view: TrainView) -> None:
    method = fitted("cmt-star", view, hidden_dim=5, holdout=0.3, l2=1e-2)
    assert len(method.rows) + len(method._held) == len(view.labels)
    assert set(method.rows.y.tolist()) == set(range(5))
    assert 0.2 < len(method._held) / len(view.labels) < 0.4
    X, y = method.rows.x.numpy(), method.rows.y.numpy()
    other = LogisticRegression(C=1 / (1e-2 * len(y)), tol=1e-8, max_iter=5000).fit(X, y)
    with torch.no_grad():
        np.testing.assert_allclose(method.softmax_(torch.tensor(X)).softmax(dim=1), other.predict_proba(X), atol=0.02)


@pytest.mark.parametrize("spread", ["std", "variance"])
def test_class_standardisation_by_hand(spread: str) -> None:
    layer, h = ClassStandardisation(3, spread), torch.rand(6, 3)
    mean, variance = h.mean(dim=0), h.var(dim=0)
    divisor = (variance + 1e-5).sqrt() if spread == "std" else variance + 1e-5
    torch.testing.assert_close(layer(h), (h - mean) / divisor)
    torch.testing.assert_close(layer.mean, 0.1 * mean)
    torch.testing.assert_close(layer.variance, 0.9 + 0.1 * variance)
    layer.eval()
    alone = layer(h[:1])
    torch.testing.assert_close(alone, layer(h)[:1])  # a class's result does not depend on the others


def test_cnzsl_outputs_are_scaled_cosines_and_its_rate_falls(view: TrainView) -> None:
    method = fitted("cnzsl", view, hidden_dim=8, n_epochs=3, decay_every=2, cosine_scale=7.0)
    X = view.features.to_array()
    with torch.no_grad():
        prototypes = method.network_.eval()(torch.tensor(view.semantics.table)).numpy()
    cosine = [[x @ p / np.linalg.norm(x) / max(np.linalg.norm(p), 1e-12) for p in prototypes] for x in X]
    np.testing.assert_allclose(method.scores(X, view.semantics), 7 * np.array(cosine), rtol=1e-3, atol=1e-4)
    assert method._optimiser.param_groups[0]["lr"] == pytest.approx(5e-5)
    last = method.network_.last.weight
    fresh = fitted("cnzsl", view, hidden_dim=8, n_epochs=1, lr=1e-8, batch_size=150).network_.last.weight
    assert fresh.abs().max() <= np.sqrt(3 / (8 * 7)) + 1e-3
    assert not torch.equal(last, fresh)


def test_protonet_episodes_are_balanced_and_rows_belong_to_their_class(view: TrainView) -> None:
    method = fitted("protonet", view, n_dims=6, n_ways=3, n_queries=4)
    seen = set()
    for _ in range(50):
        x, y, classes = method._episode()
        assert x.shape == (12, 7)
        assert len(classes.unique()) == 3
        seen |= set(classes.tolist())
        for row, place in zip(x, y, strict=True):
            (matches,) = torch.nonzero((method.rows.x == row).all(dim=1), as_tuple=True)
            assert classes[place] in method.rows.y[matches]
    assert seen == set(range(5))


def test_protonet_loss_is_a_softmax_over_squared_distances_to_unit_prototypes(view: TrainView) -> None:
    method = fitted("protonet", view, n_dims=6, sampling="rows")
    f = method.rows_map_(method.rows.x).detach().double()
    g = method.classes_map_(method.rows.table).detach().double()
    torch.testing.assert_close(g.norm(dim=1), torch.ones(5, dtype=torch.float64), atol=1e-5, rtol=0)
    logs = torch.stack([-((f - c) ** 2).sum(dim=1) for c in g], dim=1).log_softmax(dim=1)
    expected = -logs[torch.arange(len(f)), method.rows.y].mean()
    found = method.losses(whole_batch(method))["classification"].double()
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_psr_relations_by_loops(view: TrainView) -> None:
    method = fitted("psr", view, hidden_dim=8, similar_share=0.4, band=0.1)
    table, y = method.rows.table.double(), method.rows.y
    similarity = torch.rand(len(y), 5, dtype=torch.float64)
    centred = (table - table.mean(dim=0)).numpy()
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    between = unit @ unit.T
    off = between[~np.eye(5, dtype=bool)]
    tau = np.quantile(off, 0.6)
    dissimilar, similar = [], []
    for n in range(len(y)):
        for c in range(5):
            delta, s = between[y[n], c], float(similarity[n, c])
            if c != y[n] and delta < tau:
                dissimilar.append(max(0.0, s - delta))
            elif c != y[n]:
                similar.append(max(0.0, abs(s - delta) - 0.1))
    found = method.relations(similarity, y, table)
    assert float(found[0]) == pytest.approx(np.mean(dissimilar))
    assert float(found[1]) == pytest.approx(np.mean(similar))
