"""Values of a recipe changed by dotted key: ``--set method.head.lr=1e-2``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gzsl.door.shown import short
from gzsl.door.yaml import parse_yaml
from gzsl.errors import RecipeError

DEEPEST_KEY = 8


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key=value``; the value is read as YAML."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {text}: found no key=value, expected for example --set method.n_epochs=10")
    if key.count(".") > DEEPEST_KEY:
        raise RecipeError(f"--set: found a key of {key.count('.') + 1} parts, expected at most {DEEPEST_KEY + 1}")
    if not value.strip():
        raise RecipeError(f"--set {text.strip()}: found no value, expected one (null stands for none)")
    return key.strip(), parse_yaml(value, f"--set {short(text, 80)[1:-1]}")


def overridden(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's plain values with some changed by dotted key."""
    changed = dict(values)
    for key in dict.fromkeys(step for given in overrides for step in (*_names_above(given, overrides), given)):
        _override(changed, key, overrides[key])
    return changed


def _names_above(key: str, overrides: Mapping[str, Any]) -> list[str]:
    """Overrides that name the parts which a key belongs to: they come first, in whichever order they were given."""
    parts = key.split(".")
    names = [".".join([*parts[:depth], "name"]) for depth in range(1, len(parts))]
    return [name for name in names if name in overrides]


def combinations(grid: Mapping[str, Sequence[Any]]) -> int:
    """How many candidates a grid makes; every list must hold something."""
    for key, values in grid.items():
        if not values:
            raise ValueError(f"{key}: found no value, expected at least one")
    return math.prod(len(values) for values in grid.values())


def _override(values: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    block = values
    for parent in parents:
        inner = block.get(parent)
        if isinstance(inner, str):
            inner = {"rule" if parent == "selection" else "name": inner}
        block[parent] = dict(inner) if isinstance(inner, dict) else {}
        block = block[parent]
    if last == "name" and parents and parents[0] != "dataset" and block.get("name", value) != value:
        block.clear()  # another part has settings of its own
    block[last] = value
