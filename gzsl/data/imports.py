"""Features that were made elsewhere, as a features folder with a card."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.data.readers.card import CARD
from gzsl.data.readers.detect import label_base
from gzsl.data.readers.labelled import open_labelled
from gzsl.data.readers.plain import open_features
from gzsl.data.readers.raw import BLOCK_ROWS, Features, array_features
from gzsl.data.sealed import write_features
from gzsl.door.archives import NpzFile
from gzsl.door.arrays import numbers, texts
from gzsl.door.paths import is_folder, regular_file
from gzsl.door.room import check_disk
from gzsl.door.tables import csv_text, read_rows
from gzsl.errors import DataError, install, suggest
from gzsl.files import file_hash, make_folder, write_json, write_text
from gzsl.version import __version__

MATRICES = ("features", "image_embed", "embeddings", "embed", "X")  # what a matrix is called in an .npz
FILES = ("features.npy", "images.csv", CARD)
EXPECTED = "an .npy, .npz, .parquet or .csv file of numbers, one row a picture"


@dataclass(frozen=True, eq=False)
class Imported:
    """Rows that were found in a file.

    Attributes
    ----------
    features : Features
        Unread (N, d).
    images : tuple of str
        A name a row.
    labels : tuple of str or None
        Name of each row's class, where the file has them.
    """

    features: Features
    images: tuple[str, ...]
    labels: tuple[str, ...] | None

    __repr__ = brief


def import_features(
    source: Path | str,
    out: Path | str,
    name: str,
    *,
    array: str | None = None,
    listing: Path | str | None = None,
    fine_tuned: bool | None = None,
) -> dict[str, Any]:
    """Write ``features.npy``, ``images.csv`` and ``card.json``, as ``gzsl features extract`` does.

    Parameters
    ----------
    source : path
        An ``.npy``; an ``.npz`` with a matrix, maybe ``labels``, ``class_names`` and ``images``; a ``.csv`` or
        ``.parquet`` whose columns are numbers (or, in a parquet, one column of lists) beside ``image`` and ``class``.
    out : path
        Features folder: new, empty, or one of features already.
    name : str
        What the features are called in every protocol.
    array : str, optional
        Which array of an ``.npz`` or column of a parquet holds the matrix.
    listing : path, optional
        CSV with image,class, a line a row, where the file itself has no names.
    fine_tuned : bool, optional
        Whether the network was trained on the classes; unknown when None.

    Returns
    -------
    dict
        The card.

    Raises
    ------
    DataError
        For a file without a matrix or names that do not fit it, rows of zeros, and a folder of something else.
    """
    if not name.strip() or set(name) & set("/\\\0"):
        raise DataError(f"--name: found {name!r}, expected what the features are called, without slashes")
    source = regular_file(source, EXPECTED)
    found = _with_listing(_read(source, array), listing)
    folder = Path(out)
    if is_folder(folder, "the features folder to write") and (other := {p.name for p in folder.iterdir()} - {*FILES}):
        raise DataError(f"--out {folder}: found {min(other)} in it, expected a new or empty folder, or one of features")
    make_folder(folder)
    check_disk(str(source), 4 * math.prod(found.features.shape), folder)
    write_features(_refusing_zeros(found), folder / FILES[0])
    rows = [(image,) for image in found.images]
    header: tuple[str, ...] = ("image",)
    if found.labels is not None:
        header, rows = ("image", "class"), list(zip(found.images, found.labels, strict=True))  # type: ignore[arg-type]
    write_text(folder / FILES[1], csv_text([header, *rows]))
    card = {
        "features": name, "imported_from": source.name, "source_blake2b": file_hash(source),
        "images": found.features.shape[0], "dimensions": found.features.shape[1], "fine_tuned": fine_tuned,
        "skipped": [], "gzsl_version": __version__, "features_blake2b": file_hash(folder / FILES[0]),
    }  # fmt: skip
    write_json(folder / CARD, card)
    return card


def _read(source: Path, array: str | None) -> Imported:
    suffix = source.suffix.lower()
    if suffix == ".parquet":
        return _parquet(source, array)
    if suffix == ".npz":
        return _npz(source, array)
    if array is not None:
        raise DataError(f"--array {array}: found a {suffix or 'nameless'} file, expected an .npz or .parquet")
    if suffix == ".csv" and "class" in _header(source):
        given = open_labelled(source)
        return Imported(given.features, given.images, tuple(given.labels))
    if suffix not in (".npy", ".csv"):
        raise DataError(f"{source}: found a {suffix or 'nameless'} file, expected {EXPECTED}")
    plain = open_features(source)
    return Imported(_of(source, plain.matrix), plain.images, None)


def _header(source: Path) -> list[str]:
    with source.open(encoding="utf-8-sig", errors="replace") as stream:
        return [name.strip().strip('"').lower() for name in stream.readline().split(",")]


def _of(source: Path, matrix: np.ndarray) -> Features:
    return array_features(str(source), lambda: matrix, (len(matrix), int(matrix.shape[1])), transposed=False)


def _npz(source: Path, array: str | None) -> Imported:
    archive = NpzFile(source)
    key = array or next((key for key in MATRICES if key in archive), None)
    if key is None or key not in archive:
        hint = suggest(array, archive.names) if array else f"found {', '.join(archive.names) or 'none'}"
        raise DataError(f"{source}: no array {array or ' or '.join(MATRICES)}; {hint} (--array NAME says which)")
    matrix = _matrix(source, archive.array(key))
    images = texts(f"{source}: images", archive.array("images")) if "images" in archive else None
    return Imported(_of(source, matrix), _names(source, images, len(matrix)), _labels(source, archive, len(matrix)))


def _labels(source: Path, archive: NpzFile, n: int) -> tuple[str, ...] | None:
    if "labels" not in archive:
        return None
    stored = archive.array("labels").ravel()
    if len(stored) != n:
        raise DataError(f"{source}: labels: found {len(stored)}, expected {n}, one a row")
    if stored.dtype.kind == "U" or "class_names" not in archive:
        return tuple(str(label).strip() for label in stored.tolist())
    names = texts(f"{source}: class_names", archive.array("class_names"))
    base, _ = label_base(f"{source}: labels", stored.astype(np.int64), len(names), default=0)
    return tuple(names[label - base].strip() for label in stored.astype(np.int64))


def _parquet(source: Path, array: str | None) -> Imported:
    try:
        import pandas

        frame = pandas.read_parquet(source)
    except ImportError:
        raise DataError(f"{source}: a .parquet file needs pandas and pyarrow: {install('frames')}") from None
    except Exception as error:  # pandas and its readers have errors of their own
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{source}: cannot be read as a parquet file ({reason}), expected {EXPECTED}") from None
    folded = {str(column).lower(): column for column in frame.columns}
    images, labels = (
        next((frame[folded[key]].astype(str).tolist() for key in keys if key in folded), None)
        for keys in (("image", "image_id", "path", "file"), ("class", "label"))
    )
    lists = [c for c in frame.columns if len(frame) and isinstance(frame[c].iloc[0], Sequence | np.ndarray)
             and not isinstance(frame[c].iloc[0], str)]  # fmt: skip
    chosen = array or (lists[0] if lists else None)
    if array is not None and array not in frame.columns:
        raise DataError(f"{source}: no column {array!r}; {suggest(array, list(map(str, frame.columns)))}")
    values: Any = list(frame[chosen]) if chosen is not None else frame.select_dtypes("number").to_numpy()
    try:
        matrix = np.stack(values) if chosen is not None else values
    except ValueError:
        raise DataError(f"{source}: {chosen}: found lists of different lengths, expected one length") from None
    matrix = _matrix(source, matrix)
    return Imported(_of(source, matrix), _names(source, images, len(matrix)), None if labels is None else tuple(labels))


def _matrix(source: Path, values: Any) -> np.ndarray:
    matrix = numbers(str(source), values)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DataError(f"{source}: found numbers of shape {matrix.shape}, expected (pictures, dimensions)")
    return matrix


def _names(source: Path, images: list[str] | None, n: int) -> tuple[str, ...]:
    if images is not None and len(images) != n:
        raise DataError(f"{source}: images: found {len(images)}, expected {n}, one a row")
    return tuple(images) if images is not None else tuple(map(str, range(n)))


def _with_listing(found: Imported, listing: Path | str | None) -> Imported:
    if listing is None:
        return found
    rows = read_rows(Path(listing), ("image", "class"))
    n = found.features.shape[0]
    if len(rows) != n:
        raise DataError(f"{listing}: found {len(rows)} lines, expected {n}, one a row of features")
    return Imported(found.features, tuple(r["image"] for r in rows), tuple(r["class"] for r in rows))


def _refusing_zeros(found: Imported) -> Features:
    """The same features; a row of zeros, which has no direction, is named."""
    features = found.features

    def read() -> Iterator[np.ndarray]:
        start = 0
        for block in features.read():
            for first in range(0, len(block), BLOCK_ROWS):
                part = block[first : first + BLOCK_ROWS]
                empty = np.flatnonzero(~np.asarray(part).any(axis=1))
                if len(empty):
                    row = start + first + int(empty[0])
                    raise DataError(
                        f"{features.where}: row {row} ({found.images[row]}) is a zero vector, which agrees with no "
                        "class: leave it out"
                    )
                yield part
            start += len(block)

    return Features(features.where, features.shape, read)
