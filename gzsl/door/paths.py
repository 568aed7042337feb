"""Paths from outside: regular files are read and written, everything else is refused in one sentence."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from gzsl.errors import DataError, GzslError, RunError

LONGEST_NAME = 255  # bytes, of every file system in common use
LONGEST_PATH = 4096
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def shown(path: Path | str) -> str:
    r"""A path as a message may print it: bytes that are no UTF-8 come as ``\udcNN``, a long name is cut."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_NAME else f"{text[:40]}...{text[-20:]}"


def user_path(path: Path | str, expected: str = "a file or folder", error: type[GzslError] = DataError) -> Path:
    """A path as a user wrote it, with ``~`` replaced; the file need not exist.

    Raises
    ------
    GzslError
        ``error``, for an empty path, an unknown ``~user``, a name over 255 bytes, and one that is no UTF-8.
    """
    text = str(path)
    if not text or "\0" in text:
        found = "a NUL character in the path" if text else "an empty path"
        raise error(f"{text.replace(chr(0), '?') or 'path'}: found {found}, expected {expected}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise error(f"{shown(text)}: found a name that is no UTF-8, expected one that is (rename it)") from None
    longest = max((len(part.encode()) for part in Path(text).parts), default=0)
    if longest > LONGEST_NAME or len(text.encode()) > LONGEST_PATH:
        raise error(f"{shown(text)}: found a name of {longest} bytes, expected at most {LONGEST_NAME}, of {expected}")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise error(f"{text}: found no user {Path(text).parts[0][1:]!r}, expected {expected}") from None


def regular_file(path: Path | str, expected: str, error: type[GzslError] = DataError) -> Path:
    """The path of an existing regular file, or of a link to one.

    Parameters
    ----------
    path : path
        As the user wrote it.
    expected : str
        What the file should be, e.g. ``a YAML file``.
    error : type
        Class of the error.

    Raises
    ------
    GzslError
        ``error``, when nothing is there, or a folder, pipe, socket or device, which are never opened.
    """
    path = user_path(path, expected, error)
    mode = _mode(path, expected, error)
    if mode is None:
        raise error(f"{path}: no such file, expected {expected}")
    if not stat.S_ISREG(mode):
        raise error(f"{path}: found {_kind(mode)}, expected {expected}")
    return path


def is_folder(path: Path | str, expected: str = "a folder", error: type[GzslError] = DataError) -> bool:
    """Whether a path as the user wrote it is a folder; what may not be looked at is an error."""
    mode = _mode(user_path(path, expected, error), expected, error)
    return mode is not None and stat.S_ISDIR(mode)


def file_at(path: Path | str, expected: str = "a file", error: type[GzslError] = DataError) -> Path | None:
    """A path as the user wrote it where a regular file is, else None; what may not be looked at is an error."""
    place = user_path(path, expected, error)
    mode = _mode(place, expected, error)
    return place if mode is not None and stat.S_ISREG(mode) else None


def output_file(path: Path, error: type[GzslError] = RunError) -> Path:
    """The regular file that writing to ``path`` makes or replaces: itself, or what a link leads to.

    Raises
    ------
    GzslError
        ``error``, when a folder, pipe, socket or device is there, which replacing would destroy.
    """
    expected = "a file to write"
    path = user_path(path, expected, error)
    mode = _mode(path, expected, error)
    if mode is not None and not stat.S_ISREG(mode):
        raise error(f"{path}: found {_kind(mode)}, expected the name of a file to write")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _mode(path: Path, expected: str, error: type[GzslError]) -> int | None:
    """Mode of what a path leads to; None when nothing is there."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as reason:
        if reason.errno in (errno.EACCES, errno.EPERM):
            raise error(f"{shown(path)}: found a file that may not be read, expected {expected}") from None
        raise error(f"{shown(path)}: cannot be opened ({reason.strerror}), expected {expected}") from None


def _kind(mode: int) -> str:
    return next((name for test, name in KINDS if test(mode)), "something that is no file")
