"""Variants of recipes, ``DATASET.VARIANT.yaml``: budget recipes, CUB with sentences, published values on CUB127."""

from __future__ import annotations

from typing import Any

import pytest

from gzsl.door.yaml import read_yaml
from gzsl.errors import RecipeError
from gzsl.params import plain
from gzsl.runs import find_recipe, list_recipes, load_recipe
from gzsl.runs.find import dataset_of
from gzsl.runs.recipe import Recipe
from gzsl.studies import study
from gzsl.studies.study import Study, load_study

GENERATORS = load_study("generative").methods
BENCHMARKS = ("AWA1", "AWA2", "CUB", "SUN", "FLO", "APY")
WIDTHS = ("hidden_dim", "encoder_dim", "bottleneck_dim", "part_dim", "relation_dim", "embedding_dim", "latent_dim")


def shipped(variant: str) -> list[str]:
    return [f"{p.parent.name}/{p.stem}" for p in list_recipes() if p.stem.endswith(f".{variant}")]


def values(name: str) -> dict[str, Any]:
    return plain(load_recipe(name).build_method())


def data_of(recipe: Recipe) -> tuple[Any, Any]:
    return recipe.dataset, recipe.preprocess


def test_a_variant_is_found_by_name_in_any_case() -> None:
    assert find_recipe("f-clswgan/awa2.budget").name == "AWA2.budget.yaml"
    assert find_recipe("f-clswgan/AWA2.budget.yaml").name == "AWA2.budget.yaml"
    assert load_recipe("f-clswgan/AWA2.budget").dataset.name == "AWA2"


def test_every_recipe_is_filed_under_its_dataset() -> None:
    for path in list_recipes():
        assert dataset_of(path.stem) == read_yaml(path)["dataset"]["name"], path


def test_every_generator_has_a_budget_recipe_for_every_benchmark() -> None:
    datasets = (*BENCHMARKS, "CUB127", "FLO89")
    wanted = {f"{method}/{dataset}.budget" for method in GENERATORS for dataset in datasets}
    assert wanted <= set(shipped("budget"))
    besides = {load_recipe(name).setting for name in set(shipped("budget")) - wanted}
    assert besides <= {"transductive"}, "budget recipes of methods that the study of generators leaves out"


@pytest.mark.parametrize("former", ["full", "Budget"])
def test_a_variant_that_is_no_longer_there_gives_the_new_name(former: str) -> None:
    with pytest.raises(RecipeError, match=r"the recipe is now 'eszsl/CUB127'$"):
        find_recipe(f"eszsl/CUB127.{former}")
    with pytest.raises(RecipeError, match=r"is now 'cada-vae/CUB127', and there is 'cada-vae/CUB127.budget' and"):
        find_recipe("cada-vae/cub127.full")


@pytest.mark.parametrize("name", shipped("budget"))
def test_a_budget_recipe_is_the_published_task_with_less_work(name: str) -> None:
    budget, published = load_recipe(name), load_recipe(name.removesuffix(".budget"))
    assert budget.dataset == published.dataset
    assert budget.selection.rule == "validation" or budget.setting == "transductive"  # their passes were fixed
    if dataset_of(name.partition("/")[2]) not in BENCHMARKS:
        return  # what the recipe was before it had its full strength, which need not be smaller
    assert data_of(budget) == data_of(published)
    mine, theirs = values(name), values(name.removesuffix(".budget"))
    assert mine["n_epochs"] <= theirs["n_epochs"]
    for width in WIDTHS:
        assert mine.get(width, 0) <= theirs.get(width, 0)


@pytest.mark.parametrize("name", [*shipped("budget"), *shipped("sent"), *shipped("published")])
def test_every_value_of_a_variant_says_where_it_comes_from(name: str) -> None:
    recipe = load_recipe(name)
    parts = {key.partition(".")[0] for key in recipe.provenance}
    assert set(recipe.method) - {"name"} <= parts
    assert all(recipe.provenance.values())


@pytest.mark.parametrize("name", shipped("sent"))
def test_sentences_stand_apart_from_attributes(name: str) -> None:
    sentences, attributes = load_recipe(name), load_recipe(name.removesuffix(".sent"))
    assert (sentences.dataset.semantics, attributes.dataset.semantics) == ("sent", "att")
    assert sentences.dataset.model_copy(update={"semantics": "att"}) == attributes.dataset


@pytest.mark.parametrize("name", shipped("published"))
def test_a_recipe_of_published_values_has_the_published_values_on_the_other_features(name: str) -> None:
    method = name.partition("/")[0]
    assert values(name) == values(f"{method}/CUB")
    assert load_recipe(name).dataset == load_recipe(f"{method}/CUB127").dataset
    assert load_recipe(name).selection.rule == "validation"


def test_a_study_finds_the_data_of_a_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = Study(title="t", methods=["cada-vae"], datasets=["CUB127.published", "AWA2.budget"])
    monkeypatch.setattr(study, "present", lambda root: {"CUB127"})
    full, budget = planned.cells()
    assert full.name == "cada-vae/CUB127.published"
    assert full.recipe is not None
    assert full.recipe.method["n_epochs"] == 100
    assert budget.recipe is None
    assert budget.left_out == "no files of AWA2 below --data"
