"""The toolkit's own dataset folder: features.npy, images.csv, classes.csv, card.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gzsl.data.readers.card import FeaturesCard, read_card
from gzsl.data.readers.detect import name_ids, unique_names
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.raw import BLOCK_ROWS, Features, RawData, RawTable, left_out
from gzsl.data.readers.table import SPLITS, Table, check_images
from gzsl.data.regions import POOLED
from gzsl.door.archives import open_npy
from gzsl.door.arrays import numbers
from gzsl.door.opening import short
from gzsl.door.tables import read_rows
from gzsl.errors import DataError


def read_folder(layout: Layout) -> RawData:
    """Read a folder written by ``gzsl data make``; other class tables, ``<name>.csv``, go along.

    Raises
    ------
    DataError
        For damaged files and numbers that contradict each other.
    """
    table = Table(layout.classes, ("unseen",))
    names = unique_names(f"{table.where}: class", table.text()["class"])
    tables, notes = {"att": RawTable(table.values(), table.numeric_names)}, []
    for path in layout.others:
        try:
            tables[path.stem] = _other_table(path, names)
        except DataError as error:
            notes.append(left_out(path.stem, str(error)))
    images = layout.features.with_name("images.csv")
    rows = read_rows(images, ("image", "class", "split"))
    labels = name_ids(f"{short(images)}: class", [row["class"] for row in rows], names)
    check_images(short(images), [row["image"] for row in rows], [row["class"] for row in rows])
    column = np.array([row["split"] for row in rows])
    wrong = sorted(set(column) - set(SPLITS))
    if wrong:
        raise DataError(f"{short(images)}: column split: found {wrong[0]!r}, expected {', '.join(SPLITS)}")
    features = _features(layout.features, len(rows))
    split = {name: np.flatnonzero(column == name) for name in SPLITS}
    notes.append("the split is the column split of images.csv")
    card = read_card(layout.folder)
    return RawData(
        short(layout.folder), features, labels, names, tables, split, True, tuple(notes), _called(card), card.fine_tuned
    )


def _called(card: FeaturesCard) -> str | None:
    """Name of the features; means of a grid's regions are called so."""
    return f"{card.features}/{POOLED}" if card.features and card.pooling == "grid" and card.grid else card.features


def _other_table(path: Path, names: tuple[str, ...]) -> RawTable:
    other = Table(path, ("unseen",))
    order = name_ids(f"{other.where}: class", list(names), other.text()["class"])
    return RawTable(other.values()[order], other.numeric_names)


def _features(path: Path, n_images: int) -> Features:
    matrix = numbers(short(path), open_npy(path, short(path)))
    if matrix.ndim != 2 or len(matrix) != n_images:
        raise DataError(f"{short(path)}: found shape {matrix.shape}, expected ({n_images}, dimensions), as images.csv")

    def read() -> Iterator[np.ndarray]:
        for start in range(0, n_images, BLOCK_ROWS):
            yield matrix[start : start + BLOCK_ROWS]

    return Features(short(path), (n_images, int(matrix.shape[1])), read)
