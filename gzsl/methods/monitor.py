"""What a long fit reports to: progress, epochs, and where it may keep checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Monitor:
    """A silent monitor that keeps nothing; runs use one that records, draws progress and saves."""

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Take note of progress, at most a few times a second: ``done`` of ``total`` steps, latest losses."""

    def epoch_done(self, method: Any, epoch: int, losses: Mapping[str, float]) -> None:
        """Take note of a finished epoch (1-based) with the mean of every loss term in it.

        The method may be scored here after ``method.prepare_scoring()``; training is not disturbed by it.
        """

    def checkpoint_due(self) -> bool:
        """Whether the state of the fit should be handed to `keep` now."""
        return False

    def keep(self, state: bytes) -> None:
        """Store a checkpoint, beside the one before it until `agreed`."""

    def agreed(self) -> None:
        """Hear that the last checkpoint holds: every fit of a stack has one of this step."""

    def kept(self) -> bytes | None:
        """Return the stored checkpoint to continue from, or None to start anew."""
        return None

    def earlier(self) -> bytes | None:
        """Return the checkpoint before `kept` where that one was not `agreed`."""
        return None

    def rewind(self) -> None:
        """Let `earlier` be the checkpoint to continue from."""

    def forget(self) -> None:
        """Drop all checkpoints."""
