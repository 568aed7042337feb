"""Own data as named arrays in one ``.npz`` or HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gzsl.data.readers import embeddings
from gzsl.data.readers.detect import (
    absent,
    as_integers,
    as_vector,
    has_test_seen,
    is_transposed,
    label_base,
    listed_rows,
    name_ids,
    row_base,
    unique_names,
)
from gzsl.data.readers.grids import REGIONS, open_grids
from gzsl.data.readers.holdout import rows_from_unseen
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.raw import BLOCK_ROWS, Features, RawData, RawTable, array_features
from gzsl.data.regions import POOLED
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import plain
from gzsl.door.hdf5 import array_of, is_hdf5, open_hdf5
from gzsl.door.opening import short
from gzsl.errors import DataError

TABLES = {"att": "att", "semantics": "att", "original_att": "original_att", "sent": "sent"}
ROWS = ("trainval", "test_seen", "test_unseen")
OPTIONAL_ROWS = ("train", "val")


class ArrayFile:
    """Named arrays of an ``.npz`` file."""

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, short(path)
        self.names = self._names()

    def _names(self) -> tuple[str, ...]:
        expected = "an .npz file" if self.path.suffix.lower() == ".npz" else "an HDF5 file"
        self._file = NpzFile(self.path, self.where, expected)
        return self._file.names

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def array(self, name: str) -> np.ndarray:
        """The array called ``name``; text comes back as an array of str."""
        if name not in self:
            raise absent(self.where, "array", name, self.names)
        return self._array(name)

    def _array(self, name: str) -> np.ndarray:
        return self._file.array(name)

    def features(self, n_images: int, name: str = "features") -> tuple[Features, str]:
        """The unread array ``name`` (N, d), or (d, N) with one image a column."""
        where = f"{self.where}: {name}"
        shape = self.shape(name)
        transposed, note = is_transposed(where, shape, n_images, "images", default=False)
        size = (n_images, shape[0] if transposed else shape[1])
        return self._features(where, name, size, transposed), note

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array from its header, without reading the numbers."""
        return self._file.shape(name) if name in self else self.array(name).shape

    def _features(self, where: str, name: str, size: tuple[int, int], transposed: bool) -> Features:
        return array_features(where, lambda: self.array(name), size, transposed)


