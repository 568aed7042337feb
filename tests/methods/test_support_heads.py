"""Heads that read rows, with or without labels: each closed form against the loop or the solver that it replaces."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from scipy.special import kl_div, logsumexp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from gzsl.data import FeatureRows, TrainView
from gzsl.data.view import Shots
from gzsl.linear import softmax
from gzsl.methods.transductive.zlap import class_columns
from gzsl.methods.zero_shot_heads import cache_head
from gzsl.methods.zero_shot_heads.cache_head import a_few
from gzsl.methods.zero_shot_heads.gda import neighbour_mean, precision
from gzsl.methods.zero_shot_heads.offsets import fit_offsets, ridge_map
from gzsl.methods.zero_shot_heads.project_probe import discriminant_blocks
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, unit
from gzsl.methods.zero_shot_heads.supports import Supports
from gzsl.methods.zero_shot_heads.tip_adapter import TipAdapter
from gzsl.methods.zero_shot_heads.tip_x import GAMMAS, TipX, class_divergences
from gzsl.methods.zero_shot_heads.transport import conditional_weights, sinkhorn
from gzsl.nn.neighbour_graph import symmetric
from gzsl.semantics import Semantics

A, C = 5, 4


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def supports_of(rng: np.random.Generator, sizes: tuple[int, ...] = (3, 1, 2, 4)) -> Supports:
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return Supports(unit(rng.standard_normal((sum(sizes), A))), starts)


def test_tip_adapter_cache_is_the_sum_over_supports(rng: np.random.Generator) -> None:
    found, Z = supports_of(rng), unit(rng.standard_normal((6, A)))
    onehot = np.eye(C)[np.repeat(np.arange(C), found.counts)]
    expected = np.exp(-3 * (1 - Z @ found.keys.T)) @ onehot
    assert_allclose(found.affinities(Z, 3.0, False), expected, rtol=1e-5)
    assert_allclose(found.affinities(Z, 3.0, True), expected / found.counts, rtol=1e-5)
    sharp = found.affinities(Z, 200.0, False)
    owner = np.repeat(np.arange(C), found.counts)[(Z @ found.keys.T).argmax(axis=1)]
    assert (sharp.argmax(axis=1) == owner).all(), "a sharp cache is the nearest support"


def test_supports_are_rows_where_there_are_some_and_shifted_members_elsewhere(rng: np.random.Generator) -> None:
    views = PromptViews(unit(rng.standard_normal((6, A))), np.array([0, 2, 3, 6]))
    rows, labels = unit(rng.standard_normal((4, A))), np.array([1, -1, 1, 0])
    found = Supports.of(rows, labels, views, np.full(A, 0.1, np.float32))
    assert found.counts.tolist() == [1, 2, 3]
    assert_allclose(found.keys[:1], rows[3:])
    assert_allclose(found.keys[1:3], rows[[0, 2]])
    assert_allclose(found.keys[3:], unit(views.vectors[3:] + 0.1), rtol=1e-6)


def test_tip_x_divergences_fold_into_products(rng: np.random.Generator) -> None:
    found, T, Z = supports_of(rng), unit(rng.standard_normal((C, A))), unit(rng.standard_normal((6, A)))
    P, Q = softmax(Z @ T.T / 0.5), softmax(found.keys @ T.T / 0.5)
    each = np.array([[kl_div(p, q).sum() for q in Q] for p in P])
    owner = np.repeat(np.arange(C), found.counts)
    expected = np.stack([each[:, owner == c].mean(axis=1) for c in range(C)], axis=1)
    middles = np.array([found.keys[owner == c].mean(axis=0) for c in range(C)]) / 0.5
    totals = logsumexp(found.keys @ T.T / 0.5, axis=1)
    folded = np.array([totals[owner == c].mean() for c in range(C)])
    assert_allclose(class_divergences(Z, T, middles, folded, 0.5), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 0.005])
def test_tip_x_scores_in_one_product_what_its_formula_says(temperature: float, rng: np.random.Generator) -> None:
    view, Z = few_shots(rng), unit(rng.standard_normal((6, A)))
    head = TipX(alpha=2.0, beta=3.0, gamma=4.0, scale=10.0, temperature=temperature).fit(view, seed=0)
    side = head.class_side(view.semantics)
    D = class_divergences(Z, side.centres, side.middles, side.totals, temperature)
    cache = np.exp(-3 * (1 - Z @ side.supports.keys.T)).reshape(6, C, 3).mean(axis=2)
    expected = 10 * Z @ side.centres.T + 2 * cache - 4 * (side.slope * D + side.start)
    assert_allclose(head.joint_scores(Z, side), expected, rtol=1e-3, atol=1e-3)


def test_weights_are_searched_on_supports_that_are_left_out(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    alphas, betas = (1.0, 30.0, 300.0), (1.0, 10.0)
    monkeypatch.setattr(cache_head, "ALPHAS", alphas)
    monkeypatch.setattr(cache_head, "BETAS", betas)
    view = few_shots(rng)
    X, y = view.shots.features.to_array(), view.shots.labels
    right = dict.fromkeys(itertools.product(alphas, betas), 0)
    for (alpha, beta), k in itertools.product(right, range(len(X))):
        kept = np.arange(len(X)) != k
        part = replace(view, shots=Shots(FeatureRows(X[kept]), y[kept]))
        other = TipAdapter(alpha=alpha, beta=beta).fit(part, seed=0)
        right[alpha, beta] += int(other.scores(X[k : k + 1], view.semantics).argmax() == y[k])
    head = TipAdapter(search=True).fit(view, seed=0)
    assert tuple(head.strengths_[:2]) == max(right, key=lambda pair: (right[pair], -pair[1], -pair[0]))
    chosen = TipAdapter(alpha=head.strengths_[0], beta=head.strengths_[1]).fit(view, seed=0)
    assert_allclose(head.scores(X, view.semantics), chosen.scores(X, view.semantics))


def test_a_support_that_is_left_out_is_no_part_of_its_class_in_tip_x(rng: np.random.Generator) -> None:
    view = few_shots(rng)
    head = TipX(scale=10.0).fit(view, seed=0)
    side = head.class_side(view.semantics)
    Z, y = head.supports_, head.support_classes_
    P = softmax(Z @ side.centres.T / 0.5)
    each = np.array([[kl_div(p, q).sum() for q in P] for p in P])
    for gamma, scores in head.without_cache(Z, y, side):
        for k in range(len(Z)):
            others = np.arange(len(Z)) != k
            D = np.array([each[k, others & (y == c)].mean() for c in range(C)])
            expected = 10 * Z[k] @ side.centres.T - gamma * (side.slope * D + side.start)
            assert_allclose(scores[k], expected, rtol=1e-3, atol=1e-3 * gamma)
    assert TipX(search=True).fit(view, seed=0).strengths_[2] in GAMMAS


def test_without_two_supports_of_a_class_weights_stay_as_given(rng: np.random.Generator) -> None:
    view = few_shots(rng, shots=1)
    head = TipAdapter(search=True, alpha=7.0, beta=3.0).fit(view, seed=0)
    assert head.strengths_.tolist() == [7.0, 3.0, 0.0]


def few_shots(rng: np.random.Generator, shots: int = 3) -> TrainView:
    """No training row, and a few labelled rows of every class, away from the class vectors."""
    T = rng.standard_normal((C, A)).astype(np.float32)
    y, none = np.repeat(np.arange(C), shots), np.empty(0, dtype=np.int64)
    X = (T[np.roll(np.arange(C), 1)][y] + 0.4 * rng.standard_normal((len(y), A))).astype(np.float32)
    table = Semantics(T, tuple("abcd"), joint=True)
    empty = FeatureRows(X[:0])
    return TrainView(empty, none, table, none, np.arange(C), "transfer", shots=Shots(FeatureRows(unit(X)), y))


def test_a_few_rows_of_every_class() -> None:
    labels = np.array([0] * 10 + [3] * 2 + [1] * 5)
    chosen = a_few(labels, 3, np.random.default_rng(0))
    assert np.bincount(labels[chosen], minlength=4).tolist() == [3, 3, 0, 2]
    assert (np.diff(chosen) > 0).all()
    assert a_few(labels, None, np.random.default_rng(0)).tolist() == list(range(17))
    assert len(a_few(labels[:0], 3, np.random.default_rng(0))) == 0


def test_gda_discriminant_is_linear_discriminant_analysis(rng: np.random.Generator) -> None:
    X, y = rng.standard_normal((60, A)) * [1, 2, 3, 1, 2], np.arange(60) % 3
    X += 2 * np.eye(3, A)[y]
    means = np.array([X[y == c].mean(axis=0) for c in range(3)])
    residual = X - means[y]
    sigma = residual.T @ residual / 60
    inverse = precision(sigma, 60, 0.0)
    weights = inverse @ means.T
    scores = X @ weights - 0.5 * np.einsum("ca,ac->c", means, weights)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / 3] * 3).fit(X, y)
    assert (scores.argmax(axis=1) == theirs.predict(X)).all()
    shrunk = A * np.linalg.inv(59 * sigma + np.trace(sigma) * np.eye(A))
    assert_allclose(precision(sigma, 60, None), shrunk, rtol=1e-8)


def test_gda_mean_of_a_class_without_rows(rng: np.random.Generator) -> None:
    rows, t = unit(rng.standard_normal((20, A))), unit(rng.standard_normal(A))
    best = rows[np.argsort(-(rows @ t))[:8]]
    assert_allclose(neighbour_mean(rows, t, 8), np.concatenate([best, [t, t]]).mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("sharpness", [1.0, 10.0])
def test_sinkhorn_equals_a_plain_loop(sharpness: float, rng: np.random.Generator) -> None:
    cost, sizes = rng.random((12, C)).astype(np.float32), np.array([2.0, 3.0, 3.0, 4.0])
    plan = np.exp(-sharpness * cost.astype(np.float64))
    for _ in range(3000):
        plan *= sizes / plan.sum(axis=0)
        plan /= plan.sum(axis=1, keepdims=True)
    found, scales = sinkhorn(cost, sizes, sharpness, tolerance=1e-7)
    assert_allclose(found, plan, atol=2e-5)
    assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert_allclose(found.sum(axis=0), sizes, atol=1e-4)
    outside = scales * np.exp(-sharpness * cost)
    assert_allclose(outside / outside.sum(axis=1, keepdims=True), found, atol=1e-5)


def test_sinkhorn_survives_far_rows(rng: np.random.Generator) -> None:
    cost = 500 + rng.random((6, C)).astype(np.float32)
    plan, _ = sinkhorn(cost, np.full(C, 1.5), 10.0)
    assert np.isfinite(plan).all()
    assert_allclose(plan.sum(axis=0), 1.5, atol=1e-3)


def test_conditional_weights_lie_between_clustering_and_covering(rng: np.random.Generator) -> None:
    cost = rng.random((12, C))
    there, back = conditional_weights(cost, 0.3, 1.0), conditional_weights(cost, 0.3, 0.0)
    assert_allclose(there.sum(axis=1), 1, rtol=1e-6)
    assert_allclose(back.sum(axis=0), 12 / C, rtol=1e-6)
    assert_allclose(conditional_weights(cost, 0.3, 0.25), 0.25 * there + 0.75 * back, rtol=1e-6)


def test_zlap_answers_by_one_block_what_single_solves_would(rng: np.random.Generator) -> None:
    n, nodes = 14, 14 + C
    directed = np.where(rng.random((nodes, nodes)) < 0.25, rng.random((nodes, nodes)), 0)
    directed[n:] = 0  # classes have no list of their own
    graph = symmetric(csr_matrix(directed))
    W = directed + directed.T
    np.fill_diagonal(W, 0)
    roots = 1 / np.sqrt(np.maximum(W.sum(axis=1), 1e-12))
    whole = W * roots[:, None] * roots
    assert_allclose(graph.toarray(), whole, atol=1e-6)
    system = np.eye(nodes) - 0.4 * whole
    block = class_columns(graph, n + np.arange(C), 0.4)
    assert_allclose(block, np.linalg.inv(system)[:, n:], atol=1e-5)
    y = np.where(rng.random(nodes) < 0.4, rng.random(nodes), 0)  # a row's similarities
    assert_allclose(y @ block, np.linalg.solve(system, y)[n:], atol=1e-5)


def test_offsets_are_the_minimum_of_their_objective(rng: np.random.Generator) -> None:
    X, y, T = unit(rng.standard_normal((30, A))), np.arange(30) % C, unit(rng.standard_normal((C, A)))
    D = fit_offsets(X, y, T, 8.0, 0.01, 500).astype(float)

    def objective(D: np.ndarray) -> float:
        outputs = 8 * X @ (T + D).T
        losses = np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(30), y]
        return float(losses.mean() + 0.01 * 64 / 2 * (D**2).sum())

    assert objective(D) < objective(np.zeros_like(D))
    assert all(objective(D) <= objective(D + 1e-2 * rng.standard_normal(D.shape)) for _ in range(20))
    assert_allclose(fit_offsets(X, y, T, 8.0, 1e6, 50), 0, atol=1e-6)  # a strong draw: plain zero-shot


def test_ridge_map_equals_a_direct_solve(rng: np.random.Generator) -> None:
    T, D = rng.standard_normal((C, 7)), rng.standard_normal((C, 3))
    weight = 0.5 * np.linalg.eigvalsh(T @ T.T).mean()
    expected = np.linalg.solve(T.T @ T + weight * np.eye(7), T.T @ D)
    assert_allclose(ridge_map(T, D, 0.5), expected, rtol=1e-4, atol=1e-6)


def test_directions_are_orthonormal_and_the_first_block_is_the_discriminant_one(rng: np.random.Generator) -> None:
    X, y = rng.standard_normal((90, 6)) * [1, 2, 3, 1, 2, 1], np.arange(90) % 3
    X = (X + 3 * np.eye(3, 6)[y]).astype(np.float32)
    found = discriminant_blocks(X, y, 5, 1e-9)
    assert_allclose(found.T @ found, np.eye(5), atol=1e-5)
    theirs = LinearDiscriminantAnalysis(solver="eigen", n_components=2).fit(X, y).scalings_[:, :2]
    span = np.linalg.qr(theirs)[0]
    assert_allclose(found[:, :2] @ found[:, :2].T, span @ span.T, atol=1e-3)


def test_after_whitening_later_directions_say_nothing(rng: np.random.Generator) -> None:
    X, y = rng.standard_normal((4000, 6)), np.arange(4000) % 2
    X = (X + 1.0 * np.outer(y, np.eye(6)[0])).astype(np.float32)
    found = discriminant_blocks(X, y, 3, 1e-9)
    means = np.array([(X @ found)[y == c].mean(axis=0) for c in (0, 1)])
    gaps = np.abs(means[1] - means[0])
    assert gaps[0] > 0.9
    assert (gaps[1:] < 0.1).all()
