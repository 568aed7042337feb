"""A method on a dataset that no recipe is shipped for, and what a recipe is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.data import load
from gzsl.data.export import export
from gzsl.errors import RecipeError
from gzsl.runs import find_recipe, load_recipe
from gzsl.runs.own_data import open_recipe, recipe_for


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of datasets with one of a user's own."""
    folder = tmp_path_factory.mktemp("datasets")
    export(load("simulated"), folder / "mine", "xlsa17")
    return folder


def gzsl(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_method_runs_on_a_folder_of_ones_own(root: Path, tmp_path: Path) -> None:
    done = gzsl("run", "eszsl", "--data", root / "mine", "--seeds", "1", "--out", tmp_path, "--json")
    assert done.exit_code == 0, str(done.exception)
    found = json.loads(done.stdout)
    assert found["protocol"]["dataset"] == "mine"
    assert found["protocol"]["selection"] == "validation"
    assert found["runs"][0]["metrics"]["T1"] > 0.5


def test_a_dataset_is_known_by_its_content_under_its_name_and_its_path(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GZSL_DATA", str(root))
    asked = ("--seeds", "1", "--out", tmp_path, "--json")
    by_path = json.loads(gzsl("run", "eszsl", "--data", root / "mine", *asked).stdout)["runs"][0]
    by_name = json.loads(gzsl("run", "eszsl", "--data", "mine", *asked).stdout)["runs"][0]
    assert by_path["fresh"] and not by_name["fresh"]
    assert by_path["folder"] == by_name["folder"]


def test_cheap_ranges_are_searched_and_others_left_at_their_defaults() -> None:
    recipe = recipe_for("eszsl", "simulated")
    assert recipe.title == "eszsl on simulated"
    assert recipe.selection.grid["lam"] == [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
    assert len(recipe.selection.grid["gamma"]) == 7
    assert (recipe.preprocess.features, recipe.dataset.normalise) == ("centre-l2", "l2")
    assert "no recipe was named" in recipe.provenance["selection.grid"]
    trained = recipe_for("f-clswgan", "simulated", {"method.n_epochs": 3})
    assert not trained.selection.grid
    assert (trained.preprocess.features, trained.method["n_epochs"]) == ("minmax", 3)


def test_a_recipe_stays_a_recipe(root: Path) -> None:
    recipe, data = open_recipe("eszsl/simulated", root)
    assert data == root
    assert recipe == load_recipe("eszsl/simulated")


def test_what_is_missing_beside_a_method_is_said(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GZSL_DATA", raising=False)
    for data, sentence in (
        (None, "expected one of its recipes .eszsl/APY, .*. or the folder of a dataset: gzsl run eszsl --data FOLDER"),
        (root, f"a folder with mine, expected .* gzsl run eszsl --data {root}/mine"),
        (tmp_path, "a folder without a dataset"),
        ("nope", "--data nope: no such dataset, expected a dataset's folder"),
    ):
        with pytest.raises(RecipeError, match=sentence):
            recipe_for("eszsl", data)
    with pytest.raises(RecipeError, match="unknown key 'method.gama'|unknown key 'gama'"):
        recipe_for("eszsl", "simulated", {"method.gama": 1})


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("ezsl/AWA1", "did you mean 'eszsl/AWA1' or"),
        ("eszsl/AWA3", "did you mean 'eszsl/AWA[12]'[?] eszsl has eszsl/APY, eszsl/AWA1, "),
        ("eszsl/nothing-like-it", "no such recipe; eszsl has eszsl/APY, "),
        ("eszsl", "eszsl has eszsl/APY, .*; on your own data: gzsl run eszsl --data FOLDER"),
        ("nothing", "gzsl recipes lists them"),
        ("a/b/c.yaml", "gzsl recipes lists them"),
    ],
)
def test_a_misspelt_recipe_names_the_nearest_few(source: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence) as caught:
        find_recipe(source)
    assert len(str(caught.value)) < 400
