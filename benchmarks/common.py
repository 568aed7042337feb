"""Time two callables against each other in one process, turn about, and print the ratio of their medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def compare(
    name: str,
    ours: Callable[[], Any],
    reference: Callable[[], Any],
    *,
    rounds: int = 7,
    target: float | None = None,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Time ``ours`` and ``reference`` alternately, so that a busy machine slows both alike.

    Parameters
    ----------
    name : str
        Printed in front of the ratio.
    ours, reference : callable
        Called without arguments; what they return is dropped outside the timed stretch.
    rounds : int
        Timed calls of each.
    target : float, optional
        Ratio that is hoped for; printed beside the one that was found.
    warmup : int
        Untimed calls of each before the first round.
    clock : callable
        What times are read from; wall-clock seconds by default.

    Returns
    -------
    float
        Median time of the reference over median time of ours: above 1, ours is faster.
    """
    for _ in range(warmup):
        ours()
        reference()
    times: tuple[list[float], list[float]] = ([], [])
    for k in range(rounds):
        order = (0, 1) if k % 2 == 0 else (1, 0)
        for which in order:
            times[which].append(seconds((ours, reference)[which], clock))
    mine, theirs = (statistics.median(found) for found in times)
    ratio = theirs / mine
    aim = "" if target is None else f" (target {target:g}: {'reached' if ratio >= target else 'missed'})"
    print(f"{name}: {ratio:.2f} x{aim}, ours {1e3 * mine:.4g} ms, reference {1e3 * theirs:.4g} ms, {rounds} rounds")
    return ratio


def seconds(function: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call by ``clock``; freeing what it returned is not counted."""
    start = clock()
    result = function()
    elapsed = clock() - start
    del result
    return elapsed


def median_seconds(function: Callable[[], Any], rounds: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Median of the seconds of ``rounds`` calls."""
    return statistics.median(seconds(function, clock) for _ in range(rounds))
