"""The hypernyms of the classes in WordNet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gzsl.brief import listing
from gzsl.errors import DataError
from gzsl.params import param
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.graph_maker import GraphMaker, graph_maker, place_of
from gzsl.semantics.sources import read_descriptions
from gzsl.semantics.table import Semantics
from gzsl.semantics.wordnet import Synset, WordNet
from gzsl.semantics.wordnet_senses import Match, match_classes, read_senses, senses_as_csv

DEBIAN = "/usr/share/wordnet"
USUAL_ROOT, WHOLE = "common", "all"


@graph_maker("wordnet")
class WordNetGraph(GraphMaker):
    """Synsets of the classes and all above them up to what is common to all, by the relation ``is_a``.

    A class whose name is no word hangs below the synset of its last words, and one that shares a synset below it.
    """

    folder: str = param(default=DEBIAN, doc="folder of a WordNet 3.x database, with data.noun and index.noun")
    sense: str = param(
        default="gloss", choices=("gloss", "first"),
        doc="of several senses: gloss, nearest to the description or to the other classes; first, the most frequent",
    )  # fmt: skip
    senses: str = param(default="", doc="CSV with class,sense: n02084071, a number, or below one of these")
    descriptions: str = param(default="", doc="texts of classes for sense gloss: a folder, or a CSV with class,text")
    root: str = param(
        default=USUAL_ROOT, choices=(USUAL_ROOT, WHOLE), doc="common: nothing above what all classes are below of; all"
    )
    missing: str = param(default="refuse", choices=("refuse", "root"), doc="of classes without a word: below the root")

    def _make(self, semantics: Semantics, folder: Path | None) -> ClassGraph:
        wordnet = WordNet(place_of(self.folder, folder))
        given = read_senses(place_of(self.senses, folder)) if self.senses else None
        names = semantics.class_names
        said = read_descriptions(place_of(self.descriptions, folder), names) if self.descriptions else None
        matches = match_classes(wordnet, names, self.sense, given, said)
        self.senses_csv_ = senses_as_csv(wordnet, matches)
        lost = [match.name for match in matches if match.place is None]
        if lost and (self.missing == "refuse" or len(lost) == len(names)):
            raise DataError(
                f"{wordnet.folder}: found no word for {len(lost)} of {len(names)} classes ({listing(lost)}), expected "
                "a synset a class (give theirs by senses: a CSV with class,sense; or missing: root)"
            )
        return _assembled(wordnet, matches, self)

    @property
    def label(self) -> str:
        """Name for the protocol; where the database lies is no part of it."""
        if self.folder == DEBIAN:
            return super().label
        return WordNetGraph(**{**self.get_params(deep=False), "folder": DEBIAN}).label


def _assembled(wordnet: WordNet, matches: Sequence[Match], maker: WordNetGraph) -> ClassGraph:
    chosen = [match.place for match in matches if match.place is not None]
    kept = wordnet.closure(chosen)
    if maker.root == USUAL_ROOT:
        kept = _below_common(wordnet, kept, chosen)
    ids = {synset.place: k for k, synset in enumerate(kept)}
    nodes, texts = [synset.name for synset in kept], [f"{', '.join(s.words)}: {s.gloss}" for s in kept]
    ends = [(ids[s.place], ids[place]) for s in kept for place in s.above if place in ids]
    root = next(k for k, synset in enumerate(kept) if not any(place in ids for place in synset.above))
    sharing = Counter(match.place for match in matches if match.how != "below")
    class_nodes = []
    for match in matches:
        node = root if match.place is None else ids[match.place]
        if match.place is None or match.how == "below" or sharing[match.place] > 1:
            ends.append((len(nodes), node))
            node = len(nodes)
            nodes.append(match.name)
            texts.append(match.name)
        class_nodes.append(node)
    edges = np.array(sorted(set(ends)), dtype=np.int64).reshape(-1, 2)
    names = [match.name for match in matches]
    return ClassGraph.from_edges(
        nodes, {IS_A: (edges[:, 0], edges[:, 1], None)}, names, class_nodes, name="wordnet", texts=texts,
        notes=_notes(wordnet, matches, maker),
    )  # fmt: skip


def _below_common(wordnet: WordNet, kept: list[Synset], chosen: Sequence[int]) -> list[Synset]:
    """Without what is above a synset that all classes are below of."""
    common = set.intersection(*({synset.place for synset in wordnet.closure([place])} for place in set(chosen)))
    needless = {above.place for place in common for above in wordnet.closure(wordnet.synset(place).above)}
    return [synset for synset in kept if synset.place not in needless]


def _notes(wordnet: WordNet, matches: Sequence[Match], maker: WordNetGraph) -> list[str]:
    where = f"WordNet {wordnet.version}"
    by_word = [m for m in matches if m.how == "below" and m.place is not None]
    lost = [match.name for match in matches if match.place is None]
    several = [match for match in matches if len(match.senses) > 1 and match.how != "given"]
    named = len(matches) - len(by_word) - len(lost)
    notes = [f"{where}: {named} of {len(matches)} classes have a synset of their own"]
    if by_word:
        pairs = [f"{m.name} below {wordnet.synset(m.place or 0).words[0]}" for m in by_word]
        notes.append(f"{where}: {len(by_word)} classes hang below a synset: {listing(pairs)}")
    if lost:
        notes.append(f"{where}: {len(lost)} classes have no word and hang below the root: {listing(lost)}")
    if several:
        rule = "most frequent" if maker.sense == "first" else "nearest"
        pairs = [f"{m.name} ({len(m.senses)})" for m in sorted(several, key=lambda m: -len(m.senses))]
        notes.append(
            f"{where}: {len(several)} classes have several senses, of which the {rule} one was taken: "
            f"{listing(pairs)}; give others by senses: a CSV with class,sense"
        )
    return notes
