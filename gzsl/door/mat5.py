"""MATLAB v5 files: numbers, text and cells of text.

scipy's reader follows cells as deep as they are nested and trusts the sizes within: small damaged files end the whole
process (segmentation fault). What a dataset needs of the format is small, so it is read here, every size held against
the bytes that are there.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

HEADER = 128
DEEPEST = 16
LARGEST_TEXT = 2**26  # bytes of a variable of text or cells
PREFIX = 4096  # bytes that hold flags, shape and name of a variable
MATRIX, COMPRESSED = 14, 15
CELL, CHAR, SPARSE = "cell", "char", "sparse"
CLASSES = (
    "", CELL, "struct", "object", CHAR, SPARSE, "double", "single", "int8", "uint8", "int16", "uint16", "int32",
    "uint32", "int64", "uint64", "function", "opaque",
)  # fmt: skip
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CODECS = {1: "latin-1", 2: "latin-1", 16: "utf-8"}
LOGICAL, COMPLEX = 0x200, 0x800


@dataclass(frozen=True)
class Variable:
    """One variable of a file, unread.

    Attributes
    ----------
    name : str
        As MATLAB shows it.
    shape : tuple of int
        As MATLAB shows it.
    kind : str
        MATLAB's class, ``logical`` for truth values.
    is_complex : bool
        Whether it has an imaginary part.
    start, size : int
        Where it lies in the file.
    packed : bool
        Whether it is compressed.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    is_complex: bool
    start: int
    size: int
    packed: bool


