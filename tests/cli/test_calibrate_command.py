"""``gzsl calibrate`` and ``gzsl calibrators``, as a user types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gzsl.calibration import calibrator_names
from gzsl.cli.app import app
from gzsl.errors import GzslError

QUICK = ["--set", "selection.grid={gamma: [10.0], lam: [1.0]}", "--set", "selection.folds=2", "--seeds", "1"]


def gzsl(*words: str) -> Result:
    done = CliRunner().invoke(app, list(words), env={"COLUMNS": "80", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done


def test_every_calibrator_runs_through_the_recipe_key_and_the_command_compares_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = ["--with", "stacking", "--with", "{name: cosmo, smoothing: hard}", "--with", "none"]
    words = ["eszsl/simulated", *QUICK, *chosen, "--transfer", "all", "--csv", "t.csv"]
    done = gzsl("calibrate", *words)
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [(row["calibrator"], row["transfer"]) for row in rows] == [
        *(("stacking", rule) for rule in ("raw", "zscore", "quantile")),
        *(("cosmo(smoothing=hard)", rule) for rule in ("raw", "zscore", "quantile")),
        ("none", "raw"),
    ]
    assert all(float(row["gap"]) >= -1e-9 for row in rows)
    again = gzsl("calibrate", "eszsl/simulated", *words[:-1], "twice.csv")  # two recipes, both read
    assert again.stdout == 2 * done.stdout
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert (tmp_path / "twice.csv").read_text().splitlines() == lines + lines[1:]
    key = {"raw": "stacking(transfer=raw)", "quantile": "stacking"}
    for rule, label in key.items():
        section = f"calibration={{name: stacking, transfer: {rule}}}"
        done = gzsl("run", "eszsl/simulated", *QUICK, "--set", section, "--json")
        found = json.loads(done.stdout)
        row = next(row for row in rows if row["calibrator"] == "stacking" and row["transfer"] == rule)
        assert found["runs"][0]["metrics"]["calibrated"]["H"] == float(row["H"])
        assert found["protocol"]["calibration"] == label


def test_list_names_all() -> None:
    done = CliRunner().invoke(app, ["calibrators"])
    assert all(name in done.stdout for name in calibrator_names())
    assert "F[n, c]" in done.stdout
    found = json.loads(CliRunner().invoke(app, ["calibrators", "--json"]).stdout)
    assert [entry["name"] for entry in found] == calibrator_names()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--with", "stackin"], "did you mean 'stacking'"),
        (["--transfer", "quantil"], "did you mean 'quantile'"),
        (["--with", "{smoothing: hard}"], "expected a calibrator's name"),
    ],
)
def test_mistakes_are_named(words: list[str], hint: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["calibrate", "eszsl/simulated", *words, "--out", str(tmp_path / "runs")])
    assert isinstance(done.exception, GzslError)
    assert hint in str(done.exception)
    assert not (tmp_path / "runs").exists(), "nothing was trained for nothing"
