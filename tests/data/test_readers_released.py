"""The layout of the released benchmarks, MATLAB v5 and v7.3."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gzsl.data import load
from gzsl.errors import DataError


def check_equal(dataset: Any, toy: Any) -> None:
    np.testing.assert_array_equal(dataset.features, toy.X)
    np.testing.assert_array_equal(dataset.labels, toy.y)
    np.testing.assert_array_equal(dataset.semantics.table, toy.att)
    assert dataset.class_names == tuple(toy.names)
    np.testing.assert_array_equal(dataset.split.unseen, toy.unseen)
    for name in ("trainval", "test_seen", "test_unseen"):
        np.testing.assert_array_equal(getattr(dataset.split, name), getattr(toy, name))


@given(v73=st.booleans(), base=st.sampled_from([0, 1]), transposed=st.booleans(), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_version_base_and_orientation_gives_the_same_dataset(
    make_toy: Any, v73: bool, base: int, transposed: bool, seed: int
) -> None:
    toy = make_toy()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(toy.y))
    toy.X, toy.y = toy.X[order], toy.y[order]
    place = np.argsort(order)
    toy.trainval, toy.test_seen = place[toy.trainval], place[toy.test_seen]
    toy.test_unseen = place[toy.test_unseen]
    with tempfile.TemporaryDirectory() as name:
        dataset = load(toy.released(Path(name) / "toy", v73=v73, base=base, transposed=transposed))
        check_equal(dataset, toy)
        assert any(f"row numbers count from {base}" in note for note in dataset.card.notes)
        assert any(f"labels count from {base}" in note for note in dataset.card.notes)
        word = "columns" if transposed else "rows"
        assert any(f"60 images are its {word}" in note for note in dataset.card.notes)


def test_the_content_hash_does_not_depend_on_the_files(toy: Any, tmp_path: Path) -> None:
    hashes = {
        load(toy.released(tmp_path / "a")).card.content_hash,
        load(toy.released(tmp_path / "b", v73=True)).card.content_hash,
        load(toy.released(tmp_path / "c", base=0, transposed=False)).card.content_hash,
    }
    assert len(hashes) == 1
    toy.X[3, 2] += 1
    assert load(toy.released(tmp_path / "d")).card.content_hash not in hashes


def test_extra_fields_further_tables_and_other_file_names(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(
        tmp_path / "own", name="vit_b16.mat", original_att=100 * toy.att.T, official_index=np.arange(60)[:, None]
    )
    sent = np.random.default_rng(1).random((6, 7)).astype(np.float32)
    order = [3, 1, 0, 2, 5, 4]
    scipy.io.savemat(folder / "sent_splits.mat", {"att": sent.T})
    names = np.array(toy.names, dtype=object)[order][:, None]
    scipy.io.savemat(folder / "w2v_splits.mat", {"w2v": sent[order], "allclasses_names": names})
    dataset = load(folder, semantics="sent")
    assert sorted(dataset.tables) == ["att", "original_att", "sent", "w2v"]
    np.testing.assert_array_equal(dataset.semantics.table, sent)
    np.testing.assert_array_equal(load(folder, semantics="w2v").semantics.table, sent)
    np.testing.assert_allclose(load(folder, semantics="original_att").semantics.table, 100 * toy.att, rtol=1e-6)
    assert dataset.card.features == "vit_b16-5d"
    assert load(folder, features_name="vit").card.features == "vit"
    assert any("no class names of its own" in note for note in dataset.card.notes)


def test_class_names_may_be_absent_or_a_character_matrix(toy: Any, tmp_path: Path) -> None:
    dataset = load(toy.released(tmp_path / "a", drop=("allclasses_names",)))
    assert dataset.class_names == ("class 1", "class 2", "class 3", "class 4", "class 5", "class 6")
    assert any("no allclasses_names" in note for note in dataset.card.notes)
    toy.names = ["ape", "bee", "cat", "doe", "eel", "foxes"]
    padded = np.array([name.ljust(5) for name in toy.names])
    check_equal(load(toy.released(tmp_path / "b", allclasses_names=padded)), toy)


def test_split_versions(toy: Any, tmp_path: Path) -> None:
    seen = np.concatenate([toy.trainval, toy.test_seen])
    in_val = np.isin(toy.y[seen], [0, 2])
    first = load(toy.released(tmp_path / "1", train_loc=seen[~in_val] + 1, val_loc=seen[in_val] + 1))
    assert first.split.version == "PS1"
    assert any("first release" in note for note in first.card.notes)
    rows = toy.trainval
    in_val = np.isin(toy.y[rows], [0, 2])
    second = load(toy.released(tmp_path / "2", train_loc=rows[~in_val] + 1, val_loc=rows[in_val] + 1))
    assert second.split.version == "PS2"
    assert [fold.tolist() for fold in second.split.validation_classes] == [[0, 2]]
    absent = load(toy.released(tmp_path / "3"))
    assert absent.split.version == "custom"
    assert absent.split.validation_classes == ()
    partly = load(toy.released(tmp_path / "4", train_loc=rows + 1, val_loc=toy.test_seen[:3] + 1))
    assert partly.split.version == "custom"
    assert any("3 of the 8 test_seen rows" in note for note in partly.card.notes)
    same_classes = load(toy.released(tmp_path / "5", train_loc=rows[::2] + 1, val_loc=rows[1::2] + 1))
    assert same_classes.split.validation_classes == ()


def test_v73_without_h5py_names_the_extra(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = toy.released(tmp_path / "a", v73=True)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"needs h5py: pip install '\.\[hdf5\]' in the clone"):
        load(folder)


def bad(toy: Any, folder: Path, kind: str) -> None:
    """Write a dataset with one fault."""
    X, y = toy.X.astype(np.float64), toy.y + 1
    changes: dict[str, dict[str, Any]] = {
        "nan": {"features": np.where(np.arange(X.size).reshape(X.shape) == 37, np.nan, X).T},
        "inf": {"features": np.where(np.arange(X.size).reshape(X.shape) == 37, np.inf, X).T},
        "too large": {"features": np.where(np.arange(X.size).reshape(X.shape) == 37, 1e300, X).T},
        "labels": {"labels": np.where(y == 3, 9, y)},
        "fraction": {"labels": y + 0.5},
        "att nan": {"att": np.where(np.arange(6) == 2, np.nan, toy.att.T)},
        "att dims": {"att": toy.att[:5].T},
        "feature dims": {"features": X[:50].T},
        "overlap": {"test_unseen_loc": np.append(toy.test_unseen, toy.trainval[0]) + 1},
        "test in trainval": {"test_seen_loc": np.append(toy.test_seen, toy.trainval[0]) + 1},
        "row outside": {"trainval_loc": np.append(toy.trainval, 99) + 1},
        "row twice": {"trainval_loc": np.append(toy.trainval, toy.trainval[0]) + 1},
        "empty class": {"trainval_loc": toy.trainval[toy.y[toy.trainval] != 0] + 1,
                        "test_seen_loc": toy.test_seen[toy.y[toy.test_seen] != 0] + 1},
        "no such class": {"allclasses_names": np.array([*toy.names, "gnu"], dtype=object), "att": np.ones((4, 7))},
        "names twice": {"allclasses_names": np.array(["ape"] * 6, dtype=object)},
        "names are numbers": {"allclasses_names": np.array([1.0, 2, 3, 4, 5, 6], dtype=object)},
        "complex": {"features": X.T * 1j},
    }  # fmt: skip
    toy.released(folder, **changes[kind])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", r"res101.mat: features: found nan in row 7, column 2"),
        ("inf", r"res101.mat: features: found inf in row 7, column 2"),
        ("too large", r"found 1e\+300 in row 7, column 2.*expected numbers that 32 bits hold"),
        ("labels", r"labels: found labels 1 to 9, expected 1 to 6 or 0 to 5"),
        ("fraction", r"labels: found \d.5, expected whole numbers"),
        ("att nan", r"toy: semantics 'att': class 'cat' has NaN or infinite values"),
        ("att dims", r"att_splits.mat: att: found shape \(4, 5\), expected a matrix with 6 classes"),
        ("feature dims", r"features: found shape \(5, 50\), expected a matrix with 60 images"),
        ("overlap", r"1 classes have rows both in trainval and in test_unseen, e.g. 'ape'"),
        ("test in trainval", r"1 rows are in both trainval and test_seen"),
        ("row outside", r"found row numbers 1 to 100 \(see trainval\), expected 1 to 60 or 0 to 59"),
        ("row twice", r"trainval lists a row twice"),
        ("empty class", r"class 'ape' has 10 images but none in trainval or test_unseen"),
        ("no such class", r"class 'gnu' has no image"),
        ("names twice", r"the class name 'ape' stands twice"),
        ("names are numbers", r"allclasses_names: found cells that are not text"),
        ("complex", r"features: found complex numbers"),
    ],
)
def test_bad_numbers_end_in_one_sentence(kind: str, message: str, toy: Any, tmp_path: Path) -> None:
    bad(toy, tmp_path / "toy", kind)
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / "toy")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("v73", [False, True])
@pytest.mark.parametrize("which", ["res101.mat", "att_splits.mat"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_truncated_file_is_named(v73: bool, which: str, share: float, toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy", v73=v73)
    data = (folder / which).read_bytes()
    (folder / which).write_bytes(data[: int(share * len(data))])
    with pytest.raises(DataError, match=which) as caught:
        load(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_a_text_file_called_mat(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy")
    (folder / "res101.mat").write_text("<html>404: the link is dead</html>" * 20)
    with pytest.raises(DataError, match=r"res101.mat: found a web page \(the download failed"):
        load(folder)


@pytest.mark.parametrize("v73", [False, True])
@pytest.mark.parametrize(("gone", "message"), [
    ("labels", r"res101.mat: no variable 'labels'"), ("features", r"res101.mat: no variable 'features'"),
    ("att", r"att_splits.mat: no variable 'att'"), ("test_unseen_loc", r"no variable 'test_unseen_loc'; did you mean"),
])  # fmt: skip
def test_a_missing_variable_is_named(v73: bool, gone: str, message: str, toy: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load(toy.released(tmp_path / "toy", v73=v73, drop=(gone,)))


def test_missing_and_surplus_files(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy")
    (folder / "att_splits.mat").rename(tmp_path / "att_splits.mat")
    with pytest.raises(DataError, match=r"no att_splits.mat, expected it beside the features"):
        load(folder)
    with pytest.raises(DataError, match="no features file, expected res101.mat"):
        load(tmp_path / "att_splits.mat")
    (tmp_path / "att_splits.mat").rename(folder / "att_splits.mat")
    (folder / "res101.mat").rename(folder / "a.mat")
    toy.X = toy.X * 2
    toy.released(folder, name="b_finetuned.mat")
    with pytest.raises(DataError, match=r"several features files \(a.mat, b_finetuned.mat\)"):
        load(folder)
    chosen = load(folder, features_file="b_finetuned.mat")
    assert chosen.card.fine_tuned is True
    np.testing.assert_array_equal(chosen.features, toy.X)
    np.testing.assert_array_equal(load(folder / "b_finetuned.mat").features, toy.X)
    assert load(folder, features_file="a.mat").card.fine_tuned is None
    with pytest.raises(DataError, match=r"no features file 'b.mat'; did you mean 'a.mat'"):
        load(folder, features_file="b.mat")


@pytest.mark.parametrize(
    ("value", "found"), [({"x": 1.0}, "a structure"), ("text", "text"), (np.array([[1.0, 2.0]], dtype=object), "cells")]
)
def test_features_of_another_kind_are_called_what_they_are(value: Any, found: str, toy: Any, tmp_path: Path) -> None:
    toy.released(tmp_path / "odd", features=value)
    with pytest.raises(DataError, match=f"res101.mat: features: found {found}, expected a real matrix"):
        load(tmp_path / "odd")
