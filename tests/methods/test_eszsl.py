"""ESZSL against its objective and against direct solves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gzsl.data import FeatureRows, TrainView, final_task
from gzsl.data.embedded import digits, simulated
from gzsl.errors import MethodError
from gzsl.evaluation import evaluate
from gzsl.methods import create
from gzsl.semantics import Semantics

D, A, SEEN, N = 7, 4, 5, 60


@pytest.fixture(scope="module")
def view() -> TrainView:
    """A small problem with unequal class sizes; classes are in canonical order."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(SEEN), rng.choice(SEEN, N - SEEN, p=[0.4, 0.3, 0.1, 0.1, 0.1])])
    table = Semantics(rng.random((SEEN + 2, A)), tuple(f"c{k}" for k in range(SEEN + 2)))
    X = np.maximum(rng.standard_normal((N, D)) + labels[:, None] % 3, 0).astype(np.float32)
    return TrainView(FeatureRows(X), labels, table, np.arange(SEEN), np.arange(SEEN, SEEN + 2))


def matrices(view: TrainView, targets: str = "signed") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X (d, n), Y (n, z), S (a, z) as in the paper."""
    one_hot = np.eye(SEEN)[view.labels]
    Y = 2 * one_hot - 1 if targets == "signed" else one_hot
    return view.features.to_array().astype(float).T, Y, view.seen_semantics.table.astype(float).T


def objective(V: np.ndarray, view: TrainView, gamma: float, lam: float) -> float:
    X, Y, S = matrices(view)
    terms = (1, X.T @ V @ S - Y), (gamma, V @ S), (lam, X.T @ V), (gamma * lam, V)
    return sum(weight * (term**2).sum() for weight, term in terms)


@pytest.mark.parametrize("targets", ["signed", "binary"])
@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 1.0), (0.001, 100.0), (1000.0, 0.01)])
def test_weights_equal_a_direct_solve(targets: str, gamma: float, lam: float, view: TrainView) -> None:
    X, Y, S = matrices(view, targets)
    half = np.linalg.solve(X @ X.T + gamma * np.eye(D), X @ Y @ S.T)
    expected = np.linalg.solve(S @ S.T + lam * np.eye(A), half.T).T
    found = create("eszsl", gamma=gamma, lam=lam, targets=targets).fit(view).weights_
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6 * np.abs(expected).max())


def test_default_targets_are_the_minimum_of_the_objective_of_the_paper(view: TrainView) -> None:
    gamma, lam = 3.0, 0.5
    V = create("eszsl", gamma=gamma, lam=lam).fit(view).weights_.astype(np.float64)
    best = objective(V, view, gamma, lam)
    step = 1e-4
    for index in np.ndindex(D, A):
        nudge = np.zeros((D, A))
        nudge[index] = step
        up, down = objective(V + nudge, view, gamma, lam), objective(V - nudge, view, gamma, lam)
        curvature = (up + down - 2 * best) / step**2
        assert abs(up - down) / (2 * step) < 1e-5 * curvature  # a Newton step from here is below 1e-5
        assert curvature > 0


def test_signed_targets_are_twice_the_binary_ones_less_a_rank_one_term(view: TrainView) -> None:
    X, _, S = matrices(view)
    signed, binary = (create("eszsl", targets=t).fit(view).weights_.astype(float) for t in ("signed", "binary"))
    ones = np.outer(X.sum(axis=1), S.sum(axis=1))
    shift = np.linalg.solve(X @ X.T + np.eye(D), ones) @ np.linalg.inv(S @ S.T + np.eye(A))
    np.testing.assert_allclose(signed, 2 * binary - shift, rtol=1e-4, atol=1e-6)


def test_balancing_equals_repeating_the_rows_of_small_classes() -> None:
    rng = np.random.default_rng(1)
    X = rng.random((9, D)).astype(np.float32)
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    table = Semantics(rng.random((3, A)), ("a", "b", "c"))
    uneven = TrainView(FeatureRows(X), labels, table, np.array([0, 1]), np.array([2]))
    doubled = np.concatenate([np.arange(9), [6, 7, 8]])
    even = replace(uneven, features=FeatureRows(X[doubled]), labels=labels[doubled])
    # rows weigh 1 on average: 12 equal rows against 9 of the same total
    balanced = create("eszsl", gamma=0.9, balance_classes=True).fit(uneven)
    repeated = create("eszsl", gamma=1.2).fit(even)
    np.testing.assert_allclose(balanced.weights_, repeated.weights_, rtol=1e-4, atol=1e-6)


def test_scores_are_bilinear(view: TrainView) -> None:
    method = create("eszsl").fit(view)
    X, table = view.features.to_array(), view.semantics
    expected = np.einsum("nd,da,ca->nc", X.astype(float), method.weights_.astype(float), table.table.astype(float))
    np.testing.assert_allclose(method.scores(X, table), expected, rtol=1e-4, atol=1e-5)


def test_a_grid_equals_separate_fits_bit_by_bit(view: TrainView) -> None:
    options: dict[str, list[Any]] = {
        "gamma": [0.1, 10.0], "lam": [0.01, 1.0], "targets": ["signed", "binary"], "balance_classes": [False, True],
    }  # fmt: skip
    candidates = [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]
    method = create("eszsl", gamma=5.0)
    for candidate, fitted in method.fit_grid(view, candidates):
        alone = create("eszsl", **candidate).fit(view)
        np.testing.assert_array_equal(fitted.weights_, alone.weights_)
        assert fitted.get_params() == alone.get_params()
    assert not hasattr(method, "weights_")


def test_a_grid_reads_the_features_as_often_as_one_fit(view: TrainView) -> None:
    class Counted(FeatureRows):
        passes = 0

        def blocks(self, *args: Any) -> Any:
            Counted.passes += 1
            return super().blocks(*args)

    counted = replace(view, features=Counted(view.features.to_array()))
    create("eszsl").fit(counted)
    one = Counted.passes
    found = list(create("eszsl").fit_grid(counted, [{"gamma": g} for g in (0.1, 1.0, 10.0, 100.0)]))
    assert len(found) == 4
    assert Counted.passes == 2 * one


def test_an_unfit_candidate_is_named(view: TrainView) -> None:
    with pytest.raises(MethodError, match=r"ESZSL\.gamma"):
        next(create("eszsl").fit_grid(view, [{"gamma": 1.0}, {"gamma": -1.0}]))


def test_fewer_rows_than_features_and_nearly_no_ridge_stay_finite() -> None:
    rng = np.random.default_rng(0)
    X = (100 * rng.random((6, 40))).astype(np.float32)
    table = Semantics(rng.random((4, 30)), tuple("abcd"))
    view = TrainView(FeatureRows(X), np.array([0, 0, 1, 1, 2, 2]), table, np.arange(3), np.array([3]))
    method = create("eszsl", gamma=1e-6, lam=1e-6).fit(view)
    assert np.isfinite(method.weights_).all()
    assert (method.scores(X, view.seen_semantics).argmax(axis=1) == view.labels).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_easy_simulated_data_are_easy(seed: int) -> None:
    task = final_task(simulated.load(seed=seed))
    result = evaluate(create("eszsl").fit(task.view), task)
    assert result.T1 > 0.7
    assert result.AUSUC > 0.4


def test_digits_are_told_apart_without_an_image_of_them() -> None:
    task = final_task(digits.load())
    result = evaluate(create("eszsl").fit(task.view), task)
    assert result.T1 > 0.42  # chance: a third
    assert result.S > 0.8
    assert result.U > 0.2


def test_domain_shift_makes_unseen_classes_harder() -> None:
    found = []
    for shift in (0.0, 1.0):
        task = final_task(simulated.load(domain_shift=shift))
        found.append(evaluate(create("eszsl").fit(task.view), task))
    assert found[0].T1 > found[1].T1 + 0.3
