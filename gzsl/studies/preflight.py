"""What a run will cost, from a few steps of its fit and one scored block, before anything is run.

Nothing is written, and no test row is scored: the block is cut from the training rows.
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gzsl.calibration import make_calibrator
from gzsl.data import EvalRows, Fold, Task, TrainView, final_task, fold_task, validation_folds
from gzsl.errors import GzslError, GzslWarning, ProtocolError
from gzsl.evaluation.evaluator import observed_rows
from gzsl.methods import Method, Monitor
from gzsl.params import parameters, plain
from gzsl.runs.candidates import sharing_fits
from gzsl.runs.experiment import Experiment
from gzsl.runs.reporter import Reporter, evaluation_epochs
from gzsl.runs.run import Run
from gzsl.studies.jobs import open_run
from gzsl.studies.memory import peak_bytes, reset_peak

STEP_SECONDS = 1.5  # of training that are watched
WHOLE_SECONDS = 5.0  # a closed form that is expected to take less is fitted on all rows
FEW_ROWS = 2000  # below this a closed form is fitted on all rows at once
BLOCK_ROWS = 1024
UNCERTAINTY = {"measured": 1.7, "extrapolated": 2.0}  # the true time is mostly within this factor


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of one fit with its evaluation.

    Attributes
    ----------
    build : float
        Before the first step: networks, pretraining; of a closed form the first candidate.
    unit : float
        One step; of a closed form every further candidate.
    prepare : float
        Getting ready to score, such as a generator's heads.
    row : float
        Scoring one row, twice (all classes, unseen classes), with the calibrator's look at it.
    calibrator : float
        Preparing the calibrator on the training rows.
    kind : str
        ``measured``, or ``extrapolated`` from fits on fewer rows.
    """

    build: float
    unit: float
    prepare: float
    row: float
    calibrator: float
    kind: str = "measured"


class _Enough(Exception):  # noqa: N818 - the end of a measurement, no error
    """Ends a fit that has been watched long enough."""


def estimate(values: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """Measure one job's recipe in this process and extrapolate.

    Returns
    -------
    dict
        ``state`` is ``estimated`` with ``seconds``, ``low``, ``high``, ``bytes`` and ``kind``, or ``failed`` with
        ``error`` when the recipe cannot work.
    """
    began = time.perf_counter()
    reset_peak()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GzslWarning)
            found = Preflight(open_run(values, reporter)).total()
    except GzslError as error:
        return {"state": "failed", "error": str(error)}
    except (Exception, SystemExit) as error:
        return {"state": "failed", "error": f"{type(error).__name__}: {error}"}
    return {"state": "estimated", **found, "bytes": peak_bytes(), "spent": time.perf_counter() - began}


