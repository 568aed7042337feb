"""The protocol of one run: choose on validation classes, refit on all seen classes, test once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gzsl.calibration import Calibrator, Observation, make_calibrator
from gzsl.data import Dataset, Task, final_task, fold_task, validation_folds
from gzsl.errors import GzslError, MethodError, ProtocolError, RunError, located
from gzsl.evaluation import Evaluation, evaluate
from gzsl.evaluation.selection import Choice, make_selection
from gzsl.methods import Method
from gzsl.methods.stacked import Fit
from gzsl.params import plain
from gzsl.runs.candidates import candidates_of, scored_as, sharing_fits
from gzsl.runs.lockstep import Fits, carry_out
from gzsl.runs.pooled import beside, completed, shown_to
from gzsl.runs.recipe import Recipe
from gzsl.runs.reporter import FitMonitor, Reporter, evaluation_epochs
from gzsl.runs.store import Records, RunFolder

Tasks = list[tuple[str, Callable[[], Task]]]


@dataclass
class Experiment:
    """One recipe with one seed on one dataset, worked through in a run folder.

    Attributes
    ----------
    recipe : Recipe
        What to do.
    dataset : Dataset
        On what, with the recipe's semantics.
    seed : int
        Of folds, fits and heads.
    device : str
        ``cpu`` or ``cuda``.
    folder : RunFolder
        Where records, checkpoints and validation summaries go.
    reporter : Reporter
        Hears progress.
    test_reads, pool_reads : int
        How often test data were scored, or read unlabelled by a fit; how many of these were for a fit.
    waited : float
        Seconds that went into other runs.
    beside : dict
        What `gzsl.runs.pooled.beside` tells of the final fit.
    """

    recipe: Recipe
    dataset: Dataset
    seed: int
    device: str
    folder: RunFolder
    reporter: Reporter
    records: Records = field(init=False)
    test_reads: int = 0
    pool_reads: int = 0
    waited: float = 0.0
    beside: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.records = Records(self.folder.path / "records.jsonl")
        self.method = self.recipe.build_method()
        self.selection = make_selection(self.recipe.selection.rule)
        self.candidates = candidates_of(self.recipe)
        self.metric = metric_for(self.recipe, self.dataset)
        asked = self.recipe.calibration["name"] != "none"
        self.calibrated = asked and is_generalized(self.recipe, self.dataset)
        if asked and not self.calibrated:
            self.reporter.note("no calibration: without test_seen rows there is nothing to decide between (T1 alone)")
        self._calibrators: dict[str, Calibrator] = {}
        self._drop_damaged()

    def choose(self) -> Fits[Choice | None]:
        """Search as the selection rule says; None when there is nothing to choose. Asks for fits."""
        rule = self.recipe.selection.rule
        searches = rule != "last" and (len(self.candidates) > 1 or self.method.iterative)
        if rule == "test-oracle" and searches:
            yield from self._search("test", [("test", lambda: final_task(self.dataset, **self._preparation()))])
        if rule == "validation" and searches:
            yield from self._search("validation", self._fold_tasks())
        elif self.calibrated:
            yield from self._search("validation", self._folds_if_possible())
        if not searches:
            return None
        return self.selection.choose(self._evaluations(rule), metric=self.metric)

    def validate(self) -> Choice:
        """Score every candidate, even a single one, on the validation folds and choose; no test row takes part."""
        (end,) = carry_out([self._search("validation", self._fold_tasks())], stack=False)
        if isinstance(end, GzslError):
            raise end
        rows = self._evaluations("validation")
        return make_selection("validation").choose(rows, metric=self.metric)

    def final(self, choice: Choice | None) -> Fits[tuple[Method, Calibrator | None, Evaluation]]:
        """Fit on all seen classes with what was chosen, fit the calibrator on validation, test once. Asks for a fit.

        Returns
        -------
        method : Method
            Fitted on all seen classes.
        calibrator : Calibrator or None
            Fitted on the validation folds; None where the recipe asks for none.
        evaluation : Evaluation
            Of the test rows, which are scored once.
        """
        changes = dict(choice.candidate or {}) if choice else dict(self.candidates[0])
        if choice and self.method.iterative:
            changes["n_epochs"] = choice.epoch
        method = self.recipe.build_method(**changes)
        task = final_task(self.dataset, **self._preparation())
        self.pool_reads += task.pool_reads
        self.scaler = task.scaler
        self.reporter.stage("final fit")
        yield from self._fit(method, task, "final")
        inner, method = method, completed(self.recipe, method, task.view, seed=self.seed, device=self.device)
        calibrator = None
        if self.calibrated:
            self.reporter.stage("calibration")
            calibrator = self._calibrator("final", task).attach(method, task.view)
            calibrator.fit(self._validation_observations(choice))
        self.reporter.stage("test")
        evaluation = evaluate(method, task, observer=calibrator)
        if calibrator is not None:
            evaluation = evaluation.calibrated_by(calibrator.decide(Observation.of(evaluation)), calibrator.gamma_)
        self.beside = beside(inner, method, task)
        self.test_reads += task.gate.reads
        return method, calibrator, evaluation

    def _preparation(self) -> dict[str, Any]:
        return self.recipe.preparation(self.seed)

    def _fold_tasks(self) -> Tasks:
        """The validation folds by name; each task has a copy of its rows, so it is made when its turn comes."""
        selection = self.recipe.selection
        folds = validation_folds(self.dataset, selection.folds, selection.holdout, self.seed)
        return [(fold.name, partial(fold_task, self.dataset, fold, **self._preparation())) for fold in folds]

    def _folds_if_possible(self) -> Tasks:
        """Folds for the calibrator alone; none where there are too few seen classes, for which it has a rule."""
        try:
            return self._fold_tasks()
        except ProtocolError as error:
            self.reporter.note(f"calibration without validation folds: {error}")
            return []

    def _calibrator(self, name: str, task: Task) -> Calibrator:
        """Calibrator prepared on the training rows of a task, once a task."""
        if name not in self._calibrators:
            calibrator = make_calibrator(self.recipe.calibration)
            self._calibrators[name] = calibrator.prepare(task.view, seed=self.seed)
        return self._calibrators[name]

    def _search(self, phase: str, tasks: Tasks) -> Fits[None]:
        for number, (name, make) in enumerate(tasks, start=1):
            task = make()
            self.reporter.stage(where := "search on test" if phase == "test" else f"fold {number} of {len(tasks)}")
            with located(where):
                if self.method.iterative:
                    yield from self._search_epochs(phase, name, task)
                else:
                    self._search_grid(phase, name, task)
            if phase == "test":
                self.pool_reads += task.pool_reads
                self.test_reads += task.pool_reads + len(self._evaluations("test-oracle"))

    def _search_grid(self, phase: str, fold: str, task: Task) -> None:
        if all(self._known(phase, fold, i, 0) for i in range(len(self.candidates))):
            return
        shown = shown_to(self.recipe, task.view)
        fits = self.method.fit_grid(shown, self.candidates, seed=self.seed, device=self.device)
        for i, (_, method) in enumerate(fits):
            self.reporter.tick(i, len(self.candidates), {})
            self._evaluate(method, task, phase, fold, i, 0)

    def _search_epochs(self, phase: str, fold: str, task: Task) -> Fits[None]:
        for members in sharing_fits(self.recipe, self.candidates):
            method = self.recipe.build_method(**self.candidates[members[0]])
            n_epochs = int(plain(method)["n_epochs"])
            done = all(self._known(phase, fold, i, n_epochs) for i in members)
            yield from self._fit(method, task, f"{phase}-{fold}-c{members[0]}", (phase, fold, members), done)

    def _fit(
        self, method: Method, task: Task, name: str, search: tuple[str, str, list[int]] | None = None,
        done: bool = False,
    ) -> Fits[None]:  # fmt: skip
        """Ask for a fit with checkpoints under ``name``; evaluate on the way when candidates of a search share it.

        A search that is recorded already asks too, for the sake of other runs that it is stacked with.
        """
        n_epochs = int(plain(method)["n_epochs"]) if method.iterative else 0
        last_only = self.recipe.selection.rule == "last"
        at = {n_epochs} if last_only else evaluation_epochs(n_epochs, self.recipe.selection.every)

        def on_epoch(method: Method, epoch: int, losses: Mapping[str, float]) -> None:
            if self.records.find(kind="losses", fit=name, epoch=epoch) is None:
                self._record({"kind": "losses", "fit": name, "epoch": epoch, "losses": dict(losses)})
            if search is not None and epoch in at:
                for i in search[2]:
                    self._evaluate(method, task, *search[:2], i, epoch)

        monitor = FitMonitor(self.folder.path / f"checkpoint-{name}.safetensors", self.reporter, on_epoch)
        began = time.perf_counter()
        outcome = yield Fit(method, shown_to(self.recipe, task.view), self.seed, self.device, monitor, done)
        self.waited += time.perf_counter() - began - outcome.seconds
        if outcome.together > 1:
            self.folder.log(f"{name}: trained as one model with {outcome.together - 1} other fit(s)")
        if search is not None:
            monitor.forget()

    def _evaluate(self, method: Method, task: Task, phase: str, fold: str, candidate: int, epoch: int) -> None:
        if self._known(phase, fold, candidate, epoch):
            return
        calibrator = None
        with scored_as(method, self.recipe.build_method(**self.candidates[candidate])) as fitted:
            ready = completed(self.recipe, fitted, task.view, seed=self.seed, device=self.device)
            if self.calibrated and phase == "validation":
                calibrator = self._calibrator(fold, task).attach(ready, task.view)
            evaluation = evaluate(ready, task, observer=calibrator)
        if calibrator is not None:
            noted = Observation.of(evaluation, calibrator.reference_)
            self.folder.write_arrays(_observation_name(fold, candidate, epoch), noted.to_arrays())
        values = self.candidates[candidate]
        self._record({
            "kind": "evaluation", "phase": phase, "fold": fold, "index": candidate, "candidate": values,
            "epoch": epoch, **evaluation.fractions(),
        })  # fmt: skip

    def _record(self, record: dict[str, Any]) -> None:
        self.records.add(record)
        self.reporter.recorded(self.folder.path, record)

    def _known(self, phase: str, fold: str, candidate: int, epoch: int) -> bool:
        place = {"kind": "evaluation", "phase": phase, "fold": fold, "index": candidate, "epoch": epoch}
        return self.records.find(**place) is not None

    def _evaluations(self, rule: str) -> list[dict[str, Any]]:
        phase = "test" if rule == "test-oracle" else "validation"
        return [row for row in self.records.rows if row["kind"] == "evaluation" and row["phase"] == phase]

    def _validation_observations(self, choice: Choice | None) -> list[Observation]:
        """Observations of every fold at the chosen candidate and epoch (the last epoch when none was chosen)."""
        if not self._evaluations("validation"):
            return []  # no fold was possible
        index = self.candidates.index(dict(choice.candidate or {})) if choice else 0
        rows = [row for row in self._evaluations("validation") if row["index"] == index]
        from_validation = choice is not None and self.recipe.selection.rule == "validation"
        epoch = choice.epoch if choice and from_validation else max((row["epoch"] for row in rows), default=0)
        chosen = [row for row in rows if row["epoch"] == epoch]
        if not chosen:
            raise RunError(f"{self.recipe.title}: calibration found no validation scores, expected some")
        return [self._read_observation(row["fold"], index, epoch) for row in chosen]

    def _drop_damaged(self) -> None:
        """Forget what was recorded from the first damaged line or observation on; the search makes it again in order.

        Checkpoints may be of a later step than what is left, so they go too.
        """
        count, problem = len(self.records.rows), self.records.problem
        for place, row in enumerate(self.records.rows if self.calibrated else ()):
            if row["kind"] == "evaluation" and row["phase"] == "validation":
                try:
                    self._read_observation(row["fold"], row["index"], row["epoch"])
                except GzslError as error:
                    count, problem = place, str(error)
                    break
        if problem is not None:
            self.reporter.note(f"{problem}; this part of the run is made again")
            self.folder.log(f"damaged: {problem}")
            self.folder.drop_checkpoints()
            self.records.cut(count)

    def _read_observation(self, fold: str, candidate: int, epoch: int) -> Observation:
        name = _observation_name(fold, candidate, epoch)
        try:
            return Observation.from_arrays(self.folder.read_arrays(name))
        except (ValueError, TypeError, MethodError) as error:
            raise RunError(f"{self.folder.path / name}: found no observation ({error}), expected one") from None


def metric_for(recipe: Recipe, dataset: Dataset) -> str:
    """What a choice maximises: the recipe's metric; T1 on data of which nothing else is tested."""
    return recipe.selection.metric if is_generalized(recipe, dataset) else "T1"


def is_generalized(recipe: Recipe, dataset: Dataset) -> bool:
    """Whether rows of seen and of unseen classes are told apart; without training rows no class is seen."""
    return dataset.split.generalized and recipe.setting != "transfer"


def _observation_name(fold: str, candidate: int, epoch: int) -> str:
    return f"validation/{fold}-c{candidate}-e{epoch}.npz"
