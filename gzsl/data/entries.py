"""Entries of the cache: whole or absent, and named by the content of the user's files."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gzsl.door.documents import read_json
from gzsl.door.paths import regular_file
from gzsl.errors import DataError, GzslError, RunError
from gzsl.files import file_hash, value_hash, write_json
from gzsl.resources import cache_dir

ABANDONED_AFTER_S = 24 * 3600
BUILDING = ".building-"


def stat_of(path: Path) -> list[Any]:
    """Place, size and times of a file: while they stay, its content is taken to be the same."""
    regular_file(path, "a file of data")  # a pipe would be waited for
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    return [str(path.resolve()), found.st_size, str(found.st_mtime_ns), str(found.st_ctime_ns)]


def hash_of(path: Path) -> str:
    """Content hash of a file; taken from the index where its size and times are those of last time.

    Raises
    ------
    DataError
        When the file cannot be read, or the cache folder cannot be written to.
    """
    known = _remembered(path)
    if known is not None:
        return known
    stat = stat_of(path)
    try:
        digest = file_hash(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        write_json(_index_file(path), {"stat": stat, "hash": digest})
    except RunError as error:
        raise not_writable(error) from error
    return digest


def build_entry(entry: Path, write: Callable[[Path], None]) -> None:
    """Write an entry into a temporary folder and rename it into place; another process may be faster.

    Parameters
    ----------
    entry : Path
        Its folder.
    write : callable
        Writes the files into the folder that it is given.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    _sweep(entry.parent)
    building = Path(tempfile.mkdtemp(prefix=BUILDING, dir=entry.parent))
    try:
        write(building)
        try:
            building.rename(entry)
        except OSError:
            if not entry.is_dir():  # otherwise another process was faster with the same content
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def not_writable(error: Exception) -> DataError:
    """What a failed write into the cache means to the user."""
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(
        f"{cache_dir()}: the converted dataset cannot be written here ({reason}); "
        "free some space or set GZSL_CACHE to another folder"
    )


def _index_file(path: Path) -> Path:
    return cache_dir() / "hashes" / f"{value_hash(str(path.resolve()))}.json"


def _remembered(path: Path) -> str | None:
    try:
        entry = read_json(_index_file(path))
        return str(entry["hash"]) if entry["stat"] == stat_of(path) else None
    except (GzslError, KeyError, TypeError):
        return None


def _sweep(folder: Path) -> None:
    """Remove what killed conversions left behind."""
    for left in folder.glob(f"{BUILDING}*"):
        try:
            abandoned = time.time() - left.stat().st_mtime > ABANDONED_AFTER_S
        except OSError:
            continue
        if abandoned:
            shutil.rmtree(left, ignore_errors=True)
