"""Loss terms of a training loop, summed on the device and watched for NaN without waiting for the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class LossMeter:
    """Running means of named loss terms, and the first step at which each stopped being finite."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._bad: dict[str, Tensor] = {}
        self._last: dict[str, Tensor] = {}
        self._count = 0

    def add(self, losses: Mapping[str, Tensor], step: int) -> None:
        """Add the 0-d tensors of one step; nothing is read back from the device."""
        for name, value in losses.items():
            value = value.detach()
            if name not in self._sums:
                self._open(name, value)
            self._sums[name] += value
            first = (self._bad[name] < 0) & ~torch.isfinite(value)
            self._bad[name].masked_fill_(first, step)
            self._last[name] = value
        self._count += 1

    def _open(self, name: str, value: Tensor) -> None:
        self._sums[name] = torch.zeros(value.shape, dtype=torch.float64, device=value.device)
        self._bad[name] = torch.full(value.shape, -1, dtype=torch.int64, device=value.device)

    def latest(self) -> dict[str, float]:
        """Values of the last step; reads the device."""
        return {name: float(value) for name, value in self._last.items()}

    def diverged(self) -> tuple[str, int] | None:
        """Name and step of the term that stopped being finite first, or None; reads the device."""
        bad = [(int(step), name) for name, step in self._bad.items() if int(step) >= 0]
        return (min(bad)[1], min(bad)[0]) if bad else None

    def close_epoch(self) -> dict[str, float]:
        """Means since the last call, sorted by name, which start anew; reads the device."""
        means = {name: float(self._sums[name]) / self._count for name in sorted(self._sums)}
        self._start_anew()
        return means

    def _start_anew(self) -> None:
        self._sums.clear()
        self._bad.clear()
        self._count = 0

    def state(self) -> dict[str, Tensor]:
        """What an unfinished epoch has summed so far."""
        return {**self._sums, "/count": torch.tensor(self._count)}

    def restore(self, state: Mapping[str, Tensor], device: str) -> None:
        """Continue from what `state` returned."""
        self._count = int(state["/count"])
        self._sums = {name: value.to(device) for name, value in state.items() if name != "/count"}
        self._bad = {name: torch.full((), -1, dtype=torch.int64, device=device) for name in self._sums}


class StackedMeter(LossMeter):
    """Meters of several runs that are added to at once: losses are (S,), epochs end for each run by itself.

    Parameters
    ----------
    members : sequence of LossMeter
        One a run; what they have summed so far counts. They are not to be added to while they are stacked.
    """

    def __init__(self, members: Sequence[LossMeter]) -> None:
        super().__init__()
        self._members = members

    def add(self, losses: Mapping[str, Tensor], step: int) -> None:
        """Add the (S,) tensors of one step to every run."""
        super().add(losses, step)
        for member in self._members:
            member._count += 1

    def _open(self, name: str, value: Tensor) -> None:
        """Make sums that the members see as their own."""
        super()._open(name, value)
        for member, total, bad in zip(self._members, self._sums[name], self._bad[name], strict=True):
            if name in member._sums:
                total.copy_(member._sums[name])
                bad.copy_(member._bad[name])
            member._sums[name], member._bad[name] = total, bad

    def latest(self) -> dict[str, float]:
        """Values of the first run's last step; reads the device."""
        return {name: float(value[0]) for name, value in self._last.items()}

    def refresh(self) -> None:
        """Take note of a member whose epoch was closed: its sums start anew."""
        for place, member in enumerate(self._members):
            for name, total in self._sums.items():
                if name not in member._sums:
                    total[place], self._bad[name][place] = 0.0, -1
                    member._sums[name], member._bad[name] = total[place], self._bad[name][place]
