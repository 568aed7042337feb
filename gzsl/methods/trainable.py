"""What the author of a method trained by steps writes, and what a training loop asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.base import Method
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.streams import Streams
from gzsl.params import param


@dataclass(frozen=True)
class Sizes:
    """What networks need to know: feature dimension, attributes, and number of seen classes."""

    n_features: int
    n_attributes: int
    n_seen: int


class Trainable(Method):
    """A method trained by `update` steps on batches: what its author writes, and what a training loop asks of it.

    Authors derive from `gzsl.methods.iterative.IterativeMethod`, which adds the fit. They write `build` (networks as
    attributes whose names end in ``_``), `optimisers` and `update`; where needed `pretrain` and `on_epoch_end`.
    Networks, optimisers, tensors and numbers in attributes that end in ``_``, the random streams and the place in the
    data are all in the checkpoint, so a resumed fit ends in the same bits.

    A method whose `update` keeps to the last axes (`gzsl.nn.stacking`) may declare ``stackable = True``: fits that
    differ in their seed are then trained as one model (`gzsl.methods.stacked`). The declaration is not inherited.

    Attributes
    ----------
    scoring_only : tuple of str
        Hyper-parameters that `prepare_scoring` reads and training does not: candidates of a grid that differ in these
        alone are scored on one fit.
    prepared : bool
        Whether `prepare_scoring` has seen the present state of the fit.
    streams : Streams
        Random numbers by name for `update` (``noise``, ...).
    rows : TrainingRows or None
        Training data on the device; None in a method read from a file.
    device : str
        Where the networks are.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows")
    batch_size: int = param(default=64, low=1, high=1_000_000, doc="rows a step")

    iterative: ClassVar[bool] = True
    batches_per_update: ClassVar[int] = 1
    training_only: ClassVar[tuple[str, ...]] = ()
    scoring_only: ClassVar[tuple[str, ...]] = ()
    prepared: ClassVar[bool] = False
    rows: ClassVar[TrainingRows | None] = None
    device: ClassVar[str] = "cpu"
    streams: ClassVar[Streams]

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the networks, with initial weights from ``rng`` (a CPU generator)."""
        raise NotImplementedError

    def optimisers(self) -> dict[str, Optimizer]:
        """Make one optimiser a group of networks, by name."""
        raise NotImplementedError

    def pretrain(self, rows: TrainingRows) -> None:
        """Train fixed parts before the loop; what it changes must live in networks or ``_`` attributes."""

    def constants(self, rows: TrainingRows) -> dict[str, Tensor]:
        """Tensors by attribute name that follow from the data alone; set before every loop, in no checkpoint."""
        return {}

    def rows_a_step(self, available: int) -> int:
        """Rows that one update gets, of ``available`` training rows; it may get a row twice."""
        return self.batch_size * self.batches_per_update

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step on ``batch`` (``batches_per_update * batch_size`` rows).

        Returns
        -------
        dict of str to Tensor
            Loss terms as 0-d tensors, left on the device.
        """
        raise NotImplementedError

    def on_epoch_end(self, epoch: int) -> None:
        """Adapt something after epoch ``epoch`` (1-based)."""

    def epoch_statistics(self) -> dict[str, float]:
        """Numbers that are recorded with the losses of an epoch; `TrainingDiverged` ends the fit."""
        return {}

    def networks(self) -> dict[str, nn.Module]:
        """All networks, by attribute name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, nn.Module)}

    def to_device(self, table: np.ndarray) -> Tensor:
        """A float32 array as a tensor where the networks are."""
        return torch.tensor(table, dtype=torch.float32, device=self.device)
