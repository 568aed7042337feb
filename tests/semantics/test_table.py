"""The class table and its normalisations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.errors import DataError
from gzsl.semantics import NORMALISATIONS, Semantics

NAMES = ("cat", "ape", "bee")
TABLE = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"table": np.ones(3)}, r"found an array of shape \(3,\)"),
        ({"table": np.ones((3, 0))}, r"found an array of shape \(3, 0\)"),
        ({"table": np.ones((2, 2))}, "found 2 rows, expected 3"),
        ({"class_names": ("a", "b", "a")}, "the class name 'a' stands twice"),
        ({"table": np.array([[1, 1], [1, np.nan], [1, 1]])}, "class 'ape' has NaN or infinite values"),
        ({"table": np.array([[1, 1], [1, 1], [1, 1e300]])}, "class 'bee' has NaN or infinite values"),
        ({"attribute_names": ("x",)}, "found 1 attribute names, expected 2"),
    ],
)
def test_bad_tables(arguments: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Semantics(**{"table": TABLE, "class_names": NAMES, **arguments})


def test_a_table_is_a_frozen_float32_copy() -> None:
    table = TABLE.copy()
    semantics = Semantics(table, list(NAMES), attribute_names=["x", "y"])
    table[0, 0] = 9
    assert semantics.table[0, 0] == 3
    assert semantics.table.dtype == np.float32
    assert semantics.class_names == NAMES
    assert semantics.attribute_names == ("x", "y")
    assert (len(semantics), semantics.n_attributes) == (3, 2)
    with pytest.raises(ValueError, match="read-only"):
        semantics.table[0, 0] = 1


def test_normalisations_by_hand() -> None:
    semantics = Semantics(TABLE, NAMES)
    expected = {
        "none": TABLE,
        "l2": [[0.6, 0.8], [0, 1], [0, 0]],
        "l2-sqrt-dim": np.sqrt(2) * np.array([[0.6, 0.8], [0, 1], [0, 0]]),
        "minmax": [[1, 1], [0, 0.5], [0, 0]],
        "zscore": (TABLE - TABLE.mean(axis=0)) / TABLE.std(axis=0),
    }
    assert set(expected) == set(NORMALISATIONS)
    for kind, values in expected.items():
        found = semantics.normalised(kind)
        np.testing.assert_allclose(found.table, values, rtol=1e-6)
        assert found.normalisation == kind
    with pytest.raises(DataError, match="found 'l1', expected one of none, l2"):
        semantics.normalised("l1")


def test_column_statistics_come_from_the_classes_that_are_named() -> None:
    semantics = Semantics(TABLE, NAMES)
    found = semantics.normalised("minmax", statistics_from=np.array([0, 1]))
    np.testing.assert_allclose(found.table, [[1, 1], [0, 0], [0, -1]])
    constant = semantics.normalised("zscore", statistics_from=np.array([1, 2]))
    np.testing.assert_allclose(constant.table, [[3, 3], [0, 1], [0, -1]], err_msg="column 0 is constant there")


@given(st.permutations(range(5)), st.sampled_from(NORMALISATIONS))
@settings(deadline=None, max_examples=30)
def test_class_order_does_not_matter(order: list[int], kind: str) -> None:
    semantics = Semantics(np.random.default_rng(0).random((5, 3)), tuple("edcba"))
    mixed = semantics.take(order)
    expected = semantics.normalised(kind).table[order]
    np.testing.assert_allclose(mixed.normalised(kind).table, expected, rtol=1e-5, atol=1e-6)
    ordered, used = mixed.canonical()
    assert ordered.class_names == tuple("abcde")
    np.testing.assert_array_equal(ordered.table, mixed.table[used])
    np.testing.assert_array_equal(mixed.ids_of(semantics.class_names), np.argsort(order))


def test_unknown_class() -> None:
    with pytest.raises(DataError, match="no row for class 'dog'"):
        Semantics(TABLE, NAMES).ids_of(["cat", "dog"])
