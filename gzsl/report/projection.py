"""Real and synthetic features of unseen classes in the two main directions of the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gzsl.data import final_task
from gzsl.door.documents import read_document
from gzsl.methods import load_method
from gzsl.methods.generative.base import Generator
from gzsl.methods.transductive.transduced import Transduced
from gzsl.runs import load_recipe
from gzsl.runs.documents import Environment
from gzsl.runs.manifest import intact
from gzsl.runs.run import open_dataset

CLASSES, ROWS = 8, 60


@dataclass(frozen=True, eq=False)
class Projection:
    """Points in the plane, by class.

    Attributes
    ----------
    title : str
        Method and dataset.
    class_names : tuple of str
        The unseen classes shown.
    real, synthetic : list of ndarray, shape (rows, 2)
        Points of each class.
    """

    title: str
    class_names: tuple[str, ...]
    real: list[np.ndarray]
    synthetic: list[np.ndarray]

    def rows(self) -> list[list[Any]]:
        """One row a point: kind, class, first and second direction."""
        return [
            [kind, name, *point]
            for kind, groups in (("real", self.real), ("synthetic", self.synthetic))
            for name, group in zip(self.class_names, groups, strict=True)
            for point in group.tolist()
        ]


def project_features(folder: Path, data: Path | str | None = None) -> Projection | None:
    """Project some rows of a generator's run, in the form in which it makes them; None for other methods.

    The real rows are test rows: they are shown after the fact and choose nothing.
    """
    method = load_method(intact(folder / "weights.safetensors"))
    method = method.inner_ if isinstance(method, Transduced) else method
    if not isinstance(method, Generator):
        return None
    if _in_memory(folder):
        return None  # nobody but the caller has the data
    recipe = load_recipe(folder / "recipe.yaml")
    task = final_task(open_dataset(recipe, data), **recipe.preparation(recipe.seeds[0]))
    rows = task.gate.open()[1]
    shown = task.view.unseen[np.linspace(0, len(task.view.unseen) - 1, CLASSES).round().astype(int)]
    shown = np.unique(shown)
    table = task.view.semantics.take(shown)
    fake, _ = method.synthesize(table, ROWS)
    with torch.inference_mode():
        X = method.as_made(torch.from_numpy(rows.features.pooled.to_array())).numpy()
    real = [X[rows.labels == c][:ROWS] for c in shown]
    centre = np.concatenate(real).mean(axis=0)
    _, _, directions = np.linalg.svd(np.concatenate(real) - centre, full_matrices=False)
    return Projection(
        recipe.title, table.class_names, [(x - centre) @ directions[:2].T for x in real],
        np.split((fake - centre) @ directions[:2].T, len(shown)),
    )  # fmt: skip


def _in_memory(folder: Path) -> bool:
    """Whether a run's data were arrays that no file holds."""
    about = read_document(folder / "environment.json", Environment)
    return about.data is not None and about.data.in_memory
