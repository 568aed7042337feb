"""Text from outside: encodings found, other kinds of files named, sizes bounded."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gzsl.door import text
from gzsl.door.kinds import kind_of
from gzsl.errors import DataError, RecipeError

WORDS = "Méisange 1\r\nΑθήνα 2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_marked_encoding_reads_the_same(encoding: str, packed: bool, tmp_path: Path) -> None:
    data = (codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b"") + WORDS.encode(encoding)
    path = tmp_path / "t.txt"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert text.read_text(path, "text") == "Méisange 1\nΑθήνα 2\n"
    with text.open_text(path, "text") as stream:
        assert list(stream) == ["Méisange 1\r\n", "Αθήνα 2\n"]


def excel() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    return stream.getvalue()


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.arange(3))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer .*git lfs pull"),
        (b"\x80\x04\x95\x10\x00\x00\x00", "a Python pickle .*never opened"),
        (excel(), "an Excel or OpenDocument workbook .save it as CSV"),
        (npz(), "an .npz file"),
        (b"\x93NUMPY\x01\x00v\x00", "an .npy array"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + b" " * 100, "a MATLAB file"),
        (b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n", "a MATLAB v7.3 file"),
        (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
        (b"\0" * 512 + b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"  <!DOCTYPE html><p>sign in", "a web page .the download failed"),
        (b"a\0b\0", "binary data"),
        (b"\x10\0\0\0\0\0\0\0{\"x\": 1}", "a safetensors file"),
    ],
)
def test_other_kinds_are_named(data: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(RecipeError, match=f"t.csv: found {sentence}.*expected a CSV file") as caught:
        text.read_text(path, "a CSV file", RecipeError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"ok\nok\nM\xe9sange\n", "line 3: found the byte 0xe9, which is no UTF-8"),
        (b"a\n" * 9000 + b"\xff\n", "line 9001: found the byte 0xff"),
        (codecs.BOM_UTF16_LE + b"a\x00b", "found bytes that are no utf-16"),
        (gzip.compress(b"ok\nM\xe9sange\n", mtime=0), "found bytes that are no utf-8"),
        (gzip.compress(WORDS.encode() * 50, mtime=0)[:-12], "gzip data that end early or are damaged"),
        (gzip.compress(b"text", mtime=0)[:12] + b"\xff" * 9, "gzip data that end early or are damaged"),
    ],
    ids=["latin-1", "late byte", "half a character", "packed latin-1", "packed and cut", "packed and overwritten"],
)
def test_damage_is_one_sentence(data: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(DataError, match=sentence) as caught:
        text.read_text(path, "a CSV file")
    assert str(caught.value).startswith(f"{path}: ")


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.txt"
    path.write_text("x" * 1000)
    with pytest.raises(DataError, match="found 1,000 bytes, expected notes of at most 999"):
        text.read_text(path, "notes", largest=999)
    path.write_bytes(gzip.compress(b"x" * 10_000))
    with pytest.raises(DataError, match="unpacks to more than 5,000 characters"):
        text.read_text(path, "notes", largest=5000)
    monkeypatch.setattr(text, "UNPACKED_ALWAYS", 0)
    path.write_bytes(gzip.compress(b"x" * 10_000_000))
    with pytest.raises(DataError, match="gzip data that unpack to over"), text.open_text(path, "notes") as stream:
        stream.readline()


def test_plain_text_is_text() -> None:
    assert kind_of(b"class,a\n").is_text
    assert kind_of(b"").name == "an empty file"
    assert kind_of(b"\x80\xff\n").is_text  # a wrong encoding, which reading it names
