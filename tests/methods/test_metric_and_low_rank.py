"""Bucher's metric learning, multi-task embedding and VSE against formulas written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from problems import small_view
from sklearn.mixture import GaussianMixture
from torch.nn.functional import softplus

from gzsl.data import TrainView
from gzsl.methods import create
from gzsl.methods.embedding.mtl import class_relevance


@pytest.fixture(scope="module")
def view() -> TrainView:
    return small_view(n=150)


def test_bucher_losses_by_rows(view: TrainView) -> None:
    method: Any = create(
        "bucher", n_epochs=1, attribute_weight=0.5, norm_weight=2.0, batch_size=50, init="normal"
    ).fit(view)
    net, table, tau = method.network_, method.rows.table, float(softplus(method.network_.tau.detach()))
    match, mismatch, regression = [], [], []
    for x, y in zip(method.rows.x, method.rows.y, strict=True):
        predicted = torch.relu(x @ net.weight + net.bias)
        S2 = [float((((predicted - a) @ net.metric) ** 2).sum()) for a in table]
        match.append(max(0.0, 1 - (tau - S2[y])))
        mismatch.append(np.mean([max(0.0, 1 + (tau - S2[c])) for c in range(5) if c != y]))
        regression.append(0.5 * float(((table[y] - predicted) ** 2).sum()))
    found = method.losses(method.rows.batch(torch.arange(150)))
    assert float(found["match"]) == pytest.approx(np.mean(match), rel=1e-4)
    assert float(found["mismatch"]) == pytest.approx(np.mean(mismatch), rel=1e-4)
    assert float(found["attributes"]) == pytest.approx(np.mean(regression), rel=1e-4)
    squares = sum(float((p**2).sum()) for p in (net.weight, net.bias, net.metric))
    assert float(found["norm"]) == pytest.approx(2.0 / 150 * squares, rel=1e-5)


def test_bucher_draws_one_wrong_class_a_row(view: TrainView) -> None:
    method: Any = create("bucher", n_epochs=1, negatives="sampled").fit(view)
    y = torch.full((1000,), 3)
    share = method._shares(y, 5)
    assert share.sum(dim=1).eq(1).all()
    assert share[:, 3].sum() == 0
    assert (share.sum(dim=0)[[0, 1, 2, 4]] > 150).all()


def test_bucher_starts_near_its_goal(view: TrainView) -> None:
    """The closed-form start has lower hinges than a random one, and a gap of about 2 between own and other classes."""
    losses = {}
    for init in ("ridge", "normal"):
        method: Any = create("bucher", n_epochs=1, lr=1e-8, init=init).fit(view)
        found = method.losses(method.rows.batch(torch.arange(150)))
        losses[init] = float(found["match"] + found["mismatch"])
        if init == "ridge":
            distances = method.network_.distances(method.network_.attributes(method.rows.x), method.rows.table)
            own = distances.gather(1, method.rows.y[:, None])
            gap = (distances.sum() - own.sum()) / (4 * 150) - own.mean()
            assert float(gap) == pytest.approx(2.0, rel=0.02)
    assert losses["ridge"] < losses["normal"]


def test_mtl_is_the_truncated_ridge_fit(view: TrainView) -> None:
    X, A = view.features.to_array().astype(float), view.seen_semantics.table.astype(float)[view.seen_labels]
    method: Any = create("mtl", ridge=0.7, rank=2, centred=False).fit(view)
    B = np.linalg.solve(X.T @ X + 0.7 * np.eye(7), X.T @ A)
    V = np.linalg.svd(X @ B)[2][:2].T
    np.testing.assert_allclose(method.directions_ @ method.directions_.T, V @ V.T, atol=1e-4)
    left, right = X @ B @ V, view.semantics.table.astype(float) @ V
    cosine = [[u @ v / np.linalg.norm(u) / np.linalg.norm(v) for v in right] for u in left]
    np.testing.assert_allclose(method.scores(X, view.semantics), cosine, rtol=1e-3, atol=1e-4)


def test_mtl_centres_and_weighs_rows_by_the_relevance_of_their_class(view: TrainView) -> None:
    X, labels = view.features.to_array().astype(float), view.seen_labels
    table, unseen = view.seen_semantics.table.astype(float), view.unseen_semantics.table.astype(float)
    method: Any = create("mtl", ridge=0.3, rank=4, importance=0.5, importance_width=0.8).fit(view)
    gaps = ((table[:, None] - unseen) ** 2).sum(axis=2)
    between = ((table[:, None] - table) ** 2).sum(axis=2)
    relevance = np.exp(-gaps / (2 * 0.8 * np.median(between[np.triu_indices(5, 1)]))).sum(axis=1)
    weights = np.sqrt(relevance)[labels]
    weights *= len(labels) / weights.sum()
    mean, level = weights @ X / len(X), weights @ table[labels] / len(X)
    D = np.diag(weights)
    Xc, Ac = X - mean, table[labels] - level
    B = np.linalg.solve(Xc.T @ D @ Xc + 0.3 * np.eye(7), Xc.T @ D @ Ac)
    np.testing.assert_allclose(method.weights_ @ method.directions_.T, B, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(method.mean_, mean, rtol=1e-4)
    np.testing.assert_allclose(method.level_, level, rtol=1e-4)
    counts = np.bincount(labels)
    found = class_relevance(table, unseen, counts, 0.8)
    assert found @ counts == pytest.approx(len(labels))
    np.testing.assert_allclose(found / found.sum(), relevance / relevance.sum())


def test_vse_codes_are_tempered_posteriors_of_its_mixtures(view: TrainView) -> None:
    method: Any = create("vse", n_components=4, n_parts=2, n_types=3, temperature=2.0).fit(view, seed=1)
    X = view.features.to_array()
    Z = (X - method.centre_) @ method.components_
    codes = method.codes(X).reshape(len(X), 2, 3)
    np.testing.assert_allclose((codes**2).sum(axis=2), 1, rtol=1e-5)
    for part, columns in enumerate((slice(0, 2), slice(2, 4))):
        mixture = GaussianMixture(3, covariance_type="diag")
        mixture.means_, mixture.covariances_ = method.type_means_[:, columns], method.type_variances_[:, columns]
        mixture.weights_ = np.exp(method.type_logs_[part])
        mixture.precisions_cholesky_ = 1 / np.sqrt(mixture.covariances_)
        logs = np.log(mixture.predict_proba(Z[:, columns]) + 1e-300) / 2.0
        expected = np.exp(logs - logs.max(axis=1, keepdims=True))
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(codes[:, part] ** 2, expected, atol=1e-4)


def test_vse_recovers_the_codes_of_seen_classes_and_scores_their_overlap(view: TrainView) -> None:
    method: Any = create("vse", n_components=4, n_parts=2, n_types=3, ridge=1e-9).fit(view, seed=1)
    X = view.features.to_array()
    squares = method.codes(X) ** 2
    means = np.sqrt([squares[view.seen_labels == c].mean(axis=0) for c in range(5)])
    np.testing.assert_allclose(method.class_codes(view.seen_semantics), means, atol=1e-3)
    expected = method.codes(X) @ method.class_codes(view.semantics).T / 2
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-5)
    assert method.scores(X, view.semantics).max() <= 1 + 1e-5
