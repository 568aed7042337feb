"""Settings of all methods that were tried on validation folds of ``letters``; no test row is read.

``python experiments/letters_trials.py OUT.csv [METHOD...]`` makes the trials of ``trials/letters.yaml`` and writes one
line each: what differs from the recipe, the fold, and class-averaged fractions after the last pass, with seed 0 and
one thread. Where the recipe has a grid of settings, all are fitted and the best AUSUC counts.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import gzsl
from gzsl.door.yaml import read_yaml
from gzsl.report.tables import write_csv
from gzsl.resources import configs_dir
from gzsl.runs.recipe import make_recipe, overridden, read_recipe

HEADER = ["method", "fold", "changes", "T1", "U", "S", "H", "AUSUC", "processor seconds"]
PLACES = {  # what is no setting of the method
    "scaling": "preprocess.features", "normalise": "dataset.normalise", "graph": "dataset.graph",
    "grid": "selection.grid",
}  # fmt: skip


def trials(names: list[str], listed_in: str = "letters") -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Method, fold and changes of every trial that is listed, or of those of some methods."""
    for name, listed in read_yaml(Path(__file__).parent / "trials" / f"{listed_in}.yaml").items():
        for entry in listed if not names or name in names else ():
            changes = dict(entry)
            yield name, changes.pop("fold", 0), changes


def trial(name: str, fold: int, changes: Mapping[str, Any], dataset_name: str = "letters") -> list[Any]:
    """Fit with changed settings on a fold and score its held-out rows: one line of the table."""
    values = {PLACES.get(key, f"method.{key}"): value for key, value in changes.items()}
    read = read_recipe(configs_dir() / name / f"{dataset_name}.yaml")
    recipe = make_recipe(overridden(read, values), where=name)
    dataset = gzsl.load(dataset_name).with_semantics("att", recipe.dataset.normalise)
    if recipe.dataset.graph is not None:
        dataset = dataset.with_graph(recipe.dataset.graph)
    task = gzsl.fold_task(dataset, gzsl.validation_folds(dataset)[fold], recipe.preprocess.features)
    began = time.process_time()
    grid = recipe.selection.grid or {}
    candidates = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    fits = recipe.build_method().fit_grid(task.view, candidates, seed=0)
    found = max((gzsl.evaluate(method, task) for _, method in fits), key=lambda evaluation: evaluation.AUSUC)
    seconds = time.process_time() - began
    numbers = [f"{value:.4f}" for value in (found.T1, found.U, found.S, found.H, found.AUSUC)]
    return [name, fold, json.dumps(changes), *numbers, f"{seconds:.0f}"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_csv(Path(sys.argv[1]), HEADER, [trial(*one) for one in trials(sys.argv[2:])])