class HDF5File(ArrayFile):
    """Named arrays of an HDF5 file."""

    def _names(self) -> tuple[str, ...]:
        with open_hdf5(self.path) as file:
            return tuple(file)

    def _array(self, name: str) -> np.ndarray:
        where = f"{self.where}: {name}"
        with open_hdf5(self.path) as file:
            return plain(where, array_of(where, file, name)[...])

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array, without reading the numbers."""
        if name not in self:
            return self.array(name).shape
        with open_hdf5(self.path) as file:
            return tuple(array_of(f"{self.where}: {name}", file, name, whole=False).shape)

    def _features(self, where: str, name: str, size: tuple[int, int], transposed: bool) -> Features:
        def read() -> Iterator[np.ndarray]:
            with open_hdf5(self.path) as file:
                stored = array_of(where, file, name, whole=False)
                for start in range(0, size[0], BLOCK_ROWS):
                    rows = slice(start, min(start + BLOCK_ROWS, size[0]))
                    yield stored[:, rows].T if transposed else stored[rows]

        return Features(where, size, read)


def read_arrays(layout: Layout) -> RawData:
    """Read one file of named arrays.

    ``features`` (N, d), ``regions`` (N, R, d) or both; ``labels`` (N), class names or numbers; ``att`` or
    ``semantics`` (C, a), optionally
    ``original_att`` and ``sent``; ``class_names`` (C); and either ``trainval``, ``test_seen`` and ``test_unseen``
    (row numbers, or a mask of N booleans each; without ``test_seen``, plain zero-shot data) or ``unseen`` (names or
    numbers of the unseen classes; ``train`` beside it says which rows are trained on, and keeps those of unseen classes
    for shots). Pictures and texts in one space: see `gzsl.data.readers.embeddings`.

    Raises
    ------
    DataError
        For damaged files, missing arrays, and numbers that contradict each other.
    """
    path = layout.features
    file = HDF5File(path) if is_hdf5(path) else ArrayFile(path)
    array, array_notes = embeddings.feature_array(file, layout.array)
    if "labels" not in file and array in file and embeddings.is_joint(array):
        found, labels = embeddings.pairs(file, array)
        names, base = unique_names(f"{file.where}: names of pictures", found), 0
        notes = ["there are no labels: each picture is a class of its own"]
    else:
        names = unique_names(f"{file.where}: class_names", file.array("class_names").ravel().tolist())
        labels, base, notes = _labels(file, names)
    features, orientation, called = _features(file, len(labels), array)
    features = embeddings.with_directions(features) if embeddings.is_joint(array) else features
    tables, table_notes = _tables(file, len(names), array, features.shape[1])
    if layout.level is not None:
        return _coarser(file, layout.level, features, labels, names, tables)
    rows, row_note = _rows(file, labels, names, base, any(table.joint for table in tables.values()))
    said = (orientation, *array_notes, *notes, row_note, *table_notes)
    given = "unseen" not in file or any(name in file for name in ROWS)
    untrained = not len(rows["trainval"]) and "unseen" not in file and "trainval" not in file
    return RawData(file.where, features, labels, names, tables, rows, given, said, called, transfer_only=untrained)


def _coarser(
    file: ArrayFile, name: str, features: Features, labels: np.ndarray, names: tuple[str, ...],
    tables: dict[str, RawTable],
) -> RawData:  # fmt: skip
    level = embeddings.coarser(file, name, labels, names, tables)
    rows, note = embeddings.rows_without_training(file, len(labels))
    moved = {key: np.searchsorted(level.kept, np.intersect1d(values, level.kept)) for key, values in rows.items()}
    said = f"classes are those of {name}: {len(level.names)}, of which {len(names)} classes of the file are members"
    left = f"{len(labels) - len(level.kept)} rows of classes without a {name} are left out"
    return RawData(
        file.where, embeddings.some_rows(features, level.kept), level.labels, level.names, level.tables, moved,
        True, (said, left, note), transfer_only=True,
    )  # fmt: skip


def _features(file: ArrayFile, n_images: int, array: str) -> tuple[Features, str, str | None]:
    """Features, a sentence on them, and what they are called; means of regions where there is nothing else."""
    if array in file or REGIONS not in file:
        return *file.features(n_images, array), None
    grids = open_grids(file.path)
    if grids.shape[0] != n_images:
        raise DataError(f"{grids.where}: found {grids.shape[0]} pictures, expected {n_images}, as labels")

    def read() -> Iterator[np.ndarray]:
        for block in grids.blocks():
            yield block.mean(axis=1, dtype=np.float32)

    note = f"there are no pooled features: means over the {grids.shape[1]} regions of a picture are used"
    return Features(grids.where, (n_images, grids.shape[2]), read), note, f"{grids.name}/{POOLED}"


def _labels(file: ArrayFile, names: tuple[str, ...]) -> tuple[np.ndarray, int, list[str]]:
    stored, where = file.array("labels"), f"{file.where}: labels"
    if stored.dtype.kind in "iufb":
        stored = as_vector(where, stored, "one label an image")
    stored = stored.ravel()
    if not len(stored):
        raise DataError(f"{where} is empty, expected one label an image")
    if stored.dtype.kind == "U":
        return name_ids(where, [name.strip() for name in stored.tolist()], names), 0, ["labels are class names"]
    values = as_integers(where, stored)
    base, note = label_base(where, values, len(names), default=0)
    return values - base, base, [note]


def _tables(file: ArrayFile, n_classes: int, array: str, width: int) -> tuple[dict[str, RawTable], list[str]]:
    tables, notes = embeddings.embedded_tables(file, n_classes, array, width)
    for key, name in TABLES.items():
        if key in file and name not in tables:
            values, where = file.array(key), f"{file.where}: {key}"
            if values.dtype.kind not in "iufb":
                raise DataError(f"{where}: found {values.dtype} values, expected a real matrix")
            transposed, note = is_transposed(where, values.shape, n_classes, "classes", default=False)
            tables[name] = RawTable(values.T if transposed else values)
            notes.append(note)
    if not tables:
        raise DataError(
            f"{file.where}: no array 'att' or 'semantics', expected a class table (classes, attributes), or NAME_embed"
        )
    return tables, notes


def _rows(
    file: ArrayFile, labels: np.ndarray, names: tuple[str, ...], base: int, joint: bool
) -> tuple[dict[str, np.ndarray], str]:
    if any(name in file for name in ROWS):
        rows = {"test_seen": np.empty(0, dtype=np.int64)}
        wanted = [*ROWS, *(name for name in OPTIONAL_ROWS if name in file)]
        if not has_test_seen(file.names, "test_seen", (*ROWS, *OPTIONAL_ROWS)):
            wanted.remove("test_seen")
        for name in wanted:
            rows[name], _ = listed_rows(f"{file.where}: {name}", file.array(name).ravel(), len(labels))
        found, note = row_base(file.where, rows, labels, default=0)
        return {name: values - found for name, values in rows.items()}, note
    if "unseen" not in file and joint:
        return embeddings.rows_without_training(file, len(labels))
    if "unseen" not in file:
        raise DataError(f"{file.where}: found no split, expected the arrays {', '.join(ROWS)}, or the array unseen")
    unseen = _unseen(file, names, base)
    if "train" in file:
        return embeddings.rows_of_train(file, labels, unseen)
    return rows_from_unseen(labels, unseen)


def _unseen(file: ArrayFile, names: tuple[str, ...], base: int) -> np.ndarray:
    stored = file.array("unseen").ravel()
    where = f"{file.where}: unseen"
    if stored.dtype.kind == "U":
        unseen = name_ids(where, [name.strip() for name in stored.tolist()], names)
    elif stored.dtype.kind == "b":
        if len(stored) != len(names):
            raise DataError(f"{where}: found a mask of {len(stored)} entries, expected {len(names)}, one a class")
        unseen = np.flatnonzero(stored)
    else:
        unseen = as_integers(where, stored) - base
        if len(unseen) and (unseen.min() < 0 or unseen.max() >= len(names)):
            raise DataError(f"{where}: found class number {stored.max()}, expected {base} to {len(names) - 1 + base}")
    if len(np.unique(unseen)) < len(unseen):
        raise DataError(f"{where}: found a class twice, expected distinct classes (or a mask of booleans)")
    return unseen
