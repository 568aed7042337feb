"""Small CSV files with a header, whose faults end in one sentence each."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from gzsl.errors import DataError


def read_rows(path: Path, columns: Sequence[str], may_be_empty: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a CSV file by column name, cells without outer white space.

    Parameters
    ----------
    path : Path
        UTF-8, comma-separated, with a header.
    columns : sequence of str
        Columns that have to be there, with a value in every row; further ones are kept.
    may_be_empty : sequence of str
        Those of ``columns`` whose cells may be empty.

    Raises
    ------
    DataError
        For a missing or unreadable file, a missing column, no row, and an empty cell, with its line.
    """
    expected = f"expected the columns {', '.join(columns)}, and a row a line"
    rows = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            for row in () if missing else reader:
                cells = {key: (value or "").strip() for key, value in row.items() if key is not None}
                _check(path, reader.line_num, row, cells, [name for name in columns if name not in may_be_empty])
                rows.append(cells)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, {expected}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a UTF-8 CSV file ({error}), {expected}") from None
    if missing:
        raise DataError(f"{path}: found no column {missing[0]}, {expected}")
    if not rows:
        raise DataError(f"{path}: found no line below the header, {expected}")
    return rows


def _check(path: Path, line: int, row: dict[str, str], cells: dict[str, str], filled: Sequence[str]) -> None:
    if None in row:
        raise DataError(f"{path}: line {line}: found more cells than the header has names, expected one a column")
    empty = [name for name in filled if not cells[name]]
    if empty:
        raise DataError(f"{path}: line {line}: found no {empty[0]}, expected a value")
