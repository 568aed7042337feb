"""The layout of the released benchmarks: features and labels in one .mat, class table and split in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gzsl.data.readers.detect import (
    as_vector,
    has_test_seen,
    is_transposed,
    label_base,
    listed_rows,
    name_ids,
    row_base,
    unique_names,
)
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.mat import MatFile, open_mat
from gzsl.data.readers.raw import RawData, RawTable, left_out
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
    ``test_seen_loc`` (without it, plain zero-shot data), ``test_unseen_loc`` (row numbers, or masks) and optionally
    ``train_loc``, ``val_loc``; whatever else is there is ignored. Of ``<name>_splits.mat``: ``att``, a class table
    that will be called ``<name>``; a damaged one, or one of other classes, is left out with a note. Where there is no
    ``att_splits.mat``, one of them takes its place.

    Raises
    ------
    DataError
        For damaged files, missing variables, and numbers that contradict each other.
    """
    features_file, splits_file = open_mat(layout.features), open_mat(layout.classes)
    stored = as_vector(f"{features_file.where}: labels", features_file.numbers("labels"), "one label an image")
    if not len(stored):
        raise DataError(f"{features_file.where}: labels is empty, expected one label an image")
    features, orientation = features_file.features("features", len(stored))
    names, given = _class_names(splits_file, stored)
    base, base_note = label_base(f"{features_file.where}: labels", stored, len(names), default=1)
    labels = stored - base
    tables, table_notes = _tables(splits_file, layout, names, given)
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
    known = (NAMES, *TABLES, *(f"{name}_loc" for name in (*REQUIRED_ROWS, *OPTIONAL_ROWS)))
    found: dict[str, np.ndarray] = {}
    if not has_test_seen(file.shapes, "test_seen_loc", known) or not file.numbers("test_seen_loc").size:
        wanted.remove("test_seen")
        found["test_seen"] = np.empty(0, dtype=np.int64)
    masks = []
    for name in wanted:
        where, values = f"{file.where}: {name}_loc", file.numbers(f"{name}_loc")
        found[name], masked = listed_rows(where, values, len(labels))
        masks += [name] if masked else []
    if masks:
        return _from_masks(file, found, masks, wanted)
    base, note = row_base(file.where, found, labels, default=1)
    return {name: values - base for name, values in found.items()}, [f"{file.where}: {note}"]


def _from_masks(
    file: MatFile, found: dict[str, np.ndarray], masks: list[str], wanted: list[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
    numbered = [name for name in wanted if name not in masks]
    if numbered:
        raise DataError(
            f"{file.where}: {masks[0]}_loc is a mask of zeros and ones and {numbered[0]}_loc is not, "
            "expected row numbers or masks throughout"
        )
    return found, [f"{file.where}: rows are given as masks of zeros and ones, one entry an image"]


def _tables(
    file: MatFile, layout: Layout, names: tuple[str, ...], given: bool
) -> tuple[dict[str, RawTable], list[str]]:
    """All class tables: the one of the splits file that is needed, and whatever agrees with it."""
    main = _label(layout.classes)
    variable = main if main in file else TABLES[0]
    table, note = _table(file, variable, len(names))
    tables, notes = {main: table}, [note]
    own = [(name, layout.classes) for name in TABLES[1:] if name in file and name != main]
    for label, path in [*own, *((_label(path), path) for path in layout.others)]:
        try:
            if path == layout.classes:
                tables[label], note = _table(file, label, len(names))
            else:
                tables[label], note = _other_table(path, label, layout.classes.name, names, given)
        except DataError as error:
            note = left_out(label, str(error))
        notes.append(note)
    return tables, notes


def _other_table(
    path: Path, label: str, main_file: str, names: tuple[str, ...], given: bool
) -> tuple[RawTable, str]:
    other = open_mat(path)
    table, note = _table(other, label if label in other else TABLES[0], len(names))
    if NAMES not in other or not given:
        return table, f"{note}, in the class order of {main_file}, since it has no class names of its own"
    own = unique_names(f"{other.where}: {NAMES}", other.strings(NAMES))
    order = name_ids(other.where, names, own)
    return RawTable(table.values[order]), f"{note}, put into class order by its own class names"


def _label(path: Path) -> str:
    """What a table is called after its file: ``sent`` of ``sent_splits.mat``."""
    return path.name.removesuffix("_splits.mat")


def _table(file: MatFile, name: str, n_classes: int) -> tuple[RawTable, str]:
    values = file.numbers(name)
    transposed, note = is_transposed(f"{file.where}: {name}", values.shape, n_classes, "classes", default=True)
    return RawTable(values.T if transposed else values), note
