"""The vector of a new class as it is written on the command line, or stands in a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gzsl.door.names import places, same_form
from gzsl.errors import MethodError, suggest

if TYPE_CHECKING:
    import numpy as np

OPTION = "--attributes"
WRITTEN = "attribute=number,attribute=number, or a .csv file"


def vector_of(text: str, name: str, known: Sequence[str] | None) -> np.ndarray:
    """Vector of class ``name``, in the order of the attributes ``known``.

    Parameters
    ----------
    text : str
        ``attribute=number`` for every attribute, separated by commas (names may hold commas and equals signs), or the
        path of a class table (.csv) with a row of that name.
    name : str
        The class.
    known : sequence of str or None
        Attributes of the bundle; None where they have no names.

    Raises
    ------
    MethodError
        For an unknown attribute (with the nearest one), one that stands twice or is missing, and what is no number.
    """
    if Path(text).suffix.lower() == ".csv":
        return _from_table(Path(text), name, known)
    if known is None:
        raise MethodError(f"{OPTION}: the bundle's attributes have no names, expected a .csv with all columns in order")
    return _arranged(_pairs(text), known, OPTION)


def _pairs(text: str) -> list[tuple[str, float]]:
    found, pending = [], ""
    for piece in text.split(","):
        written = f"{pending},{piece}" if pending else piece
        attribute, equals, value = written.rpartition("=")
        if not equals:  # a comma inside a name: its number comes later
            pending = written
            continue
        found.append((attribute.strip(), _number(written, value)))
        pending = ""
    if pending:
        raise MethodError(f"{OPTION}: found {pending.strip()!r} without a number, expected {WRITTEN}")
    return found


def _number(written: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MethodError(f"{OPTION}: found {written.strip()!r}, expected {WRITTEN}")
    return number


def _from_table(path: Path, name: str, known: Sequence[str] | None) -> np.ndarray:
    from gzsl.data.readers.table import Table

    table = Table(path, ("unseen",))
    rows = [k for k, found in enumerate(table.text()["class"]) if same_form(found) == same_form(name)]
    if len(rows) != 1:
        raise MethodError(f"{path}: found {len(rows)} rows of class {name!r}, expected one")
    vector: np.ndarray = table.values()[rows[0]]
    if known is None:
        return vector
    return _arranged(list(zip(table.numeric_names, vector.tolist(), strict=True)), known, str(path))


def _arranged(pairs: Sequence[tuple[str, float]], known: Sequence[str], where: str) -> np.ndarray:
    import numpy as np

    place = places(known)
    values: dict[int, float] = {}
    for attribute, number in pairs:
        position = place.get(same_form(attribute))
        if position is None:
            raise MethodError(f"{where}: found an unknown attribute {attribute!r}; {suggest(attribute, known)}")
        if position in values:
            raise MethodError(f"{where}: the attribute {attribute!r} stands twice, expected it once")
        values[position] = number
    missing = [name for position, name in enumerate(known) if position not in values]
    if missing:
        raise MethodError(
            f"{where}: found no value for {missing[0]!r}, expected one for each of the bundle's {len(known)} "
            f"attributes: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}"
        )
    return np.array([values[position] for position in range(len(known))], dtype=np.float64)
