"""Own data as two CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from gzsl.data.readers.detect import name_ids, unique_names
from gzsl.data.readers.files import reading, short
from gzsl.data.readers.holdout import rows_from_unseen
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.raw import BLOCK_ROWS, Features, RawData, RawTable
from gzsl.errors import DataError

KIND = "a UTF-8 CSV file"
CLASS_COLUMNS = ("class", "label")
SPLITS = ("trainval", "test_seen", "test_unseen")
TRUE, FALSE = ("1", "true", "yes", "unseen"), ("", "0", "false", "no", "seen")


class Table:
    """A CSV file with a header: one column names the class, some have a meaning, all others are numbers.

    Parameters
    ----------
    path : Path
        UTF-8, comma-separated.
    special : sequence of str
        Columns that are text: read apart from the numbers where they are present.
    needs_class : bool
        Whether a column that names the class has to be there.
    """

    def __init__(self, path: Path, special: tuple[str, ...], needs_class: bool = True) -> None:
        self.path, self.where = path, short(path)
        with reading(self.path, KIND), self._open() as stream:
            header = next(csv.reader(stream), [])
        self.header = [name.strip() for name in header]
        folded = [name.lower() for name in self.header]
        classes = [i for i, name in enumerate(folded) if name in CLASS_COLUMNS]
        if len(classes) != 1 and (needs_class or classes):
            raise DataError(f"{self.where}: found {len(classes)} columns called class or label, expected one")
        self._text = {name: folded.index(name) for name in special if name in folded}
        if classes:
            self._text["class"] = classes[0]
        self._numeric = [i for i in range(len(header)) if i not in self._text.values()]
        if not self._numeric:
            raise DataError(f"{self.where}: found no column of numbers beside {', '.join(self._text)}")

    def __contains__(self, column: str) -> bool:
        return column in self._text

    @property
    def numeric_names(self) -> tuple[str, ...]:
        """Header of the columns of numbers."""
        return tuple(self.header[i] for i in self._numeric)

    def text(self) -> dict[str, list[str]]:
        """The text columns."""
        columns: dict[str, list[str]] = {name: [] for name in self._text}
        for _, cells in self._lines():
            for name, i in self._text.items():
                columns[name].append(cells[i].strip())
        return columns

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks of rows of the columns of numbers, float32."""
        pending: list[np.ndarray] = []
        for line, cells in self._lines():
            pending.append(self._numbers(line, cells))
            if len(pending) == BLOCK_ROWS:
                yield np.stack(pending)
                pending = []
        if pending:
            yield np.stack(pending)

    def _numbers(self, line: int, cells: list[str]) -> np.ndarray:
        try:
            return np.array([float(cells[i]) for i in self._numeric], dtype=np.float64)
        except ValueError:
            for i in self._numeric:
                try:
                    float(cells[i])
                except ValueError:
                    raise DataError(
                        f"{self.where}: line {line}, column {self.header[i]!r}: found {cells[i]!r}, expected a number"
                    ) from None
            raise

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        with reading(self.path, KIND), self._open() as stream:
            reader = csv.reader(stream)
            next(reader, None)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(self.header):
                    raise DataError(
                        f"{self.where}: line {reader.line_num}: found {len(cells)} columns, "
                        f"expected {len(self.header)} as in the header"
                    )
                yield reader.line_num, cells

    def _open(self) -> TextIO:
        return self.path.open(encoding="utf-8-sig", newline="")


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
    if not names:
        raise DataError(f"{classes.where}: found no line below the header, expected one a class")
    table = RawTable(np.concatenate(list(classes.blocks())), classes.numeric_names)
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
    return RawData(short(layout.folder), features, labels, names, {"att": table}, rows, "split" in images, (note,))


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
