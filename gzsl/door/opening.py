"""Opening files for a parser so that a missing, foreign, damaged or unreadable one ends in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gzsl.door import kinds
from gzsl.door.paths import regular_file
from gzsl.errors import DataError, GzslError

PARSED = (kinds.NPZ, kinds.NPY, kinds.MAT, kinds.MAT73, kinds.HDF, kinds.BINARY, kinds.TEXT, kinds.EMPTY)


def short(path: Path) -> str:
    """Folder and file name, for messages and notes."""
    return f"{path.resolve().parent.name}/{path.name}"


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a parser raises about ``path`` into one `DataError`; what is no regular file is never opened.

    Parameters
    ----------
    path : Path
        The file that is being read.
    kind : str
        What it should be, e.g. ``a MATLAB file``.
    """
    regular_file(path, kind)
    try:
        yield
    except (GzslError, KeyboardInterrupt):
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, expected {kind}") from None
    except PermissionError:
        raise DataError(f"{path}: found a file that may not be read, expected {kind}") from None
    except MemoryError:
        raise DataError(f"{path}: found more than the memory holds, expected {kind} that fits") from None
    except Exception as error:  # parsers raise OSError, ValueError, TypeError, zlib.error, KeyError, ...
        raise _damaged(path, kind, error) from error


def check_kind(path: Path, expected: str, *allowed: kinds.Kind) -> None:
    """Refuse a regular file whose first bytes say that it is something else.

    Raises
    ------
    DataError
        With what it is and, where there is one, the remedy.
    """
    with reading(path, expected):
        found = kinds.kind_of(kinds.head_of(path))
    if found not in allowed:
        raise DataError(f"{path}: found {found}, expected {expected}")


def _damaged(path: Path, kind: str, error: Exception) -> DataError:
    try:
        found, size = kinds.kind_of(kinds.head_of(path)), f"{path.stat().st_size:,} bytes"
    except OSError:
        found, size = kinds.BINARY, "bytes"
    if found not in PARSED:
        return DataError(f"{path}: found {found}, expected {kind}")
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path}: cannot be read as {kind}; found {size} that end early or are damaged ({reason})")
