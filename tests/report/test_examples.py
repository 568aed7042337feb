"""Test pictures with what they were taken for."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import gzsl
from gzsl.data.embedded import letters
from gzsl.report.collect import StoredRun, read_run
from gzsl.report.examples import COLUMNS, find_examples, pictures_of
from gzsl.report.pictures import draw_examples


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    recipe = gzsl.load_recipe("eszsl/letters")
    (result,) = gzsl.run_recipe(recipe, out=tmp_path_factory.mktemp("runs"), seeds=[0])
    found = read_run(result.folder)
    assert isinstance(found, StoredRun)
    return found


def test_every_picture_is_of_its_class_and_the_share_is_the_runs(run: StoredRun) -> None:
    found = find_examples(run)
    assert found is not None
    dataset = gzsl.load("letters")
    np.testing.assert_array_equal(dataset.labels[found.rows], found.true)
    assert set(found.true) == set(dataset.split.unseen)
    assert all((found.true == c).sum() == COLUMNS for c in dataset.split.unseen)
    np.testing.assert_array_equal(found.pictures, letters.pictures()[found.rows])
    assert found.calibrated
    # about the run's calibrated U: a fifth of the pictures are shown
    assert abs((found.true == found.predicted).mean() - run.metrics["calibrated"]["U"]) < 0.15


def test_picture_and_table(run: StoredRun, tmp_path: Path) -> None:
    path = draw_examples(run.folder, tmp_path)
    assert path is not None
    assert path.read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "examples.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 14 * COLUMNS
    assert all((row["class"] == row["taken_for"]) == (row["right"] == "1") for row in rows)


@pytest.mark.parametrize("name", ["digits", "simulated", "CUB"])
def test_datasets_without_pictures_have_none(name: str) -> None:
    assert pictures_of(name) is None
