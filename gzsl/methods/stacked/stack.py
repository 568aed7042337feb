"""Training loops in lockstep: one model with a leading axis, one update for all of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from gzsl.errors import GzslError, MethodError
from gzsl.methods.iterative import IterativeMethod
from gzsl.methods.loop import Loop, nothing
from gzsl.methods.stacked.fits import may_differ
from gzsl.nn.batches import StackedRows
from gzsl.nn.checkpoint import optimiser_state, restore_optimiser
from gzsl.nn.meter import StackedMeter
from gzsl.nn.stacking import own_storage, stack_modules
from gzsl.nn.streams import StackedStreams
from gzsl.params import parameters

State = dict[str, Tensor]


class Stack:
    """Loops of the same method at the same step, advanced together.

    One more copy of the method, the lead, holds the networks and the tensors of all loops with a leading axis and
    takes the steps. Networks, optimiser states and loss sums of the single methods are views of it, so that epochs
    end, methods are scored and checkpoints are written for each loop as if it were alone.

    Parameters
    ----------
    loops : sequence of Loop
        Started; sizes of networks, data and batches agree.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.loops = loops
        self.lead = self._joined([loop.method for loop in loops])
        self.optimisers = self.lead.optimisers()
        for name, optimiser in self.optimisers.items():
            states = [optimiser_state(loop.optimisers[name]) for loop in loops]
            restore_optimiser(optimiser, {key: _together(key, states) for key in states[0]})
        self.rows = StackedRows([loop.rows for loop in loops])
        self.meter = StackedMeter([loop.meter for loop in loops])
        for place, loop in enumerate(loops):
            loop.before_reading = partial(self._hand_over, place)

    def _joined(self, methods: Sequence[IterativeMethod]) -> IterativeMethod:
        """The lead: a copy whose networks, tensors, weights of losses, streams and rows are those of all methods."""
        lead = copy.copy(methods[0])
        for name in methods[0].networks():
            setattr(lead, name, stack_modules([method.networks()[name] for method in methods]))
        self._tensors = {name for name, value in vars(lead).items() if _learnt(name, value)}
        for name in {*self._tensors, *self.loops[0].constants}:
            setattr(lead, name, torch.stack([getattr(method, name) for method in methods]))
        for name in parameters(type(lead)):
            values = [getattr(method, name) for method in methods]
            if may_differ(name) and len(set(values)) > 1:
                setattr(lead, name, torch.tensor(values, device=lead.device))
        lead.streams = StackedStreams([method.streams for method in methods])  # type: ignore[misc]
        lead.rows = StackedRows([loop.rows for loop in self.loops])  # type: ignore[misc, assignment]
        return lead

    def run(self) -> dict[Loop, GzslError]:
        """Advance until a loop is done or has failed, then give every loop its own state back.

        Returns
        -------
        dict of Loop to GzslError
            The loops that failed; the others are not affected.
        """
        failed: dict[Loop, GzslError] = {}
        while not failed and all(loop.step < loop.total for loop in self.loops):
            self.advance()
            ends = any(loop.step == loop.total for loop in self.loops)
            due = [loop.monitor.checkpoint_due() for loop in self.loops]
            if self._settle(ends or any(due), failed):
                self._begin_epoch()
        self._dissolve()
        return failed

    def _settle(self, keep: bool, failed: dict[Loop, GzslError]) -> bool:
        """Do what is due after a step; tells whether an epoch ended with it.

        Checkpoints are of one step, and the ones before stay until all have theirs: whatever is killed when goes on
        from a step that is common to all, in the same stack and so in the same bits (`gzsl.methods.stacked.members`).
        The end of a fit is kept too, so that no fit goes on to what comes next before all are known to have ended.
        """
        ended = False
        for loop in self.loops:
            try:
                ended |= loop.settle(keep)
            except GzslError as error:
                failed[loop] = error
        for loop in self.loops if keep else ():
            if loop not in failed:
                loop.monitor.agreed()
        return ended

    def _begin_epoch(self) -> None:
        """Take over the numbers that the end of an epoch has changed in the methods."""
        self.meter.refresh()
        for name, value in vars(self.loops[0].method).items():
            if name.endswith("_") and isinstance(value, int | float):
                setattr(self.lead, name, value)

    def advance(self) -> None:
        """Take one step with all loops."""
        drawn = torch.stack([loop.passes.next(loop.draw) for loop in self.loops])
        losses = self.lead.update(self.rows.batch(drawn))
        for name, value in losses.items():
            if value.shape != (len(self.loops),):
                raise MethodError(
                    f"{self.lead.card.id}: {name!r}: found shape {tuple(value.shape)} from a stack of "
                    f"{len(self.loops)}, expected one value each; the method cannot declare stackable = True"
                )
        for loop in self.loops:
            loop.step += 1
        self.meter.add(losses, self.loops[0].step)
        self.loops[0].tick(self.meter)

    def _hand_over(self, place: int) -> None:
        """Give a loop its part of what the lead has learnt, as views."""
        loop, lead = self.loops[place], self.lead
        for name in self._tensors:
            setattr(loop.method, name, getattr(lead, name)[place])
        for name, optimiser in self.optimisers.items():
            state = optimiser_state(optimiser)
            restore_optimiser(loop.optimisers[name], {key: _part(key, value, place) for key, value in state.items()})

    def _dissolve(self) -> None:
        for place, loop in enumerate(self.loops):
            self._hand_over(place)
            loop.before_reading = nothing
            for network in loop.method.networks().values():
                own_storage(network)
            for name in self._tensors:
                setattr(loop.method, name, getattr(loop.method, name).clone())
            for optimiser in loop.optimisers.values():
                restore_optimiser(optimiser, {k: v.clone() for k, v in optimiser_state(optimiser).items()})


def _learnt(name: str, value: object) -> bool:
    return name.endswith("_") and isinstance(value, Tensor)


def _together(key: str, states: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """One tensor of an optimiser's state; the number of steps is the same for all."""
    values = [state[key] for state in states]
    return values[0].clone() if key.endswith(".step") else torch.stack(values)


def _part(key: str, value: Tensor, place: int) -> Tensor:
    return value if key.endswith(".step") else value[place]
