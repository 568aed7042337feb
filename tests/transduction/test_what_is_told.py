"""What commands, tables and errors say of runs that saw unlabelled test images."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.data import load
from gzsl.data.export import export
from gzsl.data.pool import ClassPrior
from gzsl.door.yaml import read_yaml
from gzsl.errors import MethodError, ProtocolError, RecipeError
from gzsl.evaluation.protocol import Protocol
from gzsl.methods import load_method
from gzsl.nn.class_shares import refuse_collapse
from gzsl.report import Aggregate
from gzsl.report.collect import finished_run
from gzsl.report.published import find_published
from gzsl.report.reproduction import reproduction
from gzsl.report.unlike import beside_run
from gzsl.runs import run_recipe
from gzsl.runs.own_data import recipe_for
from gzsl.runs.recipe import make_recipe
from gzsl.studies.cells import Cell
from gzsl.tuning.space import search_space

PLAIN = {"dataset": "simulated", "method": "eszsl", "selection": "last", "calibration": "none", "seeds": [0]}
WRAPPED = {**PLAIN, "transductive": "sinkhorn"}


def gzsl(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_study_heads_runs_apart_that_saw_unlabelled_images(tmp_path: Path) -> None:
    cells = [WRAPPED, {**WRAPPED, "pool": "all"}, PLAIN]
    for place, keys in enumerate(cells):
        (tmp_path / f"{place}.yaml").write_text(json.dumps(keys))
    listed = [{"recipe": str(tmp_path / f"{place}.yaml")} for place in range(len(cells))]
    (tmp_path / "study.yaml").write_text(json.dumps({"title": "apart", "cells": listed}))
    files = ("--markdown", tmp_path / "t.md", "--latex", tmp_path / "t.tex", "--csv", tmp_path / "t.csv")
    done = gzsl("sweep", tmp_path / "study.yaml", "--out", tmp_path / "runs", *files)
    assert done.exit_code == 0, done.output
    markdown = (tmp_path / "t.md").read_text()
    heads = [line[4:] for line in markdown.splitlines() if line.startswith("### ")]
    unseen, whole = (f"simulated, transductive (pool {pool})" for pool in ("unseen", "all"))
    assert heads == [unseen, whole, "simulated"]
    first, second, third = markdown.split("### ")[1:]
    assert "| eszsl+sinkhorn |" in first and "| eszsl+sinkhorn |" in second
    assert "| eszsl |" in third and "sinkhorn" not in third
    latex = (tmp_path / "t.tex").read_text()
    assert unseen in latex and whole in latex
    assert [row.split(",")[0] for row in (tmp_path / "t.csv").read_text().splitlines()[1:]].count("eszsl") == 1
    shown = " ".join(done.output.split())
    assert f"apart: {unseen}, percent" in shown and "apart: simulated, percent" in shown


@pytest.mark.parametrize("overrides", [{"transductive.name": "sinkhorn"}, {"transductive": "propagate"}])
def test_a_wrapper_on_data_of_ones_own_needs_no_second_word(overrides: dict[str, Any]) -> None:
    assert recipe_for("eszsl", "simulated", overrides).setting == "transductive"


def test_a_pool_is_asked_for_where_a_method_has_the_setting_and_refused_elsewhere() -> None:
    assert recipe_for("gfzsl-t", "simulated").setting == "transductive"
    assert recipe_for("lisgan", "simulated").setting == "inductive"
    assert recipe_for("lisgan", "simulated", {"pool": "all"}).setting == "transductive"
    with pytest.raises(RecipeError, match="pool: found one in the inductive setting"):
        recipe_for("eszsl", "simulated", {"pool": "all"})
    with pytest.raises(RecipeError, match="found one in the inductive setting"):
        recipe_for("eszsl", "simulated", {"transductive.name": "sinkhorn", "setting": "inductive"})


def test_what_is_meant_by_nothing_and_what_is_said_are_one_run() -> None:
    found = make_recipe(WRAPPED).fingerprint
    assert make_recipe({**WRAPPED, "pool": "unseen"}).fingerprint == found
    assert make_recipe({**WRAPPED, "class_prior": "uniform"}).fingerprint == found
    assert make_recipe({**WRAPPED, "class_prior": "estimated"}).fingerprint != found
    assert make_recipe({**WRAPPED, "pool": "all"}).fingerprint != found


@pytest.mark.parametrize("name", ["uniform", "given"])
def test_a_rule_of_estimation_beside_another_prior_is_refused(name: str) -> None:
    recipe = {**WRAPPED, "class_prior": {"name": name, "rule": "kmeans"}}
    with pytest.raises((ProtocolError, RecipeError), match=rf"class_prior.rule: found kmeans beside the {name} prior"):
        make_recipe(recipe)


def test_a_collapse_says_in_which_fold_and_advises_what_is_not_so_already(tmp_path: Path) -> None:
    alike = replace(load("simulated"), features=np.ones_like(load("simulated").features))
    folder = tmp_path / "alike"
    export(alike, folder, "xlsa17")
    keys = {**WRAPPED, "dataset": str(folder), "preprocess": {"features": "none"}}
    keys["selection"] = {"rule": "validation", "grid": {"lam": [1.0, 10.0]}}
    with pytest.raises(MethodError, match=r"fold 1 of \d: sinkhorn: all \d+ unlabelled rows") as refused:
        run_recipe(make_recipe({**keys, "method": {"name": "eszsl"}}), out=tmp_path / "runs")
    assert "class_prior: uniform" not in str(refused.value)


def test_a_prior_that_wants_one_class_is_no_collapse(tmp_path: Path) -> None:
    name = load("simulated").semantics.class_names[load("simulated").split.unseen[0]]
    for wrapper in ("sinkhorn", "self-train"):
        recipe = make_recipe({
            **WRAPPED, "transductive": wrapper, "class_prior": {"name": "given", "shares": {name: 1.0}},
        })  # fmt: skip
        (result,) = run_recipe(recipe, out=tmp_path)
        assert result.metrics["protocol"]["valid"] is False


def test_why_a_number_is_not_valid_is_told(tmp_path: Path) -> None:
    (tmp_path / "given.yaml").write_text(json.dumps({**WRAPPED, "class_prior": "given"}))
    done = gzsl("run", tmp_path / "given.yaml", "--out", tmp_path / "runs")
    told = " ".join(done.output.split())
    assert "not a valid result: the shares of classes among the test images were given" in told
    assert "chosen on test data" not in told
    written = gzsl("report", tmp_path / "runs", "--html", tmp_path / "page.html")
    assert written.exit_code == 0 and "missing" not in written.output, written.output
    page = (tmp_path / "page_data" / "leaderboard.md").read_text()
    assert "not a valid result: the shares of classes among the test images were given" in page
    assert "were chosen on test data" not in page


@pytest.mark.parametrize(
    ("prior", "selection", "valid", "expected"),
    [
        ("none", "validation", True, ""),
        ("none", "test-oracle (not a valid result)", False, "hyper-parameters or epoch were chosen on test data"),
        ("given", "last", False, "the shares of classes among the test images were given"),
    ],
)
def test_reasons(prior: str, selection: str, valid: bool, expected: str) -> None:
    protocol = Protocol(
        dataset="d", split="PS2", setting="inductive", features="f", fine_tuned=None, semantics="att",
        normalisation="l2", preprocessing="none", selection=selection, calibration="none", class_prior=prior,
        valid=valid,
    )  # fmt: skip
    assert protocol.reason == expected


def test_the_settings_of_a_wrapper_are_explained_and_not_searched(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(json.dumps(WRAPPED))
    rows = {row["key"]: row for row in json.loads(gzsl("explain", tmp_path / "r.yaml", "--json").stdout)}
    assert rows["transductive.temperature"]["symbol"] == "τ" and rows["transductive.temperature"]["value"] == 0.2
    with pytest.raises(RecipeError, match="transductive.temperature: found a setting of a wrapper, expected"):
        search_space(make_recipe(WRAPPED), only=["transductive.temperature"])
    grid = {"rule": "validation", "grid": {"transductive.temperature": [0.1, 0.2]}}
    with pytest.raises(RecipeError, match="selection.grid: transductive.temperature: found a setting of a wrapper"):
        make_recipe({**WRAPPED, "selection": grid})


def test_a_wrapper_without_a_name_is_asked_for_it() -> None:
    with pytest.raises(RecipeError, match="transductive.name: found None, expected one of"):
        make_recipe({**PLAIN, "transductive": {}})


def test_a_wrapped_method_of_a_file_says_what_a_new_class_needs(tmp_path: Path) -> None:
    (result,) = run_recipe(make_recipe({**WRAPPED, "pool": "all"}), out=tmp_path)
    method = load_method(result.folder / "weights.safetensors")
    table = method.fitted_semantics
    moved = replace(table, table=table.table + np.float32(0.1))
    with pytest.raises(MethodError, match=r"eszsl\+sinkhorn: read from a file, .* train it again with all classes"):
        method.prepare(moved)


def test_runs_of_earlier_versions_are_the_same_recipe(tmp_path: Path) -> None:
    """Recipes used to be kept without the pool and the prior that nobody had named."""
    (result,) = run_recipe(make_recipe(WRAPPED), out=tmp_path)
    now = finished_run(result.folder)
    path = result.folder / "recipe.yaml"
    kept = read_yaml(path)
    assert (kept["pool"], kept["class_prior"]["name"]) == ("unseen", "uniform")
    for old in ({"pool": None, "class_prior": None}, {"class_prior": {**kept["class_prior"], "rule": "kmeans"}}):
        stored = replace(now, recipe={**kept, **old})
        assert (stored.fingerprint, stored.settings) == (now.fingerprint, now.settings)
    other = replace(now, recipe={**kept, "class_prior": {**kept["class_prior"], "name": "estimated"}})
    assert other.fingerprint != now.fingerprint


def test_nothing_was_published_of_a_method_inside_a_wrapper() -> None:
    inside = {**PLAIN, "dataset": "CUB", "method": "f-vaegan", "setting": "transductive", "transductive": "sinkhorn"}
    recipe = make_recipe(inside)
    protocol = Protocol(
        dataset="CUB", split="PS2", setting="transductive", features="res101", fine_tuned=False, semantics="att",
        normalisation="l2", preprocessing="minmax", selection="validation", calibration="none", pool="unseen",
        class_prior="uniform", pool_reads=1,
    )  # fmt: skip
    assert find_published("f-vaegan", protocol) is not None, "the method itself was published in this setting"
    assert find_published(recipe.method_label, protocol) is None
    beside = beside_run(recipe, protocol)
    assert beside is None or not beside.values
    found = reproduction(recipe, protocol, Aggregate(1, {"T1": 0.5}, {"T1": 0.0}))
    assert found.published is None and not found.bands


@pytest.mark.parametrize(
    ("varied", "label"),
    [
        ({"transductive": "sinkhorn"}, "eszsl+sinkhorn"),
        (
            {"transductive.name": "sinkhorn", "transductive.temperature": 0.1},
            "eszsl+sinkhorn [temperature=0.1]",
        ),
    ],
)
def test_a_label_names_a_wrapper_once(varied: dict[str, Any], label: str) -> None:
    assert Cell("eszsl+sinkhorn", "d", None, None, varied).label == label


def test_a_stated_prior_of_less_than_a_row_is_no_collapse() -> None:
    predicted, names = np.zeros(40, dtype=np.int64), ("a", "b", "c")
    refuse_collapse(predicted, np.arange(3), names, "x", ClassPrior("given", "classifier", np.array([0.99, 0.01, 0])))
    with pytest.raises(MethodError, match=r"x: all 40 .* to 'a', expected some of each of 2 classes"):
        refuse_collapse(predicted, np.arange(3), names, "x", ClassPrior("given", "classifier", np.array([0.9, 0.1, 0])))
