"""MATLAB files, v5 (through scipy) and v7.3 (HDF5, through h5py), behind one face.

v7.3 stores every array transposed and every string as a reference to an array of character codes; both are
undone here, so that callers see what MATLAB shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.data.readers.detect import absent, is_transposed
from gzsl.data.readers.files import is_hdf5, open_hdf5, reading, short
from gzsl.data.readers.raw import BLOCK_ROWS, Features, array_features
from gzsl.errors import DataError

KIND = "a MATLAB file"


class MatFile:
    """A MATLAB v5 file.

    Parameters
    ----------
    path : Path
        The file; nothing is read before it is asked for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = short(path)

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every variable as MATLAB shows it, from the headers alone."""
        import scipy.io

        with reading(self.path, KIND):
            return {name: tuple(shape) for name, shape, _ in scipy.io.whosmat(self.path)}

    def __contains__(self, name: str) -> bool:
        return name in self.shapes

    def numbers(self, name: str) -> np.ndarray:
        """A numeric variable as MATLAB shows it; a missing or another one is a `DataError`."""
        value = self._value(self._known(name))
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb":
            found = f"{value.dtype} values" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
            raise DataError(f"{self.where}: {name}: found {found}, expected a full real matrix")
        return value

    def strings(self, name: str) -> list[str]:
        """A cell array of strings, or the rows of a character matrix."""
        value = self._value(self._known(name))
        cells = [_cell_text(cell) for cell in value.ravel()]
        if any(cell is None for cell in cells):
            raise DataError(f"{self.where}: {name}: found cells that are not text, expected one string a class")
        return [str(cell) for cell in cells]

    def features(self, name: str, n_images: int) -> tuple[Features, str]:
        """The unread feature matrix, and a sentence on its orientation."""
        where = f"{self.where}: {name}"
        shape = self.shapes[self._known(name)]
        transposed, note = is_transposed(where, shape, n_images, "images", default=True)
        n_dims = shape[0] if transposed else shape[1]
        return self._features(name, where, (n_images, n_dims), transposed), note

    def _features(self, name: str, where: str, shape: tuple[int, int], transposed: bool) -> Features:
        return array_features(where, lambda: self.numbers(name), shape, transposed)

    def _known(self, name: str) -> str:
        if name not in self:
            raise absent(self.where, "variable", name, self.shapes)
        return name

    def _value(self, name: str) -> Any:
        import scipy.io

        with reading(self.path, KIND):
            return scipy.io.loadmat(self.path, variable_names=[name])[name]


class MatFile73(MatFile):
    """A MATLAB v7.3 file, which is HDF5 with MATLAB's conventions."""

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every variable as MATLAB shows it."""
        with open_hdf5(self.path) as file:
            return {name: item.shape[::-1] for name, item in file.items() if hasattr(item, "shape")}

    def _value(self, name: str) -> Any:
        with open_hdf5(self.path) as file:
            data = file[name][()].T
            if data.dtype.kind == "O":
                cells = np.empty(data.size, dtype=object)
                cells[:] = [_characters(file[reference][()]) for reference in data.ravel()]
                return cells
            if file[name].attrs.get("MATLAB_class", b"") == b"char":
                return np.array([_characters(row) for row in data])
            return data

    def _features(self, name: str, where: str, shape: tuple[int, int], transposed: bool) -> Features:
        def read() -> Iterator[np.ndarray]:
            with open_hdf5(self.path) as file:
                stored = file[name]  # (N, d) on disk where MATLAB shows (d, N)
                if stored.dtype.kind not in "iufb":
                    raise DataError(f"{where}: found {stored.dtype} values, expected a full real matrix")
                for start in range(0, shape[0], BLOCK_ROWS):
                    rows = slice(start, min(start + BLOCK_ROWS, shape[0]))
                    yield stored[rows] if transposed else stored[:, rows].T

        return Features(where, shape, read)


def open_mat(path: Path) -> MatFile:
    """Open a MATLAB file of any version; a missing one is a `DataError`."""
    return MatFile73(path) if is_hdf5(path) else MatFile(path)


def _cell_text(cell: Any) -> str | None:
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.ravel()[0]
    return str(cell) if isinstance(cell, str) else None


def _characters(codes: np.ndarray) -> str | None:
    """Text from an array of UTF-16 character codes; None for other data."""
    if codes.dtype.kind != "u" or codes.dtype.itemsize > 2:
        return None
    return codes.T.ravel().astype("<u2").tobytes().decode("utf-16-le")
