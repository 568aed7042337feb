"""A dataset folder from what people have: features with a class a row, and a table of classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from gzsl.brief import brief
from gzsl.data.readers.detect import unique_names
from gzsl.data.readers.holdout import rows_from_unseen
from gzsl.data.readers.plain import open_features
from gzsl.data.readers.table import Table, is_true
from gzsl.door.tables import csv_text, read_rows
from gzsl.errors import DataError, suggest
from gzsl.files import make_folder, replacing, write_text


@dataclass(frozen=True)
class Made:
    """A dataset folder that was written.

    Attributes
    ----------
    folder : Path
        Where it is.
    unseen : tuple of str
        Classes without training images.
    notes : tuple of str
        What was decided or left out, one sentence each.
    """

    folder: Path
    unseen: tuple[str, ...]
    notes: tuple[str, ...]

    __repr__ = brief


def make_dataset(
    features: Path | str,
    classes: Path | str,
    out: Path | str,
    *,
    unseen: Sequence[str] | None = None,
    propose: int | None = None,
) -> Made:
    """Write a dataset folder that `gzsl.data.load` reads.

    Parameters
    ----------
    features : path
        A features folder (``features.npy``, ``images.csv`` with the columns image and class, ``card.json``).
    classes : path
        CSV with a column ``class``, one column an attribute, optionally a column ``unseen``.
    out : path
        Folder to write.
    unseen : sequence of str, optional
        Classes to keep from training; else the column ``unseen``.
    propose : int, optional
        Choose that many unseen classes: those that the others' attributes describe best.

    Raises
    ------
    DataError
        For classes without images or attributes, constant attributes only, and a missing or impossible split.
    """
    features, out = Path(features), Path(out)
    source = open_features(features)
    labels = _labels(features / "images.csv", len(source.images))
    table = Table(Path(classes), ("unseen",))
    text = table.text()
    names = unique_names(f"{table.where}: class", text["class"])
    notes = _matched(table.where, names, labels)
    kept = [k for k, name in enumerate(names) if name in set(labels)]
    values = table.values()[kept]
    names = tuple(names[k] for k in kept)
    notes += _constant(table, values)
    if propose is not None:
        chosen = propose_unseen(values, names, propose)
        notes.append(f"proposed unseen classes, best described by the others: {', '.join(chosen)}")
    elif unseen is not None:
        chosen = tuple(unseen)
    elif "unseen" in table:
        chosen = tuple(names[i] for i, k in enumerate(kept) if is_true(table.where, names[i], text["unseen"][k]))
    else:
        raise DataError(f"{table.where}: found no column unseen, expected one, or --unseen NAMES, or --propose COUNT")
    _check_unseen(chosen, names)
    place = {name: i for i, name in enumerate(names)}
    rows, note = rows_from_unseen(np.array([place[label] for label in labels]), np.array([place[c] for c in chosen]))
    folder = make_folder(out)
    _write(folder, features, list(zip(source.images, labels, strict=True)), rows)
    header = ["class", "unseen", *table.numeric_names]
    lines = [[name, int(name in chosen), *map(repr, map(float, row))] for name, row in zip(names, values, strict=True)]
    write_text(folder / "classes.csv", csv_text([header, *lines]))
    return Made(folder, tuple(chosen), (*notes, note))


def propose_unseen(values: np.ndarray, names: Sequence[str], count: int) -> tuple[str, ...]:
    """Choose unseen classes one after the other, each the one that mixtures of the remaining ones describe best.

    Parameters
    ----------
    values : ndarray, shape (C, a)
        Class vectors; columns are scaled to unit range first.
    names : sequence of str
        One a class.
    count : int
        How many; at least two classes stay seen.
    """
    if not 1 <= count <= len(names) - 2:
        raise DataError(f"--propose: found {count}, expected 1 to {len(names) - 2} of {len(names)} classes")
    spread = np.ptp(values, axis=0)
    scaled = (values - values.min(axis=0)) / np.where(spread > 0, spread, 1)
    scaled = np.hstack([scaled, np.ones((len(scaled), 1))])  # mixtures add up to about 1
    remaining = list(range(len(names)))
    chosen = []
    for _ in range(count):
        left = {c: nnls(scaled[[r for r in remaining if r != c]].T, scaled[c])[1] for c in remaining}
        best = min(left, key=lambda c: (left[c], names[c]))
        chosen.append(names[best])
        remaining.remove(best)
    return tuple(chosen)


def _labels(path: Path, n_images: int) -> list[str]:
    rows = read_rows(path, ("image", "class"))
    if len(rows) != n_images:
        raise DataError(f"{path}: found {len(rows)} rows, expected {n_images}, one a feature row")
    return [row["class"] for row in rows]


def _matched(where: str, names: Sequence[str], labels: Sequence[str]) -> list[str]:
    unknown = sorted(set(labels) - set(names))
    if unknown:
        hint = suggest(unknown[0], names)
        raise DataError(f"{where}: no row for class {unknown[0]!r}, which has images; {hint}")
    without = [name for name in names if name not in set(labels)]
    if not without:
        return []
    shown = ", ".join(without[:5])
    later = "gzsl add-class takes them later"
    return [f"{len(without)} classes of the table have no image and are left out ({shown}); {later}"]


def _constant(table: Table, values: np.ndarray) -> list[str]:
    constant = [name for name, spread in zip(table.numeric_names, np.ptp(values, axis=0), strict=True) if spread == 0]
    if len(constant) == values.shape[1]:
        raise DataError(f"{table.where}: found no attribute that differs between classes, expected some")
    if not constant:
        return []
    return [f"{len(constant)} attributes are the same for all classes and tell nothing: {', '.join(constant[:5])}"]


def _check_unseen(chosen: Sequence[str], names: Sequence[str]) -> None:
    for name in chosen:
        if name not in names:
            raise DataError(f"unseen: no class {name!r} with images; {suggest(name, names)}")
    if not chosen or len(set(chosen)) > len(names) - 2:
        raise DataError(
            f"unseen: found {len(set(chosen))} of {len(names)} classes, expected at least 1 and at least 2 seen ones"
        )


def _write(folder: Path, source: Path, images: list[tuple[str, str]], rows: dict[str, np.ndarray]) -> None:
    where = {row: name for name, members in rows.items() for row in members.tolist()}
    lines = [[image, label, where[k]] for k, (image, label) in enumerate(images)]
    write_text(folder / "images.csv", csv_text([["image", "class", "split"], *lines]))
    with replacing(folder / "features.npy") as temporary:
        shutil.copyfile(source / "features.npy", temporary)
    card = source / "card.json"
    about = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    write_text(folder / "card.json", json.dumps(about, indent=2) + "\n")
