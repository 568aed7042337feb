"""Graphs of neighbours and what spreads over them, against dense references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.errors import MethodError
from gzsl.nn import neighbour_graph
from gzsl.nn.neighbour_graph import (
    adjacency,
    averaging,
    nearest,
    pieces,
    refuse_unreached,
    settle,
    spread,
    symmetric,
    unit_rows,
)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 35), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_neighbours_are_those_of_the_whole_matrix(n: int, m: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = (unit_rows(rng.normal(size=(rows, 5)).astype(np.float32)) for rows in (n, m))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbour_graph, "QUERY_ROWS", 7)
        patch.setattr(neighbour_graph, "KEY_ROWS", 4)
        similarity, place = nearest(X, Y, k)
    whole = X @ Y.T
    np.testing.assert_allclose(similarity, -np.sort(-whole, axis=1)[:, :k], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(whole, place, axis=1), similarity, atol=1e-6)


@pytest.fixture
def rows() -> np.ndarray:
    return unit_rows(np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32))


def test_a_symmetric_graph_spreads_as_the_inverse_says(rows: np.ndarray) -> None:
    similarity, place = nearest(rows, rows, 6)
    graph = symmetric(adjacency(place, similarity, len(rows)))
    dense = np.zeros((60, 60))
    np.put_along_axis(dense, place, np.maximum(similarity, 0), axis=1)
    dense += dense.T
    np.fill_diagonal(dense, 0)
    degree = 1 / np.sqrt(dense.sum(axis=1))
    np.testing.assert_allclose(graph.toarray(), degree[:, None] * dense * degree, atol=1e-7)
    seeds = np.random.default_rng(1).normal(size=(60, 4))
    expected = np.linalg.solve(np.eye(60) - 0.9 * graph.toarray(), seeds)
    np.testing.assert_allclose(spread(graph, seeds, 0.9), expected, rtol=1e-4, atol=1e-5)


def test_an_averaging_graph_settles_where_the_inverse_says(rows: np.ndarray) -> None:
    similarity, place = nearest(rows, rows, 6)
    graph = averaging(adjacency(place, similarity, len(rows)))
    np.testing.assert_allclose(graph.sum(axis=1), 1)
    seeds = np.random.default_rng(1).random((60, 4))
    expected = 0.2 * np.linalg.solve(np.eye(60) - 0.8 * graph.toarray(), seeds)
    np.testing.assert_allclose(settle(graph, seeds, 0.8), expected, atol=2e-5)


def test_a_piece_that_no_label_reaches_is_refused() -> None:
    place = np.array([[1], [0], [3], [2], [3]])
    graph = adjacency(place, np.ones((5, 1)), 5)
    assert len(np.unique(pieces(graph))) == 2
    refuse_unreached(graph, np.array([True, False, True, False, False]), "some-method")
    with pytest.raises(MethodError, match=r"some-method: the graph .* 2 pieces, and no label reaches one of 3 rows"):
        refuse_unreached(graph, np.array([True, False, False, False, False]), "some-method")
    refuse_unreached(graph, np.array([True, False, False, False, False]), "some-method", n_rows=2)
