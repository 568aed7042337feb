"""``gzsl calibrate`` and ``gzsl calibrators``, as a user types them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from gzsl.calibration import calibrator_names

QUICK = ["--set", "selection.grid={gamma: [10.0], lam: [1.0]}", "--set", "selection.folds=2", "--seeds", "1"]


def gzsl(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gzsl", *words], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "80", "TERM": "dumb"},
    )  # fmt: skip


def test_every_calibrator_runs_through_the_recipe_key_and_the_command_compares_them(tmp_path: Path) -> None:
    chosen = ["--with", "stacking", "--with", "{name: cosmo, smoothing: hard}", "--with", "none"]
    done = gzsl("calibrate", "eszsl/simulated", *QUICK, *chosen, "--transfer", "all", "--csv", "t.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [(row["calibrator"], row["transfer"]) for row in rows] == [
        *(("stacking", rule) for rule in ("raw", "zscore", "quantile")),
        *(("cosmo(smoothing=hard)", rule) for rule in ("raw", "zscore", "quantile")),
        ("none", "raw"),
    ]
    assert all(float(row["gap"]) >= -1e-9 for row in rows)
    key = {"raw": "stacking(transfer=raw)", "quantile": "stacking"}
    for rule, label in key.items():
        section = f"calibration={{name: stacking, transfer: {rule}}}"
        done = gzsl("run", "eszsl/simulated", *QUICK, "--set", section, "--json", cwd=tmp_path)
        found = json.loads(done.stdout)
        row = next(row for row in rows if row["calibrator"] == "stacking" and row["transfer"] == rule)
        assert found["runs"][0]["metrics"]["calibrated"]["H"] == float(row["H"])
        assert found["protocol"]["calibration"] == label


def test_list_names_all(tmp_path: Path) -> None:
    done = gzsl("calibrators", cwd=tmp_path)
    assert all(name in done.stdout for name in calibrator_names())
    assert "F[n, c]" in done.stdout
    found = json.loads(gzsl("calibrators", "--json", cwd=tmp_path).stdout)
    assert [entry["name"] for entry in found] == calibrator_names()


def test_mistakes_are_named(tmp_path: Path) -> None:
    done = gzsl("calibrate", "eszsl/simulated", "--with", "stackin", cwd=tmp_path)
    assert "did you mean 'stacking'" in done.stderr
    done = gzsl("calibrate", "eszsl/simulated", "--transfer", "quantil", cwd=tmp_path)
    assert "did you mean 'quantile'" in done.stderr
