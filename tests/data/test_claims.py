"""What files show decides: names of features and tables, split versions, and what a recipe may claim of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from gzsl.data import Dataset, load
from gzsl.data.catalogue import load_plain
from gzsl.data.claims import Claims
from gzsl.data.doctor import examine
from gzsl.data.networks import features_name, same_network, says_fine_tuned
from gzsl.errors import DataError


@pytest.mark.parametrize(
    ("file", "n_dims", "called", "tuned"),
    [
        ("res101.mat", 2048, "res101", None), ("res101.mat", 1280, "res101-1280d", None),
        ("ResNet101_finetuned.mat", 2048, "res101", True), ("res101_ft.mat", 2048, "res101", True),
        ("res101FT.mat", 2048, "res101", True), ("fine-tuned-res101.mat", 2048, "res101", True),
        ("res101_not_finetuned.mat", 2048, "res101_not_finetuned", None), ("res101_own.mat", 2048, "res101_own", None),
        ("vit_b16.mat", 768, "vit_b16", None), ("vit_b16.mat", 5, "vit_b16-5d", None),
        ("gift.mat", 3, "gift-3d", None), ("res1010.mat", 2048, "res1010-2048d", None),
    ],
)  # fmt: skip
def test_a_file_name_is_believed_where_the_width_agrees(
    file: str, n_dims: int, called: str, tuned: bool | None
) -> None:
    assert features_name(file, n_dims)[:2] == (called, tuned)


def test_one_network_in_two_spellings() -> None:
    assert same_network("ResNet-101", "res101")
    assert same_network("tiny net", "Tiny-Net")
    assert not same_network("res101", "resnet50")
    assert not same_network("tiny-net", "res101")
    assert not says_fine_tuned("left-features-soft")


def of_width(dataset: Dataset, n_dims: int, features: str, tuned: bool | None = None) -> Dataset:
    """The dataset with features of another width under another name."""
    X = np.resize(dataset.features, (len(dataset.labels), n_dims))
    return replace(dataset, features=X, card=replace(dataset.card, features=features, fine_tuned=tuned))


@pytest.fixture
def dataset(toy: Any, tmp_path: Path) -> Dataset:
    return load(toy.released(tmp_path / "toy"))


@pytest.mark.parametrize(
    ("n_dims", "shown", "tuned", "claims", "message"),
    [
        (1280, "res101-1280d", None, Claims(features="res101"),
         r"dataset.features: found 1280 columns \(res101-1280d\) .* expected the 2048 of res101"),
        (2048, "res50", None, Claims(features="res101"), "found res50 in the files, expected res101"),
        (9, "tiny-net", None, Claims(features="other-net"), "found tiny-net in the files, expected other-net"),
        (2048, "res101", True, Claims(features="res101", fine_tuned=False),
         "dataset.fine_tuned: found fine-tuned features in the files, expected not fine-tuned ones"),
        (5, "res101-5d", None, Claims(split=("PS1", "PS2")), "found custom in the files, expected PS1 or PS2"),
    ],
)  # fmt: skip
def test_a_claim_that_the_files_contradict_names_both_and_the_way_on(
    n_dims: int, shown: str, tuned: bool | None, claims: Claims, message: str, dataset: Dataset
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        claims.apply(of_width(dataset, n_dims, shown, tuned))
    assert "--set dataset." in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_all_contradictions_stand_in_one_sentence_with_one_remedy(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"--set dataset.split=null --set dataset.features=null$"):
        Claims(("PS2",), "res101", False).apply(dataset)
    assert Claims(None, None, False).apply(dataset).card.fine_tuned is False


@pytest.mark.parametrize(
    ("n_dims", "shown", "claimed"),
    [
        (1280, "res101-1280d", "efficientnet_lite0"), (2048, "features-2048d", "res101"), (5, "res101-5d", "my-net"),
        (2048, "res101_own", "res101"), (9, "tiny-net", "Tiny-Net"),
        (2048, "res101", "my-net"),
    ],
)  # fmt: skip
def test_what_the_files_leave_open_is_taken_over_and_said(
    n_dims: int, shown: str, claimed: str, dataset: Dataset
) -> None:
    named = Claims(features=claimed, fine_tuned=False).apply(of_width(dataset, n_dims, shown))
    assert (named.card.features, named.card.fine_tuned) == (claimed, False)
    assert any(f"called {claimed} as the recipe says, not {shown}" in note for note in named.card.notes)


def test_tables_of_other_classes_or_damaged_are_left_out_with_a_note(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy", original_att="text")
    names = np.array(["apes", *toy.names[1:]], dtype=object)[:, None]
    scipy.io.savemat(folder / "sent_splits.mat", {"att": np.ones((3, 6)), "allclasses_names": names})
    scipy.io.savemat(folder / "few_splits.mat", {"att": np.ones((3, 5))})
    scipy.io.savemat(folder / "nan_splits.mat", {"att": np.full((3, 6), np.nan)})
    (folder / "cut_splits.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    dataset = load(folder)
    assert sorted(dataset.tables) == ["att"]
    problems = "\n".join(examine(dataset).problems)
    assert "table sent is left out: toy/sent_splits.mat: class 'ape' has no row" in problems
    assert "did you mean 'apes'?" in problems
    for name, why in (("few", "expected a matrix with 6 classes"), ("nan", "NaN"), ("cut", "cannot be read"),
                      ("original_att", "real matrix")):  # fmt: skip
        assert any(line.startswith(f"table {name} is left out") and why in line for line in problems.splitlines())
    with pytest.raises(DataError, match=r"no semantics 'sent'.*table sent is left out: .*'ape' has no row"):
        load(folder, semantics="sent")


def test_a_sentence_file_alone_is_enough(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy")
    (folder / "att_splits.mat").rename(folder / "sent_splits.mat")
    dataset = load_plain("toy", root=tmp_path)
    assert sorted(dataset.tables) == ["sent"]
    assert dataset.semantics.name == "sent"
    np.testing.assert_array_equal(dataset.split.test_unseen, toy.test_unseen)


def test_tables_of_the_same_attributes_are_compared(toy: Any, tmp_path: Path) -> None:
    unit = toy.att / np.linalg.norm(toy.att, axis=1, keepdims=True)
    good = load(toy.released(tmp_path / "good", att=unit.T, original_att=100 * toy.att.T))
    assert not [note for note in good.card.notes if note.startswith("table ")]
    turned = examine(toy.released(tmp_path / "turned", att=unit.T, original_att=toy.att.T[:, ::-1]))
    assert any("original_att is left out: its classes stand in another order than those of att: 6 of 6 rows differ, "
               "e.g. att of 'ape' is original_att of 'fox'" in text for text in turned.problems)  # fmt: skip
    other = load(toy.released(tmp_path / "other", att=unit.T, original_att=toy.att.T ** 3))
    assert "original_att" in other.tables
    assert any("is not att before normalisation: 6 of 6 rows" in note for note in other.card.notes)


def test_masks_are_rows_and_one_hot_labels_are_refused(toy: Any, tmp_path: Path) -> None:
    def masks(*sets: str) -> dict[str, Any]:
        return {f"{name}_loc": np.isin(np.arange(60), getattr(toy, name))[:, None] for name in sets}

    dataset = load(toy.released(tmp_path / "a", **masks("trainval", "test_seen", "test_unseen")))
    np.testing.assert_array_equal(dataset.split.trainval, np.sort(toy.trainval))
    np.testing.assert_array_equal(dataset.split.test_unseen, toy.test_unseen)
    with pytest.raises(DataError, match="trainval_loc is a mask of zeros and ones and test_seen_loc is not"):
        load(toy.released(tmp_path / "b", **masks("trainval")))
    with pytest.raises(DataError, match=r"labels: found a matrix of shape \(60, 6\) \(one-hot labels\?\), expected a"):
        load(toy.released(tmp_path / "c", labels=np.eye(6)[toy.y]))


def test_a_folder_called_like_a_benchmark_does_not_make_one(toy: Any, tmp_path: Path) -> None:
    assert load(toy.released(tmp_path / "CUB")).name == "CUB-own"
