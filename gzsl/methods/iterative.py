"""Methods trained by steps: one loop, one checkpoint and one NaN guard for all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.data.view import TrainView
from gzsl.errors import TrainingDiverged
from gzsl.methods.base import Method
from gzsl.nn.batches import Batch, ShuffledPasses, TrainingRows
from gzsl.nn.checkpoint import first_non_finite, optimiser_state, pack, restore_optimiser, unpack
from gzsl.nn.meter import LossMeter
from gzsl.nn.streams import Streams
from gzsl.params import param

SECONDS_BETWEEN_TICKS = 0.25


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
        self.device = self._context.device  # type: ignore[misc]
        self.streams = Streams(self._context.seed, self.device)  # type: ignore[misc]
        with torch.random.fork_rng():
            torch.manual_seed(self.streams.fresh("global").initial_seed())
            self._place(view)
            self._train()
        self.prepare_scoring()

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

    def _train(self) -> None:
        assert self.rows is not None
        loop = _Loop(self, self.rows)
        kept = self._context.monitor.kept()
        if kept is None:
            self.pretrain(self.rows)
        loop.optimisers = self.optimisers()
        if kept is not None:
            loop.restore(kept)
        loop.run()

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


class _Loop:
    """The training loop of one fit: steps, epochs, progress, checkpoints."""

    def __init__(self, method: IterativeMethod, rows: TrainingRows) -> None:
        self.method, self.rows = method, rows
        self.optimisers: dict[str, Optimizer] = {}
        self.passes = ShuffledPasses(len(rows), method.streams.fresh("batch", device="cpu"))
        self.meter = LossMeter()
        self.step = 0
        self.steps_per_epoch = -(-len(rows) // method.batch_size)
        self._ticked = 0.0

    def run(self) -> None:
        monitor = self.method._context.monitor
        total = self.steps_per_epoch * self.method.n_epochs
        draw = self.method.batch_size * self.method.batches_per_update
        while self.step < total:
            losses = self.method.update(self.rows.batch(self.passes.next(draw)))
            self.step += 1
            self.meter.add(losses, self.step)
            self._tick(total)
            if self.step % self.steps_per_epoch == 0:
                self._end_epoch(self.step // self.steps_per_epoch)
            if monitor.checkpoint_due():
                self._refuse_divergence()
                monitor.keep(self.checkpoint())

    def _tick(self, total: int) -> None:
        now = time.monotonic()
        if now - self._ticked >= SECONDS_BETWEEN_TICKS or self.step == total:
            self._ticked = now
            self.method._context.monitor.tick(self.step, total, self.meter.latest())

    def _end_epoch(self, epoch: int) -> None:
        self._refuse_divergence()
        self.method.on_epoch_end(epoch)
        found = self.meter.close_epoch() | self.method.epoch_statistics()
        self.method._context.monitor.epoch_done(self.method, epoch, found)

    def _refuse_divergence(self) -> None:
        diverged = self.meter.diverged()
        if diverged is None:
            weights = first_non_finite(self.method.networks())
            diverged = None if weights is None else (weights, self.step)
        if diverged is not None:
            name, step = diverged
            raise TrainingDiverged(
                f"{self.method.card.id}: {name!r} stopped being finite at step {step} of epoch "
                f"{(step - 1) // self.steps_per_epoch + 1}; the last kept state is from before it. "
                "Try a smaller learning rate, or features scaled to [0, 1]"
            )

    def checkpoint(self) -> bytes:
        """Everything that the rest of the fit depends on."""
        method = self.method
        fitted = {name: value for name, value in vars(method).items() if name.endswith("_")}
        groups: dict[str, Mapping[str, Tensor]] = {
            "pass": self.passes.state(),
            "meter": self.meter.state(),
            "streams": method.streams.state(),
            "global": {"state": torch.get_rng_state()},
            "tensors": {name: value for name, value in fitted.items() if isinstance(value, Tensor)},
        }
        groups |= {f"net:{name}": network.state_dict() for name, network in method.networks().items()}
        groups |= {f"opt:{name}": optimiser_state(optimiser) for name, optimiser in self.optimisers.items()}
        numbers = {name: value for name, value in fitted.items() if isinstance(value, int | float)}
        rates = {name: [group["lr"] for group in o.param_groups] for name, o in self.optimisers.items()}
        return pack(groups, {"step": self.step, "numbers": numbers, "rates": rates})

    def restore(self, blob: bytes) -> None:
        """Continue from what `checkpoint` returned."""
        method = self.method
        groups, values = unpack(blob)
        self.step = values["step"]
        self._set(values["numbers"])
        self._set({name: tensor.to(method.device) for name, tensor in groups.get("tensors", {}).items()})
        self.passes.restore(groups["pass"])
        self.meter.restore(groups["meter"], method.device)
        method.streams.restore(groups.get("streams", {}))
        torch.set_rng_state(groups["global"]["state"])
        for name, network in method.networks().items():
            network.load_state_dict(groups[f"net:{name}"])
        for name, optimiser in self.optimisers.items():
            restore_optimiser(optimiser, groups.get(f"opt:{name}", {}))
            for group, rate in zip(optimiser.param_groups, values["rates"][name], strict=True):
                group["lr"] = rate

    def _set(self, fitted: Mapping[str, Any]) -> None:
        for name, value in fitted.items():
            setattr(self.method, name, value)