class Mat5:
    """A MATLAB v5 file; every method raises ValueError for damage, which the caller turns into a sentence.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as stream:
            order = stream.read(HEADER)[HEADER - 2 :]
            if order not in (b"IM", b"MI"):
                raise ValueError(f"no whole header of {HEADER} bytes")
            self._order = "<" if order == b"IM" else ">"
            self.variables = [found for found in self._found(stream) if found.name]

    def numbers(self, variable: Variable) -> np.ndarray:
        """A full numeric variable, of the type it is stored in, with MATLAB's order of entries."""
        parts = self._parts(variable, variable.size if not variable.packed else _room(variable))
        kind, data = _next(parts, "numbers")
        return self._array(kind, data, math.prod(variable.shape)).reshape(variable.shape, order="F")

    def sparse(self, variable: Variable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, row numbers, and where each column ends, of a sparse variable."""
        parts = self._parts(variable, variable.size if not variable.packed else 1100 * variable.size)
        rows, ends, values = (self._array(*_next(parts, part), None) for part in ("rows", "columns", "numbers"))
        used = int(ends[-1]) if len(ends) else 0  # rows and values have room for more
        return values[:used], rows[:used], ends

    def strings(self, variable: Variable) -> list[str | None]:
        """Cells of text in MATLAB's order, or the rows of a matrix of characters; None for a cell of something else."""
        data = self._bytes(variable, LARGEST_TEXT)
        shape, kind, _, parts = self._opened(data)
        if kind == CHAR:
            return list(self._rows(shape, parts))
        return [self._text(cell, 1) for cell in self._cells(shape, parts)]

    def _found(self, stream: BinaryIO) -> Iterator[Variable]:
        end = stream.seek(0, 2)
        stream.seek(HEADER)
        while len(tag := stream.read(8)) == 8:
            kind, size = struct.unpack(f"{self._order}II", tag)
            start = stream.tell()
            if start + size > end:
                raise ValueError(f"a variable of {size:,} bytes at the place {start:,}")
            if kind in (MATRIX, COMPRESSED):
                prefix = tag + stream.read(min(size, PREFIX))
                if kind == COMPRESSED:
                    prefix = zlib.decompressobj().decompress(prefix[8:], PREFIX)
                yield self._described(prefix, start, size, kind == COMPRESSED)
            stream.seek(start + size)

    def _described(self, prefix: bytes, start: int, size: int, packed: bool) -> Variable:
        parts = self._elements(prefix[8:])
        name_of: list[str] = []
        shape, kind, flags = self._head(parts, name_of)
        return Variable(name_of[0], shape, kind, bool(flags & COMPLEX), start, size, packed)

    def _bytes(self, variable: Variable, most: int) -> bytes | memoryview:
        """The content of a variable, after its tag; never more than ``most`` bytes."""
        with self.path.open("rb") as stream:
            stream.seek(variable.start)
            stored = stream.read(variable.size)
        if not variable.packed:
            return stored
        engine = zlib.decompressobj()
        data = engine.decompress(stored, most + 8)
        if not engine.eof and len(data) >= most + 8:
            raise ValueError(f"more than {most:,} bytes in {variable.name!r}")
        if not engine.eof:
            raise ValueError(f"compressed data of {variable.name!r} that end early")
        return memoryview(data)[8:]

    def _parts(self, variable: Variable, most: int) -> Iterator[tuple[int, memoryview]]:
        return self._opened(self._bytes(variable, most))[3]

    def _opened(
        self, data: bytes | memoryview
    ) -> tuple[tuple[int, ...], str, int, Iterator[tuple[int, memoryview]]]:
        parts = self._elements(data)
        return (*self._head(parts, []), parts)

    def _head(self, parts: Iterator[tuple[int, memoryview]], names: list[str]) -> tuple[tuple[int, ...], str, int]:
        """Shape, class and flags; the name goes to ``names``."""
        flags = struct.unpack_from(f"{self._order}I", _next(parts, "flags")[1])[0]
        sides = self._array(5, _next(parts, "shape")[1], None).tolist()
        names.append(bytes(_next(parts, "name")[1]).decode("latin-1"))
        number = flags & 0xFF
        if not 0 < number < len(CLASSES) or len(sides) < 2 or min(sides) < 0:
            raise ValueError(f"a variable of class {number} and shape {tuple(sides)}")
        return tuple(sides), "logical" if flags & LOGICAL else CLASSES[number], flags

    def _elements(self, data: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
        """Type and content of the elements that follow each other."""
        view, place = memoryview(data), 0
        while place + 8 <= len(view):
            kind, size = struct.unpack_from(f"{self._order}II", view, place)
            if kind >> 16:  # a small element: its size and its content are within the tag
                kind, size, start, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
            else:
                start, after = place + 8, place + 8 + size + -size % 8
            if start + size > len(view) or (start == place + 4 and size > 4):
                raise ValueError(f"an element of {size:,} bytes where {len(view) - start:,} are left")
            yield kind, view[start : start + size]
            place = after

    def _array(self, kind: int, data: memoryview, count: int | None) -> np.ndarray:
        if kind not in TYPES:
            raise ValueError(f"numbers of the type {kind}")
        values = np.frombuffer(data, np.dtype(self._order + TYPES[kind]))
        if count is not None and len(values) != count:
            raise ValueError(f"{len(values):,} numbers where the shape wants {count:,}")
        return values

    def _cells(self, shape: tuple[int, ...], parts: Iterator[tuple[int, memoryview]]) -> Iterator[memoryview]:
        for _ in range(math.prod(shape)):
            kind, data = _next(parts, "cell")
            if kind != MATRIX:
                raise ValueError(f"an element of the type {kind} as a cell")
            yield data

    def _text(self, data: memoryview, depth: int) -> str | None:
        """Text of a cell, however often it is wrapped in cells of one entry; None where there is something else."""
        if depth > DEEPEST:
            raise ValueError(f"cells nested more than {DEEPEST} deep")
        if not len(data):
            return ""
        shape, kind, _, parts = self._opened(data)
        if kind == CHAR and (math.prod(shape) == 0 or shape[0] == 1):
            return "".join(self._rows(shape, parts))
        if kind == CELL and math.prod(shape) == 1:
            return self._text(next(self._cells(shape, parts)), depth + 1)
        return None

    def _rows(self, shape: tuple[int, ...], parts: Iterator[tuple[int, memoryview]]) -> Iterator[str]:
        """Rows of a matrix of characters, which is stored column by column."""
        count = math.prod(shape)
        if count == 0:
            return
        kind, data = _next(parts, "text")
        codec = CODECS.get(kind, "utf-16-le" if self._order == "<" else "utf-16-be")
        if kind not in (*CODECS, 4, 17):
            raise ValueError(f"text of the type {kind}")
        text = bytes(data).decode(codec, "surrogatepass" if codec.startswith("utf-16") else "strict")
        if len(shape) != 2 or (len(text) != count and shape[0] > 1):
            raise ValueError(f"{len(text):,} characters where the shape wants {count:,}")
        yield from (text[row :: shape[0]] for row in range(shape[0]))


def _next(parts: Iterator[tuple[int, memoryview]], what: str) -> tuple[int, memoryview]:
    found = next(parts, None)
    if found is None:
        raise ValueError(f"a variable without {what}")
    return found


def _room(variable: Variable) -> int:
    """Bytes that a full numeric variable may take: 8 an entry, and its head."""
    return 8 * math.prod(variable.shape) + PREFIX
