"""Tables from outside and for outside: CSV files, whatever spreadsheet wrote them.

Read: commas, tabs and semicolons (these two also with decimal commas) are told apart by the header; an index column
without a name, as pandas writes it, is left out with a note; a column that stands twice is refused.

Written: comma-separated UTF-8. A text that a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-``
or ``@`` and is no number) gets an apostrophe in front, which spreadsheets show as text; reading takes it away again.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gzsl.door.text import open_text
from gzsl.errors import DataError

KIND = "a CSV file"
LARGEST_CELL = 2**26  # characters; the module csv refuses more than 131,072 unless told otherwise
SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
UNNAMED = "Unnamed: "  # what pandas calls a column without a name when it writes it again

csv.field_size_limit(LARGEST_CELL)


class Sheet:
    """A table with a header, read line by line.

    Parameters
    ----------
    path : Path
        UTF-8 or UTF-16 with a mark, maybe gzipped.
    known : sequence of str
        Names of columns that tell the separator: the one that makes one of them a cell of the header is it.
    where : str, optional
        What messages call the file; its path when None.

    Attributes
    ----------
    header : tuple of str
        Names of the columns, without outer white space.
    notes : list of str
        What was recognised, one sentence each; complete once all lines were read.

    Raises
    ------
    DataError
        For what is no text, and a column that stands twice.
    """

    def __init__(self, path: Path, known: Sequence[str] = (), where: str | None = None) -> None:
        self.path, self.where, self.notes = path, where or str(path), []  # type: ignore[var-annotated]
        with open_text(path, KIND) as stream:
            first = stream.readline(LARGEST_CELL)
        self.separator = _separator(first, {name.lower() for name in known})
        with open_text(path, KIND) as stream:
            header = next(self._rows(stream), (0, []))[1]
        names = [plain_text(name.strip()) for name in header]
        self._width = len(names)
        self._unnamed = [i for i, name in enumerate(names) if not name or name.startswith(UNNAMED)]
        self._named = [i for i in range(len(names)) if i not in self._unnamed]
        self.header = tuple(names[i] for i in self._named)
        twice = [name for name, count in Counter(self.header).items() if count > 1]
        if twice:
            raise DataError(f"{self.where}: the column {twice[0]!r} stands twice, expected each column once")
        if self.separator != ",":
            self.notes.append(f"{self.where}: its cells are separated by {SEPARATORS[self.separator]}")
        self._mark = ""  # decimal mark of this file, once one was seen

    @property
    def described(self) -> str:
        """What the header was found to be, for messages."""
        if not self.header:
            return "no header"
        unnamed = " and a first one without a name" if 0 in self._unnamed else ""
        shown = ", ".join(self.header[:5]) + (", ..." if len(self.header) > 5 else "")
        return f"the columns {shown}{unnamed}, separated by {SEPARATORS[self.separator]}"

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Number and cells of every line below the header; columns without a name are left out.

        A line with too few or too many cells comes as it is, an empty one not at all.

        Raises
        ------
        DataError
            For damage, and for a column without a name that holds anything but whole numbers or nothing.
        """
        with open_text(self.path, KIND) as stream:
            rows = self._rows(stream)
            next(rows, None)
            for line, cells in rows:
                if not any(cells):
                    continue
                if self._unnamed and len(cells) == self._width:
                    self._check_unnamed(line, cells)
                    cells = [cells[i] for i in self._named]
                yield line, [plain_text(cell) for cell in cells] if "'" in "".join(cells) else cells

    def numbers(self, line: int, places: Sequence[int], cells: Sequence[str]) -> list[float]:
        """Some cells of a line as numbers; decimal commas are understood where commas do not separate the cells.

        Raises
        ------
        DataError
            For a cell that is no number, with its line and column.
        """
        row = [cells[i] for i in places]
        joined = "".join(row)
        if "," not in joined and "_" not in joined and "." not in joined[: len(joined) * (self._mark == ",")]:
            try:  # the fast way, for tables of features
                values = [float(cell) for cell in row]
                self._mark = self._mark or "." * ("." in joined)
                return values
            except ValueError:
                pass
        return [self._number(line, self.header[i], cells[i]) for i in places]

    def _number(self, line: int, column: str, cell: str) -> float:
        text = cell.strip()
        mark = next((mark for mark in ",." if mark in text), "")
        try:
            if "_" in text or text.count(",") > 1 or (mark == "," and ("." in text or self.separator == ",")):
                raise ValueError  # Python reads 1_000 as a thousand; 1.000,5 may be either
            value = float(text.replace(",", "."))
        except ValueError:
            raise DataError(
                f"{self.where}: line {line}, column {column!r}: found {cell!r}, expected a number"
            ) from None
        if mark and self.separator != ",":
            self._agree(line, column, cell, mark)
        return value

    def _agree(self, line: int, column: str, cell: str, mark: str) -> None:
        if self._mark and mark != self._mark:
            raise DataError(
                f"{self.where}: line {line}, column {column!r}: found {cell!r}, but other cells have decimal "
                f"{'commas' if self._mark == ',' else 'points'}, expected one of them throughout"
            )
        if not self._mark and mark == ",":
            self.notes.append(f"{self.where}: its numbers have decimal commas")
        self._mark = mark

    def _check_unnamed(self, line: int, cells: Sequence[str]) -> None:
        for i in self._unnamed:
            cell = cells[i].strip()
            if cell and not cell.isdecimal():
                raise DataError(
                    f"{self.where}: column {i + 1} has no name and holds {cells[i]!r} in line {line}, expected a name "
                    "in the header"
                )
            note = f"{self.where}: column {i + 1} has no name and counts rows: an index, which is left out"
            if cell and note not in self.notes:
                self.notes.append(note)

    def _rows(self, stream: TextIO) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(stream, delimiter=self.separator, strict=True)
        try:
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as reason:
            raise DataError(
                f"{self.where}: line {reader.line_num}: cannot be read as a UTF-8 CSV file ({reason}), expected cells "
                f"separated by {SEPARATORS[self.separator]} and quotes that are closed"
            ) from None


