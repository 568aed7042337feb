"""Time the AWA2 budget recipe of every generator on 25,000 x 2048 training rows.

Run ``python -m benchmarks.budget_recipes [METHOD ...]`` from the top of the checkout. The rows are simulated with the
sizes of AWA2 (40 seen and 10 unseen classes, 85 attributes); the limit is ten minutes on two cores for a whole run of
one seed: validation fold, evaluations, final fit and test. ``--whole`` runs the recipes to their end. Without it, one
pass, one fitting of the heads and one scoring are measured on a quarter of the rows and the rest is worked out from
them. All on one thread, and judged by processor time: that is how long the run takes on a machine that has one core to
spare, however busy this one is; a second core only helps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from gzsl.data import Dataset, fold_task, load, validation_folds
from gzsl.evaluation import evaluate
from gzsl.heads import KNNHead
from gzsl.methods import Method, Monitor
from gzsl.methods.generative.base import Generator
from gzsl.params import plain
from gzsl.runs import Recipe, load_recipe, run_recipe
from gzsl.runs.reporter import evaluation_epochs
from gzsl.studies.study import load_study

OPTIONS = {"preset": "AWA2", "images_per_class": 781}  # 40 classes, a fifth of each held out
PART = {"preset": "AWA2", "images_per_class": 196}  # a quarter of that, to work out the rest from
TRAINING_ROWS = 25_000
LIMIT_MINUTES = 10


@dataclass(frozen=True)
class Spent:
    """Wall and processor seconds."""

    wall: float
    processor: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.processor + other.processor)

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.processor - other.processor)

    def __mul__(self, factor: float) -> Spent:
        return Spent(self.wall * factor, self.processor * factor)


def now() -> Spent:
    """Both clocks."""
    return Spent(time.perf_counter(), time.process_time())


class Clock(Monitor):
    """Notes when the first step was taken and when the first epoch ended."""

    def __init__(self) -> None:
        self.first_step: Spent | None = None
        self.epoch_ended: Spent | None = None

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Called by the loop after its first step, and then now and again."""
        self.first_step = self.first_step or now()

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        """Called after the only epoch."""
        self.epoch_ended = now()


def budget_recipe(method: str) -> Recipe:
    """A method's AWA2 budget recipe, on the simulated rows."""
    shipped = load_recipe(f"{method}/AWA2.budget")
    dataset: dict[str, Any] = {"name": "simulated", "options": OPTIONS, "normalise": shipped.dataset.normalise}
    return load_recipe(f"{method}/AWA2.budget", {"dataset": dataset})


def whole(recipe: Recipe) -> tuple[Spent, str]:
    """Run a recipe to its end."""
    with tempfile.TemporaryDirectory() as folder:
        start = now()
        (result,) = run_recipe(recipe, out=folder, seeds=[0])
        spent = now() - start
    return spent, f"T1 {100 * result.metrics['T1']:.1f}, AUSUC {100 * result.metrics['AUSUC']:.1f}"


def extrapolated(recipe: Recipe, part: Dataset) -> tuple[Spent, str]:
    """Work out a whole run from one epoch, one fitting of the heads and one scoring on the validation fold of a part.

    All of them are taken to grow with the rows; only synthetic rows, which the heads learn from as well, stay as many.
    A nearest-neighbour head compares every test row with all of these.
    """
    (fold,) = validation_folds(part, recipe.selection.folds, recipe.selection.holdout, 0)
    task = fold_task(part, fold, recipe.preprocess.features)
    method, clock = recipe.build_method(n_epochs=1), Clock()
    assert isinstance(method, Generator)
    start = now()
    method.fit(task.view, seed=0, monitor=clock)
    fitted = now()
    evaluate(method, task)
    scoring = now() - fitted
    assert clock.first_step is not None and clock.epoch_ended is not None
    rows, synthetic = len(task.view.labels), method.n_synthetic * len(task.view.unseen)
    steps = -(-rows // method.batch_size)
    epoch = (clock.epoch_ended - clock.first_step) * (steps / (steps - 1))
    before = clock.first_step - start - epoch * (1 / steps)
    heads = fitted - clock.epoch_ended
    n_epochs = int(plain(recipe.build_method())["n_epochs"])
    evaluations = len(evaluation_epochs(n_epochs, recipe.selection.every))

    def fit_of(times: float, scored: int) -> Spent:
        """A fit on ``times`` the rows with so many evaluations."""
        learned = (times * rows + synthetic) / (rows + synthetic)
        on_scoring = scoring * times * (learned if isinstance(method.head, KNNHead) else 1)
        return (before + epoch * n_epochs) * times + (heads * learned + on_scoring) * scored

    larger = TRAINING_ROWS / len(part.split.trainval)
    total = fit_of(larger, evaluations) + fit_of(larger * len(part.split.trainval) / rows, 1)
    return total, (
        f"on {rows} rows: before the first step {before.processor:.1f} s, an epoch {epoch.processor:.1f} s, "
        f"heads {heads.processor:.1f} s, scoring {scoring.processor:.1f} s (processor time)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", help="default: every generator")
    parser.add_argument("--whole", action="store_true", help="run the recipes to their end")
    given = parser.parse_args()
    torch.set_num_threads(1)
    part = load("simulated", **PART)
    for name in given.methods or load_study("generative").methods:
        recipe = budget_recipe(name)
        spent, about = whole(recipe) if given.whole else extrapolated(recipe, part)
        minutes = spent.processor / 60
        verdict = "reached" if minutes <= LIMIT_MINUTES else "missed"
        how = "measured" if given.whole else "extrapolated"
        print(
            f"{name}: {minutes:.1f} min of one core, {how} (limit {LIMIT_MINUTES}: {verdict}), "
            f"{spent.wall / 60:.1f} min on this machine as busy as it was; {about}",
            flush=True,
        )


if __name__ == "__main__":
    main()
