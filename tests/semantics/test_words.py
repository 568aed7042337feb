"""Which entry of a vocabulary stands for a class name, and in which files vocabularies come."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.errors import DataError
from gzsl.semantics.sources import read_descriptions
from gzsl.semantics.words import word_table

PLAIN = "cat 1 0\ndog 0 1\nox 3 4\n"


def vocabulary(folder: Path, *words: str) -> Path:
    """Entry k has a one in place k."""
    rows = np.eye(len(words), dtype=int)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    path = folder / "v.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def chosen(name: str, path: Path) -> tuple[list[str], tuple[str, ...]]:
    """Entries that were averaged for a name, and the notes."""
    found = word_table([name], path)
    words = [line.rsplit(" ", found.semantics.n_attributes)[0] for line in path.read_text("utf-8").splitlines()]
    return [words[k] for k in np.flatnonzero(found.semantics.table[0])], found.notes


@pytest.mark.parametrize(
    ("name", "words", "expected", "note"),
    [
        ("turkey", ["Turkey", "turkey", "TURKEY"], ["turkey"], None),
        ("Turkey", ["turkey", "TURKEY", "Turkey"], ["Turkey"], None),
        ("Turkey", ["TURKEY", "turkey"], ["turkey"], "looked up in lower case: Turkey"),
        ("turkey", ["TURKEY", "x"], ["TURKEY"], "looked up in another case: turkey as TURKEY"),
        ("caf\u00e9", ["caf", "cafe", "caf\u00e9"], ["caf\u00e9"], None),
        ("caf\u00e9", ["caf", "cafe"], ["cafe"], "looked up with other accents: caf\u00e9 as cafe"),
        ("cafe", ["caf", "caf\u00e9"], ["caf\u00e9"], "looked up with other accents: cafe as caf\u00e9"),
        ("Caf\u00e9", ["cafe", "CAF\u00c9"], ["CAF\u00c9"], "looked up in another case: Caf\u00e9 as CAF\u00c9"),
        ("\u732b", ["\u732b", "\u72ac"], ["\u732b"], None),
        ("\u043a\u043e\u0442", ["\u043a\u043e\u0442", "x"], ["\u043a\u043e\u0442"], None),
        ("Stra\u00dfe", ["strasse", "x"], ["strasse"], "looked up in another case: Stra\u00dfe as strasse"),
        ("boeing 747", ["boeing", "747", "74"], ["boeing", "747"], None),
        ("mp3", ["mp", "mp3"], ["mp3"], None),
        ("001.ox", ["001", "001.ox.", "ox"], ["ox"], None),
        ("ice bear", ["ice", "bear", "ice_bear"], ["ice_bear"], "looked up as one entry: ice bear as ice_bear"),
        ("ice bear", ["ice", "bear", "ice bear"], ["ice bear"], None),
        ("polar_bear", ["polar", "bear", "polar_bear"], ["polar_bear"], None),
        ("red-winged blackbird", ["red-winged", "red", "winged", "blackbird"], ["red-winged", "blackbird"], None),
        ("red-winged", ["red", "winged"], ["red", "winged"], "looked up in parts: red-winged as red + winged"),
        ("kit fox, Vulpes (lagopus)", ["kit", "fox", "Vulpes", "lagopus"], ["kit", "fox", "Vulpes", "lagopus"], None),
        ("St. John's", ["St", "Johns", "John's"], ["St", "John's"], None),
        ("d\u2019Art", ["d", "Art"], ["d", "Art"], "looked up in parts: d\u2019Art as d + Art"),
    ],
)
def test_the_exact_word_first_and_every_fallback_said(
    name: str, words: list[str], expected: list[str], note: str | None, tmp_path: Path
) -> None:
    assert chosen(name, vocabulary(tmp_path, *words)) == (expected, () if note is None else (note,))


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_unicode_forms_never_matter(forms: tuple[str, str], tmp_path: Path) -> None:
    name, word = (unicodedata.normalize(form, "m\u00e9sange") for form in forms)
    assert chosen(name, vocabulary(tmp_path, "mesange", word)) == ([word], ())


def test_many_fallbacks_are_one_sentence(tmp_path: Path) -> None:
    words = [f"w{k}" for k in range(20)]
    found = word_table([word.upper() for word in words], vocabulary(tmp_path, *words))
    assert found.notes == ("looked up in lower case: W0, W1, W2, W3, W4, W5, W6, W7 and 12 more",)


def binary(text: str, end: bytes = b"\n") -> bytes:
    lines = [line.split() for line in text.splitlines()]
    entries = [w.encode() + b" " + np.array(rest, "<f4").tobytes() + end for w, *rest in lines]
    return f"{len(lines)} {len(lines[0]) - 1}\n".encode() + b"".join(entries)


FILES = {
    "spaces.txt": PLAIN.encode(),
    "header.txt": b"3 2\n" + PLAIN.encode(),
    "spaced header.vec": b" 3\t2 \r\n" + PLAIN.replace("\n", " \r\n").encode(),
    "tabs.txt": PLAIN.replace(" ", "\t").encode(),
    "a tab, then spaces.txt": b"cat\t1 0\ndog\t0 1\nox\t3 4\n",
    "mark.txt": PLAIN.encode("utf-8-sig"),
    "mark and header.txt": ("3 2\n" + PLAIN).encode("utf-8-sig"),
    "utf16.txt": PLAIN.encode("utf-16"),
    "packed.txt.gz": gzip.compress(PLAIN.encode()),
    "commas.csv": PLAIN.replace(" ", ",").encode(),
    "commas with names.csv": ("word,d0,d1\n" + PLAIN.replace(" ", ",")).encode(),
    "quoted comma.csv": b'"kit fox, or so",1,1\n' + PLAIN.replace(" ", ",").encode(),
    "quoted.csv": PLAIN.replace("cat ", '"cat",').replace(" ", ", ").encode(),
    "semicolons.csv": PLAIN.replace(" ", ";").encode(),
    "exponents.txt": b"cat 1e0 0\ndog 0 +1.0\nox 3 .4E1\n",
    "no line end.txt": PLAIN.strip().encode(),
    "empty lines.txt": PLAIN.replace("\n", "\n\n").encode(),
    "words with spaces.txt": ("dog house 9 9\ncat name@domain.com 7 7\n. . . 1 2\n" + PLAIN).encode(),
    "strange white space.txt": ("a\u00a0b 5 5\n\u0085 6 6\n" + PLAIN).encode(),
    "broken words.txt": b"\xff\xfa 1 2\n" + PLAIN.encode(),
    "twice.txt": (PLAIN + "cat 5 5\n").encode(),
    "damaged where nobody looks.txt": (PLAIN + "fox 1 x\nemu 1\n").encode(),
    "binary.bin": binary(PLAIN),
    "binary without line ends.bin": binary(PLAIN, b""),
    "packed binary.bin.gz": gzip.compress(binary(PLAIN)),
    "stray before the word.txt": b"ox name@domain.com 1 0\nox 3 4\ncat 1 0\ndog 0 1\n",
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_word_vectors_are_read_as_people_have_them(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    found = word_table(["cat", "dog", "ox"], tmp_path / name)
    np.testing.assert_allclose(found.semantics.table, [[1, 0], [0, 1], [0.6, 0.8]], rtol=1e-6)
    assert found.notes == ()


DAMAGED = {
    "short.txt": (b"cat 1 0\ndog 1 0\nox 3\n", "line 3: found 1 numbers, expected 2"),
    "letters.txt": (b"cat 1 0\ndog 1 0\nox x 4\n", "line 3: found 'x', expected a word and numbers"),
    "nan.txt": (b"cat 1 0\ndog 1 0\nox nan 4\n", "line 3: found NaN or infinite numbers"),
    "other header.txt": (b"3 5\n" + PLAIN.encode(), "found 2 numbers a word, expected 5 by its header"),
    "empty.txt": (b"", "line 1: found an empty file, expected word vectors"),
    "prose.txt": (b"This is not what you want.\n" * 9, "line 1: found 'This is not what you want.'"),
    "cut.bin": (binary(PLAIN)[:-6], "ends within word 3 of 3"),
    "huge.bin": (b"9999999999 99999\nox \x00\x01\x02", "ends within word 1 of 9,999,999,999"),
    "wide.bin": (b"3 999999\nox \x00\x01\x02", "its header declares 999999 numbers a word"),
    "packed.gz": (gzip.compress(PLAIN.encode())[:-9], "gzip data that end early or are damaged"),
    "glove.zip": (b"PK\x03\x04" + bytes(22) + b"\x09\0\0\0glove.txt" + bytes(60), "found a ZIP archive"),
    "kv.pkl": (b"\x80\x04\x95" + bytes(60), "found a Python pickle"),
    "cc.bin": (b"\xba\x16\x4f\x2f" + bytes(60), "found a fastText model (take its .vec file)"),
    "pointer.txt": (b"version https://git-lfs.github.com/spec/v1\noid x\n", "found a Git LFS pointer"),
    "page.txt": (b"<!DOCTYPE html><html>", "found a web page"),
    "array.npy": (b"\x93NUMPY" + bytes(60), "found an .npy array"),
}


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_another_kind_of_file_is_named_and_never_the_class_names_blamed(name: str, tmp_path: Path) -> None:
    data, message = DAMAGED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        word_table(["cat", "dog", "ox"], tmp_path / name)
    assert message in str(error.value)
    assert "rename the class" not in str(error.value)


def test_a_file_that_was_cut_is_noticed_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("400000 2\n" + PLAIN)
    assert word_table(["ox"], tmp_path / "v.txt").notes == (
        "v.txt: found 3 words, its header declares 400,000; is the file whole?",
    )


# Descriptions


def test_files_that_name_no_class_are_no_classes(tmp_path: Path) -> None:
    for name in ("cat", "dog", "Me\u0301sange"):
        (tmp_path / f"{name}.txt").write_text(f"{name} has fur")
        (tmp_path / f"._{name}.txt").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    for name in ("README.md", "LICENSE.txt"):
        (tmp_path / name).write_text("how these texts were made")
    notes: list[str] = []
    assert list(read_descriptions(tmp_path, on_note=notes.append)) == ["M\u00e9sange", "cat", "dog"]
    assert "left out LICENSE.txt, README.md" in notes[0]
    notes.clear()
    found = read_descriptions(tmp_path, ["Me\u0301sange", "dog"], notes.append)
    assert set(found) == {"Me\u0301sange", "dog"}, "shown as the table has it"
    assert "left out 1 texts of no class: cat" in notes[1]
    with pytest.raises(DataError, match=r"found no text of class 'dgo' .*did you mean 'dog'"):
        read_descriptions(tmp_path, ["cat", "dgo"])
    (tmp_path / "M\u00e9sange.md").write_text("again")
    with pytest.raises(DataError, match="stands twice"):
        read_descriptions(tmp_path)


def test_a_description_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "cat.txt").write_bytes("M\u00e9sange".encode("latin-1"))
    with pytest.raises(DataError, match=r"cat.txt: line 1: found the byte 0xe9, which is no UTF-8"):
        read_descriptions(tmp_path)
    (tmp_path / "cat.txt").write_text("M\u00e9sange", encoding="utf-16")
    assert read_descriptions(tmp_path) == {"cat": "M\u00e9sange"}


def test_class_names_with_commas_quotes_and_brackets_go_through_the_commands(tmp_path: Path) -> None:
    names = ["kit fox, Vulpes macrotis", 'the "king" [crab]', "o'possum; (big)"]
    cells = ['"' + name.replace('"', '""') + '"' for name in names]
    lines = [f"{cell},red {k} fur{k}\n" for k, cell in enumerate(cells)]
    (tmp_path / "c.csv").write_text("class,text\n" + "".join(lines))
    (tmp_path / "v.txt").write_text("fox 1 0\nking 0 1\nopossum 1 1\no'possum 1 2\n")
    for command in (["words", "c.csv", "v.txt"], ["text", "c.csv", "--classes", "c.csv"]):
        words = [str(tmp_path / word) if "." in word else word for word in command]
        done = CliRunner().invoke(app, ["semantics", *words, "--out", str(tmp_path / "o.csv")])
        assert done.exit_code == 0, done.exception
        fused = ["semantics", "fuse", str(tmp_path / "o.csv"), "--out", str(tmp_path / "f.csv")]
        assert CliRunner().invoke(app, fused).exit_code == 0
        for path in ("o.csv", "f.csv"):
            text = (tmp_path / path).read_text()
            assert all(f"\n{cell}," in text or f"\n{name}," in text for cell, name in zip(cells, names, strict=True))
