"""The doctor finds what is wrong, and says what is there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gzsl.cli.data import app
from gzsl.data import DataCard, Dataset, Split, load
from gzsl.data.doctor import examine
from gzsl.data.duplicates import straddling_duplicates
from gzsl.errors import DataError
from gzsl.semantics import Semantics

SPLIT = Split([0, 1], [2], np.arange(0, 40), np.arange(40, 60), np.arange(60, 90))


def features_with_twins(seed: int, n_dims: int = 300) -> np.ndarray:
    """Ninety random rows far from 0; 5 = 45 exactly, 7 = 70 up to little noise, 41 = 89 up to much noise."""
    rng = np.random.default_rng(seed)
    X = 10 + rng.standard_normal((90, n_dims))
    X[45] = X[5]
    X[70] = X[7] + 0.01 * rng.standard_normal(n_dims)
    X[89] = X[41] + 0.2 * rng.standard_normal(n_dims)
    X[1] = X[0]  # on the same side
    return X.astype(np.float32)


@given(st.integers(0, 1000), st.sampled_from([4, 128, 300]))
@settings(deadline=None, max_examples=20)
def test_duplicates_across_sets_are_found_and_only_those(seed: int, n_dims: int) -> None:
    X = features_with_twins(seed, n_dims)
    exact = np.sqrt(((X[:, None].astype(np.float64) - X[None]) ** 2).sum(axis=2))
    typical = np.sqrt((exact**2).mean())
    found = {(pair.first_row, pair.second_row): pair for pair in straddling_duplicates(X, SPLIT)}
    side = np.repeat([0, 1, 2], [40, 20, 30])
    expected = {
        (i, j) for i in range(90) for j in range(90) if side[i] < side[j] and exact[i, j] <= 0.03 * typical
    }
    assert set(found) == expected
    assert {(5, 45), (7, 70)} <= expected
    for (i, j), pair in found.items():
        assert pair.distance == pytest.approx(exact[i, j] / typical, rel=1e-3, abs=1e-6)
    assert found[5, 45].distance == 0
    assert (found[5, 45].first_set, found[5, 45].second_set) == ("trainval", "test_seen")


def test_constant_features_and_many_copies_do_not_explode() -> None:
    assert straddling_duplicates(np.ones((90, 3), np.float32), SPLIT) == []
    copies = np.zeros((90, 3), np.float32)
    copies[0] = 100
    assert len(straddling_duplicates(copies, SPLIT)) <= 3000


@pytest.fixture
def ill() -> Dataset:
    X = features_with_twins(0)
    X[:, 3] = 1
    table = np.array([[1.0, 0, 2], [1, 0, 2], [0, 0, 0]])
    labels = np.concatenate([np.arange(60) % 2, np.full(30, 2)])
    semantics = Semantics(table, ("a", "b", "c"))
    return Dataset(X, labels, semantics, SPLIT, DataCard("ill", features="mine", source="made"))


def test_problems_are_named(ill: Dataset) -> None:
    report = examine(ill)
    assert report.problems == (
        "row 5 (trainval) and row 45 (test_seen) have the same features",
        "row 7 (trainval) and row 70 (test_unseen) have nearly the same features",
        "att: class 'c' is described by zeros alone",
        "att: 'a' and 'b' have the same row",
        "one unseen class: T1 is 100 whatever the method; two are the least that can be told apart",
    )
    numbers = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert numbers["sizes"] == {
        "images": 90, "dimensions": 300, "classes": 3, "seen": 2, "unseen": 1, "attributes": 3,
        "trainval": 40, "test_seen": 20, "test_unseen": 30,
    }  # fmt: skip
    assert numbers["images_per_class"]["trainval"] == {"min": 20, "median": 20.0, "max": 20}
    assert numbers["features"]["constant_dimensions"] == 1
    assert numbers["semantics"]["att"]["zero_columns"] == 1
    assert numbers["semantics"]["att"]["norm_max"] == pytest.approx(np.sqrt(5))
    assert numbers["duplicates"][0]["distance"] == 0


def test_features_are_summed_up(ill: Dataset) -> None:
    X = np.array(ill.features)
    X[0, :30] = 0
    found = examine(replace(ill, features=X)).numbers["features"]
    assert found["zero_share"] == pytest.approx(30 / X.size)
    assert (found["min"], found["max"]) == (0.0, pytest.approx(float(X.max())))
    X[2, 5] = np.nan
    X[3, 6] = np.inf
    report = examine(replace(ill, features=X))
    assert "features: 2 entries are NaN or infinite" in report.problems
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_healthy_folder_and_what_it_lacks(toy: Any, tmp_path: Path) -> None:
    report = examine(toy.released(tmp_path / "toy"))
    assert report.problems == ()
    lines = dict(report.lines)
    assert lines["images"] == "60: trainval 32, test_seen 8, test_unseen 20"
    assert lines["classes"] == "6: 4 seen, 2 unseen"
    assert [text.split(":")[0] for text in report.numbers["missing"]] == [
        "original_att, the class table before normalisation", "sent, sentence embeddings", "validation classes",
    ]  # fmt: skip
    seen = np.concatenate([toy.trainval, toy.test_seen])
    in_val = np.isin(toy.y[seen], [0, 2])
    first = toy.released(tmp_path / "first", train_loc=seen[~in_val] + 1, val_loc=seen[in_val] + 1)
    assert examine(first).problems == (
        "the train and val rows of this release contain test_seen rows; gzsl does not use them",
    )


def test_data_that_nobody_trains_on_are_described_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "pairs.npz", image_embed=rng.standard_normal((6, 4)), labels=np.arange(6) % 3,
        class_names=["a", "b", "c"], text_embed=rng.standard_normal((3, 2, 4)),
    )  # fmt: skip
    report = examine(tmp_path / "pairs.npz")
    assert report.numbers["images_per_class"]["trainval"] == {"min": 0, "median": 0.0, "max": 0}
    assert report.numbers["images_per_class"]["test_unseen"]["min"] == 2


def test_the_command_fits_a_screen(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    folder = str(toy.released(tmp_path / "toy"))
    done = CliRunner().invoke(app, ["doctor", folder])
    assert done.exit_code == 0, done.output
    body = done.output.splitlines()[1:]
    assert len(body) <= 40
    assert max(len(line) for line in body) <= 80
    assert "nothing wrong was found" in done.output
    answer = json.loads(CliRunner().invoke(app, ["doctor", folder, "--json"]).output)
    assert answer["name"] == "toy"
    assert answer["content_hash"] == load(folder).card.content_hash
    failed = CliRunner().invoke(app, ["doctor", str(tmp_path / "nowhere")])
    assert isinstance(failed.exception, DataError)