def read_rows(path: Path, columns: Sequence[str], may_be_empty: Sequence[str] = ()) -> list[dict[str, str]]:
    """Rows of a CSV file by column name, cells without outer white space.

    Parameters
    ----------
    path : Path
        With a header.
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
    sheet = Sheet(path, columns)
    for name in columns:
        if name not in sheet.header:
            raise DataError(f"{path}: found no column {name}, {expected}; it has {sheet.described}")
    filled = [name for name in columns if name not in may_be_empty]
    rows = []
    for line, cells in sheet.lines():
        if len(cells) > len(sheet.header):
            raise DataError(f"{path}: line {line}: found more cells than the header has names, expected one a column")
        cells = [*cells, *[""] * (len(sheet.header) - len(cells))]
        row = {name: cell.strip() for name, cell in zip(sheet.header, cells, strict=True)}
        empty = [name for name in filled if not row[name]]
        if empty:
            raise DataError(f"{path}: line {line}: found no {empty[0]}, expected a value")
        rows.append(row)
    if not rows:
        raise DataError(f"{path}: found no line below the header, {expected}")
    return rows


def csv_text(rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> str:
    """Rows, the first of them the header, as the text of a CSV file; mappings bring their keys as the header."""
    text = io.StringIO()
    write_rows(text, rows)
    return text.getvalue()


def write_rows(stream: TextIO, rows: Iterable[Sequence[Any] | Mapping[str, Any]]) -> None:
    """Write rows as they come, as `csv_text` does: the one place where cells of CSV files are written."""
    writer = csv.writer(stream, lineterminator="\n")
    keys: list[str] | None = None
    for row in rows:
        if isinstance(row, Mapping):
            if keys is None:
                keys = list(row)
                writer.writerow([_cell(key) for key in keys])
            row = [row[key] for key in keys]
        writer.writerow([_cell(value) for value in row])


def plain_text(cell: str) -> str:
    """A cell without the apostrophe that writing puts in front of what looks like a formula."""
    return cell[1:] if cell[:1] == "'" and _guarded(cell[1:]) else cell


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _guarded(value) else value


def _guarded(text: str) -> bool:
    """Whether a text gets an apostrophe: a formula to a spreadsheet, or the same with apostrophes before it."""
    bare = text.lstrip("'")
    if len(bare) < 2 or not bare.startswith(FORMULA):
        return False
    try:
        float(bare)
    except ValueError:
        return True
    return False


def _separator(header: str, known: set[str]) -> str:
    """The separator that makes a known name a cell of the header, else the one that makes most cells."""
    cells = {mark: next(csv.reader([header], delimiter=mark), []) for mark in SEPARATORS}
    for mark, names in cells.items():
        if known & {name.strip().lower() for name in names}:
            return mark
    return max(cells, key=lambda mark: len(cells[mark]))
