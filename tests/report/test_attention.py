"""Where a method looked: heat maps beside their numbers, for runs, pictures and reports."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from command_line import gzsl

from gzsl.data import FeatureRows
from gzsl.report.attention import _smooth
from gzsl.report.collect import finished_run
from gzsl.report.details import make_details

SIDE, WIDTH, CLASSES = 3, 4, 6


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the baseline on pictures that show each attribute of their class in one cell."""
    root, rng = tmp_path_factory.mktemp("heat"), np.random.default_rng(0)
    table = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]], np.float32)
    labels = np.repeat(np.arange(CLASSES), 10)
    cells = 0.05 * rng.random((len(labels), SIDE * SIDE, WIDTH)).astype(np.float32)
    for row, label in zip(cells, labels, strict=True):
        for k, attribute in enumerate(np.flatnonzero(table[label])):
            row[4 * k + 2, attribute] = 2.0  # the first in cell 2, the second in cell 6
    np.savez(
        root / "toy.npz", regions=cells, labels=labels, att=table, class_names=np.array([f"c{k}" for k in range(6)]),
        unseen=np.array([1, 4]), images=np.array([f"c{k // 10}/{k % 10}.jpg" for k in range(len(labels))]),
    )  # fmt: skip
    done = gzsl(
        "run", "region-eszsl", "--data", "toy.npz", "--seeds", "1", "--set", "selection.folds=1",
        "--set", "selection.grid={sharpness: [2.0]}", cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root


def run_of(desk: Path) -> Path:
    (run,) = (desk / "runs").glob("region-eszsl-*")
    return run


def test_the_strongest_attributes_are_found_where_they_are(desk: Path) -> None:
    asked = ("--attention", "pictures/c1/3.jpg", "--attention", "c4/0.jpg")
    done = gzsl("plot", str(run_of(desk)), *asked, "--out", "heat", cwd=desk)
    assert done.returncode == 0, done.stderr
    assert (desk / "heat/attention.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((desk / "heat/attention.csv").open()))
    assert {row["image"] for row in rows} == {"c1/3.jpg", "c4/0.jpg"}
    first = [row for row in rows if row["image"] == "c1/3.jpg"]
    assert {row["decided"] for row in first} == {"c1"}  # a class without a training picture
    for attribute, cell in ((0, (0, 2)), (2, (2, 0))):
        own = [row for row in first if row["map"] == f"attribute {attribute}"]
        assert len(own) == SIDE * SIDE and sum(float(row["weight"]) for row in own) == pytest.approx(1, abs=1e-3)
        best = max(own, key=lambda row: float(row["weight"]))
        assert (int(best["row"]), int(best["column"])) == cell
        assert int(best["rank"]) <= 2


def test_bad_requests_end_in_one_sentence(desk: Path) -> None:
    for image, sentence in (("c9/3.jpg", "is no picture of toy"), ("3.jpg", "names several pictures of toy")):
        done = gzsl("plot", str(run_of(desk)), "--attention", image, "--out", "no", cwd=desk)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
    done = gzsl("run", "eszsl", "--data", "toy.npz", "--seeds", "1", "--set", "selection.folds=1", cwd=desk)
    assert done.returncode == 0 and "lite0" not in done.stdout
    (eszsl,) = (desk / "runs").glob("eszsl-*")
    done = gzsl("plot", str(eszsl), "--attention", "c1/3.jpg", "--out", "no", cwd=desk)
    assert done.returncode == 2 and "eszsl sees one vector a picture and looks nowhere" in done.stderr
    assert not (desk / "no").exists()


def test_a_report_shows_a_few_test_pictures_of_unseen_classes(desk: Path) -> None:
    details = make_details(finished_run(run_of(desk)), desk, features=True)
    (figure,) = [figure for figure in details.figures if figure.name == "attention"]
    assert figure.data["image"].startswith("data:image/png;base64,")
    assert [name.split("/")[0] for name in figure.data["names"]] == ["c1", "c4"]
    assert len(figure.rows) == 2 * 4 * SIDE * SIDE


def test_maps_are_brought_to_the_size_of_the_picture() -> None:
    grid = np.arange(9.0).reshape(3, 3)
    large = _smooth(grid, 9)
    np.testing.assert_allclose(large[1::3, 1::3], grid)  # the middles of cells keep their values
    assert large.shape == (9, 9) and np.all(np.diff(large, axis=1) >= 0)
    assert FeatureRows(grid[None]).regions is not None
