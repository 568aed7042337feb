"""Feature matrices written block by block; files sealed by a hash a mebibyte and checked, whole or by samples."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gzsl.data.fingerprint import FeatureHash
from gzsl.data.readers.raw import Features
from gzsl.door.documents import Document, read_document, read_json
from gzsl.errors import DataError, GzslError, RunError
from gzsl.files import write_json

BLOCK = 2**20  # bytes under one hash
SEALS, CHECKED = "seals.json", "checked.json"
SAMPLED = 8  # blocks that are looked at in a file whose size and times are as they were


class Seal(Document):
    """What one file was when it was written: its size in bytes, and a hash of every mebibyte."""

    size: int
    blocks: list[str]


class Seals(Document):
    """Those of the files of a folder, by name: ``seals.json``."""

    files: dict[str, Seal]


def write_features(features: Features, path: Path) -> str:
    """Write a ``.npy`` of float32 block by block.

    Returns
    -------
    str
        The hash of its numbers, see `gzsl.data.fingerprint.FeatureHash`.

    Raises
    ------
    DataError
        For numbers that are not finite, and a row too few or too many.
    """
    digest = FeatureHash(features.shape[1])
    header = {"descr": "<f4", "fortran_order": False, "shape": features.shape}
    rows = 0
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for _, block in features.blocks():
            digest.add(block)
            stream.write(block.data)
            rows += len(block)
        stream.flush()
        os.fsync(stream.fileno())
    if rows != features.shape[0]:
        raise DataError(f"{features.where}: found {rows} rows, expected {features.shape[0]}, one a label")
    return digest.result()


def seal_folder(folder: Path, names: Sequence[str]) -> None:
    """Read files back as they lie on the disk and write down what they are."""
    sealed = Seals(files={name: _seal(folder / name) for name in names})
    write_json(folder / SEALS, sealed.model_dump())


def is_whole(folder: Path, names: Sequence[str], every_block: bool = False) -> bool:
    """Whether files of a folder are as they were sealed.

    A file of more than eight mebibytes is checked by samples (the first and last block, and others by chance at every
    call) while its size and times are those of the last check of all its blocks.

    Parameters
    ----------
    folder : Path
        As `seal_folder` left it.
    names : sequence of str
        Which of its files.
    every_block : bool
        Check every block in any case.

    Raises
    ------
    OSError, GzslError
        When a file is missing or the seals cannot be read.
    """
    seals = read_document(folder / SEALS, Seals).files
    found = {name: [seals[name].blocks[:1], *_times(folder / name)] for name in names}
    known = not every_block and _last_checked(folder) == found
    if not all(_is_whole(folder / name, seals[name], sampled=known) for name in names):
        return False
    if not known:
        with suppress(RunError):  # a folder of somebody else's: then all is checked every time
            write_json(folder / CHECKED, found)
    return True


def _times(path: Path) -> list[str]:
    found = path.stat()
    return [str(found.st_size), str(found.st_mtime_ns), str(found.st_ctime_ns)]


def _last_checked(folder: Path) -> Any:
    try:
        return read_json(folder / CHECKED)
    except GzslError:
        return None


def _seal(path: Path) -> Seal:
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        return Seal(size=size, blocks=[_hash(stream, k) for k in range(-(-size // BLOCK))])


def _is_whole(path: Path, seal: Seal, sampled: bool) -> bool:
    count = len(seal.blocks)
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size != seal.size or count != -(-seal.size // BLOCK):
            return False
        chosen = set(range(count))
        if sampled and count > SAMPLED:
            chosen = {0, count - 1, *random.SystemRandom().sample(range(1, count - 1), SAMPLED - 2)}
        return all(_hash(stream, k) == seal.blocks[k] for k in sorted(chosen))


def _hash(stream: BinaryIO, block: int) -> str:
    stream.seek(block * BLOCK)
    return hashlib.blake2b(stream.read(BLOCK), digest_size=16).hexdigest()
