"""Names, aliases, roots, and what is said when nothing is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.data import available, benchmarks, load
from gzsl.data.doctor import examine
from gzsl.errors import DataError


def benchmark_in_small(toy_class: Any, name: str, folder: Path, **changes: Any) -> Path:
    """A folder with all classes of a benchmark, three images a class."""
    f = benchmarks.facts(name)
    ids = {c: i for i, c in enumerate(f.classes)}
    toy = toy_class()
    toy.names = list(f.classes)
    toy.y = np.repeat(np.arange(len(ids)), 3)
    toy.X = np.random.default_rng(0).random((len(toy.y), 5), dtype=np.float32)
    toy.att = np.random.default_rng(1).random((len(ids), f.attributes))
    toy.unseen = np.array(sorted(ids[c] for c in f.unseen))
    in_unseen = np.isin(toy.y, toy.unseen)
    third = np.arange(len(toy.y)) % 3 == 0
    toy.trainval, toy.test_seen = np.flatnonzero(~in_unseen & ~third), np.flatnonzero(~in_unseen & third)
    toy.test_unseen = np.flatnonzero(in_unseen)
    return toy.released(folder, **changes)


@pytest.mark.parametrize("below", ["", "data", "xlsa17/data"])
def test_names_are_found_below_the_root_in_any_spelling(
    below: str, make_toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark_in_small(make_toy, "APY", tmp_path / below / "aPY")
    for name in ("APY", "apy", "aPaY"):
        assert load(name, root=tmp_path).name == "aPY"
    monkeypatch.setenv("GZSL_DATA", str(tmp_path))
    assert load("aPY").name == "aPY"
    assert load(tmp_path / below / "aPY").card.source == str((tmp_path / below / "aPY").resolve())


def test_a_benchmark_gets_its_published_folds(make_toy: Any, tmp_path: Path) -> None:
    dataset = load(benchmark_in_small(make_toy, "APY", tmp_path / "APY"))
    f = benchmarks.facts("APY")
    folds = [{dataset.class_names[c] for c in fold} for fold in dataset.split.validation_classes]
    assert folds == [set(fold) for fold in f.validation_folds]
    assert dataset.split.version == "PS2", "cut from APY with its unseen classes and no train_loc"
    assert any("a restriction" in note for note in dataset.card.notes)


def test_other_unseen_classes_than_the_published_ones_are_said(make_toy: Any, tmp_path: Path) -> None:
    toy = make_toy()
    toy.names = ["horse", "dog", "cat", "cow", "wolf", "zebra"]
    toy.att = np.random.default_rng(1).random((6, 64))
    dataset = load(toy.released(tmp_path / "APY"))
    assert dataset.split.version == "custom"
    assert dataset.split.validation_classes == ()
    assert any("not those of the proposed split of APY: 4 differ, e.g. 'horse'" in note for note in dataset.card.notes)


def test_published_folds_are_restricted_to_the_classes_present(make_toy: Any, tmp_path: Path) -> None:
    toy = make_toy()
    toy.names = ["aeroplane", "tvmonitor", "wolf", "bag", "goat", "bird"]
    toy.att = np.random.default_rng(1).random((6, 64))
    dataset = load(toy.released(tmp_path / "mine"))
    # fold 1 keeps aeroplane, wolf and bag, which leaves one class to train on; folds 2 and 3 keep one class
    assert dataset.split.validation_classes == ()
    assert any("3 published validation folds have too few classes" in note for note in dataset.card.notes)
    toy.names = ["aeroplane", "tvmonitor", "wolf", "cat", "goat", "bird"]
    dataset = load(toy.released(tmp_path / "mine"))
    assert [fold.tolist() for fold in dataset.split.validation_classes] == [[0, 2], [3, 5]]


def test_features_are_named_after_file_and_dimension(make_toy: Any, tmp_path: Path) -> None:
    toy = make_toy()
    small = load(toy.released(tmp_path / "a"))
    assert small.card.features == "res101-5d"
    assert any("not the 2048 of ResNet-101" in note for note in small.card.notes)
    toy.X = np.random.default_rng(0).random((60, 2048), dtype=np.float32)
    large = load(toy.released(tmp_path / "b"))
    assert large.card.features == "res101"
    assert any("plausibly ResNet-101" in note for note in large.card.notes)
    assert large.card.fine_tuned is None
    named = load(tmp_path / "a", features_name="efficientnet_lite0")
    assert named.card.features == "efficientnet_lite0"
    assert any("on request, not res101-5d" in note for note in named.card.notes)


def test_absent_benchmarks_name_files_source_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GZSL_DATA", raising=False)
    files = "AWA1/res101.mat and AWA1/att_splits.mat from the proposed splits v2"
    with pytest.raises(DataError, match=f"AWA1: .* needs {files}") as caught:
        load("awa")
    assert "--data DIR or GZSL_DATA" in str(caught.value)
    with pytest.raises(DataError, match=f"looked for {tmp_path}/CUB/"):
        load("CUB", root=tmp_path)
    with pytest.raises(DataError, match="no such folder, expected the folder that holds"):
        load("CUB", root=tmp_path / "nowhere")


@pytest.mark.parametrize(("name", "nearest"), [("simulatd", "simulated"), ("AVA2", "AWA2"), ("digit", "digits")])
def test_unknown_names_get_the_nearest(name: str, nearest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GZSL_DATA", raising=False)
    with pytest.raises(DataError, match=f"did you mean '{nearest}'"):
        load(name)


def test_options_are_for_embedded_datasets(toy: Any, tmp_path: Path) -> None:
    assert load("simulated", preset="easy", seed=3).name == "simulated"
    with pytest.raises(DataError, match="found the option 'preset', expected none"):
        load(toy.released(tmp_path / "toy"), preset="easy")


def test_semantics_are_chosen_by_name(toy: Any, tmp_path: Path) -> None:
    folder = toy.released(tmp_path / "toy", original_att=10 * toy.att.T)
    dataset = load(folder, semantics="original_att", normalise="l2")
    np.testing.assert_allclose(np.linalg.norm(dataset.semantics.table, axis=1), 1, rtol=1e-6)
    with pytest.raises(DataError, match="no semantics 'orig_att'; did you mean 'original_att'"):
        load(folder, semantics="orig_att")
    (folder / "said.csv").write_text("class,a\n")
    with pytest.raises(DataError, match=r"said.csv beside the data is read by dataset.tables: \{said: said.csv\}"):
        load(folder, semantics="said")
    with pytest.raises(DataError, match="semantics normalisation: found 'l3'"):
        load(folder, normalise="l3")


def test_available_lists_embedded_found_and_absent(toy: Any, tmp_path: Path) -> None:
    toy.released(tmp_path / "mine")
    toy.released(tmp_path / "broken", drop=("labels",))
    (tmp_path / "notes").mkdir()
    entries = {entry.name: entry for entry in available(tmp_path)}
    embedded, benchmarks = {"letters", "digits", "simulated"}, {"AWA1", "AWA2", "CUB", "SUN", "APY", "FLO"}
    assert embedded | benchmarks | {"mine", "broken"} == set(entries)
    assert entries["digits"].where == "embedded"
    mine = entries["mine"]
    assert (mine.images, mine.classes, mine.unseen, mine.attributes) == (60, 6, 2, 4)
    assert entries["broken"].where.startswith("unreadable: ")
    assert entries["CUB"].where == "absent: CUB/res101.mat, CUB/att_splits.mat"
    assert entries["CUB"].to_dict()["classes"] == 200


def test_importing_and_loading_arrays_stays_light(toy: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **toy.arrays())
    program = (
        "import sys, gzsl.data\n"
        "heavy = ('torch', 'pandas', 'h5py', 'matplotlib', 'scipy', 'sklearn')\n"
        "assert not [m for m in heavy if m in sys.modules]\n"
        "gzsl.data.load(sys.argv[1])\n"
        "assert not [m for m in heavy if m in sys.modules]\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.npz")], check=True, cwd=tmp_path)


def whole_apy(toy: Any) -> Any:
    """All classes and row counts of APY, forty feature dimensions."""
    f = benchmarks.facts("APY")
    toy.names = list(f.classes)
    toy.unseen = benchmarks.published_ids(f.unseen, f.classes)
    seen = np.setdiff1d(np.arange(f.n_classes), toy.unseen)
    n_seen = f.sizes["trainval"] + f.sizes["test_seen"]
    toy.y = np.concatenate([np.resize(seen, n_seen), np.resize(toy.unseen, f.sizes["test_unseen"])])
    toy.X = np.random.default_rng(0).random((f.images, 40), dtype=np.float32)
    toy.att = np.random.default_rng(1).random((f.n_classes, f.attributes))
    rows = np.arange(f.images)
    toy.trainval, toy.test_seen, toy.test_unseen = np.split(rows, [f.sizes["trainval"], n_seen])
    return toy


def test_a_whole_benchmark_is_recognised_whatever_its_folder_is_called(make_toy: Any, tmp_path: Path) -> None:
    toy = whole_apy(make_toy())
    dataset = load(toy.released(tmp_path / "download (1)"))
    assert dataset.name == "APY"
    assert dataset.split.version == "PS2"
    assert dataset.card.notes[0] == "class names and sizes are those of APY"
    assert examine(dataset).problems == ()
    moved = np.concatenate([toy.test_seen, toy.trainval[:10]])
    toy.trainval, toy.test_seen = toy.trainval[10:], moved
    other = load(toy.released(tmp_path / "other"))
    assert other.split.version == "custom", "without train_loc, other sizes than the published ones are no release"
    assert examine(other).problems[:2] == (
        "differs from APY: trainval: 5922, not 5932",
        "differs from APY: test_seen: 1493, not 1483",
    )


def test_the_folder_of_a_dataset_stands_for_the_one_around_it(make_toy: Any, tmp_path: Path) -> None:
    own = make_toy().released(tmp_path / "MINE")
    assert load("MINE", root=own).card.content_hash == load("MINE", root=tmp_path).card.content_hash
    assert [entry.name for entry in available(own) if entry.present].count("MINE") == 1
    with pytest.raises(DataError, match=f"no path 'YOURS'; looked for {own}/YOURS/ "):
        load("YOURS", root=own)
