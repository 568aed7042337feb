"""A study from cells to results: what is missing is run, here or elsewhere; what is there is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gzsl.errors import GzslError, RunError, StorageError
from gzsl.files import make_folder
from gzsl.runs.reporter import Reporter, StudyReporter
from gzsl.runs.tracking import TensorBoardReporter
from gzsl.studies.cells import Cell, CellResult
from gzsl.studies.jobs import Job, Outcome, Place, failed, perform_here, plan

if TYPE_CHECKING:
    from gzsl.studies.cluster import Cluster
    from gzsl.studies.study import Study


class Launch:
    """One execution of a study.

    Parameters
    ----------
    cells : iterable of Cell
        What belongs to the study.
    out, data, device
        As in `gzsl.runs.run_recipe`.
    progress : StudyReporter, optional
        Hears what happens.
    cluster : Cluster, optional
        Where to run; this machine when None.
    track : path, optional
        Folder of TensorBoard's events; none are written when None.

    Attributes
    ----------
    jobs : list of Job
        Every run of the study.
    outcomes : dict of str to Outcome
        What is known of them, by key.
    wrong : list of (Cell, str)
        Cells that cannot be run, with one sentence each.
    """

    def __init__(
        self,
        cells: Iterable[Cell],
        out: Path | str,
        data: Path | str | None = None,
        device: str = "auto",
        progress: StudyReporter | None = None,
        cluster: Cluster | None = None,
        track: Path | None = None,
    ) -> None:
        self._progress = progress or StudyReporter()
        self._cluster = cluster
        self._tracker = None if track is None else TensorBoardReporter(track, Reporter())
        self._place = Place(Path(out), None if data is None else Path(data), device, track)
        if cluster is not None:
            self._place = self._place.resolved()
        self.cells: list[Cell] = []
        self.jobs: list[Job] = []
        self.wrong: list[tuple[Cell, str]] = []
        self.outcomes: dict[str, Outcome] = {}
        device_for = None if cluster is None else cluster.device_for(device)
        for cell, jobs, problem in plan(cells, self._place, device_for):
            self.cells.append(cell)
            self.jobs += jobs
            if problem is not None:
                self.wrong.append((cell, problem))
        self._read_finished()

    def missing(self) -> list[Job]:
        """Jobs without a result, each content hash once."""
        unique = {job.key: job for job in reversed(self.jobs)}
        return [job for job in unique.values() if job.key not in self.outcomes][::-1]

    def run(self, *, workers: int = 1, fail_fast: bool = False) -> list[CellResult]:
        """Run what is missing and gather everything.

        Parameters
        ----------
        workers : int
            Processes on this machine; 0: in this process, one by one. A cluster decides for itself.
        fail_fast : bool
            Whether the first failure ends the study.

        Raises
        ------
        StorageError
            When the disk is full or not writable: what follows could not be kept either.
        RunError
            With ``fail_fast``, for the first failure.
        """
        missing = self.missing()
        self._progress.begin(len({job.key for job in self.jobs}), len(self.outcomes))
        for cell, problem in self.wrong:
            self._progress.note(f"{cell.name}: cannot run: {problem}")
            if fail_fast:
                raise RunError(f"{cell.name}: {problem}")
        if missing:
            make_folder(self._place.out)
            self._collect(missing, workers, fail_fast)
        if self._tracker is not None:
            for outcome in self.outcomes.values():
                if outcome.result is not None and not outcome.result.fresh:
                    self._tracker.finished(outcome.result.folder)
        return self.results()

    def results(self) -> list[CellResult]:
        """What is known now, cell by cell."""
        jobs = defaultdict(list)
        for job in self.jobs:
            jobs[id(job.cell)].append(job)
        problems = {id(cell): problem for cell, problem in self.wrong}
        found = []
        for cell in self.cells:
            outcomes = [self.outcomes[job.key] for job in jobs[id(cell)] if job.key in self.outcomes]
            bad = next((outcome for outcome in outcomes if outcome.error), None)
            done = [outcome.result for outcome in outcomes if outcome.result is not None]
            error = problems.get(id(cell)) or (bad.error if bad else None)
            found.append(CellResult(cell, done, error, bad.log if bad else ()))
        return found

    def _read_finished(self) -> None:
        for job in self.jobs:
            if job.key not in self.outcomes:
                try:
                    result = job.run.found()
                except GzslError as error:
                    self.outcomes[job.key] = failed(job, str(error))
                    continue
                if result is not None:
                    self.outcomes[job.key] = Outcome(job, result)

    def _collect(self, missing: Sequence[Job], workers: int, fail_fast: bool) -> None:
        clock = Clock(missing, workers if self._cluster is None else self._cluster.workers)
        with closing(self._outcomes(missing, workers)) as outcomes:
            for outcome in outcomes:
                self.outcomes[outcome.job.key] = outcome
                clock.finish(outcome)
                self._progress.finish(outcome.job.name, outcome.error, clock.left())
                if outcome.storage:
                    left = len(self.missing())
                    raise StorageError(f"{outcome.error} ({left} runs were not started; finished ones are intact)")
                if outcome.error and fail_fast:
                    raise RunError(f"{outcome.job.name}: {outcome.error}")

    def _outcomes(self, missing: Sequence[Job], workers: int) -> Generator[Outcome]:
        if self._cluster is not None:
            yield from self._cluster.outcomes(missing, self._progress)
        elif workers == 0:
            for job in missing:
                yield perform_here(job, Relay(self._progress, job.name))
        else:
            from gzsl.studies.pool import Pool

            with Pool(min(workers, len(missing)), self._progress) as pool:
                yield from pool.outcomes(missing)


class Relay(Reporter):
    """Tells a study's reporter what the only run in this process does."""

    def __init__(self, progress: StudyReporter, run: str) -> None:
        self._progress, self._run = progress, run

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._progress.stage("1", self._run, text)

    def tick(self, done: int, total: int, losses: object) -> None:
        """Pass progress on."""
        self._progress.tick("1", done, total)

    def note(self, text: str) -> None:
        """Tell something once."""
        self._progress.note(f"{self._run}: {text}")


