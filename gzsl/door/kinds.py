"""What a file is, by its first bytes: so that a wrong one is named instead of called damaged."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

HEAD = 4096
HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Kind:
    """What a file was found to be.

    Attributes
    ----------
    name : str
        With its article, e.g. ``an HDF5 file``.
    remedy : str
        What to do about it, or empty.
    is_text : bool
        Whether it can be read as text.
    """

    name: str
    remedy: str = ""
    is_text: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.remedy})" if self.remedy else self.name


GZIP, ZIP, NPY = Kind("a gzip file", "unpack it"), Kind("a ZIP archive", "unpack it"), Kind("an .npy array")
NPZ, MAT, MAT73, HDF = Kind("an .npz file"), Kind("a MATLAB file"), Kind("a MATLAB v7.3 file"), Kind("an HDF5 file")
EMPTY, TEXT, BINARY = Kind("an empty file", is_text=True), Kind("a text file", is_text=True), Kind("binary data")
PICKLE = Kind("a Python pickle", "which may run code and is never opened; save plain arrays with numpy.savez")
TORCH = Kind("a PyTorch checkpoint", "a pickle, which may run code and is never opened; save plain arrays")
EXCEL = Kind("an Excel or OpenDocument workbook", "save it as CSV")
LFS = Kind("a Git LFS pointer instead of the file", "run git lfs pull")
HTML = Kind("a web page", "the download failed or needs a login")

SIGNATURES = (
    (b"version https://git-lfs.github.com/spec/", LFS),
    (b"\x1f\x8b", GZIP),
    (b"\x93NUMPY", NPY),
    (HDF5, HDF),
    (b"MATLAB 7.3", MAT73),
    (b"MATLAB 5", MAT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", EXCEL),
    (b"BZh", Kind("a bzip2 file", "unpack it")),
    (b"\xfd7zXZ\x00", Kind("an xz file", "unpack it")),
    (b"\x28\xb5\x2f\xfd", Kind("a zstd file", "unpack it")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", "unpack it")),
    (b"Rar!\x1a\x07", Kind("a RAR archive", "unpack it")),
    (b"%PDF-", Kind("a PDF")),
    (b"\x89PNG\r\n", Kind("a picture")),
    (b"\xff\xd8\xff", Kind("a picture")),
    (b"GIF8", Kind("a picture")),
    (b"SQLite format 3\0", Kind("an SQLite database")),
    (b"PAR1", Kind("a Parquet file", "save it as CSV")),
    (b"ARROW1", Kind("an Arrow file", "save it as CSV")),
    (b"\x00\x05\x16\x07", Kind("an AppleDouble file of macOS", "it holds no data; take the one without ._")),
)  # fmt: skip
ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def head_of(path: Path) -> bytes:
    """The first bytes of a regular file."""
    with path.open("rb") as stream:
        return stream.read(HEAD)


def encoding_of(head: bytes) -> str:
    """Encoding by the byte order mark; UTF-8 where there is none."""
    return next((name for mark, name in ENCODINGS if head.startswith(mark)), "utf-8")


def kind_of(head: bytes) -> Kind:
    """What the first bytes of a file (at least `HEAD`, or all of them) say that it is."""
    if not head:
        return EMPTY
    for signature, kind in SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return MAT
    if head[512:520] == HDF5:  # behind MATLAB's header, or another block of a user
        return HDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(head)
    if _is_pickle(head):
        return PICKLE
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 2**27:
        return Kind("a safetensors file")
    return _text(head)


def _text(head: bytes) -> Kind:
    if b"\0" in head and encoding_of(head) == "utf-8":
        return BINARY
    return HTML if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")) else TEXT


def _archive(head: bytes) -> Kind:
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if first == b"[Content_Types].xml" or (first == b"mimetype" and b"opendocument" in head[:200]):
        return EXCEL
    if first.endswith(b"/data.pkl") or b"/data.pkl" in head[:200]:
        return TORCH
    return NPZ if first.endswith(b".npy") or not first else ZIP


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 and later; older ones are text and end up as an unreadable text."""
    return len(head) > 2 and head[0] == 0x80 and head[1] in (2, 3, 4, 5) and head[2:3] in b"\x95}](cXU\x8cKGJMN\x88\x89"
