"""Opening files so that a missing, damaged or unreadable one ends in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gzsl.errors import DataError, GzslError

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def short(path: Path) -> str:
    """Folder and file name, for messages and notes."""
    return f"{path.resolve().parent.name}/{path.name}"


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a parser raises about ``path`` into one `DataError`.

    Parameters
    ----------
    path : Path
        The file that is being read.
    kind : str
        What it should be, e.g. ``a MATLAB file``.
    """
    try:
        yield
    except (GzslError, MemoryError, KeyboardInterrupt):
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, expected {kind}") from None
    except PermissionError:
        raise DataError(f"{path}: found a file that may not be read, expected {kind}") from None
    except Exception as error:  # parsers raise OSError, ValueError, TypeError, zlib.error, KeyError, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read as {kind}; found {_size(path)} that end early or are damaged ({reason})"
        ) from error


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, with MATLAB's 512-byte header in front or without; a missing file is a `DataError`."""
    with reading(path, "a data file"), path.open("rb") as stream:
        head = stream.read(520)
    return head.startswith(HDF5_SIGNATURE) or head[512:] == HDF5_SIGNATURE or head.startswith(b"MATLAB 7.3")


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Yield an open ``h5py.File``.

    Raises
    ------
    DataError
        When h5py is not installed, naming the command that installs it, or when the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"{path}: found an HDF5 file (MATLAB v7.3 is one), which needs h5py: pip install gzsl[hdf5]"
        ) from None
    with reading(path, "an HDF5 file"), h5py.File(path, "r", rdcc_nbytes=2**26) as file:
        yield file


def _size(path: Path) -> str:
    try:
        return f"{path.stat().st_size:,} bytes"
    except OSError:
        return "bytes"
