"""Recipes by name: those that are shipped, and those that lie beside a plugin."""

from __future__ import annotations

import difflib
from pathlib import Path

from gzsl import plugins
from gzsl.door.paths import file_at
from gzsl.errors import RecipeError
from gzsl.resources import configs_dir

NEAREST = 3  # names in a message


def list_recipes() -> list[Path]:
    """Paths of all recipes that have a name: shipped ones, sorted, then those beside plugins."""
    shipped = sorted(configs_dir().glob("*/*.yaml"))
    return shipped + [
        path
        for plugin in plugins.loaded()
        for method in sorted(plugin.ids("method"))
        for path in sorted((plugin.path.parent / method).glob("*.yaml"))
    ]


def recipe_names() -> dict[str, Path]:
    """Every recipe's ``METHOD/DATASET`` or ``METHOD/DATASET.VARIANT``, with its path."""
    return {f"{path.parent.name}/{path.stem}": path for path in list_recipes()}


def recipes_of(method: str) -> list[str]:
    """Names of the recipes of one method."""
    return [name for name in recipe_names() if name.startswith(f"{method}/")]


FORMER_VARIANTS = ("budget", "full")


def is_method(source: str) -> bool:
    """Whether a name is a method's id and no recipe's; only folders are looked at, no method is imported."""
    ids = {path.name for path in configs_dir().iterdir() if path.is_dir()}
    ids |= {name for plugin in plugins.loaded() for name in plugin.ids("method")}
    return source in ids and not Path(source).is_file()


def dataset_of(recipe: str) -> str:
    """Dataset of a shipped recipe's name, ``CUB`` for ``CUB.budget`` and for ``CUB``."""
    return recipe.partition(".")[0]


def find_recipe(source: str | Path) -> Path:
    """Path of a recipe given as a path, or by its name in any case.

    Raises
    ------
    RecipeError
        Where there is none: the nearest names, or all of the method that was named.
    """
    path = file_at(source, "a recipe", RecipeError)
    if path is not None:
        return path
    known = recipe_names()
    folded = {name.lower(): place for name, place in known.items()}
    name = str(source).removesuffix(".yaml").removeprefix("configs/").lower()
    if name in folded:
        return folded[name]
    raise RecipeError(f"{source}: no such recipe; {_advice(name, list(known))}")


def _advice(name: str, known: list[str]) -> str:
    """What to write instead."""
    method, _, dataset = name.partition("/")
    renamed = _renamed(name, known)
    if renamed:
        return renamed
    own = {recipe.partition("/")[2].lower(): recipe for recipe in known if recipe.partition("/")[0] == method}
    if own and not dataset:
        return f"{method} has {', '.join(own.values())}; on your own data: gzsl run {method} --data FOLDER"
    if own:
        close = difflib.get_close_matches(dataset, list(own), n=1, cutoff=0.6)
        meant = f"did you mean {own[close[0]]!r}? " if close else ""
        return f"{meant}{method} has {', '.join(own.values())}"
    folded = {recipe.lower(): recipe for recipe in known}
    close = difflib.get_close_matches(name, list(folded), n=NEAREST, cutoff=0.6) if name.count("/") < 2 else []
    if close:
        return f"did you mean {' or '.join(repr(folded[found]) for found in close)}?"
    return "expected a recipe file, or METHOD/DATASET (gzsl recipes lists them)"



def _renamed(name: str, known: list[str]) -> str:
    """The recipes of a dataset, where one of a variant is asked for that there was or may have been."""
    base, _, variant = name.rpartition(".")
    same = [recipe for recipe in sorted(known, key=len) if recipe.lower().split(".")[0] == base]
    if variant not in FORMER_VARIANTS or not same:
        return ""
    others = " and ".join(repr(recipe) for recipe in same[1:])
    return f"the recipe is now {same[0]!r}" + (f", and there is {others}" if others else "")
