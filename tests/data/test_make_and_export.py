from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from typer.testing import CliRunner

from gzsl.cli.data import app
from gzsl.data import load
from gzsl.data.export import export
from gzsl.data.make import make_dataset, named_classes, propose_unseen
from gzsl.door.tables import csv_text
from gzsl.errors import DataError
from gzsl.semantics import Semantics, table_faults

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
    with pytest.raises(DataError, match="found the folder of the data themselves"):
        export(load(tmp_path), tmp_path)
    with pytest.raises(DataError, match="expected one of xlsa17"):
        export(dataset, tmp_path, "other")


def test_images_csv_is_kept(tmp_path: Path) -> None:
    made = make_dataset(features_folder(tmp_path / "f"), classes_file(tmp_path / "c.csv"), tmp_path / "m")
    rows = list(csv.DictReader((made.folder / "images.csv").open()))
    assert rows[0]["image"] == "ant/0.jpg"
    assert {row["split"] for row in rows if row["class"] == "dog"} == {"test_unseen"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["kit fox, Vulpes macrotis"], ("kit fox, Vulpes macrotis",)),
        (["kit fox, Vulpes macrotis,ant"], ("kit fox, Vulpes macrotis", "ant")),
        (['"kit fox, Vulpes macrotis",ant'], ("kit fox, Vulpes macrotis", "ant")),
        (["ant", "cow [big]", "ant"], ("ant", "cow [big]")),
        ([" ant , b\u00e9e "], ("ant", "be\u0301e")),
    ],
)
def test_classes_are_named_whatever_is_in_their_names(
    given: list[str], found: tuple[str, ...], tmp_path: Path
) -> None:
    names = ("ant", "be\u0301e", "cow [big]", "dog", "kit fox, Vulpes macrotis")
    source = features_folder(tmp_path / "f")
    listing = [(f"{k}.jpg", names[k // 10]) for k in range(50)]
    (source / "images.csv").write_text(csv_text([("image", "class"), *listing]))
    rows = [(name, *row) for name, row in zip(names, TABLE.tolist(), strict=True)]
    (tmp_path / "c.csv").write_text(csv_text([("class", "a", "b", "c"), *rows]))
    assert make_dataset(source, tmp_path / "c.csv", tmp_path / "out", unseen=given).unseen == found
    runner = CliRunner()
    options = [word for name in given for word in ("--unseen", name)]
    done = runner.invoke(app, ["make", str(source), str(tmp_path / "c.csv"), "--out", str(tmp_path / "cli"), *options])
    assert done.exit_code == 0, done.output
    assert [load(tmp_path / "cli").class_names[c] for c in load(tmp_path / "cli").split.unseen] == sorted(found)


def test_an_unknown_class_among_several_tells_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no class 'ent' with images; did you mean 'ant'.*may stand once a class"):
        named_classes("dog,ent", NAMES)
    source, table = features_folder(tmp_path / "f"), classes_file(tmp_path / "c.csv")
    with pytest.raises(DataError, match="found both --unseen and --propose"):
        make_dataset(source, table, tmp_path / "x", unseen=["ant"], propose=1)


@pytest.mark.parametrize("kind", [".csv", ".npz", ".npz with numbers", "semicolons"])
def test_features_may_be_one_file(kind: str, tmp_path: Path) -> None:
    source, path = features_folder(tmp_path / "f"), tmp_path / "features.csv"
    X, labels = np.load(source / "features.npy"), np.repeat(NAMES, 10)
    if kind == ".npz":
        np.savez(path.with_suffix(".npz"), features=X, labels=labels)
    elif kind == ".npz with numbers":
        np.savez(path.with_suffix(".npz"), features=X, labels=np.repeat(range(1, 6), 10), class_names=np.array(NAMES))
    else:
        rows = [(f"{k}.jpg", labels[k], *row) for k, row in enumerate(X.tolist())]
        text = csv_text([("image", "class", *"abcdef"), *rows])
        path.write_text(text.replace(",", ";").replace(".", ",") if kind == "semicolons" else text)
    path = path.with_suffix(".npz") if kind.startswith(".npz") else path
    made = make_dataset(path, classes_file(tmp_path / "c.csv"), tmp_path / "o")
    dataset = load(made.folder)
    np.testing.assert_array_equal(dataset.features, X)
    assert [dataset.class_names[c] for c in dataset.labels] == labels.tolist()
    if kind == "semicolons":
        assert any("its numbers have decimal commas" in note for note in made.notes)


@pytest.mark.parametrize("fault", ["nan in table", "nan in features", "image twice", "no labels", "short"])
def test_nothing_is_written_before_everything_was_checked(fault: str, tmp_path: Path) -> None:
    source = features_folder(tmp_path / "f")
    table = classes_file(tmp_path / "c.csv")
    expected = {
        "nan in table": "c.csv: line 4, column 'antlers': found nan",
        "nan in features": "features.npy: found nan in row 3",
        "image twice": r"the image 'ant/0.jpg' stands twice, in rows 1 \(ant\) and 20 \(bee\)",
        "no labels": "images.csv: no such file",
        "short": "found 40 image names, expected 50",
    }[fault]  # fmt: skip
    listing = source / "images.csv"
    if fault == "nan in table":
        lines = table.read_text().splitlines()
        table.write_text("\n".join([*lines[:3], lines[3].rsplit(",", 1)[0] + ",nan", *lines[4:]]))
    elif fault == "nan in features":
        X = np.load(source / "features.npy")
        X[3, 2] = np.nan
        np.save(source / "features.npy", X)
    elif fault == "image twice":
        listing.write_text(listing.read_text().replace("bee/19.jpg", "ant/0.jpg"))
    elif fault == "no labels":
        listing.unlink()
    elif fault == "short":
        listing.write_text("\n".join(listing.read_text().splitlines()[:41]))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=expected):
        make_dataset(source, table, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_no_file_of_the_user_is_overwritten(tmp_path: Path) -> None:
    source, table = features_folder(tmp_path / "f"), classes_file(tmp_path / "classes.csv")
    listing = (source / "images.csv").read_text()
    for out, sentence in ((source, "found features.npy, one of the files"), (tmp_path, "found classes.csv, one of")):
        with pytest.raises(DataError, match=sentence):
            make_dataset(source, table, out)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(DataError, match="found thesis.tex in it, expected a new or empty folder"):
        make_dataset(source, table, tmp_path / "other")
    assert (source / "images.csv").read_text() == listing
    assert make_dataset(source, table, tmp_path / "o").folder == make_dataset(source, table, tmp_path / "o").folder


def test_minus_one_among_percentages_is_pointed_out(tmp_path: Path) -> None:
    table = np.array([[10, -1], [20, 30.5], [0, 100]])
    faults = table_faults(Semantics(table, ("a", "b", "c"), "att"))
    assert faults.missing_marks == ("a",)
    assert "where it marks a missing value, fill in a number" in faults.sentences("att")[0]
    for fine in ([[-1, 1], [0, 1], [1, 1]], [[-1, -2.5], [3, 4], [0, 0]], [[1, 2], [3, 4], [5, 6]]):
        assert not table_faults(Semantics(np.array(fine), ("a", "b", "c"), "att")).missing_marks
