from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from gzsl.data import load
from gzsl.data.export import export
from gzsl.data.make import make_dataset, propose_unseen
from gzsl.errors import DataError

NAMES = ("ant", "bee", "cow", "dog", "elk")
TABLE = np.array([[1, 0, 0.0], [0, 1, 0], [1, 1, 0], [0.5, 0.5, 0], [0, 0, 1]])


def features_folder(folder: Path, per_class: int = 10) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = np.repeat(NAMES, per_class)
    np.save(folder / "features.npy", rng.random((len(labels), 6), dtype=np.float32))
    lines = [f"{label}/{k}.jpg,{label}" for k, label in enumerate(labels)]
    (folder / "images.csv").write_text("\n".join(["image,class", *lines]) + "\n")
    (folder / "card.json").write_text(json.dumps({"features": "tiny-net", "fine_tuned": False}))
    return folder


def classes_file(path: Path, names: tuple[str, ...] = NAMES, unseen: bool = True) -> Path:
    head = "class,unseen,stings,flies,antlers" if unseen else "class,stings,flies,antlers"
    lines = [head]
    for k, name in enumerate(names):
        numbers = ",".join(map(str, TABLE[k % 5]))
        lines.append(f"{name},{'yes' if name == 'dog' else 'no'},{numbers}" if unseen else f"{name},{numbers}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_made_dataset_loads_with_everything_in_its_place(tmp_path: Path) -> None:
    source = features_folder(tmp_path / "features")
    made = make_dataset(source, classes_file(tmp_path / "classes.csv"), tmp_path / "mine")
    assert made.unseen == ("dog",)
    dataset = load(made.folder)
    assert dataset.name == "mine"
    assert dataset.card.features == "tiny-net"
    assert dataset.card.fine_tuned is False
    assert dataset.class_names == NAMES
    assert dataset.semantics.attribute_names == ("stings", "flies", "antlers")
    np.testing.assert_allclose(dataset.semantics.table, TABLE)
    np.testing.assert_array_equal(dataset.features, np.load(source / "features.npy"))
    assert [dataset.class_names[c] for c in dataset.split.unseen] == ["dog"]
    assert len(dataset.split.test_seen) == 8
    assert len(dataset.split.trainval) == 32


def test_unseen_classes_can_be_named_or_proposed(tmp_path: Path) -> None:
    source, table = features_folder(tmp_path / "f"), classes_file(tmp_path / "c.csv", unseen=False)
    assert make_dataset(source, table, tmp_path / "a", unseen=["ant", "elk"]).unseen == ("ant", "elk")
    proposed = make_dataset(source, table, tmp_path / "b", propose=1)
    assert proposed.unseen == ("dog",)  # half ant, half bee; no other class is a mixture
    assert "best described by the others: dog" in proposed.notes[0]
    assert propose_unseen(TABLE, NAMES, 2)[0] == "dog"


def test_what_does_not_match_is_named(tmp_path: Path) -> None:
    source = features_folder(tmp_path / "f")
    with pytest.raises(DataError, match="no row for class 'elk', which has images"):
        make_dataset(source, classes_file(tmp_path / "1.csv", NAMES[:4]), tmp_path / "x")
    extra = make_dataset(source, classes_file(tmp_path / "2.csv", (*NAMES, "fox")), tmp_path / "y")
    assert any("1 classes of the table have no image and are left out (fox)" in note for note in extra.notes)
    with pytest.raises(DataError, match="found no column unseen, expected one, or --unseen"):
        make_dataset(source, classes_file(tmp_path / "3.csv", unseen=False), tmp_path / "z")
    with pytest.raises(DataError, match="no class 'dig' with images; did you mean 'dog'"):
        make_dataset(source, tmp_path / "3.csv", tmp_path / "z", unseen=["dig"])
    with pytest.raises(DataError, match="found 4 of 5 classes"):
        make_dataset(source, tmp_path / "3.csv", tmp_path / "z", unseen=list(NAMES[:4]))
    (tmp_path / "4.csv").write_text("class,a\n" + "".join(f"{name},1\n" for name in NAMES))
    with pytest.raises(DataError, match="no attribute that differs"):
        make_dataset(source, tmp_path / "4.csv", tmp_path / "z", propose=1)
    (tmp_path / "5.csv").write_text("class,a\nant,1\nant,2\n")
    with pytest.raises(DataError, match="the class name 'ant' stands twice, expected unique names"):
        make_dataset(source, tmp_path / "5.csv", tmp_path / "z", propose=1)


def test_a_constant_attribute_is_reported(tmp_path: Path) -> None:
    source = features_folder(tmp_path / "f")
    (tmp_path / "c.csv").write_text("class,a,b\n" + "".join(f"{name},1,{k}\n" for k, name in enumerate(NAMES)))
    made = make_dataset(source, tmp_path / "c.csv", tmp_path / "x", propose=1)
    assert any("1 attributes are the same for all classes and tell nothing: a" in note for note in made.notes)


@pytest.mark.parametrize("name", ["digits", "simulated"])
def test_an_exported_dataset_reads_back_equal(name: str, tmp_path: Path) -> None:
    dataset = load(name)
    files = export(dataset, tmp_path / "out")
    assert [path.name for path in files][:2] == ["res101.mat", "att_splits.mat"]
    again = load(tmp_path / "out")
    np.testing.assert_array_equal(again.features, dataset.features)
    np.testing.assert_array_equal(again.labels, dataset.labels)
    assert again.class_names == dataset.class_names
    np.testing.assert_allclose(again.tables["original_att"].table, dataset.semantics.table, rtol=1e-6)
    for rows in ("trainval", "test_seen", "test_unseen"):
        np.testing.assert_array_equal(getattr(again.split, rows), getattr(dataset.split, rows))


def test_exported_files_are_what_other_loaders_index(tmp_path: Path) -> None:
    """The usual few lines of other repositories: transpose, subtract 1, index."""
    dataset = load("simulated")
    export(dataset, tmp_path)
    features, splits = loadmat(tmp_path / "res101.mat"), loadmat(tmp_path / "att_splits.mat")
    X, y = features["features"].T, features["labels"].astype(int).squeeze() - 1
    trainval = splits["trainval_loc"].squeeze().astype(int) - 1
    np.testing.assert_allclose(X[trainval], dataset.features[dataset.split.trainval], rtol=1e-6)
    np.testing.assert_array_equal(y[trainval], dataset.labels[dataset.split.trainval])
    assert splits["att"].shape == (dataset.semantics.n_attributes, dataset.n_classes)
    np.testing.assert_allclose(np.linalg.norm(splits["att"], axis=0), 1)
    train, val = (splits[name].squeeze().astype(int) - 1 for name in ("train_loc", "val_loc"))
    assert not set(y[train]) & set(y[val])
    assert set(train) | set(val) == set(trainval)
    assert splits["allclasses_names"][3][0][0] == dataset.class_names[3]
    with pytest.raises(DataError, match="expected one of xlsa17"):
        export(dataset, tmp_path, "other")


def test_images_csv_is_kept(tmp_path: Path) -> None:
    made = make_dataset(features_folder(tmp_path / "f"), classes_file(tmp_path / "c.csv"), tmp_path / "m")
    rows = list(csv.DictReader((made.folder / "images.csv").open()))
    assert rows[0]["image"] == "ant/0.jpg"
    assert {row["split"] for row in rows if row["class"] == "dog"} == {"test_unseen"}
