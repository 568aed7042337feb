"""A worker process: reads jobs as JSON lines on stdin, runs one at a time, tells what it does as JSON lines.

It is started with the thread limits in its environment, ends at once when its parent is gone, and hands over nothing
but text: numbers are in the run's folder.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import IO, Any

from gzsl.errors import GzslWarning, RunHeld
from gzsl.runs.reporter import Reporter
from gzsl.studies.threads import limit_threads

SECONDS_BETWEEN_TICKS = 0.5
ORPHANED = 3  # exit status

Send = Callable[[Mapping[str, Any]], None]


class PipeReporter(Reporter):
    """Sends what a run tells to the parent; ``patient``: wait for another process that holds the run."""

    def __init__(self, send: Send, *, patient: bool) -> None:
        self._send, self._patient = send, patient
        self._ticked = 0.0

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._send({"stage": text})

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Pass progress on, twice a second at most."""
        now = time.monotonic()
        if now - self._ticked >= SECONDS_BETWEEN_TICKS:
            self._ticked = now
            self._send({"tick": [done, total]})

    def note(self, text: str) -> None:
        """Tell something once."""
        self._send({"note": text})

    def waiting(self) -> None:
        """Give up unless told to wait."""
        if not self._patient:
            raise RunHeld("another process is at work on this run")
        super().waiting()


def main() -> None:
    """Serve until the parent closes stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    send = _private_output()
    warnings.simplefilter("once", GzslWarning)
    warnings.showwarning = lambda message, *_, **__: send({"note": f"warning: {message}"})
    threads = int(os.environ["OMP_NUM_THREADS"])
    for values in iter(inbox().get, None):
        limit_threads(threads)
        send(_answer(values, send))


def _answer(values: Mapping[str, Any], send: Send) -> dict[str, Any]:
    """What became of a job; imported late, so that a worker that gets none costs little."""
    from gzsl.studies.jobs import perform
    from gzsl.studies.preflight import estimate

    reporter = PipeReporter(send, patient=values["patient"])
    return estimate(values, reporter) if values.get("preflight") else perform(values, reporter)


def _private_output() -> Send:
    """Keep the pipe to the parent for messages alone: whatever else is printed goes to stderr."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        try:
            stream.write(json.dumps(message) + "\n")
        except OSError:
            os._exit(ORPHANED)

    return send


def inbox() -> queue.SimpleQueue[dict[str, Any]]:
    """Jobs from stdin, read beside the work, so that the end of the parent is noticed in the middle of a job."""
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, jobs), daemon=True).start()
    return jobs


def _read(stream: IO[str], jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in stream:
        jobs.put(json.loads(line))
    os._exit(ORPHANED)  # closed: the parent is done with this process, or gone


if __name__ == "__main__":
    main()
