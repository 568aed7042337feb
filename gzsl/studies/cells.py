"""A study's cells: one recipe each, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gzsl.brief import brief
from gzsl.data.benchmarks import canonical_name
from gzsl.runs.find import dataset_of
from gzsl.runs.recipe import Recipe
from gzsl.runs.run import RunResult


@dataclass(frozen=True)
class Cell:
    """One recipe of a study: a line of its table, one run a seed.

    Attributes
    ----------
    method, dataset : str
        Names; ``method`` with the wrapper's where there is one, ``dataset`` with the recipe's variant, where the study
        names it so.
    recipe : Recipe or None
        What to run; None when the cell is left out or wrong.
    left_out : str or None
        Why it is left out, which is no failure.
    varied : dict
        What tells it from other cells of the same method and dataset, by dotted key.
    seeds : tuple of int
        One run each.
    error : str or None
        Why its recipe is wrong, which is a failure.
    """

    method: str
    dataset: str
    recipe: Recipe | None
    left_out: str | None
    varied: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    error: str | None = None

    __repr__ = brief

    @property
    def label(self) -> str:
        """Method, with what is varied in brackets: ``ale [budget, lr=0.01]``."""
        shown = [_shown(key, value) for key, value in self.varied.items() if not _names_wrapper(key, value)]
        return f"{self.method} [{', '.join(shown)}]" if shown else self.method

    @property
    def name(self) -> str:
        """``method/dataset``, with what is varied."""
        return f"{self.method}/{self.dataset}{self.label.removeprefix(self.method)}"

    def checked(self, here: set[str]) -> Cell:
        """The same cell, left out when its dataset is neither among those present nor a path."""
        if self.left_out or self.error or Path(self.dataset).exists():
            return self
        files = dataset_of(self.dataset)
        if canonical_name(files) in here:
            return self
        return Cell(self.method, self.dataset, None, f"no files of {files} below --data", self.varied)


@dataclass(frozen=True)
class CellResult:
    """What became of a cell: results a seed, and the error that ended one of them.

    Attributes
    ----------
    cell : Cell
        The cell.
    results : list of RunResult
        One a finished seed, in the order of the cell's seeds.
    error : str or None
        One sentence; the first one where several seeds failed.
    log : tuple of str
        Last lines of the failed run's log.
    """

    cell: Cell
    results: list[RunResult]
    error: str | None
    log: tuple[str, ...] = ()

    __repr__ = brief


def _names_wrapper(key: str, value: Any) -> bool:
    """Whether a key says nothing but which wrapper there is, which the method's name says already."""
    return key == "transductive.name" or (key == "transductive" and not isinstance(value, Mapping))


def _shown(key: str, value: Any) -> str:
    if key in ("variant", "dataset.semantics"):
        return str(value)
    if key == "calibration":
        return str(value["name"] if isinstance(value, Mapping) else value)
    return f"{key.rpartition('.')[2]}={value}"
