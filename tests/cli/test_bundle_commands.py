from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command_line import gzsl

from gzsl.cli.bundles import add_class
from gzsl.data import load
from gzsl.errors import MethodError


def test_run_bundle_predict_and_add_class(tmp_path: Path) -> None:
    quick = ["--set", "selection.grid={gamma: [10.0], lam: [1.0]}", "--set", "selection.folds=2", "--seeds", "1"]
    done = gzsl("run", "eszsl/digits", "--out", "r", "--bundle", "b", *quick, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "classifier of seed 0: b (gzsl predict b FEATURES)" in done.stdout
    refused = gzsl("run", "eszsl/digits", "--out", "r", "--bundle", "r", *quick, cwd=tmp_path)
    assert refused.returncode == 2
    assert "found a folder that is no bundle and not empty" in refused.stderr
    digits = load("digits")
    rows = digits.split.test_unseen[:30]
    np.savez(tmp_path / "x.npz", features=digits.features[rows], images=np.array([f"digit-{r}.png" for r in rows]))
    done = gzsl("predict", "b", "x.npz", "--out", "p.csv", "--top", "2", cwd=tmp_path)
    assert "60 predictions of 30 images in p.csv" in done.stdout, done.stderr
    lines = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert lines[0]["image"] == f"digit-{rows[0]}.png"
    shown = gzsl("predict", "b", "x.npz", cwd=tmp_path).stdout
    assert "the first 20 of 30 images" in shown
    assert len(json.loads(gzsl("predict", "b", "x.npz", "--json", cwd=tmp_path).stdout)) == 30
    names = digits.semantics.attribute_names
    assert names is not None
    text = ",".join(f"{name}=1" for name in names)
    done = gzsl("add-class", "b", "all strokes", "--attributes", text, "--out", "b2", cwd=tmp_path)
    assert "11 classes, with 'all strokes'; no retraining" in done.stdout, done.stderr
    wrong = gzsl("add-class", "b", "x", "--attributes", "nonsense=1", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "found an unknown attribute 'nonsense'" in wrong.stderr
    table = "class," + ",".join(names) + "\nten," + ",".join("0" for _ in names) + "\n"
    (tmp_path / "new.csv").write_text(table)
    done = gzsl("add-class", "b2", "ten", "--attributes", "new.csv", cwd=tmp_path)
    assert "12 classes, with 'ten'" in done.stdout, done.stderr
    wrong = gzsl("add-class", "b", "x", "--text", "a round shape", cwd=tmp_path)
    assert "was not made by gzsl semantics text" in wrong.stderr
    assert "expected either --attributes or --text" in gzsl("add-class", "b", "x", cwd=tmp_path).stderr
    np.save(tmp_path / "wrong.npy", np.zeros((2, 3), np.float32))
    bad = gzsl("predict", "b", "wrong.npy", cwd=tmp_path)
    assert bad.returncode == 2
    assert "found 3 dimensions, expected 272" in bad.stderr


def test_five_commands_from_a_features_folder_to_predictions(tmp_path: Path) -> None:
    digits = load("digits")
    folder = tmp_path / "features"
    folder.mkdir()
    np.save(folder / "features.npy", digits.features)
    names = [digits.class_names[c] for c in digits.labels]
    lines = [f"{name}/{k}.png,{name}" for k, name in enumerate(names)]
    (folder / "images.csv").write_text("\n".join(["image,class", *lines]) + "\n")
    attributes = digits.semantics.attribute_names
    assert attributes is not None
    table = zip(digits.class_names, digits.semantics.table, strict=True)
    rows = [",".join([name, *map(str, row)]) for name, row in table]
    (tmp_path / "classes.csv").write_text("\n".join([",".join(["class", *attributes]), *rows]) + "\n")
    done = gzsl("data", "make", "features", "classes.csv", "--out", "mine", "--propose", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "proposed unseen classes" in done.stdout
    changes = ["--set", "dataset.name=mine", "--set", "selection.folds=2", "--seeds", "1"]
    done = gzsl("run", "eszsl/digits", *changes, "--bundle", "classifier", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = gzsl("predict", "classifier", "features", "--out", "p.csv", cwd=tmp_path)
    assert f"{len(names)} predictions" in done.stdout, done.stderr
    predicted = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert predicted[0]["image"] == f"{names[0]}/0.png"
    right = np.mean([row["class"] == name for row, name in zip(predicted, names, strict=True)])
    assert right > 0.6
    done = gzsl("data", "export", "mine", "--out", "mat", cwd=tmp_path)
    assert (tmp_path / "mat" / "att_splits.mat").is_file(), done.stderr


def test_an_empty_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="found an empty text, expected a description"):
        add_class(tmp_path, "b", attributes=None, text=" ", out=None)
