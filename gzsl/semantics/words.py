"""Word vectors of class names: the exact word first, then others in a stated order, and every one of those is said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gzsl.door.names import NUMBERING, same_form
from gzsl.errors import DataError
from gzsl.semantics.sources import Sourced
from gzsl.semantics.table import Semantics
from gzsl.semantics.unit_length import at_unit_length
from gzsl.semantics.vectors_file import read_vectors

SHOWN = 8
BETWEEN = re.compile(r"[\s_+,;:/\\()\[\]{}|\"<>=*#!?\u00b7\u2022]+")
INSIDE = re.compile(r"[-'\u2019.&\u2010-\u2015]+")
LOWER, OTHER_CASE, NO_ACCENTS = "in lower case", "in another case", "with other accents"


@dataclass
class _Lookup:
    """Words of a vocabulary under all forms in which they may be looked for."""

    vectors: Mapping[str, np.ndarray]
    exact: dict[str, str] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in self.vectors:  # in the order of the file: the most frequent come first
            self.exact.setdefault(same_form(word), word)
            self.folded.setdefault(same_form(word).casefold(), word)
            self.plain.setdefault(_without_accents(word), word)

    def find(self, word: str) -> tuple[str, str] | None:
        """The entry that stands for a word, and by which fallback: none for the word itself."""
        word = same_form(word)
        if word in self.exact:
            return self.exact[word], ""
        if word.lower() in self.exact:
            return self.exact[word.lower()], LOWER
        if word.casefold() in self.folded:
            return self.folded[word.casefold()], OTHER_CASE
        plain = _without_accents(word)
        return (self.plain[plain], NO_ACCENTS) if plain in self.plain else None


def word_table(names: Sequence[str], vectors: Path | str) -> Sourced:
    """Mean word vector of every class name, of unit length, and one sentence a fallback.

    A name that is an entry as a whole (``polar_bear``, also for ``polar bear``) has that entry's vector. Otherwise it
    is cut at white space, underscores, brackets and the like, its numbering (``001.``) left out, and each word is
    looked up: as it is written; in lower case; in any other case; with other or no accents; cut at hyphens,
    apostrophes and full stops. Unicode forms never matter.

    Raises
    ------
    DataError
        When the file is damaged, or no word of a class name is in it.
    """
    vectors = Path(vectors)
    wanted = {form for name in names for form in _forms(name)}
    begins = {form.split(" ")[0] for form in wanted}
    known, notes = read_vectors(vectors, lambda word: _key(word) in wanted, lambda word: _key(word) in begins)
    lookup = _Lookup(known)
    rows, missing, said = [], [], _Said()
    for name in names:
        entries = _entries_of(name, lookup, said)
        if not entries:
            missing.append(name)
            continue
        rows.append(np.mean([known[entry] for entry in entries], axis=0))
    if missing:
        raise DataError(
            f"{vectors}: no word of class {missing[0]!r} is in it ({len(missing)} such classes); rename the class, or "
            "describe it by text"
        )
    table = at_unit_length(np.array(rows))
    return Sourced(Semantics(table, tuple(names), "w2v"), (*notes, *said.sentences()))


class _Said:
    """Collects what was not found as it is written, so that each kind of fallback is one sentence."""

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, str]] = {}
        self.lost: list[str] = []

    def add(self, kind: str, word: str, entry: str) -> None:
        if kind:
            self.by_kind.setdefault(kind, {})[word] = entry

    def sentences(self) -> list[str]:
        found = []
        for kind, words in self.by_kind.items():
            pairs = [word if kind == LOWER else f"{word} as {entry}" for word, entry in words.items()]
            more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
            found.append(f"looked up {kind}: {', '.join(pairs[:SHOWN])}{more}")
        return found + self.lost


def _entries_of(name: str, lookup: _Lookup, said: _Said) -> list[str]:
    """Entries whose mean stands for a name."""
    for whole in (same_form(name), same_form(name).replace(" ", "_")):
        if whole in lookup.exact:
            said.add("" if whole == same_form(name) else "as one entry", name, lookup.exact[whole])
            return [lookup.exact[whole]]
    entries: list[str] = []
    lost: list[str] = []
    for word in _words(name):
        _look_up(word, lookup, said, entries, lost)
    if lost and entries:
        said.lost.append(f"{name!r}: not in the vocabulary: {', '.join(lost)}; averaged {', '.join(entries)}")
    return entries


def _look_up(word: str, lookup: _Lookup, said: _Said, entries: list[str], lost: list[str]) -> None:
    found = lookup.find(word)
    if found is not None:
        entries.append(found[0])
        said.add(found[1], word, found[0])
        return
    parts = [part for part in INSIDE.split(word) if part]
    if len(parts) < 2:
        lost.append(word)
        return
    said.add("in parts", word, " + ".join(parts))
    for part in parts:
        _look_up(part, lookup, said, entries, lost)


def _words(name: str) -> list[str]:
    pieces = BETWEEN.split(NUMBERING.sub("", same_form(name).strip()))
    return [word for piece in pieces if (word := piece.strip("-'\u2019.&"))]


def _forms(name: str) -> set[str]:
    """Keys of every entry that `_entries_of` may ask for."""
    words = _words(name)
    parts = [part for word in words for part in INSIDE.split(word) if part]
    return {_key(form) for form in (name, name.replace(" ", "_"), *words, *parts)}


def _key(word: str) -> str:
    return word.lower() if word.isascii() else _without_accents(word)


def _without_accents(word: str) -> str:
    if word.isascii():
        return word.lower()
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
