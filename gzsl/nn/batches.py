"""Training rows on the device, drawn in shuffled passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gzsl.nn.stacking import take


@dataclass(frozen=True)
class Batch:
    """Rows that one update works on.

    Attributes
    ----------
    x : Tensor, shape (n, d) or (n, R, d)
        Features.
    y : Tensor, shape (n,), int64
        Position of each row's class among the seen classes.
    a : Tensor, shape (n, a)
        Class vector of each row's class.
    """

    x: Tensor
    y: Tensor
    a: Tensor

    def __len__(self) -> int:
        return self.y.shape[-1]

    def part(self, rows: slice) -> Batch:
        """Some of the rows."""
        return Batch(self.x[..., rows, :], self.y[..., rows], self.a[..., rows, :])

    def last(self, count: int) -> Batch:
        """The last ``count`` rows."""
        return self.part(slice(len(self) - count, len(self)))


class ShuffledPasses:
    """Endless row numbers: every pass visits each row once, in a new order.

    One permutation a pass, not one a batch. A batch may reach over the end of a pass into the next one.

    Parameters
    ----------
    n : int
        Number of rows.
    generator : torch.Generator
        CPU generator that shuffles.
    """

    def __init__(self, n: int, generator: torch.Generator) -> None:
        self.n, self._generator = n, generator
        self._order = torch.empty(0, dtype=torch.int64)
        self._position = 0

    def next(self, count: int) -> Tensor:
        """The next ``count`` row numbers, int64 on the CPU."""
        pieces = []
        while count:
            if self._position == len(self._order):
                self._order = torch.randperm(self.n, generator=self._generator)
                self._position = 0
            piece = self._order[self._position : self._position + count]
            pieces.append(piece)
            self._position += len(piece)
            count -= len(piece)
        return torch.cat(pieces)

    def state(self) -> dict[str, Tensor]:
        """What is left of the present pass, and the state of the generator."""
        return {"remaining": self._order[self._position :].clone(), "generator": self._generator.get_state()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        self._order, self._position = state["remaining"], 0
        self._generator.set_state(state["generator"])


class Gathering(Protocol):
    """Rows that lie elsewhere, of which a batch is read at a time."""

    def gathered(self, positions: np.ndarray) -> np.ndarray:
        """The rows at some positions, float32."""


class RowsElsewhere:
    """Rows that are read from where they lie, batch by batch, and indexed as a tensor would be.

    Parameters
    ----------
    rows : Gathering
        The rows.
    device : str
        Where batches go.
    """

    def __init__(self, rows: Gathering, device: str) -> None:
        self._rows, self._device = rows, device

    def index_select(self, dim: int, positions: Tensor) -> Tensor:
        """The rows at some positions, as a tensor gives them; rows are the first dimension alone."""
        assert dim == 0
        return self[positions]

    def __getitem__(self, positions: Tensor) -> Tensor:
        return torch.from_numpy(self._rows.gathered(positions.cpu().numpy())).to(self._device)


@dataclass(frozen=True)
class TrainingRows:
    """All training rows, resident on the device unless they are `RowsElsewhere`.

    Attributes
    ----------
    x : Tensor, shape (n, d) or (n, R, d), or RowsElsewhere
        Features.
    y : Tensor, shape (n,), int64
        Position of each row's class among the seen classes.
    table : Tensor, shape (s, a)
        Class vectors of the seen classes.
    """

    x: Any
    y: Tensor
    table: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: Tensor) -> Batch:
        """The rows of the given numbers."""
        rows = on_device(rows, self.y.device)
        y = self.y[rows]
        return Batch(self.x.index_select(0, rows), y, self.table.index_select(0, y))  # twice as fast as x[rows]


class StackedRows:
    """Training rows of several runs with as many classes each; runs with the same rows share them.

    Has the ``table`` (S, s, a) of every run's class vectors, and batches of (S, n) rows.

    Parameters
    ----------
    members : sequence of TrainingRows
        One a run.
    """

    def __init__(self, members: Sequence[TrainingRows]) -> None:
        distinct: dict[int, TrainingRows] = {id(rows): rows for rows in members}
        first, start = {}, 0
        for key, rows in distinct.items():
            first[key], start = start, start + len(rows)
        x, y = (_joined([getattr(rows, name) for rows in distinct.values()]) for name in ("x", "y"))
        self.x, self.y, self.table = x, y, torch.stack([rows.table for rows in members])
        self._first = torch.tensor([first[id(rows)] for rows in members])[:, None]

    def batch(self, rows: Tensor) -> Batch:
        """The rows (S, n) of the given numbers, each among those of its run."""
        rows = on_device(rows + self._first, self.y.device)
        y = self.y[rows]
        return Batch(self.x[rows], y, take(self.table, y))


def on_device(rows: Tensor, device: torch.device) -> Tensor:
    """Row numbers of the CPU where they are needed; the host does not wait for a GPU to take them."""
    return rows.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else rows


def _joined(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)
