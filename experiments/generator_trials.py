"""Settings of generators and of PrEN that were tried on validation folds, most on CUB127's first; no test row is read.

``python experiments/generator_trials.py OUT.csv [TRIALS.yaml] [METHOD ...]`` works through ``trials/generators.yaml``,
or another list of that folder, and adds one line to OUT.csv for every fold, evaluated pass and head of a trial that it
does not hold yet: what differs from the published recipe of CUB, class-averaged fractions with seed 0 and one thread,
and the processor seconds of training until then. The heads of a trial are fitted to the same generator. In the
transductive setting the rows of the fold's pseudo-unseen classes are the pool. GZSL_DATA names the folder of the
datasets.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import gzsl
from gzsl.door.yaml import read_yaml
from gzsl.heads.base import get_head
from gzsl.methods import Method, Monitor
from gzsl.resources import configs_dir
from gzsl.runs.recipe import make_recipe, overridden, read_recipe

COLUMNS = (
    "method", "dataset", "fold", "changes", "epoch", "head", "T1", "U", "S", "H", "AUSUC", "processor seconds",
)  # fmt: skip
SYNTHESIS = ("n_synthetic", "n_synthetic_zsl", "n_real", "head")


class Scorer(Monitor):
    """Scores some passes of a fit with several heads, and counts the seconds of training without that."""

    def __init__(self, task: Any, every: int, heads: list[dict[str, Any]], key: list[Any]) -> None:
        self.task, self.every, self.heads, self.key = task, every, heads, key
        self.lines: list[list[Any]] = []
        self.scoring = 0.0
        self.began = time.process_time()

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        """Score the present state."""
        if epoch % self.every and epoch != method.get_params(deep=False)["n_epochs"]:
            return
        at = time.process_time()
        seconds = at - self.began - self.scoring
        own = {name: value for name, value in method.get_params(deep=False).items() if name in SYNTHESIS}
        for head in self.heads:
            if own:
                method.set_params(**self._changed(own, head))
            found = gzsl.evaluate(method.prepare_scoring(), self.task)
            numbers = [f"{value:.4f}" for value in (found.T1, found.U, found.S, found.H, found.AUSUC)]
            self.lines.append([*self.key, epoch, json.dumps(head), *numbers, f"{seconds:.0f}"])
        method.set_params(**own)
        self.scoring += time.process_time() - at

    def _changed(self, own: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
        """What a method has for synthesis, with the changes of one head."""
        changed = {name: value for name, value in head.items() if name in SYNTHESIS}
        part = {name: value for name, value in head.items() if name not in SYNTHESIS}
        if "name" in part:
            made = get_head(part.pop("name"))(**part)
        else:
            made = own["head"].__class__(**{**own["head"].get_params(deep=False), **part})
        return {**own, **changed, "head": made}


def fit_trial(name: str, dataset: str, fold: int, trial: dict[str, Any]) -> list[list[Any]]:
    """Lines of one trial on one fold."""
    changes = dict(trial["set"])
    plain = read_recipe(configs_dir() / name / "CUB.yaml")
    scaling = changes.pop("scaling", plain["preprocess"]["features"])
    prior = {"class_prior": changes.pop("class_prior")} if "class_prior" in changes else {}
    values = {f"method.{key}": value for key, value in changes.items()} | prior
    recipe = make_recipe(overridden(plain, values), where=name)
    method = recipe.build_method()
    data = gzsl.load(dataset)
    if recipe.setting == "transductive":
        data = data.with_semantics(recipe.dataset.semantics, recipe.dataset.normalise)
    task = gzsl.fold_task(data, gzsl.validation_folds(data)[fold], scaling, recipe.setting, recipe.pool_choice)
    key = [name, dataset, fold, json.dumps(trial["set"], sort_keys=True)]
    scorer = Scorer(task, trial.get("every", 1000), trial["heads"], key)
    try:
        method.fit(task.view, seed=0, monitor=scorer)
    except gzsl.errors.GzslError as error:
        scorer.lines.append([*key, "", str(error), *[""] * 6])
    return scorer.lines


def main(out: Path, asked: list[str]) -> None:
    """Work through the trials that are not in the table yet."""
    listing = asked.pop(0) if asked and asked[0].endswith(".yaml") else "generators.yaml"
    listed = read_yaml(Path(__file__).parent / "trials" / listing)
    known = set()
    if out.is_file():
        with out.open(newline="", encoding="utf-8") as stream:
            known = {tuple(line[:4]) for line in csv.reader(stream)}
    else:
        out.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for name, trials in listed["trials"].items():
        for trial in trials if not asked or name in asked else []:
            whole = {**trial, "set": {**listed["shared"].get(trial.get("from", ""), {}), **trial["set"]}}
            whole.setdefault("heads", listed["heads"].get(trial.get("head", ""), [{}]))
            for dataset, fold in trial.get("folds", [["CUB127", 0]]):
                if (name, dataset, str(fold), json.dumps(whole["set"], sort_keys=True)) not in known:
                    with out.open("a", newline="", encoding="utf-8") as stream:
                        csv.writer(stream, lineterminator="\n").writerows(fit_trial(name, dataset, fold, whole))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2:])
