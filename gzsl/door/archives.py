"""NumPy's files, ``.npz`` and ``.npy``: headers are checked before anything is allocated, nothing is unpickled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import numpy as np

from gzsl.door import kinds
from gzsl.door.arrays import plain
from gzsl.door.opening import check_kind, reading
from gzsl.door.room import check_declared, in_words
from gzsl.errors import DataError

NPZ, NPY = "an .npz file", "an .npy array"
OBJECTS = (
    "found Python objects, which are stored as a pickle that may run code and is never opened; expected plain numbers "
    "or text: save them as array.astype(str), or astype(float)"
)


class NpzFile:
    """Arrays of an ``.npz`` file, read one at a time.

    Parameters
    ----------
    path : Path
        The file.
    where : str, optional
        What messages call it; its path when None.
    expected : str
        What it should be, for messages.

    Attributes
    ----------
    names : tuple of str
        Its arrays.

    Raises
    ------
    DataError
        For a missing, damaged or other file, and for an array that stands twice.
    """

    def __init__(self, path: Path, where: str | None = None, expected: str = NPZ) -> None:
        self.path, self.where, self.expected = path, where or str(path), expected
        check_kind(path, expected, kinds.NPZ, kinds.ZIP)
        with reading(path, expected), ZipFile(path) as archive:
            stored = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        twice = [name for name, count in Counter(stored).items() if count > 1]
        if twice:
            raise DataError(f"{self.where}: the array {twice[0]!r} stands twice, expected each array once")
        self.names = tuple(stored)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array that is there, from its header."""
        return self.header(name)[0]

    def header(self, name: str, whole: bool = True) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of an array that is there, without reading it; ``whole``: it has to fit into the memory."""
        with reading(self.path, self.expected), ZipFile(self.path) as archive, archive.open(f"{name}.npy") as stream:
            return self._header(name, stream, archive.getinfo(f"{name}.npy").file_size, whole)

    def blocks(self, name: str, rows: int) -> Iterator[np.ndarray]:
        """Yield consecutive blocks of at most ``rows`` entries of an array of numbers, never the whole array.

        Raises
        ------
        DataError
            As `array`, and for one in Fortran order, which has no rows to read.
        """
        with ZipFile(self.path) as archive:
            columns = in_columns(archive, name)
        with reading(self.path, self.expected), ZipFile(self.path) as archive, archive.open(f"{name}.npy") as stream:
            shape, dtype = self._header(name, stream, archive.getinfo(f"{name}.npy").file_size, whole=False)
            if columns and len(shape) > 1:
                raise DataError(f"{self.where}: {name}: found Fortran order, expected C order (ascontiguousarray)")
            for start in range(0, shape[0], rows):
                count = min(rows, shape[0] - start)
                data = stream.read(count * math.prod(shape[1:]) * dtype.itemsize)
                yield np.frombuffer(data, dtype=dtype).reshape(count, *shape[1:])
            stream.read(1)  # at the end, where the checksum is compared

    def array(self, name: str) -> np.ndarray:
        """An array that is there, of numbers or text.

        Raises
        ------
        DataError
            For damage, another kind of values, and a header that declares more than the file can hold or the memory
            has.
        """
        with reading(self.path, self.expected), ZipFile(self.path) as archive:
            with archive.open(f"{name}.npy") as stream:
                self._header(name, stream, archive.getinfo(f"{name}.npy").file_size)
            with archive.open(f"{name}.npy") as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
                stream.read(1)  # at the end, where the checksum is compared
        return plain(f"{self.where}: {name}", array)

    def _header(
        self, name: str, stream: IO[bytes], declared: int, whole: bool = True
    ) -> tuple[tuple[int, ...], np.dtype]:
        where = f"{self.where}: {name}"
        shape, dtype = header_of(where, stream)
        size, held = math.prod(shape) * dtype.itemsize, declared - stream.tell()
        if size > held:
            raise DataError(
                f"{where}: found a header that declares the shape {shape}, {in_words(size)}, before {in_words(held)}, "
                "expected a file that holds what it declares"
            )
        if whole:
            check_declared(where, shape, dtype.itemsize, self.path.stat().st_size)
        return shape, dtype


def in_columns(archive: ZipFile, name: str) -> bool:
    """Whether an array of an archive is stored column by column."""
    with archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return bool(read(stream)[1])


def open_npy(path: Path, where: str | None = None) -> np.ndarray:
    """Map an ``.npy`` array of numbers or text without reading it; text is read.

    Raises
    ------
    DataError
        For a missing, damaged or other file, other kinds of values, and a file shorter than its header declares.
    """
    where = where or str(path)
    check_kind(path, NPY, kinds.NPY)
    with reading(path, NPY):
        with path.open("rb") as stream:
            shape, dtype = header_of(where, stream)
            found, declared = path.stat().st_size - stream.tell(), math.prod(shape) * dtype.itemsize
        if found < declared:
            raise DataError(
                f"{where}: found {found:,} bytes below the header, expected {declared:,} for the shape {shape} of "
                f"{dtype}; the file ends early or is damaged"
            )
        mapped = declared > 0 and len(shape) > 0
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return plain(where, array)


def header_of(where: str, stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array whose ``.npy`` form begins here; Python objects are a `DataError`."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise DataError(f"{where}: {OBJECTS}")
    if any(side < 0 for side in shape):
        raise DataError(f"{where}: found the shape {shape}, expected sides of at least 0")
    return tuple(int(side) for side in shape), dtype
