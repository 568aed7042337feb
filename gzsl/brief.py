"""What an object prints of itself: its parts by name, arrays by kind and shape, long values cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

LONGEST = 60  # characters of one value
SHOWN = 4  # names that a listing spells out


def brief(self: Any) -> str:
    """One line for a dataclass: ``__repr__ = brief`` in its body."""
    parts = [f"{field.name}={short(getattr(self, field.name))}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__name__}({', '.join(parts)})"


def short(value: Any) -> str:
    """A value in at most about `LONGEST` characters."""
    if _is_array(value):
        return f"<{value.dtype} {' x '.join(map(str, value.shape)) or 'number'}>"
    plain_object = type(value).__repr__ is object.__repr__
    if plain_object or (dataclasses.is_dataclass(value) and not isinstance(value, type)):
        return f"<{type(value).__name__}>"
    if isinstance(value, Mapping) and len(value) > SHOWN:
        return f"<{len(value)} entries>"
    if isinstance(value, list | tuple) and (len(value) > SHOWN or any(map(_is_array, value))):
        return f"<{len(value)} entries>"
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def percent(value: float | None) -> str:
    """Percent with one decimal; a dash where nothing was measured."""
    return "-" if value is None or value != value else f"{100 * value:.1f}"  # NaN alone differs from itself


def listing(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..." for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def html_table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Two columns of text as HTML, for notebooks; everything is escaped."""
    lines = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table><caption style='text-align:left'><b>{escape(title)}</b></caption>{lines}</table>"


def _is_array(value: Any) -> bool:
    """Without an import of NumPy, so that whoever prints pays nothing for it."""
    return hasattr(value, "dtype") and hasattr(value, "shape")
