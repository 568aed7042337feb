"""MATLAB files, v5, v7.3 (HDF5, through h5py) and v4 (through scipy), behind one face.

v7.3 stores every array transposed and every string as a reference to an array of character codes; both are
undone here, so that callers see what MATLAB shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.data.readers.detect import absent, is_transposed
from gzsl.data.readers.raw import BLOCK_ROWS, Features, array_features
from gzsl.door import kinds
from gzsl.door.arrays import numbers, plain, texts
from gzsl.door.hdf5 import array_of, is_hdf5, item_of, open_hdf5
from gzsl.door.mat5 import Mat5, Variable
from gzsl.door.opening import check_kind, reading, short
from gzsl.door.room import check_declared, check_memory
from gzsl.errors import DataError

KIND = "a MATLAB file"
NUMERIC = {  # bytes an entry; whole numbers may be stored in fewer
    "double": 1, "single": 1, "logical": 1, "sparse": 0, "int8": 1, "uint8": 1, "int16": 1, "uint16": 1, "int32": 1,
    "uint32": 1, "int64": 1, "uint64": 1,
}  # fmt: skip
NAMED = {
    "cell": "cells", "char": "text", "struct": "a structure", "object": "an object", "function": "a function",
    "opaque": "an object", "complex": "complex numbers",
}  # fmt: skip
SPARSE, EMPTY = "MATLAB_sparse", "MATLAB_empty"  # attributes of v7.3


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
        return {name: shape for name, (shape, _) in self._variables.items()}

    @cached_property
    def _variables(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and MATLAB class of every variable."""
        return {
            name: (found.shape, "complex" if found.is_complex else found.kind) for name, found in self._read.items()
        }

    @cached_property
    def _read(self) -> dict[str, Variable]:
        with reading(self.path, KIND):
            self._file = Mat5(self.path)
        names = [found.name for found in self._file.variables]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise DataError(f"{self.where}: the variable {twice[0]!r} stands twice, expected each variable once")
        return dict(zip(names, self._file.variables, strict=True))

    def __contains__(self, name: str) -> bool:
        return name in self.shapes

    def numbers(self, name: str) -> np.ndarray:
        """A numeric variable as MATLAB shows it, a sparse one in full; a missing or another one is a `DataError`."""
        where, (shape, kind) = f"{self.where}: {name}", self._numeric(name)
        check_declared(where, shape, NUMERIC[kind], self.path.stat().st_size)
        check_memory(where, math.prod(shape) * 8)
        with reading(self.path, KIND):
            return numbers(where, self._numbers(name, kind, shape))

    def strings(self, name: str) -> list[str]:
        """A cell array of strings, or the rows of a character matrix."""
        where = f"{self.where}: {self._known(name)}"
        kind = self._variables[name][1]
        if kind not in ("cell", "char"):
            raise DataError(f"{where}: found {NAMED.get(kind, f'{kind} values')}, expected one string a class")
        with reading(self.path, KIND):
            cells = self._strings(name, kind)
        if any(cell is None for cell in cells):
            raise DataError(f"{where}: found cells that are not text, expected one string a class")
        return texts(where, np.array(cells, dtype=str))

    def features(self, name: str, n_images: int) -> tuple[Features, str]:
        """The unread feature matrix, and a sentence on its orientation."""
        where, (shape, _) = f"{self.where}: {name}", self._numeric(name)
        transposed, note = is_transposed(where, shape, n_images, "images", default=True)
        n_dims = shape[0] if transposed else shape[1]
        return self._features(name, where, (n_images, n_dims), transposed), note

    def _features(self, name: str, where: str, shape: tuple[int, int], transposed: bool) -> Features:
        return array_features(where, lambda: self.numbers(name), shape, transposed)

    def _numeric(self, name: str) -> tuple[tuple[int, ...], str]:
        """Shape and class of a variable that is there and holds numbers."""
        shape, kind = self._variables[self._known(name)]
        if kind not in NUMERIC:
            raise DataError(f"{self.where}: {name}: found {NAMED.get(kind, f'a {kind}')}, expected a real matrix")
        return shape, kind

    def _known(self, name: str) -> str:
        if name not in self:
            raise absent(self.where, "variable", name, self.shapes)
        return name

    def _numbers(self, name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        if kind == "sparse":
            return full_matrix(*self._file.sparse(self._read[name]), shape)
        found = self._file.numbers(self._read[name])
        return found.astype(bool) if kind == "logical" else found

    def _strings(self, name: str, kind: str) -> list[str | None]:
        return self._file.strings(self._read[name])


class MatFile4(MatFile):
    """A MATLAB v4 file, which holds matrices of numbers and of characters alone."""

    @cached_property
    def _variables(self) -> dict[str, tuple[tuple[int, ...], str]]:
        import scipy.io

        with reading(self.path, KIND):
            return {name: (tuple(shape), kind) for name, shape, kind in scipy.io.whosmat(self.path)}

    def _value(self, name: str) -> Any:
        import scipy.io

        return scipy.io.loadmat(self.path, variable_names=[name])[name]

    def _numbers(self, name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        value = self._value(name)
        full: np.ndarray = value.toarray() if kind == "sparse" else value
        return full

    def _strings(self, name: str, kind: str) -> list[str | None]:
        return [str(row) for row in self._value(name)]


class MatFile73(MatFile):
    """A MATLAB v7.3 file, which is HDF5 with MATLAB's conventions."""

    @cached_property
    def _variables(self) -> dict[str, tuple[tuple[int, ...], str]]:
        with open_hdf5(self.path) as file:
            names = [name for name in file if not name.startswith("#")]  # the cells that references lead to
            return {name: self._described(file, name) for name in names}

    def _described(self, file: Any, name: str) -> tuple[tuple[int, ...], str]:
        where = f"{self.where}: {name}"
        item = item_of(where, file, name)
        if SPARSE in item.attrs:
            ends = array_of(where, item, "jc")
            return (int(item.attrs[SPARSE]), ends.size - 1), "sparse"
        if not hasattr(item, "shape"):
            return (), "struct"
        kind = item.attrs.get("MATLAB_class", b"")
        text = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)
        given = text if text in (*NUMERIC, *NAMED) else "double"
        shape = tuple(map(int, item[()])) if EMPTY in item.attrs else (item.shape or ())[::-1]
        return shape, "cell" if item.dtype.kind == "O" else given

    def _numbers(self, name: str, kind: str, shape: tuple[int, ...]) -> np.ndarray:
        where = f"{self.where}: {name}"
        with open_hdf5(self.path) as file:
            if kind == "sparse":
                return self._sparse(where, file[name], shape)
            if 0 in shape:  # then what is stored is the shape
                return np.empty(shape)
            data = array_of(where, file, name)[()].T
            return data.astype(bool) if kind == "logical" else data

    def _sparse(self, where: str, group: Any, shape: tuple[int, ...]) -> np.ndarray:
        if "data" not in group:  # MATLAB leaves them out where every entry is zero
            return np.zeros(shape)
        values, rows, ends = (array_of(f"{where}/{part}", group, part)[...].ravel() for part in ("data", "ir", "jc"))
        return full_matrix(plain(where, values), rows, ends, shape)

    def _strings(self, name: str, kind: str) -> list[str | None]:
        with open_hdf5(self.path) as file:
            data = array_of(f"{self.where}: {name}", file, name)[()].T
            if kind == "cell":
                return [_characters(file[reference][()]) for reference in data.ravel()]
            return [_characters(row) for row in data]

    def _features(self, name: str, where: str, shape: tuple[int, int], transposed: bool) -> Features:
        if self._variables[name][1] in ("sparse", "logical"):
            return super()._features(name, where, shape, transposed)

        def read() -> Iterator[np.ndarray]:
            with open_hdf5(self.path) as file:
                stored = array_of(where, file, name, whole=False)  # (N, d) on disk where MATLAB shows (d, N)
                for start in range(0, shape[0], BLOCK_ROWS):
                    rows = slice(start, min(start + BLOCK_ROWS, shape[0]))
                    yield stored[rows] if transposed else stored[:, rows].T

        return Features(where, shape, read)


def full_matrix(values: np.ndarray, rows: np.ndarray, ends: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A sparse matrix, given by its values, their rows and where each column ends, with all its zeros."""
    from scipy.sparse import csc_matrix

    if (np.diff(ends.astype(np.int64)) < 0).any():  # scipy looks only where the last one is not zero, and trusts them
        raise ValueError("its columns end before they start")
    matrix = csc_matrix((values, rows.astype(np.int64), ends.astype(np.int64)), shape=shape)
    matrix.check_format()
    full: np.ndarray = matrix.toarray()
    return full


def open_mat(path: Path) -> MatFile:
    """Open a MATLAB file of any version; a missing one, or another kind of file, is a `DataError`."""
    if is_hdf5(path):
        return MatFile73(path)
    check_kind(path, KIND, kinds.MAT, kinds.BINARY)  # v4 has no signature
    return MatFile(path) if kinds.kind_of(kinds.head_of(path)) is kinds.MAT else MatFile4(path)


def _characters(codes: np.ndarray) -> str | None:
    """Text from an array of UTF-16 character codes; None for other data."""
    if codes.dtype.kind != "u" or codes.dtype.itemsize > 2:
        return None
    return codes.T.ravel().astype("<u2").tobytes().decode("utf-16-le")
