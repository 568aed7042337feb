"""What recipes say about where their values come from is compared with the recipes of published values."""

from __future__ import annotations

from typing import Any

import pytest

from gzsl.methods import get_method, method_names
from gzsl.runs import list_recipes, load_recipe

PUBLISHED = ("APY", "AWA1", "AWA2", "CUB", "FLO", "SUN")
GENERATORS = [name for name in method_names() if get_method(name).card.family == "generative"]


def recipes_of(method: str) -> dict[str, Any]:
    return {path.stem: load_recipe(path) for path in list_recipes() if path.parent.name == method}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_value_said_to_be_that_of_all_released_scripts_is_in_a_published_recipe(name: str) -> None:
    recipes = recipes_of(name)
    published = [recipes[dataset].method for dataset in PUBLISHED if dataset in recipes]
    untrue = {
        (stem, key): recipe.method[key]
        for stem, recipe in recipes.items()
        for key, source in recipe.provenance.items()
        if key in recipe.method and source.startswith("released") and "all datasets" in source
        and published and all(recipe.method[key] != method.get(key) for method in published)
    }  # fmt: skip
    assert not untrue


def test_no_recipe_of_sdgzsl_weighs_the_correlation_more_than_the_released_scripts_do() -> None:
    recipes = recipes_of("sdgzsl")

    def largest(stem: str) -> float:
        own = recipes[stem].method
        return float(own["correlation_weight"] * min(1.0, own["correlation_rise"] * (own["n_epochs"] - 1)))

    assert largest("CUB") < 1.8e-4
    for stem, recipe in recipes.items():
        assert recipe.method["discriminator"] == "released", stem
        own_data = {"CUB127": "CUB", "FLO89": "FLO", "digits": "CUB", "letters": "CUB", "simulated": "CUB"}
        released = own_data.get(stem.split(".")[0], stem.split(".")[0])
        assert largest(stem) <= largest(released) or stem == "CUB.sent", stem


def test_published_recipes_of_gdan_pretrain_as_their_rate_was_chosen_for() -> None:
    for stem, recipe in recipes_of("gdan").items():
        accumulated = recipe.method["pretrain_gradients"] == "accumulated"
        assert accumulated == (stem in PUBLISHED or stem.endswith(".published")), stem
        assert accumulated == (recipe.method["lr"] == 1e-5), stem


def test_published_recipes_of_sabr_have_the_released_sizes() -> None:
    for stem, recipe in recipes_of("sabr").items():
        if stem in PUBLISHED:
            assert (recipe.method["hidden_dim"], recipe.method["critic_dim"]) == (2048, 4096)
