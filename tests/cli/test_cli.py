"""Every command as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import gzsl

QUICK = ["--set", "selection.grid={gamma: [1.0, 10.0], lam: [1.0]}", "--set", "selection.folds=2"]


def test_run_prints_a_table_that_fits_and_says_its_protocol(tmp_path: Path) -> None:
    done = gzsl("run", "eszsl/simulated", "--seeds", "2", "--out", "r", *QUICK, cwd=tmp_path, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "│ mean " in done.stdout
    assert "protocol: simulated/custom/" in done.stdout
    table = [line for line in done.stdout.splitlines() if "│" in line or "┃" in line]
    assert len(table) >= 4
    assert max(len(line) for line in table) <= 80


@pytest.mark.parametrize(("recipe", "drawn"), [("eszsl/simulated", False), ("ale/simulated", True)])
def test_a_spread_is_shown_where_seeds_differ(recipe: str, drawn: bool, tmp_path: Path) -> None:
    epochs = ["--set", "method.n_epochs=1"] if drawn else []
    fixed = ["--set", "selection=last", "--set", "calibration=none", *epochs, "--seeds", "2", "--out", "r"]
    shown = gzsl("run", recipe, *fixed, cwd=tmp_path).stdout
    answer = json.loads(gzsl("run", recipe, *fixed, "--json", cwd=tmp_path).stdout)
    assert any(answer["std"].values()) == drawn
    assert ("± std" in shown) == drawn


def test_run_json_is_for_scripts(tmp_path: Path) -> None:
    done = gzsl("run", "eszsl/simulated", "--seeds", "2", "--out", "r", "--json", *QUICK, cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert answer["n"] == 2
    assert 0 < answer["mean"]["T1"] <= 1
    assert set(answer["std"]) == set(answer["mean"])
    assert len(answer["runs"]) == 2
    assert (tmp_path / answer["runs"][0]["folder"] / "metrics.json").is_file()
    done = gzsl("run", "eszsl/simulated", "--seeds", "2", "--out", "r", "--json", *QUICK, cwd=tmp_path)
    again = json.loads(done.stdout)
    assert [run["fresh"] for run in again["runs"]] == [False, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "eszsl/simulatd"], "did you mean 'eszsl/simulated'"),
        (["run", "eszsl/simulated", "--set", "method.gama=1"], "did you mean 'gamma'"),
        (["run", "eszsl/simulated", "--set", "gamma"], "expected for example"),
        (["run", "eszsl/simulated", "--set", "method.name=eszls"], "did you mean 'eszsl'"),
        (["run", "eszsl/simulated", "--set", "dataset.name=simulatd"], "did you mean 'simulated'"),
        (["run", "eszsl/simulated", "--set", "dataset.semantics=at"], "did you mean 'att'"),
        (["run", "eszsl/simulated", "--set", "preprocess.features=minimax"], "minmax"),
        (["run", "eszsl/simulated", "--device", "tpu"], "expected auto, cpu or cuda"),
        (["run", "eszsl/AWA2", "--data", "."], "AWA2"),
        (["data", "doctor", "nowhere"], "nowhere"),
        (["evaluate", "nothing.npz"], "nothing.npz"),
        (["explain", "eszsl/nothing"], "no such recipe"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = gzsl(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()), "nothing half-written"


def test_an_output_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = gzsl("run", "eszsl/simulated", "--out", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_methods_recipes_datasets(tmp_path: Path) -> None:
    methods = json.loads(gzsl("methods", "--json", cwd=tmp_path).stdout)
    assert {"eszsl", "f-clswgan"} <= {method["id"] for method in methods}
    assert "Romera-Paredes" in gzsl("methods", cwd=tmp_path).stdout
    recipes = json.loads(gzsl("recipes", "eszsl", "--json", cwd=tmp_path).stdout)
    assert {recipe["name"] for recipe in recipes} >= {"eszsl/CUB", "eszsl/digits"}
    names = {entry["name"] for entry in json.loads(gzsl("datasets", "--json", cwd=tmp_path, GZSL_DATA="").stdout)}
    assert {"digits", "simulated", "AWA1", "AWA2", "CUB", "SUN", "FLO", "APY"} <= names


def test_explain_names_every_key_with_meaning_and_source(tmp_path: Path) -> None:
    rows = json.loads(gzsl("explain", "f-clswgan/CUB", "--json", cwd=tmp_path).stdout)
    by_key = {row["key"]: row for row in rows}
    assert all(row["meaning"] for row in rows)
    assert by_key["method.gp_weight"]["symbol"] == "λ"
    assert "lambda = 10" in by_key["method.gp_weight"]["source"]
    assert by_key["method.n_epochs"]["value"] == 56
    assert "gp_weight" in gzsl("explain", "f-clswgan/CUB", cwd=tmp_path).stdout
    shown = gzsl("explain", "eszsl/digits", "--set", "calibration=cosmo", cwd=tmp_path).stdout
    assert "calibration.seen_expert" in shown


@pytest.mark.parametrize(
    "command", ["", "run", "evaluate", "explain", "methods", "recipes", "datasets", "data", "data doctor"]
)
def test_help_teaches(command: str, tmp_path: Path) -> None:
    done = gzsl(*command.split(), "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert len(done.stdout) > 200


def test_version(tmp_path: Path) -> None:
    import gzsl as package

    assert gzsl("--version", cwd=tmp_path).stdout.strip() == package.__version__
