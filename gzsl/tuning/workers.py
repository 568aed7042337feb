"""Processes that work through the same list of trials as the one that started them.

A helper gets the search as one line of JSON on stdin and shares nothing else but the search's folder and storage. It
ends with its parent; a trial that it leaves unfinished is taken up again by whoever comes next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gzsl.errors import GzslError, RunError
from gzsl.runs.recipe import make_recipe
from gzsl.runs.run import open_dataset
from gzsl.studies.pool import own_group
from gzsl.studies.threads import limit_threads, thread_environment, threads_for
from gzsl.studies.worker import inbox
from gzsl.tuning.plan import PLANNED
from gzsl.tuning.space import Dimension
from gzsl.tuning.tuner import Tuner

_COMMAND = [sys.executable, "-c", "from gzsl.tuning.workers import main; main()"]


@contextmanager
def helpers(tuner: Tuner, workers: int, data: Path | str | None = None) -> Iterator[None]:
    """Let ``workers`` processes in all work on a search, this one among them, each with its share of the cores.

    Parameters
    ----------
    tuner : Tuner
        The search; its list must be drawn beforehand where there are several workers.
    workers : int
        Processes, with this one.
    data : path, optional
        Folder of datasets, from which the tuner's dataset was opened.

    Raises
    ------
    RunError
        For several workers and a sampler that goes by the results before.
    """
    if workers > 1 and tuner.sampler not in PLANNED:
        raise RunError(
            f"--workers {workers}: found the sampler {tuner.sampler!r}, whose trials depend on those before; "
            f"expected {' or '.join(PLANNED)}, whose list is drawn beforehand"
        )
    missing = tuner.n_trials - len(tuner.trials())
    processes = [_start(tuner, workers, data) for _ in range(min(workers, missing) - 1)]
    if processes:
        limit_threads(threads_for(workers))
    try:
        yield
    finally:
        for process in processes:  # all is done, or this process has been told to stop
            process.kill()
            process.wait()
        if processes:
            limit_threads(threads_for(1))


def _start(tuner: Tuner, workers: int, data: Path | str | None) -> subprocess.Popen[str]:
    values = {
        "recipe": tuner.recipe.model_dump(mode="json"), "data": None if data is None else str(data),
        "space": [dimension.to_dict() for dimension in tuner.space], "n_trials": tuner.n_trials,
        "out": str(tuner.out), "sampler": tuner.sampler, "seed": tuner.seed, "device": tuner.device,
        "storage": tuner.storage, "name": tuner.name,
    }  # fmt: skip
    threads = thread_environment(threads_for(workers))
    process = subprocess.Popen(
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, encoding="utf-8",
        env={**os.environ, **threads}, **own_group(),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(values) + "\n")
    process.stdin.flush()
    return process


def _tuner_of(values: dict[str, Any]) -> Tuner:
    recipe = make_recipe(values["recipe"])
    space = tuple(Dimension.of_dict(dimension) for dimension in values["space"])
    dataset = open_dataset(recipe, values["data"]).training_part()
    return Tuner(
        recipe, dataset, space, values["n_trials"], Path(values["out"]), values["sampler"], values["seed"],
        values["device"], values["storage"],
    )  # fmt: skip


def main() -> None:
    """Work on the search that stdin names until its list is done."""
    values = inbox().get()
    try:
        tuner = _tuner_of(values)
        if tuner.name != values["name"]:
            raise RunError(f"found the search {tuner.name} here, expected {values['name']}")
        for _ in tuner.run():
            pass
    except GzslError as error:
        sys.exit(f"gzsl: a helping process ended: {error}")
