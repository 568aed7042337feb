"""Settings of CADA-VAE and f-CLSWGAN that were tried on validation folds of ``letters``; no test row is read.

``python experiments/letters_trials.py experiments/results/letters_trials.csv`` writes one line a trial: what differs
from the recipe, the fold, and class-averaged fractions after the last pass, with seed 0 and one thread.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

import gzsl
from gzsl.report.tables import write_csv
from gzsl.resources import configs_dir
from gzsl.runs.recipe import make_recipe, overridden, read_recipe

SLOW = {"lr": 1e-3, "n_epochs": 60, "divergence_epochs": [0, 50], "cross_epochs": [10, 40], "alignment_epochs": [5, 15]}
ALL_FOLDS: list[tuple[int, dict[str, Any]]] = [(0, {}), (1, {}), (2, {})]
TRIALS: dict[str, list[tuple[int, dict[str, Any]]]] = {
    "cada-vae": [
        *ALL_FOLDS,
        (0, SLOW), (1, SLOW), (2, SLOW),
        (0, {**SLOW, "feature_dims": [128, 128], "attribute_dims": [128, 128]}),
        (0, {**SLOW, "scaling": "minmax"}),
        (0, {"n_epochs": 40, "divergence_epochs": [0, 93]}),
        (0, {"n_epochs": 60, "divergence_epochs": [0, 93]}),
        (0, {"cross_epochs": [5, 20], "alignment_epochs": [2, 8]}),
        (0, {"code_dim": 16}),
        (0, {"codes": "gaussian"}),
        (0, {"n_epochs": 20, "lr": 3e-3}),
        (0, {"feature_dims": [512, 512]}),
        (0, {"head": {"name": "softmax", "lr": 1e-3, "n_epochs": 5, "batch_size": 32}}),
    ],
    "f-clswgan": [
        *ALL_FOLDS,
        (0, {"n_epochs": 10}),
        (0, {"n_epochs": 10, "scaling": "none"}),
        (0, {"n_epochs": 10, "scaling": "none", "cls_weight": 0.01}),
        (0, {"n_epochs": 10, "scaling": "none", "cls_weight": 0.03}),
        (0, {"n_epochs": 10, "scaling": "none", "hidden_dim": 1024}),
        (0, {"hidden_dim": 256, "cls_weight": 0.01}),
        (0, {"cls_weight": 0.3}),
        (0, {"lr": 2e-3}),
        (0, {"lr": 5e-4}),
        (0, {"critic_steps": 2}),
        (0, {"gp_weight": 1.0}),
        (0, {"noise_dim": 16}),
        (0, {"batch_size": 128}),
        (0, {"head": {"name": "prototype"}}),
    ],
}  # fmt: skip


def trial(name: str, fold: int, changes: dict[str, Any]) -> list[Any]:
    """Fit with changed settings on a fold and score its held-out rows: one line of the table."""
    plain = read_recipe(configs_dir() / name / "letters.yaml")
    scaling = changes.get("scaling", plain["preprocess"]["features"])
    values = {f"method.{key}": value for key, value in changes.items() if key != "scaling"}
    method = make_recipe(overridden(plain, values), where=name).build_method()
    dataset = gzsl.load("letters")
    task = gzsl.fold_task(dataset, gzsl.validation_folds(dataset)[fold], scaling)
    began = time.process_time()
    found = gzsl.evaluate(method.fit(task.view, seed=0), task)
    seconds = time.process_time() - began
    numbers = [f"{value:.4f}" for value in (found.T1, found.U, found.S, found.H, found.AUSUC)]
    return [name, fold, json.dumps(changes), *numbers, f"{seconds:.0f}"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    lines = [trial(name, fold, changes) for name, listed in TRIALS.items() for fold, changes in listed]
    header = ["method", "fold", "changes", "T1", "U", "S", "H", "AUSUC", "processor seconds"]
    write_csv(Path(sys.argv[1]), header, lines)
