"""The layout of the released benchmarks: features and labels in one .mat, class table and split in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.data.readers.detect import as_integers, is_transposed, label_base, name_ids, row_base, unique_names
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.mat import MatFile, open_mat
from gzsl.data.readers.raw import RawData, RawTable
from gzsl.door.opening import short
from gzsl.errors import DataError

NAMES = "allclasses_names"
REQUIRED_ROWS = ("trainval", "test_seen", "test_unseen")
OPTIONAL_ROWS = ("train", "val")
TABLES = ("att", "original_att")


def read_released(layout: Layout) -> RawData:
    """Read a features ``.mat``, ``att_splits.mat`` and any ``<name>_splits.mat`` beside them.

    Variables of the features file: ``features`` (d x N or N x d) and ``labels`` (N). Of ``att_splits.mat``:
    ``att`` and optionally ``original_att`` (a x C or C x a), ``allclasses_names`` (C strings), ``trainval_loc``,
    ``test_seen_loc``, ``test_unseen_loc`` and optionally ``train_loc``, ``val_loc``; whatever else is there is
    ignored. Of ``<name>_splits.mat``: ``att``, a class table that will be called ``<name>``.

    Raises
    ------
    DataError
        For damaged files, missing variables, and numbers that contradict each other.
    """
    features_file, splits_file = open_mat(layout.features), open_mat(layout.classes)
    stored = as_integers(f"{features_file.where}: labels", features_file.numbers("labels"))
    if not len(stored):
        raise DataError(f"{features_file.where}: labels is empty, expected one label an image")
    features, orientation = features_file.features("features", len(stored))
    names, given = _class_names(splits_file, stored)
    base, base_note = label_base(f"{features_file.where}: labels", stored, len(names), default=1)
    labels = stored - base
    tables, table_notes = _tables(splits_file, layout.others, names)
    rows, row_notes = _rows(splits_file, labels)
    notes = [orientation, base_note, *row_notes, *table_notes]
    if not given:
        notes.append(f"{splits_file.where} has no {NAMES}; classes are called by their number")
    return RawData(short(layout.folder), features, labels, names, tables, rows, notes=tuple(notes))


def _class_names(file: MatFile, labels: np.ndarray) -> tuple[tuple[str, ...], bool]:
    if NAMES in file:
        return unique_names(f"{file.where}: {NAMES}", file.strings(NAMES)), True
    count = len(np.unique(labels))
    width = len(str(count))
    return tuple(f"class {i:0{width}d}" for i in range(1, count + 1)), False


def _rows(file: MatFile, labels: np.ndarray) -> tuple[dict[str, np.ndarray], list[str]]:
    wanted = [*REQUIRED_ROWS, *(name for name in OPTIONAL_ROWS if f"{name}_loc" in file)]
    rows = {name: as_integers(f"{file.where}: {name}_loc", file.numbers(f"{name}_loc")) for name in wanted}
    base, note = row_base(file.where, rows, labels, default=1)
    return {name: values - base for name, values in rows.items()}, [f"{file.where}: {note}"]


def _tables(file: MatFile, others: tuple[Path, ...], names: tuple[str, ...]) -> tuple[dict[str, RawTable], list[str]]:
    present = [name for name in TABLES if name in file]
    if not present:
        file.numbers(TABLES[0])  # says what the file holds instead
    tables, notes = {}, []
    for name in present:
        tables[name], note = _table(file, name, len(names))
        notes.append(note)
    for path in others:
        other, label = open_mat(path), path.name.removesuffix("_splits.mat")
        table, note = _table(other, label if label in other else TABLES[0], len(names))
        order_note = "in the class order of att_splits.mat, since it has no class names of its own"
        if NAMES in other:
            own = unique_names(f"{other.where}: {NAMES}", other.strings(NAMES))
            table = RawTable(table.values[name_ids(other.where, names, own)])
            order_note = "put into class order by its own class names"
        tables[label] = table
        notes.append(f"{note}, {order_note}")
    return tables, notes


def _table(file: MatFile, name: str, n_classes: int) -> tuple[RawTable, str]:
    values = file.numbers(name)
    transposed, note = is_transposed(f"{file.where}: {name}", values.shape, n_classes, "classes", default=True)
    return RawTable(values.T if transposed else values), note
