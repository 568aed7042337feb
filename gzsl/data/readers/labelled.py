"""Features with a class a row, but no split and no class table yet: what a dataset is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gzsl.brief import brief
from gzsl.data.readers.card import FeaturesCard, read_card
from gzsl.data.readers.detect import as_integers, label_base
from gzsl.data.readers.grids import FILE as REGIONS
from gzsl.data.readers.plain import open_features
from gzsl.data.readers.raw import Features, array_features
from gzsl.data.readers.table import Table, check_images
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import texts
from gzsl.door.paths import is_folder, regular_file
from gzsl.door.tables import read_rows
from gzsl.errors import DataError

EXPECTED = (
    "a folder with features.npy and images.csv (image,class), a .csv with a column class and numbers, or an .npz with "
    "features and labels"
)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Features with a class a row.

    Attributes
    ----------
    features : Features
        Unread (N, d).
    images : tuple of str
        A name a row: the image where it is known, else the row number.
    labels : list of str
        Name of each row's class.
    card : FeaturesCard
        Which network made the features.
    files : tuple of Path
        What was read.
    regions : Path or None
        Where features of regions lie beside them.
    notes : list of str
        What was recognised, one sentence each; complete once the features were read.
    """

    features: Features
    images: tuple[str, ...]
    labels: list[str]
    card: FeaturesCard
    files: tuple[Path, ...]
    notes: list[str] = field(default_factory=list)
    regions: Path | None = None

    __repr__ = brief


def open_labelled(path: Path | str) -> Labelled:
    """Open features that come with a class a row.

    Parameters
    ----------
    path : path
        A folder written by ``gzsl features extract`` (``features.npy``, ``images.csv`` with the columns image and
        class, maybe ``card.json``); a ``.csv`` with a column ``class``, maybe ``image``, all others numbers; or an
        ``.npz`` with ``features``, ``labels`` (class names, or numbers beside ``class_names``), maybe ``images``.

    Raises
    ------
    DataError
        For a missing or damaged file, one without classes, and an image that stands twice.
    """
    if is_folder(path, EXPECTED):
        return _folder(Path(path))
    path = regular_file(path, EXPECTED)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _npz(path)
    if suffix in (".csv", ".tsv", ".gz"):
        return _csv(path)
    raise DataError(f"{path}: found a {suffix or 'nameless'} file, expected {EXPECTED}")


def _folder(folder: Path) -> Labelled:
    source = open_features(folder)
    listing = folder / "images.csv"
    rows = read_rows(listing, ("image", "class"))
    if len(rows) != len(source.images):
        raise DataError(f"{listing}: found {len(rows)} rows, expected {len(source.images)}, one a feature row")
    labels = [row["class"] for row in rows]
    check_images(str(listing), source.images, labels)
    files = [folder / "features.npy", listing, folder / "card.json"]
    regions = folder / REGIONS if (folder / REGIONS).is_file() else None
    files += [regions] if regions is not None else []
    features = _features(folder / "features.npy", source.matrix)
    return Labelled(features, source.images, labels, read_card(folder), tuple(files), regions=regions)


def _csv(path: Path) -> Labelled:
    table = Table(path, ("image", "split"))
    text = table.text()
    labels = text["class"]
    images = tuple(text.get("image", map(str, range(len(labels)))))
    check_images(table.where, images, labels)
    if "split" in table:
        table.notes.append(f"{table.where}: its column split is not used; a fresh split is made")
    features = Features(table.where, (len(labels), len(table.numeric_names)), table.blocks)
    return Labelled(features, images, labels, FeaturesCard(), (path,), table.notes)


def _npz(path: Path) -> Labelled:
    archive, source = NpzFile(path), open_features(path)
    if "labels" not in archive:
        raise DataError(f"{path}: no array 'labels', found {', '.join(archive.names)}; expected one class a row")
    labels, notes = _names_of(archive)
    if len(labels) != len(source.images):
        raise DataError(f"{path}: found {len(labels)} labels, expected {len(source.images)}, one a row of features")
    check_images(f"{path}: images", source.images, labels)
    return Labelled(_features(path, source.matrix), source.images, labels, FeaturesCard(), (path,), notes)


def _names_of(archive: NpzFile) -> tuple[list[str], list[str]]:
    """Class names of the rows, and how they were found."""
    stored, where = archive.array("labels").ravel(), f"{archive.path}: labels"
    if stored.dtype.kind == "U":
        return [name.strip() for name in stored.tolist()], []
    if "class_names" not in archive:
        raise DataError(f"{where}: found numbers, expected class names, or an array class_names beside them")
    names = [name.strip() for name in texts(f"{archive.path}: class_names", archive.array("class_names"))]
    values = as_integers(where, stored)
    if not len(values):
        return [], []
    base, note = label_base(where, values, len(names), default=0)
    return [names[value - base] for value in values.tolist()], [note]


def _features(path: Path, matrix: np.ndarray) -> Features:
    return array_features(str(path), lambda: matrix, (len(matrix), int(matrix.shape[1])), transposed=False)
