"""Many calibrators on one run: the method is fitted once a fold, and every calibrator decides over its scores."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sklearn.base import clone

from gzsl.calibration import Calibrator, Observation, make_calibrator
from gzsl.data import Task, final_task, fold_task, validation_folds
from gzsl.errors import ProtocolError
from gzsl.evaluation import Evaluation, evaluate
from gzsl.files import make_folder
from gzsl.methods import Method, get_method, load_method
from gzsl.runs.environment import resolve_device
from gzsl.runs.pooled import completed, shown_to
from gzsl.runs.recipe import Recipe
from gzsl.runs.reporter import FitMonitor, Reporter
from gzsl.runs.run import Run, RunResult, open_dataset


@dataclass(frozen=True)
class CalibrationRow:
    """One calibrator with one transfer rule on one run; fractions in [0, 1].

    Attributes
    ----------
    method, dataset : str
        What was run.
    seed : int
        Of the run.
    calibrator : str
        Label, without the transfer rule.
    transfer : str
        How the threshold was carried from the folds to the final fit.
    U, S, H : float
        At the threshold chosen on validation folds.
    AUSUC : float
        Area under the curve over this calibrator's thresholds.
    auroc, fpr95 : float
        Seen against unseen.
    best_h : float
        H at the best threshold on the test rows: not a valid result, but what a choice could reach at most.
    prepare_seconds, observe_seconds : float
        Time to prepare on the training rows, and what scoring the test rows took with it.
    """

    method: str
    dataset: str
    seed: int
    calibrator: str
    transfer: str
    U: float
    S: float
    H: float
    AUSUC: float
    auroc: float
    fpr95: float
    best_h: float
    prepare_seconds: float
    observe_seconds: float

    @property
    def gap(self) -> float:
        """How far H is below the best threshold's."""
        return self.best_h - self.H

    def to_dict(self) -> dict[str, Any]:
        """Plain values for CSV and JSON."""
        return {**asdict(self), "gap": self.gap}


def compare_calibrators(
    recipe: Recipe,
    sections: Sequence[Mapping[str, Any]],
    *,
    seed: int = 0,
    transfers: Sequence[str] = ("quantile",),
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
) -> Iterator[CalibrationRow]:
    """Run a recipe, then let several calibrators decide over the same fitted methods.

    Parameters
    ----------
    recipe : Recipe
        Its own calibration plays no part.
    sections : sequence of mapping
        ``calibration`` sections: name and hyper-parameters.
    seed : int
        Of the run.
    transfers : sequence of str
        Transfer rules to try with each.
    out, data, device, reporter
        As in `gzsl.runs.run_recipe`; a finished run is read.

    Yields
    ------
    CalibrationRow
        In the order of ``sections``, then of ``transfers``.
    """
    teller = reporter or Reporter()
    used = resolve_device(device, needed=get_method(recipe.method["name"]).iterative)
    dataset = open_dataset(recipe, data)
    if not dataset.split.generalized:
        raise ProtocolError(
            f"{dataset.name}: found no test_seen rows, expected some: in plain zero-shot learning (T1 alone) there is "
            "nothing to calibrate"
        )
    run = Run(recipe, seed, dataset, make_folder(Path(out)), used, teller)
    result = run.execute()
    fits = [*_fold_fits(run, result), (_final_task(run), load_method(result.folder / "weights.safetensors"))]
    for number, section in enumerate(sections, start=1):
        teller.stage(f"calibrator {number} of {len(sections)}: {section['name']}")
        yield from _rows(run, fits, make_calibrator(section), transfers)


def _fold_fits(run: Run, result: RunResult) -> Iterator[tuple[Task, Method]]:
    """The chosen candidate at the chosen epoch, fitted on every fold."""
    recipe, chosen = run.recipe, result.metrics["chosen"]
    first = {name: values[0] for name, values in recipe.selection.grid.items()}
    changes = dict(chosen["candidate"] or {}) if chosen else first
    if chosen and get_method(recipe.method["name"]).iterative:
        changes["n_epochs"] = chosen["epoch"]
    try:
        folds = validation_folds(run.dataset, recipe.selection.folds, recipe.selection.holdout, run.seed)
    except ProtocolError as error:
        run.reporter.note(f"calibration without validation folds: {error}")
        return
    for number, fold in enumerate(folds, start=1):
        run.reporter.stage(f"fold {number} of {len(folds)}")
        task = fold_task(run.dataset, fold, **recipe.preparation(run.seed))
        checkpoint = result.folder / f"compare-{fold.name}.safetensors"
        monitor = FitMonitor(checkpoint, run.reporter, lambda *_: None)
        method = recipe.build_method(**changes)
        method.fit(shown_to(recipe, task.view), seed=run.seed, device=run.device, monitor=monitor)
        yield task, completed(recipe, method, task.view, seed=run.seed, device=run.device)
        monitor.forget()


def _final_task(run: Run) -> Task:
    return final_task(run.dataset, **run.recipe.preparation(run.seed))


def _rows(
    run: Run, fits: Sequence[tuple[Task, Method]], calibrator: Calibrator, transfers: Sequence[str]
) -> Iterator[CalibrationRow]:
    noted = []
    for task, method in fits:
        began = time.perf_counter()
        own: Calibrator = clone(calibrator).prepare(task.view, seed=run.seed).attach(method, task.view)
        prepared = time.perf_counter()
        evaluation = evaluate(method, task, observer=own)
        noted.append(Observation.of(evaluation, own.reference_))
    seconds = prepared - began, time.perf_counter() - prepared
    for rule in transfers if calibrator.validated else transfers[:1]:
        own.set_params(transfer=rule).fit(noted[:-1])
        yield _row(run, own, evaluation.calibrated_by(own.decide(noted[-1]), own.gamma_), seconds)


def _row(run: Run, calibrator: Calibrator, found: Evaluation, seconds: tuple[float, float]) -> CalibrationRow:
    assert found.calibrated is not None
    assert found.calibrated_domain is not None
    point, domain = found.calibrated, found.calibrated_domain
    usual = type(calibrator)().transfer
    label = clone(calibrator).set_params(transfer=usual).label
    return CalibrationRow(
        run.recipe.method["name"], run.dataset.name, run.seed, label, calibrator.transfer, point.U, point.S, point.H,
        found.calibrated_curve.area, domain.auroc, domain.fpr95, found.calibrated_curve.best_harmonic()[3], *seconds,
    )  # fmt: skip
