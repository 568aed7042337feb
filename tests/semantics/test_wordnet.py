"""WordNet databases in the true format: synsets, senses, closures, and what a user may get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from wordnet_files import ANIMALS, write_wordnet

from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.graph_maker import make_graph
from gzsl.semantics.wordnet import WordNet
from gzsl.semantics.wordnet_senses import match_classes, read_senses, senses_as_csv

NAMES = ("001.Black_footed_Albatross", "Song Sparrow", "Dogs", "seal")


def made(beside: Path, names: tuple[str, ...] = NAMES, **options: str) -> ClassGraph:
    table = Semantics(np.eye(len(names)), names)
    return make_graph({"name": "wordnet", "folder": "wn", **options}, table, beside)


def test_a_synset_is_read_at_its_place(tmp_path: Path) -> None:
    places = write_wordnet(tmp_path)
    wordnet = WordNet(tmp_path)
    assert wordnet.version == "3.0"
    dog = wordnet.synset(places["dog"])
    assert dog.words == ("dog", "domestic dog")
    assert dog.gloss == "a member of the genus Canis"
    assert dog.above == (places["mammal"],)
    assert dog.name == f"dog (n{places['dog']:08d})"
    assert [s.words[0] for s in wordnet.closure([places["rex"]])] == ["entity", "animal", "mammal", "dog", "pet", "Rex"]
    assert wordnet.senses("SEAL") == (places["wax"], places["seal"])
    assert wordnet.senses("black footed albatross") == (places["albatross"],)
    assert wordnet.senses("001.Black_footed_Albatrosses") == (places["albatross"],)
    assert wordnet.senses("okapi") == ()
    assert wordnet.senses("beasts") == (places["animal"],)


def test_classes_hang_where_their_names_say(tmp_path: Path) -> None:
    places = write_wordnet(tmp_path / "wn")
    graph = made(tmp_path)
    assert graph.name == "wordnet"
    at = dict(zip(graph.class_names, (graph.nodes[k] for k in graph.class_nodes), strict=True))
    assert at["Dogs"] == f"dog (n{places['dog']:08d})"
    assert at["001.Black_footed_Albatross"] == f"black-footed albatross (n{places['albatross']:08d})"
    assert at["Song Sparrow"] == "Song Sparrow"
    assert at["seal"] == f"seal (n{places['seal']:08d})", "the sense beside other animals, not the most frequent"
    above = {graph.nodes[k].split(" (")[0] for k in graph.hierarchy.ancestors(graph.nodes.index("Song Sparrow"))}
    assert above == {"sparrow", "bird", "animal"}, "nothing above what is common"
    assert graph.texts is not None
    assert graph.texts[graph.nodes.index(at["Dogs"])] == "dog, domestic dog: a member of the genus Canis"
    assert any("hang below a synset: Song Sparrow below sparrow" in n for n in graph.notes)
    assert any("1 classes have several senses" in note and "seal (2)" in note for note in graph.notes)
    whole = made(tmp_path, root="all")
    assert any(node.startswith("entity") for node in whole.nodes)
    first = made(tmp_path, sense="first")
    assert first.name == "wordnet(sense=first)"
    assert f"seal (n{places['wax']:08d})" in first.nodes


def test_senses_are_given_by_offset_or_number(tmp_path: Path) -> None:
    places = write_wordnet(tmp_path / "wn")
    (tmp_path / "senses.csv").write_text(f"class,sense\nseal,seal#1\nSong Sparrow,below n{places['bird']:08d}\nDogs,\n")
    graph = made(tmp_path, senses="senses.csv")
    at = dict(zip(graph.class_names, (graph.nodes[k] for k in graph.class_nodes), strict=True))
    assert at["seal"] == f"seal (n{places['wax']:08d})"
    assert at["Dogs"].startswith("dog")
    bird = next(k for k, node in enumerate(graph.nodes) if node.startswith("bird"))
    assert graph.nodes[graph.class_nodes[1]] == "Song Sparrow"
    assert bird in graph.hierarchy.ancestors(graph.nodes.index("Song Sparrow"))
    wordnet = WordNet(tmp_path / "wn")
    matches = match_classes(wordnet, NAMES, "first")
    (tmp_path / "found.csv").write_text(senses_as_csv(wordnet, matches))
    again = match_classes(wordnet, NAMES, "first", read_senses(tmp_path / "found.csv"))
    assert [match.place for match in again] == [match.place for match in matches]


def test_a_description_decides_between_senses(tmp_path: Path) -> None:
    write_wordnet(tmp_path / "wn")
    texts = "class,text\nseal,closing letters with a fastener of resinous wax\nDogs,barks\nSong Sparrow,sings\n"
    (tmp_path / "texts.csv").write_text(texts + "001.Black_footed_Albatross,wings\n")
    assert any(node == "entity" or node.startswith("seal") for node in made(tmp_path, descriptions="texts.csv").nodes)
    wax = write_wordnet(tmp_path / "wn")["wax"]
    assert f"seal (n{wax:08d})" in made(tmp_path, descriptions="texts.csv").nodes


def test_classes_that_share_a_synset_have_nodes_of_their_own(tmp_path: Path) -> None:
    write_wordnet(tmp_path / "wn")
    graph = made(tmp_path, ("dog", "domestic dog", "pet"))
    nodes = [graph.nodes[k] for k in graph.class_nodes]
    assert nodes[:2] == ["dog", "domestic dog"]
    np.testing.assert_array_equal(graph.distances()[0, :2], [0, 2])


@pytest.mark.parametrize(
    ("names", "options", "sentence"),
    [
        (("dog", "zebu", "okapi"), {}, r"found no word for 2 of 3 classes \(okapi, zebu\).*a CSV with class,sense"),
        (("dog", "seal"), {"senses": "bad.csv"}, "class 'seal': found '7', expected an offset .* one of its 2 senses"),
        (("dog", "seal"), {"senses": "place.csv"}, "found no synset 00000077"),
        (("dog", "seal"), {"senses": "other.csv"}, "senses: found 'sele', which is no class; did you mean 'seal'"),
        (("dog", "seal"), {"senses": "twice.csv"}, "class 'seal' stands twice"),
        (("dog", "seal"), {"sense": "last"}, "sense: found 'last', expected one of 'gloss', 'first'"),
        (("dog", "seal"), {"folder": "nowhere"}, "nowhere: no such folder, expected that of a WordNet 3.x database"),
    ],
)
def test_what_cannot_be_found_is_said(
    tmp_path: Path, names: tuple[str, ...], options: dict[str, str], sentence: str
) -> None:
    write_wordnet(tmp_path / "wn")
    files = {"bad": "seal,7", "place": "seal,n00000077", "other": "sele,1", "twice": "seal,1\nseal,2"}
    for name, rows in files.items():
        (tmp_path / f"{name}.csv").write_text(f"class,sense\n{rows}\n")
    with pytest.raises(DataError, match=sentence):
        made(tmp_path, names, **options)


def test_a_class_without_a_word_may_hang_below_the_root(tmp_path: Path) -> None:
    write_wordnet(tmp_path / "wn")
    graph = made(tmp_path, ("dog", "seal", "okapi"), missing="root")
    assert any("1 classes have no word and hang below the root: okapi" in note for note in graph.notes)
    assert graph.distances()[0, 2] == 2


def test_other_versions_and_half_files_are_refused(tmp_path: Path) -> None:
    write_wordnet(tmp_path / "old", version="2.1")
    with pytest.raises(DataError, match=r"data.noun: found WordNet 2.1, expected a file of a WordNet 3.x database"):
        WordNet(tmp_path / "old")
    write_wordnet(tmp_path / "new")
    write_wordnet(tmp_path / "newer", version="3.1")
    mixed = tmp_path / "new" / "index.noun"
    kept = mixed.read_bytes()
    mixed.write_bytes((tmp_path / "newer" / "index.noun").read_bytes())
    with pytest.raises(DataError, match="found data.noun of WordNet 3.0 and index.noun of 3.1, expected files of one"):
        WordNet(tmp_path / "new")
    mixed.write_bytes(kept)
    data = tmp_path / "new" / "data.noun"
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"data.noun: ends in the middle of a line, .*half a file\? copy it again"):
        WordNet(tmp_path / "new")
    data.write_bytes(b"\n".join(whole.split(b"\n")[:5]) + b"\n")
    with pytest.raises(DataError, match=r"found no synset \d{8}, expected one \(half a file, or one of another"):
        make_graph({"name": "wordnet", "folder": str(tmp_path / "new")}, Semantics(np.eye(2), ("dog", "seal")))
    data.write_bytes(b"no header\n")
    with pytest.raises(DataError, match="found no WordNet version in its first lines"):
        WordNet(tmp_path / "new")
    data.unlink()
    with pytest.raises(DataError, match=r"data.noun: no such file, expected a file of a WordNet 3.x database"):
        WordNet(tmp_path / "new")


def test_the_fixture_is_in_the_format_of_the_manual(tmp_path: Path) -> None:
    """Places are bytes, counts of words hexadecimal with two digits, of pointers decimal with three."""
    places = write_wordnet(tmp_path)
    data = (tmp_path / "data.noun").read_bytes()
    line = data[places["rex"] :].split(b"\n")[0].decode()
    dog, pet = places["dog"], places["pet"]
    assert line == f"{places['rex']:08d} 05 n 01 Rex 0 002 @i {dog:08d} n 0000 @ {pet:08d} n 0000 | a dog of a film  "
    assert len(ANIMALS) == len(places)
