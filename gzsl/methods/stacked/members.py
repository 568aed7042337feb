"""Fits that agree in shapes, trained as one model from their checks to their ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch

from gzsl.errors import GzslError
from gzsl.methods.base import FitContext, Monitor
from gzsl.methods.iterative import IterativeMethod
from gzsl.methods.loop import Loop
from gzsl.methods.stacked.fits import Fit, Outcome
from gzsl.methods.stacked.stack import Stack
from gzsl.nn.checkpoint import unpack


@contextmanager
def started(fits: Sequence[Fit]) -> Iterator[list[Loop]]:
    """Loops of fits of iterative methods, pretrained and before their first step; the first failure is raised."""
    members = [_Member(fit) for fit in fits]
    try:
        for place, member in enumerate(members):
            member.start()
            _share_rows(member, members[:place])
        yield [member.loop for member in members if member.loop]
    finally:
        for member in members:
            member.close()


class _Member:
    """A fit of a stack, from its checks to its end."""

    def __init__(self, fit: Fit) -> None:
        assert isinstance(fit.method, IterativeMethod)
        self.fit, self.method = fit, fit.method
        self.loop: Loop | None = None
        self.error: GzslError | None = None
        self._closing = ExitStack()

    def guarded(self, work: Callable[[], object]) -> None:
        """Do something; a failure ends this fit alone."""
        try:
            work()
        except GzslError as error:
            self.close(error)

    def start(self) -> None:
        """Check the arguments and get ready for the first step."""
        context = FitContext(self.fit.seed, self.fit.device, self.fit.monitor)
        view = self._closing.enter_context(self.method._fitting(self.fit.view, context))
        with torch.random.fork_rng():
            self.loop = self.method._begin_loop(view)
            self.loop.global_state = torch.get_rng_state()

    def run_alone(self) -> None:
        """Take the steps that are left when no other fit is beside this one."""
        assert self.loop is not None and self.loop.global_state is not None
        with torch.random.fork_rng():
            torch.set_rng_state(self.loop.global_state)
            self.loop.global_state = None
            self.loop.run()

    def finish(self) -> None:
        """Make the method ready to score."""
        self.method.finish_scoring()
        self.close()

    def close(self, error: BaseException | None = None) -> None:
        """End the fit; a failed one is forgotten."""
        self.error = error if isinstance(error, GzslError) else None
        self.loop = None
        if error is None:
            self._closing.close()
        else:
            self._closing.__exit__(type(error), error, error.__traceback__)


def fit_stacked(fits: Sequence[Fit]) -> list[Outcome]:
    """Train fits as one model as long as two of them are under way."""
    began = time.perf_counter()
    members = [_Member(fit) for fit in fits]
    try:
        agree([fit.monitor for fit in fits])
        for place, member in enumerate(members):
            member.guarded(member.start)
            _share_rows(member, members[:place])
        steps = sorted({member.loop.step for member in members if member.loop})
        for step in steps:  # more than one only where fits have ended before the others
            _train([member for member in members if member.loop and member.loop.step == step])
    except BaseException as error:
        for member in members:
            member.close(error)
        raise
    share = (time.perf_counter() - began) / len(members)
    return [Outcome(member.error, share, len(members)) for member in members]


def agree(monitors: Sequence[Monitor]) -> None:
    """Let fits of a stack continue from the same step: the latest that all have a checkpoint of, else the beginning.

    Fits that had ended, and kept nothing else, leave the others to agree among themselves.
    """
    ways = [_ways_to_continue(monitor) for monitor in monitors]
    going = [own for own in ways if not own or any(step < total for step, total in own)]
    group = ways if _common(ways) else going
    common = _common(group)
    if common:
        for own in group:
            next(take for (step, _), take in own.items() if step == max(common))()
    elif going:
        for monitor in monitors:
            monitor.forget()


def _common(ways: Sequence[Mapping[tuple[int, int], object]]) -> set[int]:
    return set.intersection(*({step for step, _ in own} for own in ways)) if ways else set()


def _ways_to_continue(monitor: Monitor) -> dict[tuple[int, int], Callable[[], None]]:
    """What makes a fit continue from each of its checkpoints, by the step that it has reached and its last one."""
    ways: dict[tuple[int, int], Callable[[], None]] = {}
    for state, take in ((monitor.kept(), monitor.agreed), (monitor.earlier(), monitor.rewind)):
        if state is not None:
            values = unpack(state)[1]
            ways.setdefault((values["step"], values["total"]), take)
    return ways


def _train(members: list[_Member]) -> None:
    while len(members) > 1:
        loops = {member.loop: member for member in members if member.loop}
        with torch.random.fork_rng():
            failed = Stack(list(loops)).run()
        for loop, member in loops.items():
            if loop in failed:
                member.close(failed[loop])
            elif loop.step == loop.total:
                member.guarded(member.finish)
        members = [member for member in members if member.loop]
    for member in members:
        member.guarded(member.run_alone)
        if member.loop:
            member.guarded(member.finish)


def _share_rows(member: _Member, earlier: Sequence[_Member]) -> None:
    """Let fits on the same training rows keep them once."""
    for other in earlier:
        if member.loop is None or other.loop is None:
            continue
        mine, theirs = member.loop.rows, other.loop.rows
        if all(torch.equal(getattr(mine, name), getattr(theirs, name)) for name in ("y", "table", "x")):
            member.loop.rows = member.method.rows = theirs  # type: ignore[misc]
            return
