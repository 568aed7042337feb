"""The same runs on a Dask cluster: each run is one task, and its numbers go to the shared folder.

What travels is the name of a function of this package and plain values; the package must be installed on the
workers, and the folders of runs and data must be there under the same path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from gzsl.errors import RunError, install
from gzsl.runs.environment import resolve_device
from gzsl.runs.reporter import Reporter, StudyReporter
from gzsl.runs.run import RunResult
from gzsl.studies.jobs import Job, Outcome, failed, perform

if TYPE_CHECKING:
    from distributed import Client, Future

TOPIC = "gzsl"
RETRIES = 2
SECONDS_FOR_FILES = 30.0  # that a network file system may take to show what another machine wrote
SECONDS_TO_CONNECT = 30.0


class Cluster:
    """A Dask scheduler and what every task needs of its workers.

    Parameters
    ----------
    address : str
        Such as ``tcp://node1:8786``.
    resources : mapping, optional
        What a task takes of a worker while it runs, such as ``{"GPU": 1}``; workers offer it by
        ``dask worker --resources "GPU=1"``.

    Raises
    ------
    RunError
        When `distributed` is not installed or no scheduler answers.
    """

    def __init__(self, address: str, resources: Mapping[str, float] | None = None) -> None:
        try:
            import distributed
        except ImportError:
            raise RunError(f"--scheduler needs the package distributed: {install('cluster')}") from None
        self._resources = dict(resources or {})
        try:
            self._client: Client = distributed.Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise RunError(f"--scheduler {address}: found no Dask scheduler that answers ({error})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def workers(self) -> int:
        """How many tasks can run side by side now."""
        return max(1, len(self._offers()))

    def device_for(self, asked: str) -> Callable[[bool], str]:
        """The device of methods that can use one, as a worker sees it, and of those that cannot."""
        known: dict[bool, str] = {False: "cpu"}

        def device(needed: bool) -> str:
            if needed not in known:
                known[needed] = asked if asked == "cpu" else self._ask_worker(asked)
            return known[needed]

        return device

    def outcomes(self, jobs: Sequence[Job], progress: StudyReporter) -> Iterator[Outcome]:
        """Submit every job and yield what became of it as it ends; one that cannot be started here is withdrawn."""
        from distributed import as_completed

        if not self._offers():
            wanted = " with " + ", ".join(f"{k}={v:g}" for k, v in self._resources.items()) if self._resources else ""
            progress.note(f"no worker{wanted} has come to the cluster yet; waiting")
        names = {job.key: job.name for job in jobs}
        self._client.subscribe_topic(TOPIC, lambda event: _pass_on(event, names, progress))
        tasks = {self._submit(job): job for job in jobs}
        try:
            for future in as_completed(list(tasks), loop=self._client.loop):
                yield _outcome(tasks[future], future)
        finally:
            self._client.cancel([future for future in tasks if not future.done()])
            self._client.unsubscribe_topic(TOPIC)

    def _submit(self, job: Job) -> Future:
        values = job.to_values(patient=True)
        return self._client.submit(
            perform_on_worker, values, key=f"gzsl-{job.key}", pure=False, retries=RETRIES,
            resources=self._resources or None,
        )  # fmt: skip

    def _ask_worker(self, asked: str) -> str:
        task = self._client.submit(resolve_device, asked, pure=False, resources=self._resources or None)
        device: str = task.result()
        return device

    def _offers(self) -> list[str]:
        """Addresses of the workers that have what a task needs."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        return [
            address for address, worker in workers.items()
            if all(worker["resources"].get(name, 0) >= amount for name, amount in self._resources.items())
        ]  # fmt: skip


class _TopicReporter(Reporter):
    """Tells the scheduler, and through it the sweep, what a run on this worker does."""

    def __init__(self, key: str) -> None:
        self._key = key

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._tell({"stage": text})

    def note(self, text: str) -> None:
        """Tell something once."""
        self._tell({"note": text})

    def _tell(self, message: dict[str, Any]) -> None:
        from distributed import get_worker

        worker = get_worker()
        worker.log_event(TOPIC, {"key": self._key, "worker": str(worker.name), **message})


def perform_on_worker(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a task does: `perform`, with its progress told to the scheduler.

    Raises
    ------
    RuntimeError
        For a failure that is not the recipe's, such as a file server that does not answer, so that Dask tries again.
    """
    answer = perform(values, _TopicReporter(values["key"]))
    if answer.get("unexpected"):
        raise RuntimeError(answer["error"])
    return answer


def _pass_on(event: tuple[float, Mapping[str, Any]], names: Mapping[str, str], progress: StudyReporter) -> None:
    _, message = event
    name = names.get(message["key"])
    if name is None:
        return  # of another sweep on the same cluster
    if "stage" in message:
        progress.stage(message["worker"], name, message["stage"])
    else:
        progress.note(f"{name}: {message['note']}")


def _outcome(job: Job, future: Future) -> Outcome:
    if future.status != "finished":
        error = future.exception() if future.status == "error" else None
        text = str(error) if error else f"the task was {future.status} on the cluster"
        job.note_failure(text)
        return failed(job, text)
    answer = future.result()
    if answer["state"] == "failed":
        return failed(job, answer["error"], storage=answer["storage"])
    result = _finished(job)
    if result is None:
        return failed(job, f"{job.run.folder.path}: found no finished run here, expected --out on a shared file system")
    return Outcome(job, replace(result, fresh=answer["fresh"]))


def _finished(job: Job) -> RunResult | None:
    """The run on disk, once the file system shows it."""
    deadline = time.monotonic() + SECONDS_FOR_FILES
    while True:
        result = job.run.found()
        if result is not None or time.monotonic() > deadline:
            return result
        time.sleep(0.5)
