"""CSV text of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.door.tables import csv_text
from gzsl.files import write_text


@dataclass(frozen=True)
class Figure:
    """What a page needs to draw a figure, and the numbers behind it.

    Attributes
    ----------
    name : str
        Of the figure and of its CSV file.
    data : Any
        Plain values for JSON, thinned where the full data would weigh too much.
    header : list of str
        Columns of the CSV file.
    rows : list
        Rows of the CSV file: all of them.
    """

    name: str
    data: Any
    header: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = field(default=(), repr=False)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]] | np.ndarray) -> None:
    """Write a table atomically."""
    write_text(path, csv_text([header, *(rows.tolist() if isinstance(rows, np.ndarray) else rows)]))
