"""Many recipes as one table: a grid over methods, datasets and settings, or a list of recipes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from gzsl.data import present
from gzsl.door.documents import in_words, problem_of
from gzsl.door.paths import file_at
from gzsl.door.yaml import read_yaml
from gzsl.errors import GzslError, MethodError, RecipeError, suggest
from gzsl.methods import get_method
from gzsl.resources import experiments_dir
from gzsl.runs.find import find_recipe, recipe_names
from gzsl.runs.overrides import combinations, overridden
from gzsl.runs.recipe import Section, Seeds, make_recipe, read_recipe
from gzsl.studies.cells import Cell

MOST_CELLS = 10_000
PLAIN = "default"  # the variant that is the recipe itself


class CellSection(Section):
    """One recipe of a study's list."""

    recipe: str = Field(description="a recipe file, or METHOD/DATASET of a shipped one")
    set: dict[str, Any] = Field(default_factory=dict, description="values to change, by dotted key")
    seeds: Seeds | None = Field(None, description="seeds; null: those of the study")


class Study(Section):
    """Which recipes, as a grid (`methods` on `datasets`, crossed with what follows) and as a list (`cells`)."""

    title: str = Field(description="one line for tables")
    note: str | None = Field(None, description="what a reader should know")
    methods: list[str] = Field(default_factory=list, description="ids of methods; each one's recipe of every dataset")
    datasets: list[str] = Field(
        default_factory=list, description="DATASET or DATASET.VARIANT of recipes; those without data are left out"
    )
    variants: list[str] = Field([PLAIN], min_length=1, description="variants of the recipes, such as budget; default")
    semantics: list[str] = Field(default_factory=list, description="class tables to cross; none: the recipe's")
    calibrations: list[str | dict[str, Any]] = Field(default_factory=list, description="calibrators to cross")
    grid: dict[str, list[Any]] = Field(default_factory=dict, description="values to cross, by dotted key of a recipe")
    listed: list[CellSection] = Field(default_factory=list, alias="cells", description="recipes beside the grid")
    seeds: Seeds | None = Field(None, description="seeds of every cell; null: those of the recipe")
    set: dict[str, Any] = Field(default_factory=dict, description="values to change in every recipe, by dotted key")

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, names: list[str]) -> list[str]:
        for name in names:  # one by one: asking for all names would import every method, and torch with them
            try:
                get_method(name)
            except MethodError as error:
                raise ValueError(f"methods: {error}") from None
        return names

    @field_validator("datasets")
    @classmethod
    def _known_datasets(cls, names: list[str]) -> list[str]:
        known = {Path(recipe).stem.partition(".")[0] for recipe in recipe_names().values()} if names else set()
        folded = {name.lower() for name in known}
        for name in names:
            dataset = name.partition(".")[0]
            if dataset.lower() not in folded:
                raise ValueError(f"datasets: found {name!r}, of which there is no recipe; {suggest(dataset, known)}")
        return names

    @field_validator("grid")
    @classmethod
    def _no_empty_list(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        combinations(grid)
        return grid

    @model_validator(mode="after")
    def _names_something(self) -> Study:
        if bool(self.methods) != bool(self.datasets):
            given, wanted = ("methods", "datasets") if self.methods else ("datasets", "methods")
            raise ValueError(f"{wanted}: found none beside {given}, expected at least one")
        if not self.methods and not self.listed:
            raise ValueError("found neither methods and datasets nor cells, expected one of them")
        axes = (self.methods, self.datasets, self.variants, self.semantics or [""], self.calibrations or [""])
        count = math.prod(len(axis) for axis in axes) * combinations(self.grid) + len(self.listed)
        if count > MOST_CELLS:
            raise ValueError(f"found {count:,} cells, expected at most {MOST_CELLS:,}")
        return self

    def cells(self, data: Path | str | None = None) -> list[Cell]:
        """Every recipe of the grid, dataset by dataset, then those of the list; ones that cannot run say why."""
        here = present(data)
        return [cell.checked(here) for cell in (*self._of_grid(), *self._of_list())]

    def _of_grid(self) -> Iterator[Cell]:
        axes: list[list[tuple[str, Any]]] = [
            [("dataset.semantics", name) for name in self.semantics],
            [("calibration", value) for value in self.calibrations],
            *([(key, value) for value in values] for key, values in self.grid.items()),
        ]
        crossed = [dict(changes) for changes in itertools.product(*(axis for axis in axes if axis))]
        for dataset, variant, method in itertools.product(self.datasets, self.variants, self.methods):
            for changes in crossed:
                suffix = "" if variant == PLAIN else f".{variant}"
                varied = {"variant": variant} if suffix else {}
                source = f"{method}/{dataset}{suffix}"
                yield self._cell(method, dataset, source, {**self.set, **changes}, {**varied, **changes})

    def _of_list(self) -> Iterator[Cell]:
        for section in self.listed:
            values = {**self.set, **section.set}
            try:
                path, plain = _read(section.recipe)
                recipe = make_recipe(overridden(plain, values), where=str(path))
            except GzslError as error:
                method, _, dataset = section.recipe.rpartition("/")
                yield Cell(method or section.recipe, dataset, None, None, dict(section.set), error=str(error))
                continue
            _, _, variant = path.stem.partition(".")
            varied = {**({"variant": variant} if variant else {}), **section.set}
            seeds = tuple(section.seeds or self.seeds or recipe.seeds)
            yield Cell(recipe.method_label, recipe.dataset.name, recipe, None, varied, seeds)

    def _cell(self, method: str, dataset: str, source: str, values: dict[str, Any], varied: dict[str, Any]) -> Cell:
        try:
            path, plain = _read(source)
        except RecipeError:
            return Cell(method, dataset, None, f"no recipe {source} is shipped", varied)
        try:
            recipe = make_recipe(overridden(plain, values), where=str(path))
        except GzslError as error:
            return Cell(method, dataset, None, None, varied, error=str(error))
        return Cell(recipe.method_label, dataset, recipe, None, varied, tuple(self.seeds or recipe.seeds))


def load_study(source: str | Path) -> Study:
    """Read a study from a file, or a shipped one by its name.

    Raises
    ------
    RecipeError
        For a missing file, bad YAML, an unknown key or method (with the nearest one).
    """
    path = _find(source)
    values = read_yaml(path)
    if not isinstance(values, Mapping):
        raise RecipeError(f"{path}: found {in_words(values)}, expected a mapping of a study's keys")
    known = [entry.alias or name for name, entry in Study.model_fields.items()]
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise RecipeError(f"{path}: unknown key {unknown[0]!r}; {suggest(unknown[0], known)}")
    try:
        return Study.model_validate(dict(values))
    except ValidationError as error:
        loc, message = problem_of(error)
        place = ".".join(str(part) for part in loc)
        raise RecipeError(f"{path}: {place}: {message}" if place else f"{path}: {message}") from None


def list_studies() -> list[Path]:
    """Paths of the shipped studies, sorted."""
    return sorted(experiments_dir().glob("*.yaml"))


@cache
def _read_once(path: Path, changed: int) -> dict[str, Any]:
    return read_recipe(path)


def _read(source: str) -> tuple[Path, dict[str, Any]]:
    """Path and plain values of a recipe; a file is read again only when it has changed, however many cells use it."""
    path = find_recipe(source)
    return path, _read_once(path, path.stat().st_mtime_ns)


def _find(source: str | Path) -> Path:
    path = file_at(source, "a study", RecipeError)
    if path is not None:
        return path
    shipped = {path.stem: path for path in list_studies()}
    if str(source) in shipped:
        return shipped[str(source)]
    raise RecipeError(f"{source}: no such study; {suggest(str(source), shipped)}")
