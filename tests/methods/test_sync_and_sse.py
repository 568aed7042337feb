"""SynC and SSE against direct optimisation, brute force and autograd."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from problems import small_view
from scipy.optimize import minimize

from gzsl.data import FeatureRows, TrainView
from gzsl.errors import MethodError
from gzsl.methods import create
from gzsl.methods.embedding.rectified import RectifiedHistograms
from gzsl.methods.embedding.simplex import project_to_simplex, simplex_codes
from gzsl.methods.embedding.sync import _solve


@pytest.fixture(scope="module")
def view() -> TrainView:
    return small_view()


def objective(W: np.ndarray, view: TrainView, loss: str, l2: float) -> float:
    """SynC's objective over the seen classifiers W (s, d), row by row."""
    X, table = view.features.to_array().astype(float), view.seen_semantics.table.astype(float)
    total = 0.0
    for x, y in zip(X, view.seen_labels, strict=True):
        o = W @ x
        if loss == "ovo":
            total += sum(max(0.0, 1 - (1 if c == y else -1) * o[c]) ** 2 for c in range(5)) / 5
        else:
            costs = [((table[c] - table[y]) ** 2).sum() if loss == "structured" else float(c != y) for c in range(5)]
            total += max(0.0, max(o[c] + costs[c] for c in range(5)) - o[y]) ** 2
    return total / len(X) + 0.5 * l2 * float((W**2).sum())


@pytest.mark.parametrize("loss", ["ovo", "crammer-singer", "structured"])
def test_sync_learns_the_seen_classifiers_that_minimise_its_loss(loss: str, view: TrainView) -> None:
    l2 = 1e-2
    method: Any = create("sync", loss=loss, l2=l2, n_iterations=3000).fit(view)
    W = method.similarity(view.seen_semantics.table) @ method.phantoms_
    def cost(values: np.ndarray) -> float:
        return objective(values.reshape(5, 7), view, loss, l2)

    best = minimize(cost, W.ravel(), method="L-BFGS-B", options={"maxfun": 20_000}).fun
    assert objective(W, view, loss, l2) <= best * 1.01 + 1e-6


def test_sync_combines_phantom_classifiers_by_similarity(view: TrainView) -> None:
    method: Any = create("sync", width=2.0).fit(view)
    table, X = view.semantics.table.astype(float), view.features.to_array()
    gaps = ((table[:, None] - table[:5]) ** 2).sum(axis=2)
    median = np.median(gaps[:5][np.triu_indices(5, 1)])
    weights = np.exp(-2.0 * gaps / median)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(method.similarity(view.semantics.table), weights, rtol=1e-5)
    expected = X @ (weights @ method.phantoms_).T
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-3, atol=1e-3)


def test_sync_survives_nearly_equal_similarities_and_refuses_one_class(view: TrainView) -> None:
    flat: Any = create("sync", width=1e-6).fit(view)
    assert np.isfinite(flat.scores(view.features.to_array(), view.semantics)).all()
    S = np.ones((3, 3)) / 3
    assert np.isfinite(_solve(S, np.eye(3))).all()
    np.testing.assert_allclose(_solve(np.diag([1.0, 2.0]), np.eye(2)), np.diag([1.0, 0.5]))
    same = replace(view.semantics, table=np.ones_like(view.semantics.table))
    with pytest.raises(MethodError, match="found 1 different seen class vector"):
        create("sync").fit(replace(view, semantics=same))


def test_simplex_codes_are_optimal() -> None:
    rng = np.random.default_rng(0)
    table, anchors, ridge = rng.random((4, 6)), rng.random((5, 6)), 0.3

    def cost(z: np.ndarray, a: np.ndarray) -> float:
        return 0.5 * float(((a - z @ anchors) ** 2).sum() + ridge * (z**2).sum())

    for a, code in zip(table, simplex_codes(table, anchors, ridge), strict=True):
        assert code.sum() == pytest.approx(1)
        assert (code >= 0).all()
        bounds = [(0, 1)] * 5
        sums = {"type": "eq", "fun": lambda z: z.sum() - 1}
        best = minimize(cost, np.full(5, 0.2), args=(a,), bounds=bounds, constraints=sums, tol=1e-12)
        assert cost(code, a) <= best.fun + 1e-8


