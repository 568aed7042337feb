"""Class tables from files of their own, and classes of several vectors from memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import Dataset, load
from gzsl.data.class_tables import read_class_table, with_table, write_class_table
from gzsl.errors import DataError
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import open_dataset
from gzsl.semantics import Members, Semantics


def ragged(names: tuple[str, ...] = ("b", "a", "c")) -> Semantics:
    rng = np.random.default_rng(0)
    groups = [1 + rng.random((size, 4)) for size in (2, 1, 3)]
    texts = [[f"{name} {k}" for k in range(len(group))] for name, group in zip(names, groups, strict=True)]
    return Semantics.of_members(Members.of(groups, texts=texts), names, "said")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = ragged()
    write_class_table(table, tmp_path / "said.npz")
    again = read_class_table(tmp_path / "said.npz")
    assert again.members is not None and table.members is not None
    np.testing.assert_array_equal(again.table, table.table)
    np.testing.assert_array_equal(again.members.vectors, table.members.vectors)
    assert (again.name, again.class_names, again.members.texts) == ("said", table.class_names, table.members.texts)
    plain = Semantics(table.table, table.class_names, "plain")
    write_class_table(plain, tmp_path / "plain.csv")
    np.testing.assert_allclose(read_class_table(tmp_path / "plain.csv").table, plain.table, rtol=1e-6)
    with pytest.raises(DataError, match=r"expected an .npz: one vector a class is all that a .csv holds"):
        write_class_table(table, tmp_path / "said.csv")


def test_other_layouts_of_the_same_members(tmp_path: Path) -> None:
    array, mask = ragged().members.padded()  # type: ignore[union-attr]
    array[~mask] = np.nan
    texts = np.where(mask, "x", "")
    np.savez(tmp_path / "a.npz", class_names=["b", "a", "c"], embed=array, sentences=texts)
    found = read_class_table(tmp_path / "a.npz").members
    assert found is not None and found.texts == ("x",) * 6
    np.testing.assert_array_equal(found.vectors, ragged().members.vectors)  # type: ignore[union-attr]


def data() -> Dataset:
    y = np.repeat(np.arange(3), 4)
    return Dataset.from_arrays(np.eye(12, 5), y, np.eye(3), unseen=["001.C"], class_names=["A", "b", "001.C"])


def test_a_table_is_found_by_name_in_whatever_order_and_case() -> None:
    found = with_table(data(), ragged(("c", "b", "a")), "said.npz")
    wanted = ragged(("c", "b", "a"))
    np.testing.assert_array_equal(found.tables["said"].table, wanted.table[[2, 1, 0]])
    assert found.tables["said"].class_names == found.class_names
    assert found.card.content_hash != data().card.content_hash
    assert "said.npz: 2 classes are written otherwise there: 'A' as 'a', '001.C' as 'c'" in found.card.notes
    with pytest.raises(DataError, match=r"said.npz: no row for class 'A'"):
        with_table(data(), ragged(("c", "b", "aa")), "said.npz")
    with pytest.raises(DataError, match=r"no row for class 'A'; found 'a' and 'a.', expected one of them"):
        with_table(data(), ragged(("a", "b", "a.")), "said.npz")


def test_a_recipe_takes_tables_from_files(tmp_path: Path) -> None:
    names = load("simulated", images_per_class=4).class_names
    table = Semantics.of_members(Members.of(1 + np.random.default_rng(0).random((len(names), 3, 4))), names, "x")
    write_class_table(table, tmp_path / "mine.npz")
    recipe = make_recipe({
        "dataset": {"name": "simulated", "options": {"images_per_class": 4}, "semantics": "mine",
                    "tables": {"mine": str(tmp_path / "mine.npz")}},
        "method": "eszsl",
    })  # fmt: skip
    found = open_dataset(recipe)
    assert found.semantics.label == "mine+members:unit-mean" and found.semantics.n_attributes == 4


def test_several_vectors_a_class_from_memory_without_training_rows() -> None:
    rng = np.random.default_rng(0)
    X, y, text = rng.standard_normal((6, 4)), [0, 0, 1, 1, 2, 2], rng.standard_normal((3, 2, 4))
    found = Dataset.from_arrays(X, y, text, unseen=None, class_names=["a", "b", "c"], joint=True)
    assert found.split.transfer_only and found.semantics.joint and found.semantics.members is not None
    uneven = Dataset.from_arrays(X, y, [text[0], text[1][:1], text[2]], unseen=[2])
    assert uneven.semantics.members is not None and uneven.semantics.members.sizes.tolist() == [2, 1, 2]
    with pytest.raises(DataError, match=r"share the space of the features, but has 3 columns and they 4"):
        Dataset.from_arrays(X, y, text[:, 0, :3], unseen=None, joint=True)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"class_names": ["a"]}, "found the arrays class_names, expected"),
        ({"class_names": ["a", "b"], "embed": np.zeros((2, 1, 3))}, "member 0 of class 0 .* zero vector"),
        ({"class_names": ["a"], "members": np.ones((2, 3)), "sizes": [2, 0]}, "class 1 .* has no member"),
        ({"class_names": ["a", "a"], "embed": np.ones((2, 1, 3))}, "'a' stands twice"),
    ],
)
def test_bad_files_are_named(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_class_table(tmp_path / "x.npz")
