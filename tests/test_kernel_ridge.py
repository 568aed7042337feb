from __future__ import annotations

import numpy as np
import pytest

from gzsl.data import FeatureRows
from gzsl.kernel_ridge import KERNELS, ClassKernel, KernelRidge, median_squared_distance, squared_distances
from gzsl.linalg import class_moments

RNG = np.random.default_rng(0)
TABLE, TARGETS = RNG.random((9, 4)), RNG.random((9, 3))


@pytest.mark.parametrize("kind", KERNELS)
def test_prediction_and_leave_one_out_equal_separate_solves(kind: str) -> None:
    kernel, ridge = ClassKernel.of(TABLE, kind, width=0.7), 0.3
    regression = KernelRidge(kernel, TARGETS)
    K = kernel(TABLE)
    np.testing.assert_allclose(regression.coefficients(ridge), np.linalg.solve(K + ridge * np.eye(9), TARGETS))
    for left_out in range(9):
        kept = np.delete(np.arange(9), left_out)
        weights = np.linalg.solve(K[np.ix_(kept, kept)] + ridge * np.eye(8), TARGETS[kept])
        np.testing.assert_allclose(regression.leave_one_out(ridge)[left_out], K[left_out, kept] @ weights, rtol=1e-7)


def test_kernels_by_hand() -> None:
    table = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 5.0]])
    assert median_squared_distance(table) == 16.0  # of 4, 16 and 20
    assert ClassKernel.of(table, "rbf", 2.0)(table)[0, 1] == pytest.approx(np.exp(-2 * 4 / 16))
    assert ClassKernel.of(table, "poly2")(table)[1, 2] == pytest.approx(36.0)
    assert median_squared_distance(np.ones((3, 2))) == 1.0
    assert (squared_distances(table, table) >= 0).all()


def test_class_moments_equal_numpy() -> None:
    X = RNG.random((50, 3)).astype(np.float32)
    labels = RNG.integers(4, size=50)
    means, variances = class_moments(FeatureRows(X), labels, 4)
    for c in range(4):
        np.testing.assert_allclose(means[c], X[labels == c].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(variances[c], X[labels == c].var(axis=0), rtol=1e-4)
