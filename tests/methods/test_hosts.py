"""Methods built on others have what the others declare, and recipes say truly where their values come from."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from gzsl.heads import SoftmaxHead
from gzsl.methods import create, get_method, method_names
from gzsl.params import Configurable, parameters, plain
from gzsl.report.published import published_numbers
from gzsl.runs import Recipe, list_recipes, load_recipe

RECIPES = {f"{path.parent.name}/{path.stem}": path for path in list_recipes()}
ON_TEST = ("best epoch on test", "best iteration on test")


def host(name: str) -> str | None:
    """The registered method that another one is built on."""
    own = get_method(name)
    known = {get_method(other): other for other in method_names()}
    return next((known[base] for base in own.__mro__[1:] if base in known), None)


BUILT_ON = {name: found for name in method_names() if (found := host(name))}


def value(found: Any) -> Any:
    return plain(found) if isinstance(found, Configurable) else found


def test_there_are_methods_built_on_others() -> None:
    assert {"dsp": "f-vaegan", "dsp-tf-vaegan": "tf-vaegan", "dsp-f-clswgan": "f-clswgan"}.items() <= BUILT_ON.items()


@pytest.mark.parametrize("name", method_names())
def test_a_default_is_that_of_the_class_which_declares_it(name: str) -> None:
    cls = get_method(name)
    for parameter in parameters(cls).values():
        home = next(base for base in cls.__mro__ if parameter.name in inspect.get_annotations(base))
        declared = parameters(home)[parameter.name]
        assert (value(parameter.default), parameter.doc) == (value(declared.default), declared.doc)
        assert value(getattr(cls(), parameter.name)) == value(declared.default)


@pytest.mark.parametrize(("name", "below"), BUILT_ON.items())
def test_a_method_has_the_defaults_of_its_host(name: str, below: str) -> None:
    own = parameters(get_method(name))
    changed = set(inspect.get_annotations(get_method(name)))
    for parameter in parameters(get_method(below)).values():
        if parameter.name not in changed:
            assert value(own[parameter.name].default) == value(parameter.default), parameter.name


@pytest.mark.parametrize("recipe", [key for key in RECIPES if key.split("/")[0] in BUILT_ON])
def test_what_is_said_to_be_the_hosts_is_the_hosts(recipe: str) -> None:
    name, dataset = recipe.split("/")
    mine = load_recipe(RECIPES[recipe])
    theirs = plain(load_recipe(RECIPES[f"{BUILT_ON[name]}/{dataset}"]).build_method())
    values = plain(mine.build_method())
    for key, source in mine.provenance.items():
        if "host's recipe" in source and key in values:
            without = {"batch_size"} if "but for a batch" in source else set()
            assert key in theirs and _less(values[key], without) == _less(theirs[key], without), (key, source)


def _less(found: Any, left_out: set[str]) -> Any:
    return {k: v for k, v in found.items() if k not in left_out} if isinstance(found, dict) else found


@pytest.fixture(scope="module")
def generators() -> dict[str, Recipe]:
    """Every shipped recipe of a method that follows released code, or has had to do without."""
    names = {name for name in method_names() if get_method(name).card.family == "generative"}
    return {key: load_recipe(path) for key, path in RECIPES.items() if key.split("/")[0] in names}


def test_what_is_not_the_released_way_does_not_claim_to_be(generators: dict[str, Recipe]) -> None:
    wrong = []
    for key, recipe in generators.items():
        for parameter in parameters(get_method(recipe.method["name"])).values():
            other = "released" in (parameter.choices or ()) and recipe.method.get(parameter.name) != "released"
            if other and recipe.provenance.get(parameter.name, "").startswith("released"):
                wrong.append(f"{key}: {parameter.name}")
    assert not wrong


def test_how_released_code_chose_agrees_with_the_published_table(generators: dict[str, Recipe]) -> None:
    papers: dict[str, set[str]] = {}
    for line in published_numbers():
        if line.kind == "paper" and line.selection != "unknown":
            papers.setdefault(line.method, set()).add(line.selection)
    wrong = []
    for key, recipe in generators.items():
        name, said = recipe.method["name"], recipe.provenance.get("selection", "")
        rules, code = papers.get(name, set()), get_method(name).card.fidelity == "replicated from code"
        backed = rules <= {"test-oracle"} and (rules or code or "public" in said)
        if any(text in said for text in ON_TEST) and not backed:
            wrong.append(f"{key}: {said}")
        if "released code chooses" in said and "validation" in said and not rules <= {"validation"}:
            wrong.append(f"{key}: {said}")
    assert generators["gdan/CUB"].provenance["selection"].endswith("chooses its checkpoint on validation classes")
    assert not wrong


@pytest.mark.parametrize("name", ["f-clswgan", "tf-vaegan", "cada-vae", "dsp"])
def test_a_head_may_be_given_as_an_object(name: str) -> None:
    head = SoftmaxHead(n_epochs=2, lr=0.01)
    made = create(name, head=head)
    made.check_parameters()
    assert made.head is head
    assert plain(made) == plain(create(name, head={"name": "softmax", "n_epochs": 2, "lr": 0.01}))
