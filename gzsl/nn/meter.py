"""Loss terms of a training loop, summed on the device and watched for NaN without waiting for the device."""

from __future__ import annotations

from collections.abc import Mapping

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
                self._sums[name] = torch.zeros((), dtype=torch.float64, device=value.device)
                self._bad[name] = torch.full((), -1, dtype=torch.int64, device=value.device)
            self._sums[name] += value
            first = (self._bad[name] < 0) & ~torch.isfinite(value)
            self._bad[name].masked_fill_(first, step)
            self._last[name] = value
        self._count += 1

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
        self._sums.clear()
        self._bad.clear()
        self._count = 0
        return means

    def state(self) -> dict[str, Tensor]:
        """What an unfinished epoch has summed so far."""
        return {**self._sums, "/count": torch.tensor(self._count)}

    def restore(self, state: Mapping[str, Tensor], device: str) -> None:
        """Continue from what `state` returned."""
        self._count = int(state["/count"])
        self._sums = {name: value.to(device) for name, value in state.items() if name != "/count"}
        self._bad = {name: torch.full((), -1, dtype=torch.int64, device=device) for name in self._sums}
