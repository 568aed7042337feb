"""Runs that ask for fits instead of making them, so that the fits of several runs can be trained together."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from typing import TypeVar

from gzsl.errors import GzslError
from gzsl.methods.stacked import Fit, Outcome, fit_together

T = TypeVar("T")
Fits = Generator[Fit, Outcome, T]


def carry_out(asking: Sequence[Fits[T]], stack: bool | None = None) -> list[T | GzslError]:
    """Carry several runs through side by side: make the fits that they ask for until all are done.

    Parameters
    ----------
    asking : sequence of generator
        Each yields a `gzsl.methods.stacked.Fit` at a time, and gets its outcome, or the error of a failed one.
    stack : bool, optional
        As in `gzsl.methods.stacked.fit_together`.

    Returns
    -------
    list
        What each generator returned, or the error that it ended with.
    """
    ends: dict[int, T | GzslError] = {}
    asked: dict[int, Fit] = {}

    def resume(place: int, outcome: Outcome | None) -> None:
        steps = asking[place]
        try:
            if outcome is None:
                asked[place] = next(steps)
            else:
                asked[place] = steps.throw(outcome.error) if outcome.error else steps.send(outcome)
        except StopIteration as end:
            ends[place] = end.value
        except GzslError as error:
            ends[place] = error

    with ExitStack() as stopping:
        for place, steps in enumerate(asking):
            stopping.enter_context(closing(steps))
            resume(place, None)
        while asked:
            fits, asked = asked, {}
            for place, outcome in zip(fits, fit_together(list(fits.values()), stack=stack), strict=True):
                resume(place, outcome)
    return [ends[place] for place in range(len(asking))]
