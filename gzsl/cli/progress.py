"""Progress of a run on the terminal: stage, bar, losses, time left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TimeElapsedColumn, TimeRemainingColumn

from gzsl.cli.terminal import Column, Console
from gzsl.runs.reporter import Reporter

TAKEN = 64  # columns of the line that are not losses
SECONDS_BETWEEN_LINES = 20.0  # without a terminal
TERM = 24  # columns of one loss term


class TerminalReporter(Reporter):
    """Draws one line on stderr while the block lasts; without a terminal prints notes, and now and then the stage.

    Parameters
    ----------
    title : str
        Shown before the stage.
    """

    def __init__(self, title: str) -> None:
        self._console = Console(stderr=True)
        self.title = title
        self._seeds = ""
        self._progress = Progress(
            Column("{task.description}"), BarColumn(bar_width=10), Column("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(), Column("passed,"), TimeRemainingColumn(), Column("left"),
            Column("{task.fields[losses]}"),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._stage, self._told_at = "", time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def run(self, seeds: str) -> None:
        """Name the seeds in front of stages and notes."""
        self._seeds = f" {seeds}"

    def stage(self, text: str) -> None:
        """Begin a new bar."""
        self._stage = text
        self._tell()
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(f"{self.title}{self._seeds}: {text}", total=None, losses="")

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Move the bar."""
        self._tell(f", {100 * done // max(total, 1)} %")
        if self._task is not None:
            fitting = max(1, (self._console.width - TAKEN) // TERM)
            shown = "  ".join(f"{name} {value:.3g}" for name, value in list(losses.items())[:fitting])
            self._progress.update(self._task, completed=done, total=total, losses=shown)

    def _tell(self, how_far: str = "") -> None:
        """Where no bar can be drawn, say once in a while what is being done."""
        now = time.monotonic()
        if not self._console.is_terminal and now - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = now
            self.note(f"{self._stage}{how_far}")

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(f"{self.title}{self._seeds}: {text}", style="dim", soft_wrap=True)