class Clock:
    """How long the rest of a study will take, judged by runs like those that are left.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be done.
    workers : int
        How many run side by side.
    """

    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._left = {job.key: job for job in jobs}
        self._workers = max(1, workers)
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def finish(self, outcome: Outcome) -> None:
        """Take note of a job that is over."""
        self._left.pop(outcome.job.key, None)
        if outcome.result is not None:
            for name in self._names(outcome.job):
                self._seconds[name].append(outcome.result.seconds)

    def left(self) -> float | None:
        """Seconds, from the mean of the same cell, else of the same method, else of all; None before the first."""
        if not self._seconds:
            return None
        return sum(self._guess(job) for job in self._left.values()) / self._workers

    def _guess(self, job: Job) -> float:
        known = next(self._seconds[name] for name in self._names(job) if self._seconds.get(name))
        return sum(known) / len(known)

    @staticmethod
    def _names(job: Job) -> tuple[str, str, str]:
        return f"cell {job.cell.name}", f"method {job.cell.method}", "all"


def run_study(
    study: Study,
    *,
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
    workers: int = 0,
    progress: StudyReporter | None = None,
    fail_fast: bool = False,
) -> list[CellResult]:
    """Run what is missing of a study; finished runs are read, a failing cell is reported and passed over.

    Parameters
    ----------
    study : Study
        What to run.
    out, data, device
        As in `gzsl.runs.run_recipe`.
    workers : int
        Processes that run cells side by side, each with its share of the cores; 0: in this process, one by one.
    progress : StudyReporter, optional
        Hears what happens.
    fail_fast : bool
        Whether the first failure ends the study.

    Returns
    -------
    list of CellResult
        In the order of `Study.cells`; cells that are left out are not among them.
    """
    return Launch(study.cells(data), out, data, device, progress).run(workers=workers, fail_fast=fail_fast)
