"""Files that are whole or absent: atomic writes, content hashes, disk errors in one sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gzsl.door.paths import output_file
from gzsl.errors import RunError, StorageError

LOCK = ".lock"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder; on success it replaces ``path`` in one step.

    A link stays, and what it leads to is replaced.

    Raises
    ------
    RunError
        When the folder is not writable, the disk is full, or a folder, pipe or device is there; nothing half-written
        stays behind.
    """
    path = output_file(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        name.touch(exist_ok=False)  # not tempfile's, which only its owner may read: runs and reports are shared
        temporary = name
        mode = name.stat().st_mode
        yield temporary
        if temporary.stat().st_mode != mode:  # a library put a file of its own there, which only its owner may read
            temporary.chmod(mode)
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise as_run_error(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def make_folder(path: Path) -> Path:
    """Create a folder (and its parents) or say in one sentence why it cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise as_run_error(error, path) from error
    return path


@contextmanager
def locked(folder: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a folder against other processes that write there; waits while another one holds it.

    The lock belongs to the process, so it disappears with it, even by ``kill -9``; its file ``.lock`` stays.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    on_wait : callable
        Called once when another process holds the folder.

    Raises
    ------
    RunError
        When the folder is not writable or cannot be locked.
    """
    from filelock import FileLock, Timeout  # brings asyncio along, which a command's help can do without

    make_folder(folder)
    lock = FileLock(folder / LOCK)
    try:
        try:
            lock.acquire(timeout=0.05)
        except Timeout:
            on_wait()
            lock.acquire()
    except OSError as error:
        found = as_run_error(error, folder)
        locks = RunError(f"{folder}: cannot be locked ({error.strerror or error})")
        raise (found if isinstance(found, StorageError) else locks) from None
    try:
        yield
    finally:
        lock.release()


def file_hash(path: Path) -> str:
    """Hex digest (BLAKE2b, 32 hex digits) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def value_hash(value: Any) -> str:
    """Hex digest (BLAKE2b, 32 hex digits) of a JSON-able value, independent of key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def as_run_error(error: OSError, path: Path) -> RunError:
    """What a failed write means to the user, in one sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"{path}: the disk is full; nothing was left half-written. Free some space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(
            f"{path}: found a place that is not writable, expected a writable one (choose another --out)"
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return RunError(f"{path}: cannot be written (found a file there or on the way, expected a folder)")
    return RunError(f"{path}: cannot be written ({error.strerror or error})")
