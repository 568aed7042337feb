"""Index base, orientation, names: decided from numbers alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gzsl.data.readers.detect import (
    as_integers,
    is_transposed,
    label_base,
    listed_rows,
    name_ids,
    row_base,
    unique_names,
)
from gzsl.errors import DataError


@given(st.integers(2, 30), st.integers(0, 1), st.integers(0, 5))
@settings(deadline=None, max_examples=50)
def test_a_full_range_of_labels_tells_its_base_whatever_the_default(n_classes: int, base: int, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.arange(n_classes)) + base
    for default in (0, 1):
        assert label_base("f: labels", labels, n_classes, default)[0] == base


def test_labels_that_allow_both_bases_take_the_default_and_say_so() -> None:
    base, note = label_base("f: labels", np.array([1, 2, 3]), 4, default=1)
    assert base == 1
    assert "could count from 0 or 1" in note


@pytest.mark.parametrize("labels", [[0, 5], [-1, 3], [1, 6], [0, 1, 2, 3, 4, 5]])
def test_labels_outside_the_class_table(labels: list[int]) -> None:
    with pytest.raises(DataError, match=r"f: labels: found labels -?\d to \d, expected 1 to 5 or 0 to 4"):
        label_base("f: labels", np.array(labels), 5, default=1)


@given(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_row_numbers_that_cover_all_images_tell_their_base(base: int, default: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(4), 5)
    order = rng.permutation(15)
    rows = {"trainval": order[:10] + base, "test_seen": order[10:] + base, "test_unseen": np.arange(15, 20) + base}
    assert row_base("f", rows, labels, default)[0] == base


def test_row_numbers_inside_both_ranges_are_told_by_class_purity() -> None:
    labels = np.array([9, 0, 0, 0, 1, 1, 9])  # rows 1 to 5 are in use
    rows = {"trainval": np.array([1, 2]), "test_seen": np.array([3]), "test_unseen": np.array([4, 5])}
    found, note = row_base("f", rows, labels, default=1)
    assert found == 0
    assert "disjoint" in note
    shifted = {name: values + 1 for name, values in rows.items()}
    assert row_base("f", shifted, labels, default=0)[0] == 1


def test_undecidable_row_numbers_take_the_default_and_say_so() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1])
    rows = {"trainval": np.array([1]), "test_seen": np.array([2]), "test_unseen": np.array([5, 6])}
    for default in (0, 1):
        found, note = row_base("f", rows, labels, default)
        assert found == default
        assert "could count from 0 or 1" in note


@pytest.mark.parametrize("values", [[0, 4], [-1, 2], [2, 9]])
def test_row_numbers_outside_the_images(values: list[int]) -> None:
    rows = {"trainval": np.array(values), "test_seen": np.array([1]), "test_unseen": np.array([2])}
    with pytest.raises(DataError, match="expected 1 to 4 or 0 to 3"):
        row_base("f", rows, np.zeros(4, dtype=int), default=1)


def test_an_empty_row_list_is_named() -> None:
    rows = {"trainval": np.array([1]), "test_seen": np.array([2]), "test_unseen": np.array([], dtype=int)}
    with pytest.raises(DataError, match="f: test_unseen is empty"):
        row_base("f", rows, np.zeros(4, dtype=int), default=1)


@pytest.mark.parametrize(
    ("shape", "default", "expected"),
    [((3, 7), True, True), ((7, 3), True, False), ((7, 7), True, True), ((7, 7), False, False)],
)
def test_orientation(shape: tuple[int, int], default: bool, expected: bool) -> None:
    transposed, note = is_transposed("f", shape, 7, "images", default)
    assert transposed is expected
    assert ("square" in note) == (shape == (7, 7))


@pytest.mark.parametrize("shape", [(3, 4), (7,), (7, 3, 1), (0, 7)])
def test_a_matrix_without_that_many_rows_or_columns(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="expected a matrix with 7 images along one side"):
        is_transposed("f", shape, 7, "images", default=True)


def test_whole_numbers() -> None:
    assert as_integers("f", np.array([[1.0], [2.0]])).tolist() == [1, 2]
    for bad in ([1.5], [np.nan], [np.inf], ["a"]):
        with pytest.raises(DataError, match="expected whole numbers"):
            as_integers("f", np.array(bad))


def test_names_are_stripped_unique_and_known() -> None:
    assert unique_names("f", [" a ", "b"]) == ("a", "b")
    with pytest.raises(DataError, match="'a' stands twice"):
        unique_names("f", ["a", "b", "a "])
    with pytest.raises(DataError, match="class 1 .* is empty"):
        unique_names("f", ["a", " "])
    assert name_ids("f", ["b", "a", "b"], ["a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="class 'c' has no row in the class table"):
        name_ids("f", ["c"], ["a", "b"])


@pytest.mark.parametrize("value", [1e300, -(2.0**60), np.uint64(2**63 + 5)])
def test_whole_numbers_that_no_row_can_have_are_not_wrapped_round(value: float) -> None:
    with pytest.raises(DataError, match=r"rows: found .*, expected whole numbers of at most 9,007,199,254,740,992"):
        as_integers("rows", np.array([value]))


def test_a_mask_of_another_length_is_not_taken_for_row_numbers() -> None:
    with pytest.raises(DataError, match="rows: found a mask of 50 entries, expected 60, one an image"):
        listed_rows("rows", np.ones(50, bool), 60)
    found, masked = listed_rows("rows", np.arange(60) < 2, 60)
    assert (found.tolist(), masked) == ([0, 1], True)


def test_the_set_that_holds_the_wrong_row_number_is_named() -> None:
    rows = {name: np.array(values) for name, values in {"trainval": [1, 2], "test_unseen": [3], "val": [999]}.items()}
    with pytest.raises(DataError, match=r"found row numbers 1 to 999 \(see val\)"):
        row_base("file", rows, np.array([0, 0, 1]), default=1)
