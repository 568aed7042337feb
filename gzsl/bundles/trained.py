"""The bundle of a finished run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gzsl.bundles.bundle import Bundle
from gzsl.bundles.files import CALIBRATION
from gzsl.calibration import load_calibrator
from gzsl.methods import get_method, load_method
from gzsl.runs.environment import resolve_device
from gzsl.runs.recipe import Recipe
from gzsl.runs.run import Run, RunResult, open_dataset


def bundle_of(run: Run, result: RunResult) -> Bundle:
    """Bundle of a finished run: its weights and calibrator, with scaler and class table from its data."""
    from gzsl.data import final_task

    recipe, dataset = run.recipe, run.dataset
    task = final_task(dataset, **recipe.preparation(run.seed))
    names = task.view.semantics.class_names
    raw = dataset.tables[recipe.dataset.semantics]
    raw = replace(raw.take(raw.ids_of(names)), joint=dataset.semantics.joint)
    calibrator = load_calibrator(result.folder / CALIBRATION) if result.metrics.get("calibrated") else None
    card = {
        "method": recipe.method["name"], "recipe": recipe.resolved(), "seed": run.seed,
        "protocol": result.metrics["protocol"], "dataset": dataset.card.to_dict(),
        "features": {"name": result.metrics["protocol"]["features"], "dimensions": len(task.scaler.shift)},
        "metrics": {name: result.metrics[name] for name in ("T1", "U", "S", "H", "AUSUC", "calibrated")},
        "run": run.key,
    }  # fmt: skip
    return Bundle(
        load_method(result.folder / "weights.safetensors"), task.scaler, raw, recipe.dataset.normalise,
        tuple(names[i] for i in task.view.seen), calibrator, card,
    ).rebased()  # fmt: skip


def save_bundle(
    recipe: Recipe,
    result: RunResult,
    folder: Path | str,
    *,
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
) -> Path:
    """Save the bundle of a finished run of `gzsl.runs.run_recipe`, given the same arguments."""
    resolved = resolve_device(device, needed=get_method(recipe.method["name"]).iterative)
    run = Run(recipe, result.metrics["seed"], open_dataset(recipe, data), Path(out), resolved)
    return bundle_of(run, result).save(folder)