def test_projection_by_hand() -> None:
    rows = np.array([[0.2, 0.3, 0.5], [2.0, 0.0, 0.0], [0.6, 0.6, -3.0], [-1.0, -1.0, -1.0]])
    expected = [[0.2, 0.3, 0.5], [1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]
    np.testing.assert_allclose(project_to_simplex(rows), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["int", "relu"])
def test_histograms_and_their_gradients_equal_autograd(kind: str) -> None:
    torch.manual_seed(0)
    part = RectifiedHistograms(6, 4, kind, learn_thresholds=True)
    part.weights.data, part.thresholds.data = torch.randn(6), torch.rand(4, 6)
    x, wanted = torch.rand(3, 6), torch.randn(3, 4)
    found = part(x)
    for n in range(3):
        for s in range(4):
            v = part.thresholds[s]
            phi = torch.minimum(x[n], v) if kind == "int" else (x[n] - v).clamp_min(0)
            torch.testing.assert_close(found[n, s], phi @ part.weights)
    expected = torch.autograd.grad((found * wanted).sum(), [part.weights, part.thresholds])
    part.set_gradients(x, wanted)
    torch.testing.assert_close(part.weights.grad, expected[0])
    torch.testing.assert_close(part.thresholds.grad, expected[1])


def test_sse_hinges_equal_a_loop_and_autograd(view: TrainView) -> None:
    method: Any = create("sse", n_epochs=1, row_weight=0.7, mean_weight=2.0).fit(view)
    y = torch.tensor(view.seen_labels)
    scores = torch.randn(len(y), 5, dtype=torch.float64, requires_grad=True)
    losses, pull = method.pull(scores, y)
    unit = view.seen_semantics.table / np.linalg.norm(view.seen_semantics.table, axis=1, keepdims=True)
    margin = torch.tensor(1 - unit @ unit.T, dtype=torch.float64)
    wrong = [(n, c) for n in range(len(y)) for c in range(5) if c != y[n]]
    rows = [(margin[y[n], c] + scores[n, c] - scores[n, y[n]]).clamp_min(0) for n, c in wrong]
    means = torch.stack([scores[y == c].mean(dim=0) for c in range(5)])
    pairs = [(margin[k, c] + means[k, c] - means[k, k]).clamp_min(0) for k in range(5) for c in range(5) if c != k]
    expected = 0.7 * torch.stack(rows).sum() / (len(y) * 5), 2.0 * torch.stack(pairs).sum() / 25
    torch.testing.assert_close(losses["rows"], expected[0], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(losses["means"], expected[1], atol=1e-6, rtol=1e-6)
    (gradient,) = torch.autograd.grad(expected[0] + expected[1], scores)
    torch.testing.assert_close(pull, gradient, atol=1e-7, rtol=1e-5)


def test_sse_says_what_it_needs(view: TrainView) -> None:
    X = view.features.to_array() - 0.5
    with pytest.raises(MethodError, match="negative training features.*minmax"):
        create("sse").fit(replace(view, features=FeatureRows(X)))
    few = small_view(seen=2, unseen=1)
    with pytest.raises(MethodError, match="found 2 seen classes, expected at least 3"):
        create("sse").fit(few)


def test_sse_scores_are_inner_products_of_histograms(view: TrainView) -> None:
    method: Any = create("sse", n_epochs=3, code_ridge=0.5, batch_size=16).fit(view)
    X, table = view.features.to_array(), view.semantics.table.astype(float)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    codes = simplex_codes(unit, unit[:5], 0.5)
    w, v = (p.detach().numpy() for p in (method.histograms_.weights, method.histograms_.thresholds))
    means = np.array([X[view.seen_labels == c].mean(axis=0) for c in range(5)])
    np.testing.assert_allclose(v, means, rtol=1e-5)
    expected = np.minimum(X[:, None], v) @ w @ codes.T
    np.testing.assert_allclose(method.scores(X, view.semantics), expected, rtol=1e-3, atol=1e-5)
