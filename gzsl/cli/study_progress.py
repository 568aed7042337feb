"""Progress of a study on the terminal: runs done, time left, and what each worker is at."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TimeElapsedColumn

from gzsl.cli.terminal import Column, Console
from gzsl.runs.reporter import StudyReporter


class StudyProgress(StudyReporter):
    """Draws one line for the study and one a worker on stderr; prints only notes where there is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            Column("{task.description}"), BarColumn(bar_width=10), Column("{task.fields[count]}"),
            TimeElapsedColumn(), Column("{task.fields[left]}"),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._study: TaskID | None = None
        self._workers: dict[str, tuple[TaskID, str]] = {}
        self._total = self._done = self._failed = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, total: int, found: int) -> None:
        """Draw the line of the study."""
        self._total, self._done = total, found
        if found:
            self.note(f"{found} of {total} runs are finished already")
        self._study = self._progress.add_task("study", total=total, completed=found, count=self._count(), left="")

    def stage(self, worker: str, run: str, text: str) -> None:
        """Say what a worker does now."""
        known = self._workers.pop(worker, None)
        if known is not None:
            self._progress.remove_task(known[0])
        if run:
            line = f"{worker}: {run}: {text}"
            self._workers[worker] = (self._progress.add_task(line, total=None, count="", left=""), run)

    def tick(self, worker: str, done: int, total: int) -> None:
        """Move a worker's bar."""
        if worker in self._workers:
            count = f"{100 * done // max(total, 1)}%"
            self._progress.update(self._workers[worker][0], completed=done, total=total, count=count)

    def finish(self, run: str, error: str | None, left: float | None) -> None:
        """Move the study's bar."""
        self._done += error is None
        self._failed += error is not None
        for worker, (_, at) in list(self._workers.items()):
            if at == run:
                self.stage(worker, "", "")
        if error is not None:
            self.note(f"failed: {run}: {error}")
        if self._study is not None:
            rest = "" if left is None else f"about {duration(left)} left"
            self._progress.update(
                self._study, completed=self._done + self._failed, count=self._count(), left=rest
            )

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, style="dim", soft_wrap=True)

    def _count(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._done}/{self._total} runs{failed}"


def duration(seconds: float) -> str:
    """A span of time for people: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
