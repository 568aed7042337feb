"""The list of trials, drawn from the seed before the first one runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gzsl.methods import Method
from gzsl.tuning.space import Dimension, value_at

PLANNED = ("sobol", "random")
SAMPLERS = (*PLANNED, "tpe")


def draw_plan(
    method: Method, space: Sequence[Dimension], n_trials: int, sampler: str = "sobol", seed: int = 0
) -> list[dict[str, Any]]:
    """Values of every trial by key: the recipe's own first, where the space holds them, then drawn ones.

    The list depends on the seed alone, and a longer list begins with the shorter one, so trials may run in any
    order, in any number of processes, and be added later.

    Parameters
    ----------
    method : Method
        With the recipe's own values.
    space : sequence of Dimension
        What is searched.
    n_trials : int
        Length of the list.
    sampler : str
        ``sobol``: a scrambled Sobol sequence, evenly spread; ``random``: independent uniform draws.
    seed : int
        Seed of the draws.
    """
    own = {dimension.key: value_at(method, dimension.key) for dimension in space}
    first = [own] if all(dimension.holds(own[dimension.key]) for dimension in space) else []
    shares = _sobol(len(space), n_trials, seed) if sampler == "sobol" else _uniform(len(space), n_trials, seed)
    drawn = [{place.key: place.at(share) for place, share in zip(space, row, strict=True)} for row in shares]
    return [*first, *drawn][:n_trials]


def _sobol(n_dims: int, n: int, seed: int) -> list[list[float]]:
    from scipy.stats.qmc import Sobol

    power = max(0, math.ceil(math.log2(n)))  # balanced in full powers of two; the sequence itself has no length
    return Sobol(n_dims, scramble=True, seed=seed).random_base2(power)[:n].tolist()


def _uniform(n_dims: int, n: int, seed: int) -> list[list[float]]:
    return np.random.default_rng([seed, 2]).random((n, n_dims)).tolist()
