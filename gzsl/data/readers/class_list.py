"""Classes alone, from a CSV: their names, and their vectors where there are columns of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.data.readers.detect import unique_names
from gzsl.door.tables import read_rows
from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.chains import read_chains

NAMES_ALONE = "names"  # what a table of names without vectors is called


def read_class_list(path: Path, taxonomy: bool = False) -> Semantics:
    """Classes of a CSV with a column ``class``; columns whose cells are all numbers are their vectors.

    Parameters
    ----------
    path : Path
        The CSV.
    taxonomy : bool
        Whether rows say what is above a class: then what is above another is no class itself.

    Returns
    -------
    Semantics
        Called ``names``, with a column a class, where there are no numbers.

    Raises
    ------
    DataError
        For an unreadable file, a missing column and a class that stands twice.
    """
    if taxonomy:
        chains = read_chains(path)
        above = {name for chain in chains for name in chain[1:]}
        found = list(dict.fromkeys(chain[0] for chain in chains if chain[0] not in above))
        if not found:
            raise DataError(f"{path}: found no class that is below another and above none, expected some")
        return Semantics(np.eye(len(found)), tuple(found), NAMES_ALONE)
    rows = read_rows(path, ("class",))
    names = unique_names(f"{path}: class", [row["class"] for row in rows])
    columns = {
        key: [_number(row[key]) for row in rows] for key in rows[0] if key not in ("class", "unseen")
    }  # fmt: skip
    kept = {key: values for key, values in columns.items() if all(np.isfinite(values))}
    if not kept:
        return Semantics(np.eye(len(names)), names, NAMES_ALONE)
    return Semantics(np.array(list(kept.values())).T, names, path.stem, attribute_names=tuple(kept))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
