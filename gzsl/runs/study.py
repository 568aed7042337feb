"""Many recipes as one table: methods times datasets, each cell run or read, none able to stop the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from gzsl.data import available
from gzsl.errors import GzslError, RecipeError, suggest
from gzsl.methods import method_names
from gzsl.resources import experiments_dir
from gzsl.runs.recipe import Recipe, Section, dataset_of, find_recipe, load_recipe
from gzsl.runs.reporter import Reporter
from gzsl.runs.run import RunResult, run_recipe
from gzsl.yamlio import read_yaml


class Study(Section):
    """Which methods on which datasets, and what to change in their recipes."""

    title: str = Field(description="one line for tables")
    note: str | None = Field(None, description="what a reader should know")
    methods: list[str] = Field(min_length=1, description="ids of methods; a recipe of each is run on every dataset")
    datasets: list[str] = Field(
        min_length=1, description="names of recipes: DATASET or DATASET.VARIANT; those without data are left out"
    )
    seeds: list[int] | None = Field(None, min_length=1, description="seeds of every cell; null: those of the recipe")
    set: dict[str, Any] = Field(default_factory=dict, description="values to change in every recipe, by dotted key")

    @field_validator("methods")
    @classmethod
    def _known_methods(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in method_names():
                raise ValueError(f"methods: unknown method {name!r}; {suggest(name, method_names())}")
        return names

    def cells(self, data: Path | str | None = None) -> list[Cell]:
        """Every method on every dataset, dataset by dataset; cells that cannot run say why."""
        present = {entry.name for entry in available(data) if entry.present}
        return [self._cell(method, dataset, present) for dataset in self.datasets for method in self.methods]

    def _cell(self, method: str, dataset: str, present: set[str]) -> Cell:
        name, files = f"{method}/{dataset}", dataset_of(dataset)
        if files not in present:
            return Cell(method, dataset, None, f"no files of {files} below --data")
        try:
            find_recipe(name)
        except RecipeError:
            return Cell(method, dataset, None, f"no recipe {name} is shipped")
        return Cell(method, dataset, load_recipe(name, self.set), None)


@dataclass(frozen=True)
class Cell:
    """One method on one dataset.

    Attributes
    ----------
    method, dataset : str
        Names; ``dataset`` with the recipe's variant, where it has one.
    recipe : Recipe or None
        What to run; None when the cell is left out.
    left_out : str or None
        Why it is left out.
    """

    method: str
    dataset: str
    recipe: Recipe | None
    left_out: str | None

    @property
    def name(self) -> str:
        """``method/dataset``."""
        return f"{self.method}/{self.dataset}"


@dataclass(frozen=True)
class CellResult:
    """What became of a cell: results a seed, or the error that ended it.

    Attributes
    ----------
    cell : Cell
        The cell.
    results : list of RunResult
        One a seed; those finished before an error are kept.
    error : str or None
        One sentence.
    """

    cell: Cell
    results: list[RunResult]
    error: str | None


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
        raise RecipeError(f"{path}: found {type(values).__name__}, expected a mapping of a study's keys")
    unknown = [str(key) for key in values if key not in Study.model_fields]
    if unknown:
        raise RecipeError(f"{path}: unknown key {unknown[0]!r}; {suggest(unknown[0], Study.model_fields)}")
    try:
        return Study.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        raise RecipeError(f"{path}: {place}: {message}") from None


def run_study(
    study: Study,
    *,
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
) -> Iterator[CellResult]:
    """Run the cells one after the other; finished runs are read, a failing cell is reported and passed over.

    Parameters
    ----------
    study : Study
        What to run.
    out, data, device, reporter
        As in `gzsl.runs.run_recipe`.

    Yields
    ------
    CellResult
        In the order of `Study.cells`; cells that are left out yield nothing.
    """
    for cell in study.cells(data):
        if cell.recipe is None:
            continue
        results: list[RunResult] = []
        error = None
        try:
            for seed in _seeds(study, cell.recipe):
                results += run_recipe(cell.recipe, out=out, data=data, device=device, seeds=[seed], reporter=reporter)
        except GzslError as problem:
            error = str(problem)
        yield CellResult(cell, results, error)


def list_studies() -> list[Path]:
    """Paths of the shipped studies, sorted."""
    return sorted(experiments_dir().glob("*.yaml"))


def _seeds(study: Study, recipe: Recipe) -> list[int]:
    return study.seeds or recipe.seeds


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.is_file():
        return path
    shipped = {path.stem: path for path in list_studies()}
    if str(source) in shipped:
        return shipped[str(source)]
    raise RecipeError(f"{source}: no such study; {suggest(str(source), shipped)}")
