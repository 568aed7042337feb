"""A method on a user's own data, without a recipe: its defaults, and what can be chosen cheaply is chosen."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gzsl.brief import listing
from gzsl.data import Dataset, benchmarks, present
from gzsl.data.catalogue import ROOT_VARIABLE, load_plain
from gzsl.data.readers import has_dataset
from gzsl.door.paths import is_folder, user_path
from gzsl.errors import RecipeError
from gzsl.methods import Method, get_method
from gzsl.params import Parameter, parameters, plain
from gzsl.runs.find import is_method, recipes_of
from gzsl.runs.overrides import overridden
from gzsl.runs.recipe import Recipe, load_recipe, make_recipe
from gzsl.semantics import Semantics

PREPARED = {"generative": ("minmax", "none"), "probabilistic": ("centre-l2", "none")}  # features, class table
USUAL = ("centre-l2", "l2")
MOST = 50  # candidates of a grid
SHOTS = 4  # rows a class for a method that cannot do without
VALUES = 7  # of one hyper-parameter at most
SOURCE = "gzsl: no recipe was named; "


def open_recipe(
    source: str, data: Path | None, overrides: Mapping[str, Any] | None = None
) -> tuple[Recipe, Path | None]:
    """What a user means by a recipe, and the folder of datasets to run it with.

    Parameters
    ----------
    source : str
        A recipe's file or name; or a method's id, which is run on ``data`` itself.
    data : path, optional
        Folder of datasets, or for a method alone the dataset.
    overrides : mapping, optional
        Values to change, by dotted key.
    """
    if is_method(source):
        return recipe_for(source, data, overrides), None
    return load_recipe(source, overrides), data


def recipe_for(method: str, data: Path | str | None, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe for a method and a dataset that no recipe is shipped for.

    Features and class table are prepared as most recipes of the method's family do it. Hyper-parameters are the
    method's defaults; where a grid costs little more than one fit (the method shares its work between candidates),
    the ranges that it declares worth searching are searched on validation classes. The facts of the protocol are
    those that the files show.

    Parameters
    ----------
    method : str
        Id of a method.
    data : path, optional
        A dataset's folder or file, or the name of one below ``GZSL_DATA``.
    overrides : mapping, optional
        Values to change, by dotted key.

    Raises
    ------
    RecipeError
        Where ``data`` is no single dataset; the message lists what there is.
    """
    cls = get_method(method)
    name = _dataset_name(cls.card.id, data)
    dataset = load_plain(name)
    semantics = _table(dataset, cls)
    untrained = dataset.split.transfer_only or (overrides or {}).get("setting") == "transfer"
    features, table, align = _preparation(cls, semantics.joint or untrained)
    grid = {} if untrained else _grid(cls)
    values = {
        "dataset": {"name": name, "semantics": semantics.name, "normalise": table, **_graph(cls)},
        "preprocess": {"features": features, "align": align},
        "method": {"name": cls.card.id, **plain(cls())},
        "setting": "transfer" if untrained else _setting(cls, overrides or {}),
        "shots": SHOTS if "shots" in cls.card.needs else 0,
        "selection": {"rule": "last" if untrained else "validation", "metric": "AUSUC", "grid": grid},
        "calibration": {"name": "none" if untrained else "stacking"},
        "provenance": {
            "preprocess.features": f"{SOURCE}as most recipes of {cls.card.family} methods",
            "selection.grid": f"{SOURCE}the range that the method declares" if grid else f"{SOURCE}defaults alone",
        },
        "note": f"{cls.card.id} with its defaults on {name}; no recipe of another dataset was borrowed.",
    }
    return make_recipe(overridden(values, overrides or {}), where=f"{method} on {name}", changed=list(overrides or {}))


def _setting(cls: type[Method], overrides: Mapping[str, Any]) -> str:
    """The method's own; transductive where a wrapper is asked for, or a pool of a method that has that setting."""
    asked = {key.partition(".")[0] for key, value in overrides.items() if value is not None}
    pooled = "transductive" in cls.card.settings and asked & {"pool", "class_prior"}
    return "transductive" if "transductive" in asked or pooled else cls.card.settings[0]


def _table(dataset: Dataset, cls: type[Method]) -> Semantics:
    """The class table that has what a method needs; the first one where none does."""
    several, alike = {"members", "templates"} & set(cls.card.needs), "templates" in cls.card.needs
    for table in (dataset.semantics, *dataset.tables.values()):
        if not several or (table.members is not None and not (alike and table.members.templates is None)):
            return table
    return dataset.semantics


def _preparation(cls: type[Method], joint: bool) -> tuple[str, str, str]:
    """Scaling of features, normalisation of the class table, and map, as most recipes of a family have them."""
    if "joint" not in cls.card.needs:
        return (*PREPARED.get(cls.card.family, USUAL), "none")
    return ("l2", "l2", "none") if joint else (*USUAL, "ridge")


def _graph(cls: type[Method]) -> dict[str, str]:
    """The graph that every dataset has, for a method that needs one."""
    return {"graph": "attributes-knn"} if "graph" in cls.card.needs else {}


def _dataset_name(method: str, data: Path | str | None) -> str:
    """What a recipe calls the data: a path, or a name that `gzsl.data.load` knows."""
    if data is None:
        raise RecipeError(f"{method}: found a method and no data, expected {_expected(method)}")
    path = user_path(data, "a dataset's folder", RecipeError)
    folder = is_folder(path)
    if path.is_file() or (folder and has_dataset(path)):
        return str(path.absolute())
    if folder:
        below = sorted(folder.name for folder in path.iterdir() if folder.is_dir() and has_dataset(folder))
        several = f"a folder with {listing(below)}" if below else "a folder without a dataset"
        raise RecipeError(f"{method}: found no recipe and {path}, {several}, expected {_expected(method, path, below)}")
    if len(path.parts) == 1 and benchmarks.canonical_name(str(data)) in present():
        return str(data)
    root = os.environ.get(ROOT_VARIABLE)
    where = f", and none of that name below {root}" if root else ""
    raise RecipeError(f"--data {data}: no such dataset{where}, expected a dataset's folder (gzsl datasets lists names)")


def _expected(method: str, root: Path | None = None, below: list[str] | None = None) -> str:
    folder = str(root / below[0]) if root is not None and below else "FOLDER"
    known = recipes_of(method)
    recipe = f"one of its recipes ({', '.join(known)}) or " if known else ""
    return f"{recipe}the folder of a dataset: gzsl run {method} --data {folder}"


def _grid(cls: type[Method]) -> dict[str, list[float]]:
    """Values of the ranges that a method declares, where a grid costs it little more than one fit."""
    if cls.iterative or cls._fit_grid is Method._fit_grid:
        return {}
    ranged = [parameter for parameter in parameters(cls).values() if parameter.tune is not None]
    count = min(VALUES, math.floor(MOST ** (1 / len(ranged)) + 1e-9)) if ranged else 0
    return {parameter.name: _values(parameter, count) for parameter in ranged} if count > 2 else {}


def _values(parameter: Parameter, count: int) -> list[float]:
    assert parameter.tune is not None
    low, high = parameter.tune
    steps = [k / (count - 1) for k in range(count)]
    if parameter.log:
        return [float(f"{low * (high / low) ** step:.2g}") for step in steps]
    return [float(f"{low + (high - low) * step:.3g}") for step in steps]
