"""Optuna's storage as the book of trials; Optuna is imported here, at first use, and nowhere else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from gzsl.door.shown import short
from gzsl.errors import RunError, install
from gzsl.tuning.space import Dimension

BUSY_SECONDS = 60  # SQLite: how long a process waits for another one's write


class Book:
    """Trials of one study in an Optuna storage.

    Parameters
    ----------
    name : str
        Of the study.
    folder : Path
        For the lock under which the storage is created, and for the default SQLite file.
    url : str, optional
        Any SQLAlchemy URL that Optuna takes; ``study.db`` in ``folder`` when None.

    Raises
    ------
    RunError
        When Optuna is not installed or the storage cannot be opened.
    """

    def __init__(self, name: str, folder: Path, url: str | None = None) -> None:
        optuna = _optuna()
        self.url = url or f"sqlite:///{folder / 'study.db'}"
        options = {"connect_args": {"timeout": BUSY_SECONDS}} if self.url.startswith("sqlite") else {}
        with self._at_work("opened"), FileLock(folder / ".storage.lock"):
            storage = optuna.storages.RDBStorage(self.url, engine_kwargs=options)
            self.study = optuna.create_study(
                storage=storage, study_name=name, direction="maximize", load_if_exists=True
            )

    def finished(self) -> dict[int, Any]:
        """Optuna's record of every finished trial, by its place in the list; a damaged storage is a `RunError`."""
        with self._at_work("read"):
            trials = [t for t in self.study.trials if t.state.is_finished() and "place" in t.user_attrs]
        for trial in trials:
            if not isinstance(trial.user_attrs["place"], int):
                found = short(trial.user_attrs["place"])
                raise RunError(f"--storage {self.url}: place of a trial: found {found}, expected a whole number")
        return {trial.user_attrs["place"]: trial for trial in trials}

    @contextmanager
    def _at_work(self, what: str) -> Iterator[None]:
        """Turn what is raised into one sentence: SQLAlchemy's and each driver's own kinds, Optuna's for odd content."""
        try:
            yield
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError(f"--storage {self.url}: the storage cannot be {what} ({reason})") from None

    def write(
        self, values: dict[str, Any], space: Sequence[Dimension], value: float | None, notes: dict[str, Any]
    ) -> None:
        """Enter a finished trial of a planned list at once; a failed one has no ``value``."""
        optuna = _optuna()
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        distributions = {dimension.key: _distribution(dimension) for dimension in space}
        trial = optuna.trial.create_trial(
            state=state, value=value, params=values, distributions=distributions, user_attrs=notes
        )
        with self._at_work("written"):
            self.study.add_trial(trial)

    def ask(
        self, space: Sequence[Dimension], place: int, seed: int, own: dict[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        """Let TPE propose the trial at a place; a proposal whose process was killed is given out again.

        Parameters
        ----------
        space : sequence of Dimension
            What is searched.
        place : int
            Of the trial, from 0.
        seed : int
            With ``place``, seed of the draw.
        own : dict, optional
            Values to give out before any draw, at place 0.

        Returns
        -------
        number : int
            Optuna's number of the trial.
        values : dict
            By key.
        """
        optuna = _optuna()
        state = np.random.SeedSequence([seed, place]).generate_state(1)[0]
        # a sampler of its own for every place: a resumed search draws what an uninterrupted one would have drawn
        self.study.sampler = optuna.samplers.TPESampler(seed=int(state))
        begun = self.study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
        if begun:
            trial = optuna.trial.Trial(self.study, begun[0]._trial_id)
        else:
            if own is not None and place == 0:
                self.study.enqueue_trial(own, skip_if_exists=True)
            trial = self.study.ask()
        for dimension in space:
            _suggest(trial, dimension)
        return trial.number, dict(trial.params)

    def tell(self, number: int, value: float | None, notes: dict[str, Any]) -> None:
        """Enter the result of a trial that `ask` gave out."""
        optuna = _optuna()
        trial = optuna.trial.Trial(self.study, self.study.trials[number]._trial_id)
        for key, note in notes.items():
            trial.set_user_attr(key, note)
        self.study.tell(number, value, state=optuna.trial.TrialState.FAIL if value is None else None)

    def importance(self, seed: int) -> dict[str, float]:
        """Share of the variance that every hyper-parameter explains (fANOVA); empty for too few trials."""
        optuna = _optuna()
        done = self.study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
        if len(done) < 4 or len({trial.value for trial in done}) < 2 or len(done[0].params) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return dict(optuna.importance.get_param_importances(self.study, evaluator=evaluator))


def optuna_version() -> str:
    """Version of the installed Optuna."""
    return str(_optuna().__version__)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise RunError(
            f"tuning needs the package optuna, which is not installed; install it with: {install('tune')}"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _distribution(dimension: Dimension) -> Any:
    distributions = _optuna().distributions
    if dimension.choices is not None:
        return distributions.CategoricalDistribution(dimension.choices)
    kind = distributions.IntDistribution if dimension.integer else distributions.FloatDistribution
    return kind(dimension.low, dimension.high, log=dimension.log)


def _suggest(trial: Any, dimension: Dimension) -> None:
    if dimension.choices is not None:
        trial.suggest_categorical(dimension.key, dimension.choices)
    elif dimension.integer:
        trial.suggest_int(dimension.key, dimension.low, dimension.high, log=dimension.log)
    else:
        trial.suggest_float(dimension.key, dimension.low, dimension.high, log=dimension.log)
