"""Features alone, without labels: what a trained classifier is applied to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.brief import brief
from gzsl.data.readers.card import check_features, read_card
from gzsl.data.readers.grids import open_grids
from gzsl.data.readers.table import Table
from gzsl.door.archives import NpzFile, open_npy
from gzsl.door.arrays import numbers, texts
from gzsl.door.paths import is_folder, regular_file
from gzsl.door.tables import read_rows
from gzsl.errors import DataError

EXPECTED = "a folder with features.npy, an .npy or .npz file, or a .csv of numbers"


@dataclass(frozen=True, eq=False)
class PlainFeatures:
    """Feature rows and what is known about them.

    Attributes
    ----------
    matrix : ndarray or memmap, shape (n, d) or (n, R, d)
        Rows.
    images : tuple of str
        A name a row: the image where it is known, else the row number.
    features : str or None
        Name of the features, where a card tells.
    """

    matrix: np.ndarray
    images: tuple[str, ...]
    features: str | None

    __repr__ = brief


def open_features(path: Path | str) -> PlainFeatures:
    """Open features without reading them, where the format allows.

    Parameters
    ----------
    path : path
        A folder written by ``gzsl features extract``; an ``.npy`` matrix; an ``.npz`` with ``features`` and
        optionally ``images``; or a ``.csv`` whose columns are numbers, beside an optional column ``image``.

    Raises
    ------
    DataError
        For a missing or damaged file, or one without a matrix.
    """
    if is_folder(path, EXPECTED):
        return _folder(Path(path))
    path = regular_file(path, EXPECTED)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _checked(path, open_npy(path), None, None)
    if suffix == ".npz":
        archive = NpzFile(path)
        if "features" not in archive:
            raise DataError(f"{path}: no array 'features', found {', '.join(archive.names) or 'none'}")
        names = texts(f"{path}: images", archive.array("images")) if "images" in archive else None
        return _checked(path, archive.array("features"), names, None)
    if suffix in (".csv", ".tsv", ".gz"):
        return _csv(path)
    raise DataError(f"{path}: found a {path.suffix or 'nameless'} file, expected {EXPECTED}")


def open_regions_alone(path: Path | str) -> PlainFeatures:
    """Features of regions (n, R, d) without labels, as `gzsl.data.readers.grids.open_grids` finds them.

    An ``.npy`` is mapped; other files are read as a whole.

    Raises
    ------
    DataError
        For a missing or damaged file, or one without regions.
    """
    grids = open_grids(Path(path))
    mapped = not grids.array and len(grids.stored) == 3
    matrix = open_npy(grids.path) if mapped else np.concatenate(list(grids.blocks()))
    images = grids.images or tuple(map(str, range(len(matrix))))
    known = read_card(grids.path.parent).features is not None
    return PlainFeatures(matrix, images, grids.label if known else None)


def _folder(folder: Path) -> PlainFeatures:
    if not (folder / "features.npy").exists():
        raise DataError(f"{folder}: found no features.npy, expected {EXPECTED}")
    names = None
    if (folder / "images.csv").is_file():
        names = [row["image"] for row in read_rows(folder / "images.csv", ("image",))]
    card = read_card(folder)
    matrix = open_npy(folder / "features.npy")
    check_features(folder, card)
    return _checked(folder, matrix, names, card.features)


def _csv(path: Path) -> PlainFeatures:
    table = Table(path, ("image", "split"), needs_class=False)
    blocks = list(table.blocks())
    if not blocks:
        raise DataError(f"{path}: found no line below the header, expected one an image")
    return _checked(path, np.concatenate(blocks), table.text().get("image"), None)


def _checked(path: Path, matrix: np.ndarray, names: list[str] | None, features: str | None) -> PlainFeatures:
    matrix = numbers(str(path), matrix)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"{path}: found {matrix.dtype} of shape {matrix.shape}, expected numbers (images, dimensions)")
    if names is not None and len(names) != len(matrix):
        raise DataError(f"{path}: found {len(names)} image names, expected {len(matrix)}, one a row")
    images = tuple(names) if names is not None else tuple(map(str, range(len(matrix))))
    return PlainFeatures(matrix, images, features)