class Preflight:
    """A few steps of a run.

    Parameters
    ----------
    run : Run
        The run whose cost is wanted.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._recipe = run, run.recipe
        self._plan = Experiment(run.recipe, run.dataset, run.seed, run.device, run.folder, Reporter())
        self._folds = self._validation_folds()
        self._task = self._first_task()

    def total(self) -> dict[str, Any]:
        """Seconds of the whole run, with what they may differ by."""
        costs = self._iterative() if self._plan.method.iterative else self._closed_form()
        rows = self._rows_of_folds()
        searched = sum(self._fit_seconds(costs, share, n_rows, search=True) for share, n_rows in rows)
        split = self._run.dataset.split
        share = len(split.trainval) / len(self._task.view.labels)
        final = self._fit_seconds(costs, share, len(split.test_seen) + len(split.test_unseen), search=False)
        seconds = searched + final
        factor = UNCERTAINTY[costs.kind]
        return {"seconds": seconds, "low": seconds / factor, "high": seconds * factor, "kind": costs.kind}

    def _validation_folds(self) -> list[Fold]:
        selection = self._recipe.selection
        try:
            return validation_folds(self._run.dataset, selection.folds, selection.holdout, self._run.seed)
        except ProtocolError:
            if selection.rule == "validation" and self._searches():
                raise
            return []  # the calibrator has a rule for that

    def _searches(self) -> bool:
        return self._recipe.selection.rule != "last" and (
            len(self._plan.candidates) > 1 or self._plan.method.iterative
        )

    def _first_task(self) -> Task:
        how = self._recipe.preparation(self._run.seed)
        if self._recipe.transductive is not None:  # the method inside a wrapper is fitted without unlabelled rows
            how |= {"setting": "inductive", "pool": None}
        return fold_task(self._run.dataset, self._folds[0], **how) if self._folds else final_task(
            self._run.dataset, **how
        )

    def _rows_of_folds(self) -> list[tuple[float, int]]:
        """Of every fit of the search: training rows as a share of the measured fit's, and rows to score."""
        split = self._run.dataset.split
        measured = len(self._task.view.labels)
        found = []
        if self._recipe.selection.rule == "test-oracle" and self._searches():
            found.append((len(split.trainval) / measured, len(split.test_seen) + len(split.test_unseen)))
        validates = self._recipe.selection.rule == "validation" and self._searches()
        if validates or self._plan.calibrated:
            found += [(len(f.train) / measured, len(f.val_seen) + len(f.val_unseen)) for f in self._folds]
        return found

    def _fit_seconds(self, costs: Costs, share: float, n_rows: int, *, search: bool) -> float:
        """One task: every candidate of a search, or the final fit."""
        candidates = len(self._plan.candidates) if search else 1
        evaluation = costs.row * n_rows + (costs.prepare if search else 0.0)  # a fit ends with getting ready to score
        if not self._plan.method.iterative:
            fits = costs.build + (candidates - 1) * costs.unit
            return costs.calibrator + share * fits + candidates * evaluation
        n_epochs = int(plain(self._plan.method)["n_epochs"])
        steps = n_epochs * -(-round(share * len(self._task.view.labels)) // int(plain(self._plan.method)["batch_size"]))
        rule_last = self._recipe.selection.rule == "last"
        scored = 1 if rule_last or not search else len(evaluation_epochs(n_epochs, self._recipe.selection.every))
        fit = costs.build + steps * costs.unit + costs.prepare
        fits = len(sharing_fits(self._recipe, self._plan.candidates)) if search else 1
        return costs.calibrator + fits * fit + candidates * scored * evaluation

    def _iterative(self) -> Costs:
        method = self._recipe.build_method(**self._plan.candidates[0])
        watch = _StepWatch(self, method)
        with contextlib.suppress(_Enough):
            method.fit(self._task.view, seed=self._run.seed, device=self._run.device, monitor=watch)
        return watch.costs()

    def scoring(self, method: Method) -> tuple[float, float, float]:
        """Seconds of getting ready to score, of scoring a row, and of the calibrator's preparation."""
        prepare = self._prepare_seconds(method)
        view = self._task.view
        began = time.perf_counter()
        calibrator = None
        if self._plan.calibrated:
            calibrator = make_calibrator(self._recipe.calibration).prepare(view, seed=self._run.seed)
            calibrator.attach(method, view)
        prepared = time.perf_counter()
        chosen = np.unique(np.linspace(0, len(view.labels) - 1, BLOCK_ROWS).round().astype(np.int64))
        rows = EvalRows(view.features.take(chosen), view.labels[chosen])
        observed_rows(method, rows, view.semantics, view.seen, view.unseen, calibrator)
        for _, block in rows.features.blocks():
            method.scores(block, view.unseen_semantics)
        return prepare, (time.perf_counter() - prepared) / len(chosen), prepared - began

    def _prepare_seconds(self, method: Method) -> float:
        """Of a head that is trained by epochs one and two epochs are timed, the rest is a straight line."""
        head = getattr(method, "head", None)
        if head is None or "n_epochs" not in parameters(type(head)) or head.n_epochs <= 2:
            return _seconds(method.prepare_scoring)
        n_epochs = head.n_epochs
        timed = []
        for n in (1, 2):
            head.set_params(n_epochs=n)
            timed.append(_seconds(method.prepare_scoring))
        head.set_params(n_epochs=n_epochs)
        return timed[0] + (n_epochs - 1) * max(0.0, timed[1] - timed[0])

    def _closed_form(self) -> Costs:
        view = self._task.view
        n = len(view.labels)
        if n <= FEW_ROWS:
            return self._fitted(view, "measured")
        quarter, half = self._fitted(_thinned(view, 4)), self._fitted(_thinned(view, 2))
        guess = Costs(
            _power(quarter.build, half.build), _power(quarter.unit, half.unit), half.prepare, half.row,
            _power(quarter.calibrator, half.calibrator), "extrapolated",
        )  # fmt: skip
        cheap = guess.build + guess.unit <= WHOLE_SECONDS
        return self._fitted(view, "measured") if cheap else guess

    def _fitted(self, view: TrainView, kind: str = "extrapolated") -> Costs:
        """Fit at most two candidates, the first of which bears what all share, and score a block with the last."""
        marks, fitted = [time.perf_counter()], []
        for method in self._fits(view):
            fitted.append(method)
            marks.append(time.perf_counter())
        parts = np.diff(marks)
        prepare, row, calibrator = self.scoring(fitted[-1])
        return Costs(float(parts[0]), float(parts[-1]), prepare, row, calibrator, kind)

    def _fits(self, view: TrainView) -> Iterator[Method]:
        for _, method in self._plan.method.fit_grid(
            view, self._plan.candidates[:2], seed=self._run.seed, device=self._run.device
        ):
            yield method


class _StepWatch(Monitor):
    """Times the first steps of a fit, then scores a block in the middle of it and ends it."""

    def __init__(self, preflight: Preflight, method: Method) -> None:
        self._preflight, self._method = preflight, method
        self._began = time.perf_counter()
        self._first: tuple[float, int] | None = None
        self._costs: Costs | None = None

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Stop after some seconds of steps; the first step, which warms up, is not timed."""
        now = time.perf_counter()
        if self._first is None:
            self._first = (now, done)
        since, at = self._first
        if now - since < STEP_SECONDS and done < total:
            return
        step = (now - since) / (done - at) if done > at else now - self._began
        prepare, row, calibrator = self._preflight.scoring(self._method)
        self._costs = Costs(since - self._began, step, prepare, row, calibrator)
        raise _Enough

    def costs(self) -> Costs:
        """What was found; the last step of a fit always ticks."""
        assert self._costs is not None
        return self._costs


def cost_key(run: Run) -> str:
    """Equal for runs that differ only in seed and in numbers that do not change the work, such as rates."""
    resolved = _without_fractions(run.recipe.resolved())
    return json.dumps([resolved, run.device], sort_keys=True)


def _thinned(view: TrainView, step: int) -> TrainView:
    """Every so-manieth row of every class, at least one."""
    order = np.argsort(view.labels, kind="stable")
    starts = np.searchsorted(view.labels[order], view.labels[order])
    kept = np.sort(order[(np.arange(len(order)) - starts) % step == 0])
    return replace(view, features=view.features.take(kept), labels=view.labels[kept])


def _power(quarter: float, half: float) -> float:
    """Seconds on all rows if they grow from a quarter to a half as from a half to the whole; cubic at most."""
    return half * min(8.0, max(1.0, half / max(quarter, 1e-6)))


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _without_fractions(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_fractions(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_fractions(inner) for inner in value]
    return "fraction" if isinstance(value, float) else value
