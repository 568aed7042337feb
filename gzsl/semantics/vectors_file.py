"""Files of word vectors as people have them: GloVe and word2vec as text, word2vec's binary form; each also gzipped."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from gzsl.door import kinds
from gzsl.door.shown import short
from gzsl.door.text import open_bytes
from gzsl.errors import DataError

EXPECTED = "word vectors: a word and its numbers a line, or word2vec's binary form"
SAMPLE = 100  # lines by which the length of a vector is found
LONGEST = 100_000  # numbers of a vector, by the header of a binary file
CHUNK = 2**20
BEGINNING = re.compile(r"[^ \t\r\n]+")
FASTTEXT = b"\xba\x16\x4f\x2f"
HEADER = re.compile(rb"\s*(\d{1,12})[ \t]+(\d{1,6})\s*")


def read_vectors(
    path: Path, wanted: Callable[[str], bool], may_begin: Callable[[str], bool] = bool
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Vectors of the wanted words, read as a stream; of a word that stands twice the first one.

    Parameters
    ----------
    path : Path
        Lines of a word and its numbers, separated by spaces, tabs or commas, with or without word2vec's header; or
        word2vec's binary form. A word may hold spaces: the numbers are counted from the end of the line.
    wanted : callable
        Whether a word is needed.
    may_begin : callable
        Whether a needed word may begin with some letters up to a space: what spares the reading of numbers.

    Returns
    -------
    dict of str to ndarray
        Vectors (d,) float64 by word.
    list of str
        What there is to know about the file, one sentence each.

    Raises
    ------
    DataError
        For another kind of file, and for a damaged line of a wanted word.
    """
    with open_bytes(path, EXPECTED) as raw:
        head = raw.peek(kinds.HEAD)[: kinds.HEAD]
        if head.startswith(FASTTEXT):
            raise DataError(f"{path}: found a fastText model (take its .vec file), expected {EXPECTED}")
        kind = kinds.kind_of(head)
        declared = _declared(head)
        if declared and not _is_text(head):
            raw.readline()
            return _binary(path, raw, *declared, wanted)
        if not kind.is_text or kind is kinds.HTML:
            raise DataError(f"{path}: found {kind}, expected {EXPECTED}")
        encoding = kinds.encoding_of(head)  # a damaged word spoils itself, not the file: old files have some
        with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="\n") as stream:
            return _text(path, stream, wanted, may_begin)


def _declared(head: bytes) -> tuple[int, int] | None:
    """How many words and numbers a header of word2vec declares."""
    found = HEADER.fullmatch(head.partition(b"\n")[0])
    return None if found is None else (int(found[1]), int(found[2]))


def _is_text(head: bytes) -> bool:
    """Whether the first word below a header is followed by numbers that can be read."""
    line = head.partition(b"\n")[2].partition(b"\n")[0]
    fields = line.replace(b"\t", b" ").split()
    numbers = sum(_is_number(field.decode("latin-1")) for field in fields[1:])
    return 2 * numbers >= len(fields[1:]) > 0


def _text(
    path: Path, stream: TextIO, wanted: Callable[[str], bool], may_begin: Callable[[str], bool]
) -> tuple[dict[str, np.ndarray], list[str]]:
    sample = list(islice(stream, SAMPLE))
    declared = _declared(sample[0].encode(errors="replace")) if sample else None
    start = 1 if declared else 0
    separator = _separator(sample[start:])
    width, first = _width(path, sample[start:], separator, declared)
    found: dict[str, np.ndarray] = {}
    count = 0
    for number, line in enumerate(chain(sample, stream), start=1):
        if number <= start or not line.strip():
            continue
        count += 1
        beginning = BEGINNING.match(line) if separator == " " else None
        if beginning and not may_begin(beginning[0]):
            continue  # the fast way: files have millions of lines
        fields = _fields(line, separator)
        word = " ".join(fields[:-width]) if len(fields) > width else fields[0]
        if word in found or not wanted(word) or (number == start + 1 and first == 0):
            continue
        found[word] = _vector(path, number, fields[1:] if len(fields) <= width else fields[-width:], width)
    notes = []
    if declared and count < declared[0]:
        notes.append(f"{path.name}: found {count:,} words, its header declares {declared[0]:,}; is the file whole?")
    return found, notes


