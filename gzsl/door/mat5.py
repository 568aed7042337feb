"""MATLAB v5 files, looked at before scipy reads them: its reader of cells goes as deep as they are nested."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gzsl.errors import DataError

DEEPEST = 16
MATRIX, COMPRESSED = 14, 15
CHUNK = 2**12


def check_depth(path: Path, where: str) -> None:
    """Refuse cells and structures that are nested more than 16 deep.

    Parameters
    ----------
    path : Path
        A MATLAB v5 file.
    where : str
        What messages call it.

    Raises
    ------
    DataError
        For deeper nesting. What is damaged in another way is left to the reader.
    """
    with path.open("rb") as stream:
        order = "<" if stream.read(128)[126:] == b"IM" else ">"
        while len(tag := stream.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            after = stream.tell() + size
            if kind == COMPRESSED:
                _walk(_Source(_unpacked(stream, size)), order, where)
            elif kind == MATRIX:
                _walk(_Source(iter([tag, *_blocks(stream, size)])), order, where)
            stream.seek(after)


def _walk(source: _Source, order: str, where: str) -> None:
    """Walk through one variable: an array holds further elements, everything else is skipped."""
    ends: list[int] = []
    while len(tag := source.take(8)) == 8:
        while ends and source.position > ends[-1]:
            ends.pop()
        kind, size = struct.unpack(f"{order}II", tag)
        if kind >> 16:  # a small element: its data are within the tag
            continue
        if kind != MATRIX:
            source.skip(size + -size % 8)
            continue
        ends.append(source.position + size)
        if len(ends) > DEEPEST:
            raise DataError(f"{where}: found cells nested more than {DEEPEST} deep, expected a cell a string")


def _blocks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (block := stream.read(min(size, CHUNK))):
        size -= len(block)
        yield block


def _unpacked(stream: BinaryIO, size: int) -> Iterator[bytes]:
    engine = zlib.decompressobj()
    try:
        for block in _blocks(stream, size):
            yield engine.decompress(block, CHUNK)
            while engine.unconsumed_tail:
                yield engine.decompress(engine.unconsumed_tail, CHUNK)
    except zlib.error:
        return


class _Source:
    """Bytes that come in blocks, taken and skipped in order."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest, self.position = blocks, b"", 0

    def take(self, count: int) -> bytes:
        """The next bytes; fewer at the end."""
        while len(self._rest) < count and (block := next(self._blocks, None)) is not None:
            self._rest += block
        found, self._rest = self._rest[:count], self._rest[count:]
        self.position += len(found)
        return found

    def skip(self, count: int) -> None:
        """Leave out the next bytes."""
        while count > len(self._rest) and (block := next(self._blocks, None)) is not None:
            count -= len(self._rest)
            self.position += len(self._rest)
            self._rest = block
        self.take(min(count, len(self._rest)))
