"""Worker processes on this machine; one that dies takes a single cell with it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from gzsl.errors import RunError
from gzsl.runs.reporter import StudyReporter
from gzsl.studies.jobs import Job, Outcome, failed
from gzsl.studies.threads import thread_environment, threads_for

_COMMAND = [sys.executable, "-m", "gzsl.studies.worker"]
LAST_WORDS = 20  # lines of stderr that are kept to explain a crash

Event = tuple["_Slot", Mapping[str, Any]]


class Pool:
    """Runs jobs in processes and yields what became of them as they end.

    Parameters
    ----------
    workers : int
        Processes side by side.
    progress : StudyReporter
        Hears what each is doing.
    """

    def __init__(self, workers: int, progress: StudyReporter) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        environment = thread_environment(threads_for(workers))
        self._slots = [_Slot(i, environment | _gpu_of(i), self._events) for i in range(workers)]
        self._progress = progress

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self._slots:
            slot.kill()

    def outcomes(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Run every job; runs that another process is at work on are put off to the end, then waited for."""
        waiting, held = deque(jobs), deque[Job]()
        while waiting or held or any(slot.job for slot in self._slots):
            yield from self._hand_out(waiting, held)
            if not any(slot.job for slot in self._slots):
                continue  # all that was left had been finished by others
            slot, answer = self._next_answer()
            job = slot.release()
            self._progress.stage(slot.name, "", "")
            if answer["state"] == "held":
                held.append(job)
            else:
                yield _outcome(job, answer)

    def answers(self, jobs: Sequence[Job], **extra: Any) -> Iterator[tuple[Job, Mapping[str, Any]]]:
        """The plain answers to jobs that are marked with ``extra`` values, one after the other.

        Another method or dataset gets a new process, so that its memory is its own.
        """
        slot, last = self._slots[0], ""
        for job in jobs:
            kind = f"{job.cell.method} {job.cell.dataset}"
            if kind != last:
                slot.kill()
            last = kind
            slot.give(job, patient=False, **extra)
            self._progress.stage(slot.name, job.name, "pre-flight")
            _, answer = self._next_answer()
            slot.release()
            yield job, answer

    def _hand_out(self, waiting: deque[Job], held: deque[Job]) -> Iterator[Outcome]:
        for slot in self._slots:
            while slot.job is None and (waiting or held):
                patient = not waiting
                job = held.popleft() if patient else waiting.popleft()
                found = job.run.found()
                if found is not None:  # another sweep was faster
                    yield Outcome(job, found)
                    continue
                slot.give(job, patient=patient)
                self._progress.stage(slot.name, job.name, "starts")

    def _next_answer(self) -> Event:
        """The next message that ends a job; others are passed on."""
        while True:
            slot, message = self._events.get()
            name = slot.job.name if slot.job else ""
            if "stage" in message:
                self._progress.stage(slot.name, name, message["stage"])
            elif "tick" in message:
                self._progress.tick(slot.name, *message["tick"])
            elif "note" in message:
                self._progress.note(f"{name}: {message['note']}")
            elif slot.waits_for(message):
                return slot, message


class _Slot:
    """Place of one worker process; the process is started with the first job and replaced when it has died."""

    def __init__(self, number: int, environment: Mapping[str, str], events: queue.SimpleQueue[Event]) -> None:
        self.name = str(number + 1)
        self.job: Job | None = None
        self._environment, self._events = environment, events
        self._process: subprocess.Popen[str] | None = None

    def give(self, job: Job, *, patient: bool, **extra: Any) -> None:
        """Hand a job to the process."""
        self.job = job
        line = json.dumps({**job.to_values(patient=patient), **extra}) + "\n"
        for _ in range(2):  # a process that died between two jobs is replaced
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except OSError:
                self._process.wait()
            else:
                return
        raise RunError("worker processes cannot be started; try --workers 1, or run a single recipe with gzsl run")

    def waits_for(self, message: Mapping[str, Any]) -> bool:
        """Whether a message ends the present job; a process that has been replaced may still announce its end."""
        alive = self._process is not None and message.get("of", self._process.pid) == self._process.pid
        return self.job is not None and alive

    def release(self) -> Job:
        """The job that has ended."""
        assert self.job is not None
        job, self.job = self.job, None
        return job

    def kill(self) -> None:
        """End the process; a run may be cut at any moment and continues from what it had recorded."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", env={**os.environ, **self._environment}, **own_group(),
        )  # fmt: skip
        threading.Thread(target=_listen, args=(self, process, self._events), daemon=True).start()
        self._process = process


def _listen(slot: _Slot, process: subprocess.Popen[str], events: queue.SimpleQueue[Event]) -> None:
    """Pass on every message of a process, and its death as the last one."""
    assert process.stdout is not None
    assert process.stderr is not None
    last_words: deque[str] = deque(maxlen=LAST_WORDS)
    ears = threading.Thread(target=_remember, args=(process.stderr, last_words), daemon=True)
    ears.start()
    for line in process.stdout:
        events.put((slot, json.loads(line)))
    ears.join()
    events.put((slot, {"state": "died", "error": _cause(process.wait(), last_words), "of": process.pid}))


def _remember(stream: IO[str], last_words: deque[str]) -> None:
    last_words.extend(line.rstrip() for line in stream if line.strip())


def _cause(status: int, last_words: Sequence[str]) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        hint = "; the system does that when memory runs out" if -status == signal.SIGKILL else ""
        return f"the worker process was ended by {name}{hint}"
    told = f": {last_words[-1]}" if last_words else ""
    return f"the worker process ended with status {status}{told}"


def _outcome(job: Job, answer: Mapping[str, Any]) -> Outcome:
    if answer["state"] == "done":
        result = job.run.found()
        if result is not None:
            return Outcome(job, replace(result, fresh=answer["fresh"]))
        return failed(job, f"{job.run.folder.path}: found no finished run, though the worker says so")
    if answer["state"] == "died":
        job.note_failure(answer["error"])
    return failed(job, answer["error"], storage=answer.get("storage", False))


def _gpu_of(number: int) -> dict[str, str]:
    """Deal the visible GPUs out to the workers where there are several; torch is asked only if it is loaded."""
    torch = sys.modules.get("torch")
    count = torch.cuda.device_count() if torch is not None and torch.cuda.is_available() else 0
    if count < 2:
        return {}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(i) for i in range(count)]
    return {"CUDA_VISIBLE_DEVICES": names[number % len(names)]}


def own_group() -> dict[str, Any]:
    """Keep Ctrl-C of the terminal from the workers; the parent ends them."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
