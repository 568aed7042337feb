"""Files without test_seen rows, in every layout: read, examined, written and run; T1 alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.data import Dataset, load
from gzsl.errors import DataError, ProtocolError

NONE = np.empty((0, 0))


def plain(dataset: Dataset) -> None:
    assert not dataset.split.generalized
    assert len(dataset.split.test_seen) == 0
    assert len(dataset.split.test_unseen) == 20
    assert any("plain zero-shot learning, T1 alone" in note for note in dataset.card.notes)


def test_mat_files_with_no_or_an_empty_variable(toy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plain(load(toy.released(tmp_path / "a", drop=("test_seen_loc",))))
    plain(load(toy.released(tmp_path / "b", test_seen_loc=NONE)))
    with pytest.raises(DataError, match="trainval is empty"):
        load(toy.released(tmp_path / "c", trainval_loc=NONE))


def test_a_misspelt_name_is_not_taken_for_plain_data(toy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = toy.released(tmp_path, drop=("test_seen_loc",), test_sen_loc=toy.test_seen[:, None] + 1)
    with pytest.raises(DataError, match="no variable 'test_seen_loc'; did you mean 'test_sen_loc'"):
        load(folder)


def test_arrays_and_csv(toy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    np.savez(tmp_path / "no.npz", **toy.arrays(test_seen=None))
    np.savez(tmp_path / "empty.npz", **toy.arrays(test_seen=np.array([])))
    plain(load(tmp_path / "no.npz"))
    plain(load(tmp_path / "empty.npz"))
    folder = toy.csv(tmp_path / "csv")
    with (folder / "features.csv").open(newline="") as stream:
        rows = [row for row in csv.reader(stream) if row[2] != "test_seen"]
    with (folder / "features.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    plain(load(folder))


@pytest.fixture
def folder(toy, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    return toy.released(tmp_path / "mine", drop=("test_seen_loc",))


def test_doctor_and_export(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["data", "doctor", str(folder)], catch_exceptions=False)
    assert "plain zero-shot learning, T1 alone" in " ".join(done.output.split())
    export = ["data", "export", str(folder), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, export, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    plain(load(tmp_path / "out"))


def test_run_report_plot_and_what_cannot_be(folder: Path, tmp_path: Path) -> None:
    quick = ["--set", f"dataset={folder}", "--set", "selection.folds=1", "--set", "selection.grid={gamma: [1.0]}"]
    run = ["run", "eszsl/simulated", *quick, "--out", str(tmp_path / "runs"), "--seeds", "2"]
    done = CliRunner().invoke(app, run, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "/zsl/" in done.output
    assert "T1 alone" in " ".join(done.output.split())
    found = json.loads(CliRunner().invoke(app, [*run, "--json"], catch_exceptions=False).stdout)
    assert set(found["mean"]) == {"T1"}
    place = found["runs"][0]["folder"]
    html = tmp_path / "r.html"
    report = ["report", str(tmp_path / "runs"), "--html", str(html), "--significance", "seeds"]
    done = CliRunner().invoke(app, report, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    table = (tmp_path / "r_data" / "leaderboard.md").read_text()
    line = next(text for text in table.splitlines() if text.startswith("| eszsl"))
    assert [cell.strip() for cell in line.split("|")[3:10]] == ["-"] * 7
    done = CliRunner().invoke(app, ["plot", place, "--json"], catch_exceptions=False)
    assert [Path(path).name for path in json.loads(done.output)] == ["confusion.png"]
    done = CliRunner().invoke(app, ["compare", *(one["folder"] for one in found["runs"])], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    pytest.importorskip("optuna")
    tune = ["tune", "eszsl/simulated", *quick[:4], "--trials", "1", "--out", str(tmp_path / "runs"), "--json"]
    done = CliRunner().invoke(app, tune, catch_exceptions=False)
    assert json.loads(done.stdout)["metric"] == "T1", "the same as in a run"
    with pytest.raises(ProtocolError, match="found no test_seen rows, expected some"):
        CliRunner().invoke(app, ["calibrate", "eszsl/simulated", *quick, "--with", "stacking"], catch_exceptions=False)
