"""A local WordNet database: synsets of nouns, found by word or by place, and what is above them.

The format is that of WordNet 3.x (``wndb(5WN)``): ``index.noun`` lists the places of the synsets of each word, the most
frequent sense first; a place is the byte in ``data.noun`` at which the line of a synset begins. Debian's package
``wordnet-base`` installs the folder as ``/usr/share/wordnet``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gzsl.door.names import NUMBERING, same_form
from gzsl.door.paths import is_folder, regular_file
from gzsl.errors import DataError

DATA, INDEX = "data.noun", "index.noun"
KIND = "a file of a WordNet 3.x database"
VERSION = re.compile(rb"WordNet (\d+\.\d+) Copyright")
LARGEST = 2**28  # bytes; WordNet 3.1 has 16 million
HYPERNYMS = ("@", "@i")  # kinds, and what a single thing is an instance of
BETWEEN = re.compile(r"[\s_+,;:/\\()\[\]{}|\"]+")
UNMARKED = str.maketrans("", "", "_-'./ ")
SINGULARS = (("ves", "f"), ("ies", "y"), ("men", "man"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ses", "s"),
             ("zes", "z"), ("s", ""))  # fmt: skip


@dataclass(frozen=True)
class Synset:
    """What one line of ``data.noun`` says.

    Attributes
    ----------
    place : int
        Byte at which the line begins: the offset by which others call it.
    words : tuple of str
        Words that mean this, with spaces, the commonest first.
    gloss : str
        What it is, with examples.
    above : tuple of int
        Places of its hypernyms.
    """

    place: int
    words: tuple[str, ...]
    gloss: str
    above: tuple[int, ...]

    @property
    def wnid(self) -> str:
        """As ImageNet calls it: ``n02084071``."""
        return f"n{self.place:08d}"

    @property
    def name(self) -> str:
        """Its first word, made unique by its place."""
        return f"{self.words[0]} ({self.wnid})"


class WordNet:
    """The nouns of a database folder.

    Parameters
    ----------
    folder : Path
        With ``data.noun`` and ``index.noun``.

    Raises
    ------
    DataError
        For a folder without them, files of another version than 3.x or of two versions, and half a file.
    """

    def __init__(self, folder: Path) -> None:
        if not is_folder(folder, "the folder of a WordNet database"):
            raise DataError(
                f"{folder}: no such folder, expected that of a WordNet 3.x database with {DATA} and {INDEX} (Debian: "
                "package wordnet-base, /usr/share/wordnet)"
            )
        self.folder = folder
        self._data, index = _content(folder / DATA), _content(folder / INDEX)
        versions = [_version(folder / name, content) for name, content in ((DATA, self._data), (INDEX, index))]
        if versions[0] != versions[1]:
            found = f"{DATA} of WordNet {versions[0]} and {INDEX} of {versions[1]}"
            raise DataError(f"{folder}: found {found}, expected files of one version")
        self.version = versions[0]
        self._synsets: dict[int, Synset] = {}
        lines = index.decode("latin-1").split("\n")
        self._index = {line[: line.index(" ")]: line for line in lines if line and line[0] != " "}

    @cached_property
    def _unmarked(self) -> dict[str, str]:
        """Words by their letters alone: ``blackfootedalbatross``."""
        found: dict[str, str] = {}
        for word in self._index:
            found.setdefault(word.translate(UNMARKED), word)
        return found

    def senses(self, name: str) -> tuple[int, ...]:
        """Places of the synsets of a name, the most frequent first; empty where it is no word.

        Case, numbering and marks between words do not matter; of a plural the singular is looked for too.
        """
        word = same_form(NUMBERING.sub("", name.strip())).lower()
        forms = [word, *(word[: -len(end)] + other for end, other in SINGULARS if word.endswith(end))]
        for form in forms:
            exact = "_".join(part for part in BETWEEN.split(form) if part)
            found = exact if exact in self._index else self._unmarked.get(exact.translate(UNMARKED))
            if found:
                return self._places(found)
        return ()

    def _places(self, word: str) -> tuple[int, ...]:
        parts = self._index[word].split()
        try:
            count = int(parts[2])
            places = tuple(int(part) for part in parts[-count:])
        except (IndexError, ValueError):
            raise DataError(f"{self.folder / INDEX}: the line of {word!r} is damaged, expected {KIND}") from None
        return places

    def synset(self, place: int) -> Synset:
        """What stands at a place.

        Raises
        ------
        DataError
            Where no synset begins there: half a file, or one of another version than the index or the place.
        """
        if place not in self._synsets:
            end = self._data.find(b"\n", place)
            line = self._data[place : end if end >= 0 else None].decode("latin-1")
            try:
                self._synsets[place] = _parsed(place, line)
            except (IndexError, ValueError):
                raise DataError(
                    f"{self.folder / DATA}: found no synset {place:08d}, expected one (half a file, or one of another "
                    f"version than WordNet {self.version}?)"
                ) from None
        return self._synsets[place]

    def closure(self, places: Iterable[int]) -> list[Synset]:
        """Some synsets and all above them, each once, by place."""
        waiting, found = list(places), {}
        while waiting:
            place = waiting.pop()
            if place not in found:
                found[place] = self.synset(place)
                waiting += found[place].above
        return [found[place] for place in sorted(found)]


def _content(path: Path) -> bytes:
    path = regular_file(path, KIND)
    if path.stat().st_size > LARGEST:
        raise DataError(f"{path}: found {path.stat().st_size:,} bytes, expected {KIND} of at most {LARGEST:,}")
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise DataError(f"{path}: ends in the middle of a line, expected {KIND} (half a file? copy it again)")
    return content


def _version(path: Path, content: bytes) -> str:
    found = VERSION.search(content[:4096])
    version = found.group(1).decode() if found else ""
    if not version.startswith("3."):
        what = f"WordNet {version}" if version else "no WordNet version in its first lines"
        raise DataError(f"{path}: found {what}, expected {KIND} (Debian's package wordnet-base has 3.0)")
    return version


def _parsed(place: int, line: str) -> Synset:
    fields, _, gloss = line.partition("| ")
    parts = fields.split()
    if int(parts[0]) != place or len(parts[0]) != 8 or parts[2] != "n":
        raise ValueError(line)
    count = int(parts[3], 16)
    words = tuple(word.replace("_", " ") for word in parts[4 : 4 + 2 * count : 2])
    start = 5 + 2 * count
    pointers = [parts[k : k + 4] for k in range(start, start + 4 * int(parts[start - 1]), 4)]
    above = tuple(int(pointer[1]) for pointer in pointers if pointer[0] in HYPERNYMS and pointer[2] == "n")
    if len(words) != count or (pointers and len(pointers[-1]) != 4):
        raise ValueError(line)
    return Synset(place, words, gloss.strip(), above)
