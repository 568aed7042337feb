"""What an extraction has done so far, and whether what lies in its folder is still that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import Field

from gzsl.door.documents import Document, read_document
from gzsl.errors import DataError, RunError
from gzsl.files import file_hash, value_hash, write_json
from gzsl.images.listing import ImageList

PROGRESS, PART, CARD = "progress.json", "features.part", "card.json"
FEATURES, REGIONS, LISTING = "features.npy", "regions.npy", "images.csv"
READERS = 2  # threads that read picture files


class Skipped(Document):
    """A picture that was left out, and why."""

    image: str
    reason: str


class Batch(Document):
    """Pictures that went through the network together.

    Attributes
    ----------
    done : int
        Pictures up to the end of this batch.
    rows : int
        Rows that this batch added to ``features.part``.
    pictures, features : str
        Digests of the pictures' files and of the rows.
    skipped : tuple of Skipped
        Pictures without a row.
    """

    done: int = Field(ge=1)
    rows: int = Field(ge=0)
    pictures: str
    features: str
    skipped: tuple[Skipped, ...] = Field(default=(), strict=False)


class Progress(Document):
    """Content of ``progress.json``: always as of the end of a batch.

    Attributes
    ----------
    key : str
        Digest of network, list of pictures and settings.
    dimensions : int
        Length of a row; 0 before the first one.
    grid : tuple of int
        Rows and columns of the map that a row is, cell by cell; empty where a row is the mean of one.
    batches : tuple of Batch
        What was done, in order.
    files : dict of str to str
        Digest of each finished file; empty until the folder is finished.
    """

    key: str
    dimensions: int = Field(default=0, ge=0)
    grid: tuple[int, ...] = Field(default=(), strict=False)
    batches: tuple[Batch, ...] = Field(default=(), strict=False)
    files: dict[str, str] = {}

    @property
    def done(self) -> int:
        """Pictures that were looked at."""
        return self.batches[-1].done if self.batches else 0

    @property
    def rows(self) -> int:
        """Rows that were written."""
        return sum(batch.rows for batch in self.batches)

    @property
    def skipped(self) -> list[dict[str, str]]:
        """Pictures that were left out."""
        return [entry.model_dump() for batch in self.batches for entry in batch.skipped]

    def write(self, folder: Path) -> None:
        """Replace the folder's ``progress.json``."""
        write_json(folder / PROGRESS, self.model_dump())


def batch_digest(digests: Sequence[str]) -> str:
    """One digest of the digests of a batch's pictures."""
    return value_hash(list(digests))


def bytes_digest(data: bytes | memoryview) -> str:
    """Digest of some rows."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def resume(folder: Path, key: str, images: ImageList, note: Callable[[str], None]) -> Progress:
    """What of an earlier extraction holds for these very pictures and this network; the rest is done anew.

    Raises
    ------
    DataError
        When something in the folder is not of an extraction, or was changed by hand, and would be overwritten.
    """
    found = _read(folder)
    if found is None:
        _refuse_foreign(folder)
        return Progress(key=key)
    _refuse_edited(folder, found)
    if found.key != key:
        if found.batches:
            note(f"{folder}: found features of other pictures, another network or other settings; these replace them")
        return Progress(key=key)
    kept = _with_same_pictures(found, images)
    if len(kept) < len(found.batches):
        note(f"{folder}: pictures were changed since their features were extracted; those are extracted anew")
    elif found.files and all(_is(folder / name, digest) for name, digest in found.files.items()):
        return found
    elif found.files and not (folder / PART).is_file():
        note(f"{folder}: {_first_wrong(folder, found)} is not as it was written; the features are extracted anew")
    batches = _with_rows(folder / PART, kept, found.dimensions)
    return Progress(key=key, dimensions=found.dimensions, grid=found.grid, batches=batches)


def _read(folder: Path) -> Progress | None:
    if not (folder / PROGRESS).exists():
        return None
    try:
        return read_document(folder / PROGRESS, Progress)
    except RunError as error:
        raise RunError(f"{error}; delete the folder, or choose another --out, to extract anew") from None


def _refuse_foreign(folder: Path) -> None:
    for name in (FEATURES, REGIONS, LISTING, CARD, PART):
        if (folder / name).exists():
            raise DataError(
                f"{folder / name}: found a file that gzsl features extract did not write there, expected --out to be "
                "an empty folder or one of its own"
            )


def _refuse_edited(folder: Path, found: Progress) -> None:
    path = folder / LISTING
    if path.is_file() and found.files and not _is(path, found.files.get(LISTING, "")):
        raise DataError(
            f"{path}: was changed since gzsl features extract wrote it, expected it as it was written; move it away, "
            "or choose another --out"
        )


def _with_same_pictures(found: Progress, images: ImageList) -> list[Batch]:
    """Batches before the first one with a picture that is no longer the same."""
    with ThreadPoolExecutor(READERS) as pool:
        digests = list(pool.map(_digest, [images.root / name for name, _ in images.images[: found.done]]))
    start, kept = 0, []
    for batch in found.batches:
        if batch_digest(digests[start : batch.done]) != batch.pictures:
            break
        kept.append(batch)
        start = batch.done
    return kept


def _with_rows(part: Path, batches: Sequence[Batch], dimensions: int) -> tuple[Batch, ...]:
    """Batches before the first one whose rows are not in the file: a power cut may lose them."""
    kept: list[Batch] = []
    if not part.is_file():
        return ()
    with part.open("rb") as stream:
        for batch in batches:
            if bytes_digest(stream.read(batch.rows * dimensions * 4)) != batch.features:
                break
            kept.append(batch)
    return tuple(kept)


def _digest(path: Path) -> str:
    try:
        return file_hash(path) if path.is_file() else ""
    except OSError:
        return ""


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path) == digest


def _first_wrong(folder: Path, found: Progress) -> str:
    return next(name for name, digest in found.files.items() if not _is(folder / name, digest))
