"""SAE, GFZSL and EXEM against direct solves and formulas written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from problems import small_view
from scipy.linalg import solve_sylvester
from scipy.stats import norm
from sklearn.decomposition import PCA

from gzsl.data import TrainView
from gzsl.methods import create


@pytest.fixture(scope="module")
def view() -> TrainView:
    return small_view()


def rows(view: TrainView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return view.features.to_array().astype(float), view.seen_semantics.table.astype(float), view.seen_labels


@pytest.mark.parametrize("lam", [0.01, 1.0, 300.0])
def test_sae_equals_a_sylvester_solver(lam: float, view: TrainView) -> None:
    X, table, labels = rows(view)
    S = table[labels].T  # (a, n)
    expected = solve_sylvester(S @ S.T, lam * X.T @ X, (1 + lam) * S @ X)
    found: Any = create("sae", lam=lam, scale="absolute").fit(view)
    np.testing.assert_allclose(found.encoder_, expected, rtol=1e-4, atol=1e-6)
    ratio = np.trace(S @ S.T) / np.trace(X.T @ X)
    relative: Any = create("sae", lam=lam / ratio).fit(view)
    np.testing.assert_allclose(relative.encoder_, expected, rtol=1e-4, atol=1e-6)


def test_sae_is_the_minimum_of_its_objective(view: TrainView) -> None:
    X, table, labels = rows(view)
    S, lam = table[labels].T, 0.5
    method: Any = create("sae", lam=lam, scale="absolute").fit(view)

    def objective(W: np.ndarray) -> float:
        return float(((X.T - W.T @ S) ** 2).sum() + lam * ((W @ X.T - S) ** 2).sum())

    W = method.encoder_.astype(float)
    rng = np.random.default_rng(0)
    assert all(objective(W) <= objective(W + 1e-2 * rng.standard_normal(W.shape)) for _ in range(20))


def test_sae_compares_in_both_directions(view: TrainView) -> None:
    X, _, _ = rows(view)
    table = view.semantics.table.astype(float)
    for direction in ("f2s", "s2f"):
        method: Any = create("sae", direction=direction).fit(view)
        W = method.encoder_.astype(float)
        left, right = (X @ W.T, table) if direction == "f2s" else (X, table @ W)
        cosine = [[u @ v / np.linalg.norm(u) / np.linalg.norm(v) for v in right] for u in left]
        np.testing.assert_allclose(method.scores(X, view.semantics), cosine, rtol=1e-4, atol=1e-6)
        method.set_params(distance="euclidean")
        distance = [[-((u - v) ** 2).sum() for v in right] for u in left]
        np.testing.assert_allclose(method.scores(X, view.semantics), distance, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["centred", "as-released"])
def test_gfzsl_predicts_and_scores_gaussians(kind: str, view: TrainView) -> None:
    X, table, labels = rows(view)
    everything = view.semantics.table.astype(float)
    method: Any = create("gfzsl", mean_ridge=0.2, variance_ridge=3.0, variances=kind).fit(view)
    means = np.array([X[labels == c].mean(axis=0) for c in range(5)])
    logs = np.log(np.array([X[labels == c].var(axis=0) for c in range(5)]) + 1e-3)
    K, k = (1 + table @ table.T) ** 2, (1 + everything @ table.T) ** 2
    centre = logs.mean(axis=0) if kind == "centred" else 0.0
    mu = k @ np.linalg.solve(K + 0.2 * np.eye(5), means)
    var = np.exp(k @ np.linalg.solve(K + 3.0 * np.eye(5), logs - centre) + centre) + 0.05
    mu[:5], var[:5] = means, np.exp(logs) - 1e-3 + 0.05
    found = method.gaussians(view.semantics)
    np.testing.assert_allclose(found[0], mu, rtol=1e-5)
    np.testing.assert_allclose(found[1], var, rtol=1e-4)
    expected = np.array([[norm.logpdf(x, m, np.sqrt(v)).sum() for m, v in zip(mu, var, strict=True)] for x in X]) / 7
    scores = method.scores(X, view.semantics)
    np.testing.assert_allclose(scores - scores[:, :1], expected - expected[:, :1], rtol=1e-3, atol=2e-3)


def test_gfzsl_huge_variance_ridge_leads_to_the_average_or_to_one(view: TrainView) -> None:
    ours: Any = create("gfzsl", variance_ridge=1e12).fit(view)
    released: Any = create("gfzsl", variance_ridge=1e12, variances="as-released").fit(view)
    np.testing.assert_allclose(ours.gaussians(view.unseen_semantics)[1] - 0.05, np.exp([ours.variance_centre_] * 2))
    np.testing.assert_allclose(released.gaussians(view.unseen_semantics)[1], 1.05)


def test_exem_projects_as_pca_and_predicts_the_means_of_seen_classes(view: TrainView) -> None:
    X, _, labels = rows(view)
    method: Any = create("exem", regressor="ridge", ridge=1e-8, n_components=4, standardised=False).fit(view)
    projected = PCA(4).fit_transform(X)
    ours = (X - method.centre_) @ method.components_
    np.testing.assert_allclose(np.abs(ours), np.abs(projected), atol=1e-4)
    means = np.array([ours[labels == c].mean(axis=0) for c in range(5)])
    np.testing.assert_allclose(method.exemplars(view.seen_semantics), means, atol=1e-4)
    exemplars = method.exemplars(view.semantics)
    expected = -((ours[:, None] - exemplars) ** 2).sum(axis=2) / 4
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, atol=1e-4)


def test_exem_svr_equals_scikit_learn_and_standardises_by_within_class_spread(view: TrainView) -> None:
    from sklearn.svm import NuSVR

    X, table, labels = rows(view)
    method: Any = create("exem", n_components=3, C=2.0, nu=0.6, width=0.5).fit(view)
    ours = (X - method.centre_) @ method.components_
    means = np.array([ours[labels == c].mean(axis=0) for c in range(5)])
    gaps = ((table[:, None] - table) ** 2).sum(axis=2)
    gamma = 0.5 / np.median(gaps[np.triu_indices(5, 1)])
    for k in range(3):
        spread = means[:, k].std()
        machine = NuSVR(C=2.0, nu=0.6, gamma=gamma, tol=1e-6).fit(table, means[:, k] / spread)
        expected = machine.predict(view.semantics.table.astype(float)) * spread
        np.testing.assert_allclose(method.exemplars(view.semantics)[:, k], expected, atol=2e-3 * spread)
    within = np.mean([ours[labels == c].std(axis=0) for c in range(5)], axis=0)
    np.testing.assert_allclose(method.within_, within, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("sae", [{"lam": 0.1}, {"lam": 10.0, "direction": "f2s"}]),
        ("gfzsl", [{"mean_ridge": 0.1}, {"mean_ridge": 5.0, "kernel": "rbf"}, {"variances": "as-released"}]),
        ("exem", [{"regressor": "ridge", "width": 0.5}, {"n_components": 2, "nu": 0.3}]),
    ],
)
def test_a_grid_equals_separate_fits(name: str, candidates: list[dict[str, Any]], view: TrainView) -> None:
    X = rows(view)[0]
    for candidate, method in create(name).fit_grid(view, candidates):
        alone = create(name, **candidate).fit(view)
        np.testing.assert_array_equal(method.scores(X, view.semantics), alone.scores(X, view.semantics))
