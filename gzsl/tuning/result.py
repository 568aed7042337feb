"""The best trial of a search as a recipe that says where its values come from."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from gzsl.errors import RunError
from gzsl.params import plain
from gzsl.tuning.storage import optuna_version
from gzsl.tuning.tuner import Trial, Tuner


def best_trial(trials: Sequence[Trial]) -> Trial:
    """The trial of the greatest value; of equal ones the first in the list.

    Raises
    ------
    RunError
        When every trial failed.
    """
    done = [trial for trial in trials if trial.value is not None]
    if not done:
        reason = trials[0].notes["error"] if trials else "no trial was run"
        raise RunError(f"tuning: all {len(trials)} trials failed; the first one: {reason}")
    return max(done, key=lambda trial: (trial.value, -trial.place))


def tuned_recipe(tuner: Tuner, trials: Sequence[Trial]) -> dict[str, Any]:
    """Content of a recipe file with the best trial's values and where each comes from.

    The number of epochs stays the most that validation may choose: a run chooses it again on its own folds.
    """
    best, recipe = best_trial(trials), tuner.recipe
    candidate = best.notes["candidate"]
    method = tuner.base.changed({f"method.{key}": value for key, value in {**best.values, **candidate}.items()})
    metric = tuner.metric
    how = (
        f"tuned: optuna {optuna_version()}, {tuner.sampler}, {len(trials)} trials, seed {tuner.seed}, "
        f"{metric} {100 * (best.value or 0):.2f} on {best.notes['folds']} validation folds of {tuner.dataset.name}, "
        f"{datetime.datetime.now(tz=datetime.UTC).date().isoformat()}"
    )
    gone = {"selection.grid", *(f"selection.grid.{key}" for key in recipe.selection.grid)}
    provenance = {key: value for key, value in recipe.provenance.items() if key not in gone}
    provenance |= {dimension.key: f"{how}; searched: {dimension.text}" for dimension in tuner.space}
    provenance |= {key: f"chosen from the recipe's grid inside the trial; {how}" for key in candidate}
    values = recipe.model_dump(exclude_none=True, mode="json")
    values["method"] = {"name": recipe.method["name"], **plain(method.build_method())}
    values["selection"] |= {"rule": "validation", "grid": {}}
    values["provenance"] = provenance
    return values
