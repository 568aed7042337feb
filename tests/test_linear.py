"""Linear models by L-BFGS against autograd-free references."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.linear_model import LogisticRegression

from gzsl.linear import (
    Loss,
    binary_loss,
    fit_linear,
    sigmoid,
    softmax,
    softmax_loss,
    squared_hinge_loss,
    worst_violator_loss,
)

RNG = np.random.default_rng(0)
LABELS = RNG.integers(3, size=40)
TARGETS = RNG.random((40, 3))


@pytest.mark.parametrize("make", [lambda: softmax_loss(LABELS), lambda: binary_loss(TARGETS)])
def test_gradients_agree_with_differences(make: Callable[[], Loss]) -> None:
    loss, start = make(), RNG.normal(size=(40, 3)).ravel()
    error = check_grad(
        lambda v: loss(v.reshape(40, 3))[0], lambda v: loss(v.reshape(40, 3))[1].ravel(), start
    )
    assert error < 1e-6


def test_hand_computed_losses() -> None:
    outputs = np.array([[0.0, 0.0], [np.log(3.0), 0.0]])
    assert softmax_loss(np.array([0, 1]))(outputs)[0] == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert binary_loss(np.array([[1.0, 0.0], [1.0, 0.5]]))(outputs)[0] == pytest.approx(
        (2 * np.log(2) + np.log(4 / 3) + np.log(2)) / 2
    )


def test_softmax_regression_equals_scikit_learn() -> None:
    X = RNG.normal(size=(40, 5)).astype(np.float32)
    model = fit_linear(X, 3, softmax_loss(LABELS), 0.1, tolerance=1e-7, n_iterations=500)
    other = LogisticRegression(C=1 / (0.1 * 40), tol=1e-8, max_iter=1000).fit(X, LABELS)
    np.testing.assert_allclose(softmax(model.outputs(X)), other.predict_proba(X), atol=2e-3)


def test_a_start_and_no_bias() -> None:
    X = RNG.normal(size=(40, 5)).astype(np.float32)
    cold = fit_linear(X, 3, softmax_loss(LABELS), 0.1, bias=False, tolerance=1e-7)
    warm = fit_linear(X, 3, softmax_loss(LABELS), 0.1, bias=False, tolerance=1e-7, start=cold)
    assert not cold.bias.any()
    np.testing.assert_allclose(cold.weights, warm.weights, atol=1e-3)


def test_extreme_outputs_stay_finite() -> None:
    outputs = np.array([[1e4, -1e4], [0.0, 0.0]])
    assert np.isfinite(softmax(outputs)).all()
    np.testing.assert_allclose(sigmoid(outputs), [[1, 0], [0.5, 0.5]])
    assert np.isfinite(binary_loss(np.ones((2, 2)))(outputs)[0])


COSTS = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 2.0], [0.5, 2.0, 0.0]])


@pytest.mark.parametrize("make", [lambda: squared_hinge_loss(LABELS), lambda: worst_violator_loss(LABELS, COSTS)])
def test_gradients_of_hinges_agree_with_differences(make: Callable[[], Loss]) -> None:
    loss, start = make(), RNG.normal(size=(40, 3)).ravel()
    error = check_grad(lambda v: loss(v.reshape(40, 3))[0], lambda v: loss(v.reshape(40, 3))[1].ravel(), start)
    assert error < 1e-5


def test_hinges_by_hand() -> None:
    outputs = np.array([[0.5, -2.0, 0.0], [0.0, 3.0, 0.0]])
    labels = np.array([0, 1])
    assert squared_hinge_loss(labels)(outputs)[0] == pytest.approx((0.25 + 0 + 1 + 1 + 0 + 1) / 6)
    # row 0: max(0.5, -2 + 1, 0 + 0.5) - 0.5 = 0; row 1: max(0 + 1, 3, 0 + 2) - 3 = 0
    assert worst_violator_loss(labels, COSTS)(outputs)[0] == 0
    assert worst_violator_loss(np.array([1, 0]), COSTS)(outputs)[0] == pytest.approx((4**2 + 4**2) / 2)
