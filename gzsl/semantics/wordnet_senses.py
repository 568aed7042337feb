"""Which synset a class means: by its name, as given, or the one whose gloss is nearest."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gzsl.door.names import NUMBERING, loose_form
from gzsl.door.tables import csv_text, read_rows
from gzsl.errors import DataError, suggest
from gzsl.semantics.wordnet import BETWEEN, WordNet

GIVEN = re.compile(r"n?(\d{8})(?:-n)?")
NUMBERED = re.compile(r"(?:.*[#.])?0*([1-9]\d?)")  # 2, dog#2, dog.n.02
BELOW = "below "
ROUNDS = 3


@dataclass(frozen=True)
class Match:
    """The synset of a class.

    Attributes
    ----------
    name : str
        The class.
    place : int or None
        Of the synset; None where no word of the name is one.
    how : str
        ``name``, ``given``, ``below`` (the class is narrower than the synset), or ``missing``.
    senses : tuple of int
        All that the word may mean, the most frequent first.
    """

    name: str
    place: int | None
    how: str
    senses: tuple[int, ...] = ()


def match_classes(
    wordnet: WordNet,
    class_names: Sequence[str],
    rule: str = "first",
    given: Mapping[str, str] | None = None,
    descriptions: Mapping[str, str] | None = None,
) -> list[Match]:
    """Find a synset for each class.

    The whole name is looked for, then its last words: ``Brewer Sparrow`` is a kind of ``sparrow``.

    Parameters
    ----------
    wordnet : WordNet
        Where to look.
    class_names : sequence of str
        The classes.
    rule : str
        Of several senses: ``first`` the most frequent; ``gloss`` the one whose gloss and hypernyms are nearest, by
        tf-idf, to the class's description, or without one to those of the other classes.
    given : mapping of str to str, optional
        Synsets by class: an offset (``02084071``, ``n02084071``), or the number of a sense (``2``, ``seal#2``), with
        ``below`` before it where the class is narrower.
    descriptions : mapping of str to str, optional
        Text by class, for ``gloss``.

    Raises
    ------
    DataError
        For a given synset that does not exist.
    """
    asked = {loose_form(name): sense for name, sense in (given or {}).items()}
    known = {loose_form(name) for name in class_names}
    for name in given or {}:
        if loose_form(name) not in known:
            raise DataError(f"senses: found {name!r}, which is no class; {suggest(name, class_names)}")
    found = [_by_name(wordnet, name, asked.get(loose_form(name))) for name in class_names]
    if rule == "first":
        return found
    settled = {k for k, name in enumerate(class_names) if loose_form(name) in asked}
    return _by_gloss(wordnet, found, descriptions or {}, settled)


def _by_name(wordnet: WordNet, name: str, given: str | None) -> Match:
    senses = wordnet.senses(name)
    how = "name"
    words = [word for word in BETWEEN.split(NUMBERING.sub("", name)) if word]
    for start in range(1, len(words)):
        if not senses:
            senses, how = wordnet.senses(" ".join(words[start:])), "below"
    if given is not None:
        return _given(wordnet, name, given.strip(), senses, narrower=how == "below")
    return Match(name, senses[0], how, senses) if senses else Match(name, None, "missing")


def _given(wordnet: WordNet, name: str, text: str, senses: tuple[int, ...], narrower: bool) -> Match:
    """What a user says; numbers are those of the senses found, be it of the last words alone."""
    below = text.lower().startswith(BELOW)
    text = text[len(BELOW) :].strip() if below else text
    offset, number = GIVEN.fullmatch(text), NUMBERED.fullmatch(text)
    if offset:
        return Match(name, wordnet.synset(int(offset.group(1))).place, "below" if below else "given", senses)
    if number and int(number.group(1)) <= len(senses):
        return Match(name, senses[int(number.group(1)) - 1], "below" if below or narrower else "given", senses)
    raise DataError(
        f"senses: class {name!r}: found {text!r}, expected an offset such as n02084071, or the number of one of its "
        f"{len(senses)} senses, with below before it where the class is narrower"
    )


def _by_gloss(
    wordnet: WordNet, found: list[Match], descriptions: Mapping[str, str], settled: Container[int]
) -> list[Match]:
    """Choose among the senses of each class by what else is said of it, or of the classes beside it."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    open_ = [k for k, match in enumerate(found) if k not in settled and match.senses]
    texts = [_text(wordnet, place) for k in open_ for place in found[k].senses]
    if not texts:
        return found
    said = {loose_form(name): text for name, text in descriptions.items()}
    about = [said.get(loose_form(found[k].name), "") for k in open_]
    words = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit([*texts, *about])
    rows, own = words.transform(texts), words.transform(about)
    owner = np.repeat(np.arange(len(open_)), [len(found[k].senses) for k in open_])
    weight = 1.0 / np.bincount(owner)[owner]  # at first every sense counts, each class as much
    described = np.array([bool(text) for text in about])
    for _ in range(ROUNDS):
        theme = np.asarray(rows.T @ weight).ravel()
        toward = np.asarray(rows @ theme).ravel() - weight * np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        toward = np.where(described[owner], np.asarray(rows.multiply(own[owner]).sum(axis=1)).ravel(), toward)
        best = [int(np.flatnonzero(owner == c)[toward[owner == c].argmax()]) for c in range(len(open_))]
        weight = np.zeros(len(owner))
        weight[best] = 1.0
    places = [place for k in open_ for place in found[k].senses]
    for c, k in enumerate(open_):
        found[k] = Match(found[k].name, places[best[c]], found[k].how, found[k].senses)
    return found


def _text(wordnet: WordNet, place: int) -> str:
    """A synset's words and gloss, and the words of all above it."""
    own, above = wordnet.synset(place), wordnet.closure([place])
    return " ".join([*own.words, own.gloss, *(word for synset in above for word in synset.words)])


def read_senses(path: Path) -> dict[str, str]:
    """Synsets by class from a CSV with class,sense.

    Raises
    ------
    DataError
        For an unreadable file, and a class that stands twice.
    """
    found: dict[str, str] = {}
    for row in read_rows(path, ("class", "sense"), may_be_empty=("sense",)):
        if row["class"] in found:
            raise DataError(f"{path}: class {row['class']!r} stands twice, expected unique names")
        if row["sense"]:
            found[row["class"]] = row["sense"]
    return found


def senses_as_csv(wordnet: WordNet, matches: Sequence[Match]) -> str:
    """What was found for each class, as a CSV that `read_senses` reads once a user has corrected it."""
    rows: list[Sequence[object]] = [("class", "sense", "how", "n_senses", "gloss", "other_senses")]
    for match in matches:
        if match.place is None:
            rows.append((match.name, "", match.how, 0, "", ""))
            continue
        chosen = wordnet.synset(match.place)
        others = [wordnet.synset(place) for place in match.senses if place != match.place]
        listed = "; ".join(f"{synset.wnid} {', '.join(synset.words)}" for synset in others)
        sense = f"{BELOW if match.how == 'below' else ''}{chosen.wnid}"
        rows.append((match.name, sense, match.how, len(match.senses), chosen.gloss, listed))
    return csv_text(rows)
