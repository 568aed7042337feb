"""Own data: arrays in one file, or two CSV tables."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import load
from gzsl.data.readers.plain import open_features
from gzsl.errors import DataError
from gzsl.evaluation import evaluate_scores_file

NO_ROWS = {"trainval": None, "test_seen": None, "test_unseen": None}


def write(path: Path, arrays: dict[str, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return path
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            text = np.asarray(value).dtype.kind == "U"
            file.create_dataset(name, data=np.asarray(value).tolist() if text else value)
    return path


def check_equal(dataset: Any, toy: Any) -> None:
    np.testing.assert_array_equal(dataset.features, toy.X)
    np.testing.assert_array_equal(dataset.labels, toy.y)
    np.testing.assert_array_equal(dataset.semantics.table, toy.att)
    assert dataset.class_names == tuple(toy.names)
    for name in ("unseen", "trainval", "test_seen", "test_unseen"):
        np.testing.assert_array_equal(getattr(dataset.split, name), getattr(toy, name))


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(
    "kind", ["plain", "one-based", "transposed", "text labels", "masks", "semantics", "column vectors"]
)
def test_arrays_in_every_form_give_the_same_dataset(suffix: str, kind: str, toy: Any, tmp_path: Path) -> None:
    sets = ("trainval", "test_seen", "test_unseen")
    changes: dict[str, Any] = {
        "plain": {},
        "one-based": {"labels": toy.y + 1, **{n: getattr(toy, n) + 1 for n in sets}},
        "transposed": {"features": toy.X.T.astype(np.float64), "att": toy.att.T},
        "text labels": {"labels": np.array(toy.names)[toy.y]},
        "masks": {n: np.isin(np.arange(60), getattr(toy, n)) for n in sets},
        "semantics": {"att": None, "semantics": toy.att},
        "column vectors": {"labels": toy.y[:, None], **{n: getattr(toy, n)[None] for n in sets}},
    }[kind]
    if kind == "masks":
        for name in sets:
            setattr(toy, name, np.sort(getattr(toy, name)))
    dataset = load(write(tmp_path / f"birds{suffix}", toy.arrays(**changes)))
    check_equal(dataset, toy)
    assert dataset.name == "birds"
    assert dataset.split.version == "custom"
    assert dataset.card.features == "birds-5d"


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize("unseen", [np.array(["bee", "eel"]), np.array([1, 4])])
def test_a_list_of_unseen_classes_is_enough(suffix: str, unseen: Any, toy: Any, tmp_path: Path) -> None:
    arrays = toy.arrays(**NO_ROWS, unseen=unseen)
    dataset = load(write(tmp_path / f"a{suffix}", arrays))
    split = dataset.split
    assert split.unseen.tolist() == [1, 4]
    assert split.version == "custom"
    np.testing.assert_array_equal(split.test_unseen, np.sort(toy.test_unseen))
    assert np.bincount(toy.y[split.test_seen], minlength=6).tolist() == [2, 0, 2, 2, 0, 2]
    assert len(split.trainval) == 32
    assert any("seeded 20% of the images of every seen class" in note for note in dataset.card.notes)
    again = load(write(tmp_path / f"b{suffix}", arrays))
    np.testing.assert_array_equal(again.split.test_seen, split.test_seen)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "no array 'labels'"),
        ({"features": None}, "no array 'features'"),
        ({"class_names": None}, "no array 'class_names'"),
        ({"att": None}, "no array 'att' or 'semantics'"),
        (NO_ROWS, "found no split"),
        ({"test_unseen": None}, "no array 'test_unseen'"),
        ({"att": np.ones((5, 4))}, "expected a matrix with 6 classes"),
        ({"labels": np.array(["gnu"] * 60)}, "class 'gnu' has no row in the class table"),
        ({"labels": np.zeros(0, dtype=int)}, "labels is empty"),
        ({"features": np.full((60, 5), np.nan)}, "found nan in row 0, column 0"),
        ({**NO_ROWS, "unseen": np.array([7])}, "found class number 7"),
        ({**NO_ROWS, "unseen": np.array(["gnu"])}, "class 'gnu'"),
        ({**NO_ROWS, "unseen": np.zeros(0, int)}, "test_unseen is empty"),
        ({**NO_ROWS, "unseen": np.arange(6)}, "trainval is empty"),
    ],
)
def test_bad_arrays_end_in_one_sentence(
    suffix: str, changes: dict[str, Any], message: str, toy: Any, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load(write(tmp_path / f"a{suffix}", toy.arrays(**changes)))
    assert len(str(caught.value).splitlines()) == 1


def test_names_saved_as_objects_are_refused_not_unpickled(toy: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", toy.arrays(class_names=np.array(toy.names, dtype=object)))
    with pytest.raises(DataError, match="a.npz: class_names: found Python objects, .*never opened"):
        load(path)


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_truncated_arrays(suffix: str, toy: Any, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", toy.arrays())
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DataError, match=f"a{suffix}: cannot be read as an"):
        load(path)


def test_hdf5_without_h5py(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.h5", toy.arrays())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"pip install '\.\[hdf5\]' in the clone"):
        load(path)


def test_csv_with_a_split_column(toy: Any, tmp_path: Path) -> None:
    for name in ("trainval", "test_seen", "test_unseen"):
        setattr(toy, name, np.sort(getattr(toy, name)))
    dataset = load(toy.csv(tmp_path / "zoo"))
    check_equal(dataset, toy)
    assert dataset.name == "zoo"
    assert dataset.semantics.attribute_names == ("stripes", "wings", "fur", "size")
    check_equal(load(tmp_path / "zoo" / "features.csv"), toy)


def test_csv_with_an_unseen_column(toy: Any, tmp_path: Path) -> None:
    dataset = load(toy.csv(tmp_path / "zoo", split=False, unseen=True))
    assert dataset.split.unseen.tolist() == [1, 4]
    assert len(dataset.split.test_seen) == 8


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("features.csv", "\n", "\n7.jpg,ape,trainval,x,1,1,1,1\n", r"line 2, column 'f0': found 'x', expected a num"),
        ("features.csv", "\n", "\n7.jpg,ape,trainval,1,1\n", r"line 2: found 5 columns, expected 8"),
        ("features.csv", "\n", "\n7.jpg,gnu,trainval,1,1,1,1,1\n", r"class 'gnu' has no row in the class table"),
        ("features.csv", "\n", "\n7.jpg,ape,train,1,1,1,1,1\n", r"column split: found 'train', expected trainval"),
        ("features.csv", "\n", "\n7.jpg,ape,trainval,nan,1,1,1,1\n", r"found nan in row 0, column 0"),
        ("features.csv", "class", "species", r"found 0 columns called class or label"),
        ("classes.csv", "ape", "bee", r"the class name 'bee' stands twice"),
        ("classes.csv", "ape,", "gnu,1,1,1,1\nape,", r"class 'gnu' has no image"),
        ("classes.csv", "ape,", "ape,\xff", r"classes.csv"),
    ],
)
def test_bad_csv_ends_in_one_sentence(file: str, old: str, new: str, message: str, toy: Any, tmp_path: Path) -> None:
    path = toy.csv(tmp_path / "zoo") / file
    path.write_text(path.read_text().replace(old, new, 1), encoding="latin-1")
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path / "zoo")
    assert len(str(caught.value).splitlines()) == 1


def test_csv_without_any_split_or_file(toy: Any, tmp_path: Path) -> None:
    toy.csv(tmp_path / "zoo", split=False)
    with pytest.raises(DataError, match="expected a column split here or a column unseen in zoo/classes.csv"):
        load(tmp_path / "zoo")
    (tmp_path / "zoo" / "classes.csv").unlink()
    with pytest.raises(DataError, match=r"no classes.csv, expected features.csv and classes.csv"):
        load(tmp_path / "zoo")


def test_places_that_hold_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="found no dataset in this folder, expected a features .mat"):
        load(tmp_path / "empty")
    with pytest.raises(DataError, match="no such file or folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DataError, match=r"found a .txt file"):
        load(tmp_path / "a.txt")


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_unseen_classes_as_a_mask(suffix: str, toy: Any, tmp_path: Path) -> None:
    mask = np.isin(np.arange(6), [1, 4])
    assert load(write(tmp_path / f"a{suffix}", toy.arrays(**NO_ROWS, unseen=mask))).split.unseen.tolist() == [1, 4]
    for wrong, sentence in ((mask[:5], "a mask of 5 entries, expected 6"), (mask.astype(int), "found a class twice")):
        with pytest.raises(DataError, match=sentence):
            load(write(tmp_path / f"b{suffix}", toy.arrays(**NO_ROWS, unseen=wrong)))


@pytest.mark.parametrize("kind", ["features", "plain", "released", "csv", "scores"])
def test_a_pipe_is_not_waited_for(kind: str, toy: Any, tmp_path: Path) -> None:
    folder = {"released": toy.released, "csv": toy.csv}.get(kind, lambda path: path.mkdir() or path)(tmp_path / "data")
    name = {"released": "att_splits.mat", "csv": "classes.csv"}.get(kind, "a.npz")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    read = {"plain": open_features, "scores": evaluate_scores_file}.get(kind, load)
    path = folder if kind in ("released", "csv") else folder / name
    with pytest.raises(DataError, match="no classes.csv" if kind == "csv" else f"{name}: found a named pipe"):
        read(path)
