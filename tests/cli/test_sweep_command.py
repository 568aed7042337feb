from __future__ import annotations

import csv
import json
from pathlib import Path

from command_line import Done
from command_line import gzsl as command

STUDY = """
title: two sets
methods: [eszsl]
datasets: [simulated, digits, CUB]
seeds: [0]
set:
  selection.folds: 2
  selection.grid: {gamma: [10.0], lam: [1.0]}
"""


def gzsl(*arguments: str, cwd: Path) -> Done:
    """A command on a machine without benchmarks."""
    return command(*arguments, cwd=cwd, COLUMNS="80", GZSL_DATA="")


def test_sweep_prints_a_table_a_dataset_and_writes_it(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY)
    done = gzsl("sweep", "s.yaml", "--csv", "t.csv", "--markdown", "t.md", "--latex", "t.tex", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "simulated, percent" in done.stdout
    assert "digits, percent" in done.stdout
    assert "left out: no files of CUB below --data" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if "│" in line) <= 80
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["dataset"] for row in rows] == ["simulated", "digits"]
    assert "### digits" in (tmp_path / "t.md").read_text()
    assert (tmp_path / "t.tex").read_text().count(r"\begin{tabular}{lrrrrrr}") == 2
    again = json.loads(gzsl("sweep", "s.yaml", "--json", cwd=tmp_path).stdout)
    assert len(again["lines"]) == 2
    assert list(again["left_out"]) == ["eszsl/CUB"]


def test_dry_run_and_list_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY)
    done = gzsl("sweep", "s.yaml", "--dry-run", cwd=tmp_path)
    assert "eszsl/digits" in done.stdout
    assert "2 runs to do with 1 worker: about" in done.stdout
    assert "no files of CUB" in " ".join(done.stdout.replace("│", " ").split())
    assert not (tmp_path / "runs").exists()
    assert "budget-and-published" in gzsl("sweep", "--list", cwd=tmp_path).stdout


def test_a_dry_run_finds_wrong_recipes_before_anything_runs(tmp_path: Path) -> None:
    changes = ("method.lam: -1", "dataset.semantics: x")
    wrong = "cells: [" + ", ".join(f"{{recipe: eszsl/digits, set: {{{change}}}}}" for change in changes) + "]\n"
    (tmp_path / "s.yaml").write_text(STUDY.replace("simulated, digits, CUB", "simulated") + wrong)
    done = gzsl("sweep", "s.yaml", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    good, lam, semantics = found["cells"]
    assert good["error"] is None
    assert good["low"] < good["seconds"] < good["high"]
    assert found["total"]["seconds"] == good["seconds"]
    assert "lam" in lam["error"]
    assert "no semantics 'x'" in semantics["error"]
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_ends_at_a_dataset_that_no_recipe_names(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY.replace("digits", "digts"))
    done = gzsl("sweep", "s.yaml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 2
    assert "found 'digts', of which there is no recipe; did you mean 'digits'?" in " ".join(done.stderr.split())


def test_options_of_a_cluster_are_checked(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY)
    done = gzsl("sweep", "s.yaml", "--resources", "GPU=1", cwd=tmp_path)
    assert (done.returncode, "--scheduler" in done.stderr) == (2, True)
    done = gzsl("sweep", "s.yaml", "--scheduler", "tcp://x:1", "--resources", "GPU", cwd=tmp_path)
    assert (done.returncode, "expected NAME=NUMBER" in done.stderr) == (2, True)


def test_a_study_without_any_data_ends_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY.replace("simulated, digits, CUB", "CUB"))
    done = gzsl("sweep", "s.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "no cell could be run" in done.stderr
