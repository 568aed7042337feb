"""Methods trained by steps: one loop, one checkpoint and one NaN guard for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.data.view import TrainView
from gzsl.methods.base import Method
from gzsl.methods.loop import Loop
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.streams import Streams
from gzsl.params import param


@dataclass(frozen=True)
class Sizes:
    """What networks need to know: feature dimension, attributes, and number of seen classes."""

    n_features: int
    n_attributes: int
    n_seen: int


class IterativeMethod(Method):
    """A method that is trained by `update` steps on batches.

    An author writes `build` (networks as attributes whose names end in ``_``), `optimisers` and
    `update`; where needed `pretrain` and `on_epoch_end`. Networks, optimisers, tensors and numbers in
    attributes that end in ``_``, the random streams and the place in the data are all in the checkpoint, so
    a resumed fit ends in the same bits.

    A method whose `update` keeps to the last axes (`gzsl.nn.stacking`) may declare ``stackable = True``: fits that
    differ in their seed are then trained as one model (`gzsl.methods.together`). The declaration is not inherited.

    Attributes
    ----------
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

    def _fit(self, view: TrainView) -> None:
        with torch.random.fork_rng():
            self._begin_loop(view).run()
        self.prepare_scoring()

    def _begin_loop(self, view: TrainView) -> Loop:
        """The loop before its first step, or where its checkpoint was made; seeds the global random numbers."""
        self.device = self._context.device  # type: ignore[misc]
        self.streams = Streams(self._context.seed, self.device)  # type: ignore[misc]
        torch.manual_seed(self.streams.fresh("global").initial_seed())
        self._place(view)
        assert self.rows is not None
        loop = Loop(self, self.rows)
        loop.start()
        return loop

    def _place(self, view: TrainView) -> None:
        self.rows = TrainingRows(  # type: ignore[misc]
            x=torch.from_numpy(view.features.to_array()).to(self.device),
            y=torch.tensor(view.seen_labels, device=self.device),
            table=self.to_device(view.seen_semantics.table),
        )
        self._build()

    def _build(self) -> None:
        sizes = Sizes(self.n_features_, self.n_attributes_, len(self.seen_classes_))
        self.build(sizes, self.streams.fresh("init", device="cpu"))
        for network in self.networks().values():
            network.to(self.device)

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Learnt arrays and the weights that scoring needs; networks named in ``training_only`` are left out."""
        arrays = super().fitted_arrays()
        for owner, network in self.networks().items():
            if owner not in self.training_only:
                state = network.state_dict()
                arrays.update({f"{owner}/{name}": t.detach().cpu().numpy() for name, t in state.items()})
        return arrays

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Rebuild the networks and take back their weights."""
        self.streams = Streams(0)  # type: ignore[misc]
        self._build()
        states: dict[str, dict[str, Tensor]] = {}
        for name, value in arrays.items():
            owner, _, member = name.partition("/")
            if member and owner in self.networks():
                states.setdefault(owner, {})[member] = torch.from_numpy(np.array(value))
            elif not member:
                setattr(self, name, value)
        for owner, state in states.items():
            self.networks()[owner].load_state_dict(state)
        for owner in self.training_only:
            delattr(self, owner)
