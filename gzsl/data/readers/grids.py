"""Features of regions as users have them: R vectors a picture in an array, or in a folder of extracted features."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.data.networks import network_of, unknown_name
from gzsl.data.readers.card import CARD, read_card
from gzsl.data.readers.layout import Layout
from gzsl.data.regions import RegionHash, grid_of, label_of, without_regions
from gzsl.door.archives import NpzFile, open_npy
from gzsl.door.hdf5 import array_of, is_hdf5, open_hdf5
from gzsl.door.opening import short
from gzsl.door.paths import is_folder, regular_file
from gzsl.door.tables import read_rows
from gzsl.errors import DataError

FILE = "regions.npy"
REGIONS = "regions"  # array of a dataset's own file
ARRAYS = (REGIONS, "grid", "feature_map")  # what is looked for in a file of several arrays that is named for regions
BLOCK_VALUES = 1 << 22
EXPECTED = (
    f"a features folder with {FILE}, an .npy, or an .npz or .h5 with an array regions (images, regions, dimensions)"
)
MAKE = "gzsl features extract PICTURES --pooling grid --out FEATURES makes one"


@dataclass(frozen=True, eq=False)
class Grids:
    """Unread features of regions.

    Attributes
    ----------
    path : Path
        The file that holds them.
    where : str
        File and array, for messages.
    array : str
        Name of the array in a file of several; empty for an ``.npy``.
    stored : tuple of int
        Shape as it is stored: (M, R, d), (M, h, w, d) or (M, d, h, w).
    channels_first : bool
        Whether it is the last of these.
    half : bool
        Whether float16 holds them.
    name : str
        What their network is called.
    grid : tuple of int
        Rows and columns.
    images : tuple of str or None
        Name of each picture, where a listing beside them tells.
    """

    path: Path
    where: str
    array: str
    stored: tuple[int, ...]
    channels_first: bool
    half: bool
    name: str
    grid: tuple[int, int]
    images: tuple[str, ...] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(M, R, d)``."""
        n_dims = self.stored[1] if self.channels_first else self.stored[-1]
        return self.stored[0], self.grid[0] * self.grid[1], n_dims

    @property
    def label(self) -> str:
        """What the protocol calls them."""
        return label_of(self.name, self.grid)

    @property
    def dtype(self) -> np.dtype:
        """How they are kept: float16 where the file holds float16, else float32."""
        return np.dtype("<f2" if self.half else "<f4")

    @property
    def n_bytes(self) -> int:
        """Bytes that they take when they are kept."""
        return self.dtype.itemsize * math.prod(self.shape)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield consecutive blocks (k, R, d), float16 or float32, finite.

        Raises
        ------
        DataError
            At the first picture with NaN or infinite numbers.
        """
        start = 0
        for block in self._read(max(1, BLOCK_VALUES // math.prod(self.stored[1:]))):
            if self.channels_first:
                block = block.reshape(*block.shape[:2], -1).swapaxes(1, 2)
            block = np.ascontiguousarray(block, dtype=self.dtype).reshape(len(block), *self.shape[1:])
            finite = np.isfinite(block).all(axis=(1, 2))
            if not finite.all():
                raise DataError(
                    f"{self.where}: picture {start + int(np.flatnonzero(~finite)[0])} (counted from 0) has NaN or "
                    "infinite numbers, expected finite ones"
                )
            yield block
            start += len(block)

    def _read(self, rows: int) -> Iterator[np.ndarray]:
        if not self.array:
            mapped = open_npy(self.path, self.where)
            yield from (mapped[start : start + rows] for start in range(0, self.stored[0], rows))
        elif is_hdf5(self.path):
            with open_hdf5(self.path) as file:
                data = array_of(self.where, file, self.array, whole=False)
                yield from (data[start : start + rows] for start in range(0, self.stored[0], rows))
        else:
            yield from NpzFile(self.path).blocks(self.array, rows)


def open_grids(path: Path) -> Grids:
    """Look at features of regions without reading them.

    Parameters
    ----------
    path : Path
        A folder that ``gzsl features extract --pooling grid`` wrote, or any with ``regions.npy``; an ``.npy``; or an
        ``.npz`` or HDF5 file with one of the arrays ``regions``, ``grid`` and ``feature_map``. Shapes are (M, R, d),
        (M, h, w, d) or (M, d, h, w).

    Raises
    ------
    DataError
        For a missing or damaged file, one without such an array, and another shape or kind of numbers.
    """
    if is_folder(path, EXPECTED):
        if not (path / FILE).is_file():
            raise DataError(f"{path}: found no {FILE}, expected {EXPECTED}; {MAKE}")
        path = path / FILE
    path = regular_file(path, EXPECTED)
    if path.suffix.lower() == ".npy":
        array = open_npy(path, short(path))
        return _checked(path, "", array.shape, array.dtype)
    if path.suffix.lower() not in (".npz", ".h5", ".hdf5"):
        raise DataError(f"{path}: found a {path.suffix or 'nameless'} file, expected {EXPECTED}; {MAKE}")
    found = array_in(path)
    if found is None:
        raise DataError(f"{path}: found no array {' or '.join(ARRAYS)}, expected {EXPECTED}; {MAKE}")
    if not is_hdf5(path):
        return _checked(path, found, *NpzFile(path).header(found, whole=False))
    with open_hdf5(path) as file:
        item = array_of(f"{short(path)}: {found}", file, found, whole=False)
        return _checked(path, found, item.shape, item.dtype)


def own_regions(layout: Layout) -> Path | None:
    """Where a dataset's own features of regions lie: ``regions.npy`` beside its features, or in its file of arrays."""
    if layout.kind == "arrays":
        return layout.features if array_in(layout.features, (REGIONS,)) is not None else None
    beside = layout.folder / FILE
    return beside if beside.is_file() else None


