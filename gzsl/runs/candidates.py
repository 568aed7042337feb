"""The candidates of a recipe's grid, and which of them are scored on one fit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from gzsl.files import value_hash
from gzsl.methods import Method
from gzsl.params import plain
from gzsl.runs.recipe import Recipe


def candidates_of(recipe: Recipe) -> list[dict[str, Any]]:
    """Every combination of the grid's values; one empty candidate where there is no grid."""
    grid = recipe.selection.grid
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def sharing_fits(recipe: Recipe, candidates: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Numbers of the candidates, those together that training cannot tell apart; in the order of the candidates.

    A generator is trained once for all its heads and numbers of synthetic rows (`Trainable.scoring_only`).
    """
    groups: dict[str, list[int]] = {}
    for number, candidate in enumerate(candidates):
        method = recipe.build_method(**candidate)
        seen = {name: value for name, value in plain(method).items() if name not in scoring_only(method)}
        groups.setdefault(value_hash(seen), []).append(number)
    return list(groups.values())


def scoring_only(method: Method) -> tuple[str, ...]:
    """Hyper-parameters that training does not read; none for a method that is not trained by steps."""
    return getattr(method, "scoring_only", ())


@contextmanager
def scored_as(method: Method, candidate: Method) -> Iterator[Method]:
    """The present state of a fit, ready to score with what ``candidate`` has besides training; then as it was."""
    mine, theirs = plain(method), plain(candidate)
    changed = [name for name in scoring_only(method) if mine[name] != theirs[name]]
    own = {name: getattr(method, name) for name in changed}
    try:
        yield method.set_params(**{name: getattr(candidate, name) for name in changed}).prepare_scoring()
    finally:
        if changed:
            method.set_params(**own)
            method.prepared = False  # type: ignore[attr-defined]
