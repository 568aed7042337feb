"""Closed forms against direct solves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_sylvester

from gzsl.data import FeatureRows
from gzsl.data.features import BLOCK_ROWS
from gzsl.linalg import SymmetricEigen, TwoSided, class_sums, gram

D, A = 12, 5


def positive(rng: np.random.Generator, size: int, rank: int | None = None) -> np.ndarray:
    factor = rng.standard_normal((size, rank or 2 * size))
    return factor @ factor.T


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# sums over rows


def test_gram_and_class_sums_go_over_several_blocks(rng: np.random.Generator) -> None:
    X = rng.standard_normal((2 * BLOCK_ROWS + 7, D)).astype(np.float32)
    y = rng.integers(0, 3, len(X))
    rows = FeatureRows(X)
    exact = X.astype(np.float64)
    np.testing.assert_allclose(gram(rows), exact.T @ exact, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(class_sums(rows, y, 3), exact.T @ np.eye(3)[y], rtol=1e-10, atol=1e-8)


def test_sums_are_in_float64() -> None:
    X = np.full((5000, 1), 0.1, dtype=np.float32)  # a sum in float32 is off by 1e-5
    value = float(np.float32(0.1))
    assert gram(FeatureRows(X))[0, 0] == pytest.approx(5000 * value**2, rel=1e-12)
    assert class_sums(FeatureRows(X), np.zeros(5000, dtype=int), 1)[0, 0] == pytest.approx(5000 * value, rel=1e-12)


def test_weighted_gram_by_hand() -> None:
    X = np.array([[1, 2], [3, 4]], dtype=np.float32)
    found = gram(FeatureRows(X), np.array([2.0, 0.5]))
    np.testing.assert_allclose(found, [[2 + 4.5, 4 + 6], [4 + 6, 8 + 8]])


def test_only_the_chosen_rows_count_and_a_class_without_rows_sums_to_zero() -> None:
    X = np.arange(8, dtype=np.float32).reshape(4, 2)
    rows = FeatureRows(X, np.array([3, 1]))
    np.testing.assert_array_equal(gram(rows), X[[3, 1]].T.astype(float) @ X[[3, 1]])
    np.testing.assert_array_equal(class_sums(rows, np.array([2, 0]), 3), [[2, 0, 6], [3, 0, 7]])


# eigendecomposition


def test_eigen_puts_the_matrix_together_again(rng: np.random.Generator) -> None:
    matrix = rng.standard_normal((D, D))
    matrix += matrix.T
    eigen = SymmetricEigen.of(matrix)
    np.testing.assert_allclose(eigen.vectors * eigen.values @ eigen.vectors.T, matrix, atol=1e-12)
    assert (np.diff(eigen.values) >= 0).all()
    assert eigen.values[0] < 0


def test_a_gram_has_no_negative_eigenvalues(rng: np.random.Generator) -> None:
    assert SymmetricEigen.of_gram(positive(rng, D, rank=2)).values.min() >= 0


@given(seed=st.integers(0, 10**6), exponent=st.integers(-3, 5), rank=st.integers(1, 2 * D))
@settings(deadline=None, max_examples=40)
def test_ridge_solve_equals_a_direct_solve(seed: int, exponent: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, target, ridge = positive(rng, D, rank), rng.standard_normal((D, A)), 10.0**exponent
    expected = np.linalg.solve(matrix + ridge * np.eye(D), target)
    found = SymmetricEigen.of_gram(matrix).ridge_solve(target, ridge)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


# two-sided equations


@given(seed=st.integers(0, 10**6), left=st.integers(-2, 4), right=st.integers(-2, 4))
@settings(deadline=None, max_examples=40)
def test_two_sided_ridge_equals_direct_inverses(seed: int, left: int, right: int) -> None:
    rng = np.random.default_rng(seed)
    first, second, target = positive(rng, D, 4), positive(rng, A, 3), rng.standard_normal((D, A))
    problem = TwoSided(SymmetricEigen.of_gram(first), SymmetricEigen.of_gram(second), target)
    gamma, lam = 10.0**left, 10.0**right
    half = np.linalg.solve(first + gamma * np.eye(D), target)
    expected = np.linalg.solve(second + lam * np.eye(A), half.T).T
    np.testing.assert_allclose(problem.ridge(gamma, lam), expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_the_order_of_a_grid_does_not_change_a_bit(rng: np.random.Generator) -> None:
    parts = SymmetricEigen.of_gram(positive(rng, D)), SymmetricEigen.of_gram(positive(rng, A)), rng.random((D, A))
    grid = [(gamma, lam) for gamma in (0.1, 1.0, 10.0) for lam in (0.5, 5.0)]
    shared = TwoSided(*parts)
    straight = {cell: shared.ridge(*cell) for cell in grid}
    for cell in rng.permutation(grid):
        np.testing.assert_array_equal(shared.ridge(*cell), straight[tuple(cell)])
        np.testing.assert_array_equal(TwoSided(*parts).ridge(*cell), straight[tuple(cell)])


@given(seed=st.integers(0, 10**6), left=st.floats(0.01, 100), right=st.floats(0.01, 100))
@settings(deadline=None, max_examples=40)
def test_sylvester_equals_scipy(seed: int, left: float, right: float) -> None:
    rng = np.random.default_rng(seed)
    first, second, target = positive(rng, D), positive(rng, A), rng.standard_normal((D, A))
    problem = TwoSided(SymmetricEigen.of(first), SymmetricEigen.of(second), target)
    expected = solve_sylvester(left * first, right * second, target)
    np.testing.assert_allclose(problem.sylvester(left, right), expected, rtol=1e-7, atol=1e-10 * np.abs(expected).max())


def test_sylvester_of_two_singular_matrices_has_least_norm(rng: np.random.Generator) -> None:
    first, second = positive(rng, D, 4), positive(rng, A, 3)
    wanted = first @ rng.standard_normal((D, A)) + rng.standard_normal((D, A)) @ second
    target = first @ wanted + wanted @ second
    found = TwoSided(SymmetricEigen.of_gram(first), SymmetricEigen.of_gram(second), target).sylvester()
    operator = np.kron(first, np.eye(A)) + np.kron(np.eye(D), second)
    expected = np.linalg.lstsq(operator, target.ravel(), rcond=1e-12)[0].reshape(D, A)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=1e-8 * np.abs(expected).max())
