"""Text files from outside: encoding and kind are found from the first bytes, the size is bounded."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from gzsl.door import kinds
from gzsl.door.paths import regular_file
from gzsl.errors import DataError, GzslError

LARGEST = 2**26  # bytes of a text that is read as a whole
UNPACKED_SHARE = 200  # packed text unpacks to a few times its size, a bomb to a thousand times
UNPACKED_ALWAYS = 2**26


@contextmanager
def open_text(path: Path | str, expected: str, error: type[GzslError] = DataError) -> Iterator[TextIO]:
    """Yield the lines of a text file, with line ends as they are (what the module csv wants).

    UTF-8 with and without a byte order mark, UTF-16 and UTF-32 with one, each also gzipped, are read.

    Parameters
    ----------
    path : path
        As the user wrote it.
    expected : str
        What the file should be, for messages, e.g. ``a CSV file``.
    error : type
        Class of the error.

    Raises
    ------
    GzslError
        ``error``, for what is no regular file, another kind of file (named by its first bytes), bytes that are no
        text in that encoding (with the line), and damaged gzip data; also while lines are read.
    """
    try:
        with open_bytes(path, expected, error) as raw:
            head = _peek(raw)
            kind = kinds.kind_of(head)
            if not kind.is_text:
                raise error(f"{path}: found {kind}, expected {expected}")
            encoding = kinds.encoding_of(head)
            with io.TextIOWrapper(raw, encoding=encoding, newline="") as stream:
                yield stream
    except UnicodeDecodeError as reason:
        raise error(f"{path}: {_undecodable(Path(path), reason)}, expected {expected} in UTF-8") from None


@contextmanager
def open_bytes(path: Path | str, expected: str, error: type[GzslError] = DataError) -> Iterator[io.BufferedReader]:
    """Yield the bytes of a regular file, unpacked where they are gzipped; arguments and errors as of `open_text`."""
    path = regular_file(path, expected, error)
    try:
        with _binary(path, expected, error) as raw:
            yield raw
    except (zlib.error, EOFError, gzip.BadGzipFile) as reason:
        raise error(f"{path}: found gzip data that end early or are damaged ({reason}), expected {expected}") from None
    except OSError as reason:
        why = reason.strerror or str(reason)
        raise error(f"{path}: cannot be read ({why}), expected {expected}") from None


def read_text(
    path: Path | str, expected: str, error: type[GzslError] = DataError, largest: int = LARGEST
) -> str:
    """The whole of a text file; every line ends in one newline character.

    Parameters
    ----------
    path, expected, error
        As for `open_text`.
    largest : int
        Bytes of the file, and characters of its text, from which on it is refused.

    Raises
    ------
    GzslError
        ``error``, as `open_text`, and for a file that is too large.
    """
    path = regular_file(path, expected, error)
    size = path.stat().st_size
    if size > largest:
        raise error(f"{path}: found {size:,} bytes, expected {expected} of at most {largest:,}")
    with open_text(path, expected, error) as stream:
        text = stream.read(largest + 1)
    if len(text) > largest:
        raise error(f"{path}: found text that unpacks to more than {largest:,} characters, expected {expected}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _binary(path: Path, expected: str, error: type[GzslError]) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked where they are gzipped."""
    with path.open("rb") as plain:
        if not plain.peek(2).startswith(b"\x1f\x8b"):
            yield plain
            return
        most = max(UNPACKED_ALWAYS, UNPACKED_SHARE * path.stat().st_size)
        with gzip.GzipFile(fileobj=plain) as unpacked:
            problem = error(f"{path}: found gzip data that unpack to over {most:,} bytes, expected {expected}")
            yield io.BufferedReader(_Bounded(cast(BinaryIO, unpacked), most, problem))


def _peek(raw: io.BufferedReader) -> bytes:
    """The first bytes without moving; a buffer holds at least `kinds.HEAD`."""
    return raw.peek(kinds.HEAD)[: kinds.HEAD]


class _Bounded(io.RawIOBase):
    """A stream of bytes that ends in an error after so many."""

    def __init__(self, stream: BinaryIO, most: int, problem: GzslError) -> None:
        self._stream, self._left, self._problem = stream, most, problem

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise self._problem
        buffer[: len(data)] = data
        return len(data)


def _undecodable(path: Path, reason: UnicodeDecodeError) -> str:
    """What is wrong, with the line where the file is plain UTF-8: streams know only the place in their buffer."""
    if reason.encoding.startswith("utf-8") and kinds.kind_of(kinds.head_of(path)) is not kinds.GZIP:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    line.decode()
                except UnicodeDecodeError as found:
                    byte = line[found.start]
                    return f"line {number}: found the byte 0x{byte:02x}, which is no UTF-8 (Latin-1? save it as UTF-8)"
    return f"found bytes that are no {reason.encoding} text"
