"""Features of the regions of every picture, such as the cells of a network's last map."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace

import numpy as np

from gzsl.brief import brief
from gzsl.data.features import FeatureRows
from gzsl.errors import DataError
from gzsl.files import value_hash

POOLED = "pooled"  # what a protocol calls the mean of regions
HASHED_ROWS = 64
DTYPES = (np.dtype(np.float16), np.dtype(np.float32))


@dataclass(frozen=True, eq=False)
class Regions:
    """R vectors a picture.

    Attributes
    ----------
    values : ndarray or memmap, shape (M, R, d), float16 or float32
        Regions of a grid stand row by row.
    name : str
        What their network is called in the protocol.
    grid : tuple of int
        Rows and columns of the grid; ``(1, R)`` where regions are in no grid.
    digest : str
        Hash of the numbers.
    rows : ndarray of int64, shape (N,), optional
        Which entry of ``values`` belongs to each picture of a dataset; one after the other when None.

    Raises
    ------
    DataError
        For other shapes or types.
    """

    values: np.ndarray
    name: str
    grid: tuple[int, int]
    digest: str
    rows: np.ndarray | None = field(default=None)

    __repr__ = brief

    def __post_init__(self) -> None:
        values = self.values.view()
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        if values.ndim != 3 or 0 in values.shape or values.dtype not in DTYPES:
            raise DataError(
                f"regions: found {values.dtype} of shape {values.shape}, expected float16 or float32 of shape "
                "(images, regions, dimensions)"
            )
        if math.prod(self.grid) != values.shape[1]:
            raise DataError(f"regions: found a grid of {self.grid} for {values.shape[1]} regions, expected as many")

    def __len__(self) -> int:
        return len(self.values) if self.rows is None else len(self.rows)

    @property
    def n_regions(self) -> int:
        """Regions ``R`` a picture."""
        return int(self.values.shape[1])

    @property
    def label(self) -> str:
        """What the protocol calls them: ``res101/grid7x7``."""
        return label_of(self.name, self.grid)

    @property
    def content(self) -> str:
        """Digest of numbers, grid and order."""
        order = None if self.rows is None else self.rows.tolist()
        return value_hash([self.digest, list(self.grid), order])

    def check(self, n_images: int, where: str) -> None:
        """Refuse regions of another number of pictures."""
        if len(self) != n_images:
            raise DataError(
                f"{where}: regions ({self.label}): found {len(self)} pictures, expected {n_images}, one a feature row"
            )

    def take(self, rows: np.ndarray) -> FeatureRows:
        """The regions of some pictures of the dataset, unread."""
        return FeatureRows(self.values, rows if self.rows is None else self.rows[rows])

    def subset(self, rows: np.ndarray) -> Regions:
        """A copy in memory of some pictures' regions, from which no other can be reached."""
        values = self.values[rows if self.rows is None else self.rows[rows]]
        return Regions(values, self.name, self.grid, hash_regions(values))

    def ordered(self, rows: np.ndarray) -> Regions:
        """The same regions, of the pictures at ``rows`` in that order."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


class RegionHash:
    """Hash of regions that arrive in blocks of pictures, by their numbers as they are stored."""

    def __init__(self, dtype: np.dtype, n_regions: int, n_dims: int) -> None:
        self._digest = hashlib.blake2b(f"regions {dtype.str} {n_regions} {n_dims}".encode(), digest_size=16)

    def add(self, block: np.ndarray) -> None:
        """Add a block (k, R, d)."""
        self._digest.update(np.ascontiguousarray(block).data)

    def result(self) -> str:
        """32 hex digits."""
        return self._digest.hexdigest()


def hash_regions(values: np.ndarray) -> str:
    """`RegionHash` of regions (M, R, d) in memory."""
    digest = RegionHash(values.dtype, *values.shape[1:])
    for start in range(0, len(values), HASHED_ROWS):
        digest.add(values[start : start + HASHED_ROWS])
    return digest.result()


def grid_of(n_regions: int) -> tuple[int, int]:
    """The square grid of so many regions; a single line where they make no square.

    Examples
    --------
    >>> grid_of(49), grid_of(36), grid_of(5)
    ((7, 7), (6, 6), (1, 5))
    """
    side = math.isqrt(n_regions)
    return (side, side) if side * side == n_regions else (1, n_regions)


def label_of(name: str, grid: tuple[int, int]) -> str:
    """What a protocol calls the regions of a network.

    Examples
    --------
    >>> label_of("res101", (7, 7))
    'res101/grid7x7'
    """
    return f"{name}/grid{grid[0]}x{grid[1]}"


def without_regions(name: str) -> str:
    """The network in a protocol's name of features: ``res101`` of ``res101/grid7x7`` and of ``res101/pooled``.

    Examples
    --------
    >>> without_regions("res101/grid7x7"), without_regions("res101")
    ('res101', 'res101')
    """
    network, _, how = name.rpartition("/")
    return network if network and (how == POOLED or how.startswith("grid")) else name
