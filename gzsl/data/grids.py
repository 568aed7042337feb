"""Features of regions, converted once into the cache and mapped from there; found beside a dataset or by name."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from gzsl.data.cache import DAMAGE
from gzsl.data.dataset import Dataset
from gzsl.data.entries import build_entry, hash_of, not_writable
from gzsl.data.readers.grids import FILE, Grids, open_grids, write_regions
from gzsl.data.readers.layout import Layout
from gzsl.data.readers.names import image_names
from gzsl.data.regions import POOLED, Regions
from gzsl.data.sealed import is_whole, seal_folder
from gzsl.door.documents import Document, read_document
from gzsl.door.room import check_disk
from gzsl.errors import DataError, GzslWarning, RunError
from gzsl.files import value_hash, write_json
from gzsl.resources import cache_dir

FORMAT = 1
VALUES, FACTS = FILES = (FILE, "facts.json")
COMMON_PARTS = 2  # of a picture's path: its folder and its name


class GridFacts(Document):
    """What is known of converted regions besides their numbers: ``facts.json``."""

    digest: str


def open_regions(path: Path, whole: bool = False) -> tuple[Regions, tuple[str, ...] | None]:
    """Open the converted form of features of regions, converting them first where that has not been done.

    Parameters
    ----------
    path : Path
        As `gzsl.data.readers.grids.open_grids` takes it.
    whole : bool
        Whether to check the converted numbers whole, as ``gzsl data doctor`` does.

    Returns
    -------
    Regions
        Memory-mapped: float16 where the file holds float16, else float32.
    tuple of str or None
        Name of each picture, where a listing beside them tells.

    Raises
    ------
    DataError
        When the file is bad, or the cache folder cannot be written to.
    """
    grids = open_grids(path)
    entry = cache_dir() / "regions" / value_hash([FORMAT, grids.array, list(grids.shape), hash_of(grids.path)])
    found = _open(entry, grids, whole)
    if found is None:
        try:
            build_entry(entry, lambda folder: _write(grids, folder))
        except (OSError, RunError) as error:
            raise not_writable(error) from error
        found = _open(entry, grids, False)
    if found is None:
        raise DataError(f"{entry}: the converted regions vanished or cannot be read back; try again")
    return found, grids.images


def with_grids(dataset: Dataset, path: Path, layout: Layout | None, whole: bool = False) -> Dataset:
    """A dataset with features of regions from a file or folder, brought into the order of its rows.

    Where both sides name their pictures, folder and name of each decide which regions are whose; otherwise there have
    to be as many, and they are taken to be in the same order.

    Raises
    ------
    DataError
        When pictures of the dataset have no regions, or there are not as many.
    """
    regions, theirs = open_regions(path, whole)
    ours = image_names(layout) if layout is not None and theirs is not None else None
    if theirs is not None and ours is not None and ours != theirs:
        regions = regions.ordered(_matched(path, ours, theirs))
    elif len(regions) != len(dataset.labels):
        raise DataError(
            f"{path}: found regions of {len(regions)} pictures, expected {len(dataset.labels)}, one a row of "
            f"{dataset.name}"
        )
    return dataset.with_regions(regions)


def with_pooled_regions(dataset: Dataset) -> Dataset:
    """The same pictures with the means of their regions as features.

    Raises
    ------
    DataError
        For a dataset without regions.
    """
    if dataset.regions is None:
        raise DataError(f"{dataset.name}: found no features of regions, expected some whose means can be taken")
    pooled = dataset.regions.take(np.arange(len(dataset.labels))).pooled.to_array()
    called = f"{dataset.regions.name}/{POOLED}"
    digest = value_hash([dataset.card.content_hash, POOLED])
    return replace(dataset, features=pooled, card=replace(dataset.card, features=called, content_hash=digest))


def _matched(path: Path, ours: tuple[str, ...], theirs: tuple[str, ...]) -> np.ndarray:
    """Which of their pictures each of ours is, by the last parts of its path."""
    place: dict[tuple[str, ...], int] = {}
    for k, name in enumerate(theirs):
        if place.setdefault(_tail(name), k) != k:
            raise DataError(f"{path}: two pictures end in {'/'.join(_tail(name))!r}, expected one of each name a class")
    missing = [name for name in ours if _tail(name) not in place]
    if missing:
        raise DataError(
            f"{path}: {len(missing)} pictures of the dataset have no regions there, e.g. {missing[0]!r}; expected "
            "all: gzsl features extract PICTURES --pooling grid on the folder that they are in"
        )
    return np.array([place[_tail(name)] for name in ours], dtype=np.int64)


def _tail(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in name.replace("\\", "/").split("/") if part)[-COMMON_PARTS:]


def _open(entry: Path, grids: Grids, whole: bool) -> Regions | None:
    try:
        if not is_whole(entry, FILES, whole):
            raise DataError(f"{entry}: found other bytes than were written")
        facts = read_document(entry / FACTS, GridFacts)
        values = np.load(entry / VALUES, mmap_mode="r")
        return Regions(values, grids.name, grids.grid, facts.digest)
    except DAMAGE as damage:
        if entry.is_dir():
            warnings.warn(GzslWarning(f"{entry}: the converted regions were damaged and are made again ({damage})"))
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _write(grids: Grids, folder: Path) -> None:
    check_disk(grids.where, grids.n_bytes, folder)
    digest = write_regions(grids, folder / VALUES)
    write_json(folder / FACTS, {"digest": digest})
    seal_folder(folder, FILES)
