"""The training loop of one fit: steps, epochs, progress, checkpoints, and the guard against NaN."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gzsl.errors import TrainingDiverged
from gzsl.methods.trainable import Trainable
from gzsl.nn.batches import ShuffledPasses, TrainingRows
from gzsl.nn.checkpoint import first_non_finite, optimiser_state, pack, restore_optimiser, unpack
from gzsl.nn.meter import LossMeter

SECONDS_BETWEEN_TICKS = 0.25


class Loop:
    """The training loop of one fit: steps, epochs, progress, checkpoints.

    Attributes
    ----------
    step, total, draw : int
        Steps taken, steps to take, and rows that one step draws.
    global_state : Tensor or None
        State of the global random numbers of this fit while others use them; None when it is torch's present one.
    before_reading : callable
        Called before epochs end and checkpoints are made: a stack hands the member its state then.
    """

    def __init__(self, method: Trainable, rows: TrainingRows) -> None:
        self.method, self.rows = method, rows
        self.monitor = method._context.monitor
        self.optimisers: dict[str, Optimizer] = {}
        self.constants: dict[str, Tensor] = {}
        self.global_state: Tensor | None = None
        self.before_reading: Callable[[], None] = nothing
        self.passes = ShuffledPasses(len(rows), method.streams.fresh("batch", device="cpu"))
        self.meter = LossMeter()
        self.step = 0
        self.steps_per_epoch = -(-len(rows) // method.batch_size)
        self.total = self.steps_per_epoch * method.n_epochs
        self.draw = method.rows_a_step(len(rows))
        self._ticked = 0.0

    def start(self) -> None:
        """Pretrain, or continue from the checkpoint that the monitor kept."""
        kept = self.monitor.kept()
        if kept is None:
            self.method.pretrain(self.rows)
        self.constants = self.method.constants(self.rows)
        self._set(self.constants)
        self.optimisers = self.method.optimisers()
        if kept is not None:
            self.restore(kept)

    def run(self) -> None:
        """Take the steps that are left."""
        while self.step < self.total:
            losses = self.method.update(self.rows.batch(self.passes.next(self.draw)))
            self.step += 1
            self.meter.add(losses, self.step)
            self.tick(self.meter)
            due = self.monitor.checkpoint_due()
            self.settle(keep=due)
            if due:
                self.monitor.agreed()

    def tick(self, meter: LossMeter) -> None:
        """Report progress, a few times a second."""
        now = time.monotonic()
        if now - self._ticked >= SECONDS_BETWEEN_TICKS or self.step == self.total:
            self._ticked = now
            self.monitor.tick(self.step, self.total, meter.latest())

    def settle(self, keep: bool) -> bool:
        """Do what is due after a step, a checkpoint where asked for; tells whether an epoch ended with it."""
        self.method.prepared = False  # type: ignore[misc]
        ended = self.step % self.steps_per_epoch == 0
        if ended:
            self.before_reading()
            self._end_epoch(self.step // self.steps_per_epoch)
        if keep:
            self.before_reading()
            self._refuse_divergence()
            self.monitor.keep(self.checkpoint())
        return ended

    def _end_epoch(self, epoch: int) -> None:
        self._refuse_divergence()
        self.method.on_epoch_end(epoch)
        found = self.meter.close_epoch() | self.method.epoch_statistics()
        self.monitor.epoch_done(self.method, epoch, found)

    def _refuse_divergence(self) -> None:
        diverged = self.meter.diverged()
        if diverged is None:
            weights = first_non_finite(self.method.networks())
            diverged = None if weights is None else (weights, self.step)
        if diverged is not None:
            name, step = diverged
            raise TrainingDiverged(
                f"{self.method.card.id}, seed {self.method.streams.seed}: {name!r} stopped being finite "
                f"at step {step} of epoch "
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
            "global": {"state": torch.get_rng_state() if self.global_state is None else self.global_state},
            "tensors": {name: value for name, value in fitted.items() if isinstance(value, Tensor)},
        }
        groups |= {f"net:{name}": network.state_dict() for name, network in method.networks().items()}
        groups |= {f"opt:{name}": optimiser_state(optimiser) for name, optimiser in self.optimisers.items()}
        numbers = {name: value for name, value in fitted.items() if isinstance(value, int | float)}
        rates = {name: [group["lr"] for group in o.param_groups] for name, o in self.optimisers.items()}
        return pack(groups, {"step": self.step, "total": self.total, "numbers": numbers, "rates": rates})

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


def nothing() -> None:
    """Do nothing."""
