"""What a run tells about itself while it works, and the monitor that hears a fit on its behalf."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gzsl.errors import RunError
from gzsl.files import write_bytes
from gzsl.methods import Method, Monitor

CHECKPOINT_SECONDS = 60.0


class Reporter:
    """A silent reporter; the command line has one that draws."""

    def run(self, seeds: str) -> None:
        """Begin a run of the seed ``3``, or runs of the seeds ``0, 1, 2`` side by side."""

    def stage(self, text: str) -> None:
        """Begin a stage such as ``validation fold 1 of 3``."""

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Take note of progress inside the stage."""

    def note(self, text: str) -> None:
        """Tell something once, such as a detected fact or a result found on disk."""

    def opened(self, folder: Path) -> None:
        """Begin a run, or take it up again: what it has recorded so far is in its folder."""

    def recorded(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Take note of a line of a run's ``records.jsonl``: losses of an epoch, or an evaluation."""

    def closed(self, folder: Path) -> None:
        """Take note of a finished run, whose results are in its folder."""

    def waiting(self) -> None:
        """Hear that another process holds the run, before waiting for it; `RunHeld` gives up instead."""
        self.note("another process is at work on this run; waiting for it")


class StudyReporter:
    """A silent reporter of many runs, side by side; the command line has one that draws.

    A worker is a short name such as ``1`` or the address of a cluster's process; a run is ``method/dataset seed 0``.
    """

    def begin(self, total: int, found: int) -> None:
        """Hear how many runs there are, and how many of them were found finished."""

    def stage(self, worker: str, run: str, text: str) -> None:
        """Hear what a worker does now; an empty ``run`` means that it has nothing to do."""

    def tick(self, worker: str, done: int, total: int) -> None:
        """Take note of progress inside the stage."""

    def finish(self, run: str, error: str | None, left: float | None) -> None:
        """Hear that a run is over, and about how many seconds the rest will take where that is known."""

    def note(self, text: str) -> None:
        """Tell something once."""


def evaluation_epochs(n_epochs: int, every: int | None) -> set[int]:
    """Epochs after which a fit is evaluated: every so many (five in all when None), and the last."""
    step = every or max(1, -(-n_epochs // 5))
    return {*range(step, n_epochs + 1, step), n_epochs}


class FitMonitor(Monitor):
    """Passes progress on, writes checkpoints by the clock, and calls back after epochs.

    Parameters
    ----------
    checkpoint : Path
        Where the state of the fit is kept until it is finished.
    reporter : Reporter
        Hears progress.
    on_epoch : callable
        Called with (method, epoch, losses) after each epoch.
    seconds : float, optional
        Least time between two checkpoints; `CHECKPOINT_SECONDS` when None.
    """

    def __init__(
        self,
        checkpoint: Path,
        reporter: Reporter,
        on_epoch: Callable[[Method, int, Mapping[str, float]], None],
        seconds: float | None = None,
    ) -> None:
        self._checkpoint, self._reporter, self._on_epoch = checkpoint, reporter, on_epoch
        self._earlier = checkpoint.with_name(f"{checkpoint.stem}.earlier{checkpoint.suffix}")
        self._seconds = CHECKPOINT_SECONDS if seconds is None else seconds
        self._kept_at = time.monotonic()

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Pass progress on."""
        self._reporter.tick(done, total, losses)

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        """Call back."""
        self._on_epoch(method, epoch, losses)

    def checkpoint_due(self) -> bool:
        """Whether enough time has passed."""
        return time.monotonic() - self._kept_at >= self._seconds

    def keep(self, state: bytes) -> None:
        """Write a checkpoint; the one before it stays until `agreed`."""
        if self._checkpoint.is_file():
            self._checkpoint.replace(self._earlier)
        write_bytes(self._checkpoint, state)
        self._kept_at = time.monotonic()

    def agreed(self) -> None:
        """Remove the checkpoint before the last one."""
        self._earlier.unlink(missing_ok=True)

    def kept(self) -> bytes | None:
        """The last checkpoint on disk that is sound, if there is one."""
        found = self._sound(self._checkpoint)
        if found is None and self._earlier.is_file():
            self.rewind()
            found = self._sound(self._checkpoint)
        return found

    def earlier(self) -> bytes | None:
        """The checkpoint before it, where it is there and sound."""
        return self._sound(self._earlier)

    def rewind(self) -> None:
        """Let the checkpoint before the last one take its place."""
        self._earlier.replace(self._checkpoint)

    def forget(self) -> None:
        """Remove the checkpoints of a finished fit."""
        for path in (self._checkpoint, self._earlier):
            path.unlink(missing_ok=True)

    def _sound(self, path: Path) -> bytes | None:
        """A checkpoint; a damaged one is told of and removed, since the fit can be made again."""
        from gzsl.nn.checkpoint import unpack  # brings torch, as every fit with checkpoints does

        if not path.is_file():
            return None
        try:
            state = path.read_bytes()
            unpack(state)
        except (RunError, OSError) as error:
            self._reporter.note(f"{path}: {error}; this fit is made again")
            path.unlink(missing_ok=True)
            return None
        return state
