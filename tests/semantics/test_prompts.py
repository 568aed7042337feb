"""Members of classes from sentences, templates and sub-classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzsl.errors import DataError
from gzsl.semantics.prompts import filled, member_table, read_members, read_subclasses, read_templates, sentences_of
from gzsl.semantics.subclasses import of_subclasses


def letters(texts: list[str]) -> np.ndarray:
    """A vector a text that a test can tell: how often each of five letters stands in it."""
    return np.array([[1 + text.count(letter) for letter in "abcde"] for text in texts], dtype=np.float64)


def test_sentences_end_at_marks_and_lines() -> None:
    assert sentences_of('A bird. It sings!  "Why?" Who\nknows') == ["A bird.", "It sings!", '"Why?', "Who", "knows"]


@given(st.lists(st.text("ab c", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_sentences_keep_every_word(parts: list[str]) -> None:
    assert " ".join(sentences_of(". ".join(parts))).replace(".", "").split() == " ".join(parts).split()


def test_files_give_sentences_and_a_csv_gives_lines(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("One. Two.\nThree.")
    (folder / "b.txt").write_text("One.")
    assert read_members(folder) == {"a": ["One.", "Two.", "Three."], "b": ["One."]}
    (tmp_path / "t.csv").write_text("class,text\nb,One. Two.\na,x\nb,y\n")
    assert read_members(tmp_path / "t.csv") == {"b": ["One. Two.", "y"], "a": ["x"]}
    (tmp_path / "t.csv").write_text('class,text\nb,""\n')
    with pytest.raises(DataError, match="a text of class 'b' is empty"):
        read_members(tmp_path / "t.csv")


def test_templates_have_a_place_for_the_name(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("# CLIP's\na photo of a {}\n\n{}, a bird\n")
    assert read_templates(path) == ["a photo of a {}", "{}, a bird"]
    assert filled(read_templates(path), ["red_fox"]) == ["a photo of a red fox", "red fox, a bird"]
    path.write_text("a photo of a {}\na photo\n")
    with pytest.raises(DataError, match=r"line 2: found 'a photo' without {}, expected a place for the class name"):
        read_templates(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="found no prompt"):
        read_templates(path)


def test_the_table_is_the_mean_of_its_texts() -> None:
    texts = {"x": ["aa", "b"], "y": ["abc", "e"]}
    found = member_table(texts, templates=["1 {}", "2 {}"], encode=letters).semantics
    assert found.members is not None and found.members.texts == ("aa", "b", "abc", "e")
    assert found.members.templates == ("1 {}", "2 {}")
    rows = letters(["aa", "b"])
    mean = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(found.table[0], mean / np.linalg.norm(mean), rtol=1e-6)
    with pytest.raises(DataError, match="class 'x' has none, expected at least one"):
        member_table({"x": []}, encode=letters)


def test_words_weighted_over_all_sentences_make_members() -> None:
    texts = {"fox": ["red fur", "bushy tail"], "seal": ["grey fur", "swims in water", "flippers"]}
    found = member_table(texts, "tfidf").semantics
    assert found.members is not None and found.members.sizes.tolist() == [2, 3]
    shared = found.members.unit @ found.members.unit.T
    assert shared[0, 2] > shared[0, 1]  # fur stands in both


def test_sub_classes_are_members_and_classes_keep_their_own_vectors(tmp_path: Path) -> None:
    (tmp_path / "below.csv").write_text("class,subclass\nDog,dachshund\ndog,beagle\n")
    below = read_subclasses(tmp_path / "below.csv", ["dog", "cat"])
    assert below == {"dog": ["dachshund", "beagle"], "cat": ["cat"]}
    found = of_subclasses(below, ["a {}", "{} b"], encode=letters).semantics
    assert found.members is not None and found.members.rule == "given"
    assert found.members.texts == ("dachshund", "beagle", "cat")
    np.testing.assert_allclose(found.members.group(1)[0], found.table[1])
    assert not np.allclose(found.table[0], found.members.group(0).mean(axis=0))
    with pytest.raises(DataError, match="found no subclass of any of the 1 classes"):
        read_subclasses(tmp_path / "below.csv", ["whale"])


def test_sub_classes_of_a_graph_are_its_leaves(tmp_path: Path) -> None:
    (tmp_path / "nodes.csv").write_text("node\nanimal\ndog\ncat\nbeagle\nhound\n")
    pairs = ["dog,is_a,animal", "cat,is_a,animal", "hound,is_a,dog", "beagle,is_a,hound"]
    (tmp_path / "edges.csv").write_text("\n".join(["source,relation,target", *pairs]) + "\n")
    assert read_subclasses(tmp_path, ["dog", "cat"]) == {"dog": ["beagle"], "cat": ["cat"]}