def array_in(path: Path, wanted: tuple[str, ...] = ARRAYS) -> str | None:
    """Name of the array of regions in a file of several arrays; None where it has none."""
    if is_hdf5(path):
        with open_hdf5(path) as file:
            names = tuple(file)
    else:
        names = NpzFile(path).names
    return next((name for name in wanted if name in names), None)


def _checked(path: Path, array: str, shape: tuple[int, ...], dtype: np.dtype) -> Grids:
    where = f"{short(path)}: {array}" if array else short(path)
    if dtype.kind not in "fiu" or len(shape) not in (3, 4) or 0 in shape:
        raise DataError(
            f"{where}: found {dtype} of shape {tuple(shape)}, expected real numbers (images, regions, dimensions), or "
            "with the two sides of a grid instead of its regions"
        )
    first = len(shape) == 4 and shape[2] == shape[3] != shape[1] and shape[1] > shape[2]
    sides = shape[2:] if first else shape[1:3]
    grid = (int(sides[0]), int(sides[1])) if len(shape) == 4 else grid_of(int(shape[1]))
    card = read_card(path.parent) if (path.parent / CARD).is_file() else None
    if card is not None and card.grid is not None and np.prod(card.grid) == np.prod(grid):
        grid = (card.grid[0], card.grid[1])
    listing = path.parent / "images.csv"
    images = None
    if path.name == FILE and listing.is_file():
        images = tuple(row["image"] for row in read_rows(listing, ("image",)))
        if len(images) != shape[0]:
            raise DataError(f"{listing}: found {len(images)} rows, expected {shape[0]}, one a picture of {FILE}")
    n_dims = int(shape[1] if first else shape[-1])
    return Grids(
        path, where, array, tuple(int(side) for side in shape), first, dtype == np.float16,
        _name(path, card.features if card else None, n_dims), grid, images,
    )  # fmt: skip


def _name(path: Path, said: str | None, n_dims: int) -> str:
    """What the network is called: as a card says, or as the file's name does where it fits the width."""
    if said:
        return without_regions(said)
    network = network_of(path.stem)
    if network is not None and n_dims in network[1]:
        return network[0]
    return unknown_name(path.stem, n_dims)


def write_regions(grids: Grids, path: Path) -> str:
    """Write a ``regions.npy`` block by block; the hash of its numbers.

    Raises
    ------
    DataError
        For numbers that are not finite, and a picture too few or too many.
    """
    digest, written = RegionHash(grids.dtype, *grids.shape[1:]), 0
    with path.open("wb") as stream:
        header = {"descr": grids.dtype.str, "fortran_order": False, "shape": grids.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for block in grids.blocks():
            stream.write(block.data)
            digest.add(block)
            written += len(block)
        stream.flush()
        os.fsync(stream.fileno())
    if written != grids.shape[0]:
        raise DataError(f"{grids.where}: found regions of {written} pictures, expected {grids.shape[0]}")
    return digest.result()
