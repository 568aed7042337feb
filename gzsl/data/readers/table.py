"""Own data as two CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from gzsl.data.readers.detect import name_ids, unique_names
from gzsl.data.readers.holdout import rows_from_unseen
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.raw import BLOCK_ROWS, Features, RawData, RawTable
from gzsl.door.opening import short
from gzsl.door.tables import Sheet
from gzsl.errors import DataError

CLASS_COLUMNS = ("class", "label")
SPLITS = ("trainval", "test_seen", "test_unseen")
LARGEST = float(np.finfo(np.float32).max)
TRUE, FALSE = ("1", "true", "yes", "unseen"), ("", "0", "false", "no", "seen")


class Table:
    """A CSV file with a header: one column names the class, some have a meaning, all others are numbers.

    Parameters
    ----------
    path : Path
        As `gzsl.door.tables.Sheet` reads it.
    special : sequence of str
        Columns that are text: read apart from the numbers where they are present.
    needs_class : bool
        Whether a column that names the class has to be there.
    """

    def __init__(self, path: Path, special: tuple[str, ...], needs_class: bool = True) -> None:
        self.path, self.where = path, short(path)
        self._sheet = Sheet(path, (*CLASS_COLUMNS, *special), self.where)
        self.header = self._sheet.header
        folded = [name.lower() for name in self.header]
        classes = [i for i, name in enumerate(folded) if name in CLASS_COLUMNS]
        if len(classes) != 1 and (needs_class or classes):
            found = f"found {len(classes)} columns called class or label in {self._sheet.described}"
            raise DataError(f"{self.where}: {found}; expected one")
        self._text = {name: folded.index(name) for name in special if name in folded}
        if classes:
            self._text["class"] = classes[0]
        self._numeric = [i for i in range(len(self.header)) if i not in self._text.values()]
        if not self._numeric:
            raise DataError(f"{self.where}: found no column of numbers in {self._sheet.described}; expected some")

    def __contains__(self, column: str) -> bool:
        return column in self._text

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """Header of the columns of numbers."""
        return tuple(self.header[i] for i in self._numeric)

    @property
    def notes(self) -> list[str]:
        """What was recognised in the file; complete once its lines were read."""
        return self._sheet.notes

    def text(self) -> dict[str, list[str]]:
        """The text columns."""
        columns: dict[str, list[str]] = {name: [] for name in self._text}
        for _, cells in self._lines():
            for name, i in self._text.items():
                columns[name].append(cells[i].strip())
        return columns

    def values(self) -> np.ndarray:
        """All columns of numbers (rows, columns), float64 and finite, for a table that fits into memory.

        Raises
        ------
        DataError
            Also for a number that is not finite, and where there is no row.
        """
        rows = [self._finite(line, self._sheet.numbers(line, self._numeric, cells)) for line, cells in self._lines()]
        if not rows:
            raise DataError(f"{self.where}: found no line below the header, expected one a class")
        return np.array(rows)

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks of rows of the columns of numbers, float64, finite or not."""
        pending: list[list[float]] = []
        for line, cells in self._lines():
            pending.append(self._sheet.numbers(line, self._numeric, cells))
            if len(pending) == BLOCK_ROWS:
                yield np.array(pending)
                pending = []
        if pending:
            yield np.array(pending)

    def _finite(self, line: int, row: list[float]) -> list[float]:
        for i, value in zip(self._numeric, row, strict=True):
            if not abs(value) <= LARGEST:
                raise DataError(
                    f"{self.where}: line {line}, column {self.header[i]!r}: found {value}, expected a finite number"
                )
        return row

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in self._sheet.lines():
            if len(cells) != len(self.header):
                found = f"found {len(cells)} columns, expected {len(self.header)} as in the header"
                raise DataError(f"{self.where}: line {line}: {found}")
            yield line, cells


def read_csv(layout: Layout) -> RawData:
    """Read ``classes.csv`` and ``features.csv``.

    ``classes.csv``: a column ``class``, optionally a column ``unseen`` (1 or 0), all others attributes.
    ``features.csv``: a column ``class``, optionally ``split`` (trainval, test_seen or test_unseen) and ``image``
    (ignored), all others features. Where there is no ``split``, a seeded fifth of the images of every seen
    class becomes test_seen.

    Raises
    ------
    DataError
        For cells that are not numbers, classes without attributes, and a missing split.
    """
    classes, images = Table(layout.classes, ("unseen",)), Table(layout.features, ("split", "image"))
    class_text = classes.text()
    names = unique_names(f"{classes.where}: class", class_text["class"])
    table = RawTable(classes.values(), classes.numeric_names)
    image_text = images.text()
    if not image_text["class"]:
        raise DataError(f"{images.where}: found no line below the header, expected one an image")
    labels = name_ids(f"{images.where}: class", image_text["class"], names)
    if "split" in images:
        rows, note = _rows(images.where, image_text["split"]), "the split is the column split of features.csv"
    elif "unseen" in classes:
        unseen = [is_true(classes.where, name, cell) for name, cell in zip(names, class_text["unseen"], strict=True)]
        rows, note = rows_from_unseen(labels, np.flatnonzero(unseen))
    else:
        raise DataError(
            f"{images.where}: found no split, expected a column split here or a column unseen in {classes.where}"
        )
    features = Features(images.where, (len(labels), len(images.numeric_names)), images.blocks)
    return RawData(
        short(layout.folder), features, labels, names, {"att": table}, rows, "split" in images,
        (note, *classes.notes, *images.notes),
    )  # fmt: skip


def _rows(where: str, cells: list[str]) -> dict[str, np.ndarray]:
    wrong = sorted(set(cells) - set(SPLITS))
    if wrong:
        raise DataError(f"{where}: column split: found {wrong[0]!r}, expected {', '.join(SPLITS)}")
    column = np.array(cells)
    return {name: np.flatnonzero(column == name) for name in SPLITS}


def is_true(where: str, name: str, cell: str) -> bool:
    """Whether a cell of the column unseen says yes; anything unclear is a `DataError`."""
    if cell.lower() not in (*TRUE, *FALSE):
        raise DataError(f"{where}: class {name!r}: column unseen: found {cell!r}, expected 1 or 0")
    return cell.lower() in TRUE


def check_images(where: str, images: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse an image that stands twice.

    Raises
    ------
    DataError
        With both rows and their classes.
    """
    first: dict[str, int] = {}
    for row, image in enumerate(images):
        if image in first:
            before = first[image]
            raise DataError(
                f"{where}: the image {image!r} stands twice, in rows {before + 1} ({labels[before]}) and {row + 1} "
                f"({labels[row]}), expected one row an image"
            )
        first[image] = row