def _separator(sample: list[str]) -> str:
    """What separates numbers: white space, unless most lines have none but a comma or a semicolon."""
    for separator in (",", ";"):
        spaced = re.compile(rf"[^{separator}\s][ \t]+[-+.\d]")
        if sum(separator in line and not spaced.search(line) for line in sample) * 2 > len(sample):
            return separator
    return " "


def _fields(line: str, separator: str) -> list[str]:
    line = line.rstrip("\r\n")
    if separator == " ":  # not split(): words may hold the other white space of Unicode
        return [field for field in line.replace("\t", " ").split(" ") if field] or [""]
    return [field.strip() for field in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [""])]


def _width(path: Path, sample: list[str], separator: str, declared: tuple[int, int] | None) -> tuple[int, int]:
    """Numbers of a vector, as most lines have them, and how many the first line has (none is a header of names)."""
    counts = [_numbers_at_end(_fields(line, separator)) for line in sample if line.strip()]
    usual = Counter(count for count in counts if count).most_common(1)
    if not usual:
        found = repr(sample[0].strip()[:40]) if sample else "an empty file"
        raise DataError(f"{path}: line 1: found {found}, expected {EXPECTED}")
    if declared and usual[0][0] != declared[1]:
        raise DataError(f"{path}: found {usual[0][0]} numbers a word, expected {declared[1]} by its header")
    return usual[0][0], counts[0]


def _numbers_at_end(fields: list[str]) -> int:
    count = 0
    for field in reversed(fields[1:]):
        if not _is_number(field):
            break
        count += 1
    return count


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _vector(path: Path, line: int, fields: list[str], width: int) -> np.ndarray:
    wrong = next((field for field in fields if not _is_number(field)), None)
    if wrong is not None:
        raise DataError(f"{path}: line {line}: found {short(wrong)}, expected a word and numbers")
    if len(fields) != width:
        raise DataError(f"{path}: line {line}: found {len(fields)} numbers, expected {width}")
    vector = np.array(fields, dtype=np.float64)
    if not np.isfinite(vector).all():
        raise DataError(f"{path}: line {line}: found NaN or infinite numbers, expected finite ones")
    return vector


def _binary(
    path: Path, raw: io.BufferedReader, n_words: int, width: int, wanted: Callable[[str], bool]
) -> tuple[dict[str, np.ndarray], list[str]]:
    if not 1 <= width <= LONGEST:
        raise DataError(f"{path}: its header declares {width} numbers a word, expected 1 to {LONGEST}")
    found: dict[str, np.ndarray] = {}
    for number, (word, numbers) in enumerate(_entries(path, raw, n_words, width), start=1):
        name = word.decode("utf-8", "replace")
        if name not in found and wanted(name):
            vector = np.frombuffer(numbers, dtype="<f4").astype(np.float64)
            if not np.isfinite(vector).all():
                raise DataError(f"{path}: word {number}: found NaN or infinite numbers, expected finite ones")
            found[name] = vector
    return found, []


def _entries(path: Path, raw: io.BufferedReader, n_words: int, width: int) -> Iterator[tuple[bytes, bytes]]:
    """Words and their numbers as bytes: a word, a space, numbers, and in most files a line end."""
    buffer, place, size = b"", 0, 4 * width
    for number in range(n_words):
        space = buffer.find(b" ", place)
        while space < 0 or space + 1 + size > len(buffer):
            more = raw.read(max(CHUNK, size))
            if not more or (space < 0 and len(buffer) - place > CHUNK):
                raise DataError(f"{path}: ends within word {number + 1} of {n_words:,}, expected a whole file")
            buffer, place = buffer[place:] + more, 0
            space = buffer.find(b" ", place)
        yield buffer[place:space].lstrip(b"\r\n"), buffer[space + 1 : space + 1 + size]
        place = space + 1 + size
