"""What gzsl says about the two real datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from gzsl.data import load, validation_folds
from gzsl.data.benchmarks import facts
from gzsl.data.doctor import examine

pytestmark = pytest.mark.data
SIZES = {"CUB127": (7456, 94, 33, 4402, 1087, 1967), "FLO89": (5543, 71, 18, 3782, 925, 836)}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_sizes_and_version(name: str, data_root: Path) -> None:
    dataset = load(name, root=data_root, features_name="efficientnet_lite0")
    split = dataset.split
    parts = (dataset.labels, split.seen, split.unseen, split.trainval, split.test_seen, split.test_unseen)
    sizes = tuple(len(part) for part in parts)
    assert sizes == SIZES[name]
    assert dataset.name == name
    assert dataset.features.shape[1] == 1280
    assert split.version == "PS2"
    assert dataset.card.features == "efficientnet_lite0"
    assert load(name, root=data_root).card.features == "res101-1280d"
    assert any("not the 2048 of ResNet-101" in note for note in dataset.card.notes)
    assert any("row numbers count from 1" in note for note in dataset.card.notes)


def test_labels_are_in_the_order_of_the_names_not_of_the_folders(data_root: Path) -> None:
    dataset = load("CUB127", root=data_root)
    raw = scipy.io.loadmat(data_root / "CUB127" / "res101.mat", variable_names=["image_files", "features"])
    folders = [str(cell[0][0]).split("/")[0] for cell in raw["image_files"]]
    assert [dataset.class_names[label] for label in dataset.labels] == folders
    np.testing.assert_array_equal(dataset.features, raw["features"].T)


def test_cub127_uses_the_published_folds_as_far_as_its_classes_go(data_root: Path) -> None:
    dataset = load("CUB127", root=data_root)
    seen = {dataset.class_names[c] for c in dataset.split.seen}
    assert {dataset.class_names[c] for c in dataset.split.unseen} <= set(facts("CUB").unseen)
    expected = [set(fold) & seen for fold in facts("CUB").validation_folds]
    assert [{dataset.class_names[c] for c in fold} for fold in dataset.split.validation_classes] == expected
    assert [len(fold) for fold in expected] == [30, 33, 32]
    assert any("restricted to the classes present (30 + 33 + 32 classes)" in note for note in dataset.card.notes)
    for fold in validation_folds(dataset):
        assert fold.name.startswith("published-")
        assert not set(fold.val_unseen) & set(fold.train)


def test_the_doctor_finds_the_flowers_on_both_sides(data_root: Path) -> None:
    report = examine("FLO89", root=data_root)
    files = scipy.io.loadmat(data_root / "FLO89" / "res101.mat", variable_names=["image_files"])["image_files"]
    pairs = report.numbers["duplicates"]
    numbers = [{str(files[pair[k]][0][0])[-9:-4] for k in ("first_row", "second_row")} for pair in pairs]
    assert numbers == [{"07323", "07328"}, {"07029", "08080"}]
    assert [pair["distance"] == 0 for pair in pairs] == [True, False]
    assert {(pair["first_set"], pair["second_set"]) for pair in pairs} == {("trainval", "test_seen")}
    assert any("original_att" in text for text in report.numbers["missing"])


def test_the_doctor_finds_nothing_wrong_with_the_birds(data_root: Path) -> None:
    report = examine("CUB127", root=data_root)
    assert report.problems == ()
    assert report.numbers["semantics"]["att"]["norm_min"] == pytest.approx(1, abs=1e-5)
    assert report.numbers["features"]["constant_dimensions"] == 0
    assert len(report.lines) <= 24
