"""CSV files from outside and for outside."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gzsl.data.readers.table import Table
from gzsl.door.tables import Sheet, csv_text, plain_text, read_rows
from gzsl.errors import DataError


def test_rows_come_stripped_by_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffimage,class,note\r\na b.jpg ,"the, cat",\r\n\r\nc.jpg,dog,x\r\n'.encode())
    assert read_rows(path, ("image", "class")) == [
        {"image": "a b.jpg", "class": "the, cat", "note": ""},
        {"image": "c.jpg", "class": "dog", "note": "x"},
    ]
    path.write_text("class,text\na,\n")
    assert read_rows(path, ("class", "text"), may_be_empty=("text",)) == [{"class": "a", "text": ""}]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "found no column image, expected the columns image, class"),
        (b"image,kind\na,b\n", "found no column class"),
        (b"image,class\n", "found no line below the header"),
        (b"image,class\na,x\nb\n", "line 3: found no class, expected a value"),
        (b"image,class\n,x\n", "line 2: found no image"),
        (b"image,class\na,x,y\n", "line 2: found more cells than the header has names"),
        (b"image,class\n\xff\xfe,x\n", "line 2: found the byte 0xff, which is no UTF-8"),
        (b"image;kind\na;b\n", "found no column class, .*it has the columns image, kind, separated by semicolons"),
        (b"image,class,class\na,x,y\n", "the column 'class' stands twice"),
        (b",image,class\nz,a,x\n", "column 1 has no name and holds 'z' in line 2"),
        (b'image,class\na,"x\n', "cannot be read as a UTF-8 CSV file"),
    ],
)
def test_every_fault_is_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        read_rows(path, ("image", "class"))
    assert str(caught.value).startswith(str(path))
    with pytest.raises(DataError, match="no such file"):
        read_rows(tmp_path / "none.csv", ("image",))


@pytest.mark.parametrize("mark", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_separator_is_found(mark: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [["Class", "big, or; small", "b"], ["é; a, b", "1.5", "-2e-3"], ["x", "2", "3"], ["", "", ""]]
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=mark).writerows(lines)
    table = Table(path, ("unseen",))
    assert table.text() == {"class": ["é; a, b", "x"]}
    assert table.numeric_names == ("big, or; small", "b")
    assert table.values().tolist() == [[1.5, -2e-3], [2, 3]]
    assert bool(table.notes) == (mark != ",")


def test_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("class;a;b\nx;0,5;-1,5e3\ny;1;2\n")
    table = Table(path, ())
    assert table.values().tolist() == [[0.5, -1500], [1, 2]]
    assert [note.partition(": ")[2] for note in table.notes] == [
        "its cells are separated by semicolons", "its numbers have decimal commas",
    ]  # fmt: skip
    assert list(table.blocks())[0].tolist() == [[0.5, -1500], [1, 2]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("class;a\nx;0,5\ny;0.5\n", "line 3, column 'a': found '0.5', but other cells have decimal commas"),
        ("class;a\nx;0.5\ny;0,5\n", "found '0,5', but other cells have decimal points"),
        ("class;a\nx;1.000,5\n", "found '1.000,5', expected a number"),
        ('class,a\nx,"0,5"\n', "found '0,5', expected a number"),
        ("class,a\nx,1_000\n", "found '1_000', expected a number"),
        ("class,a\nx,\n", "found '', expected a number"),
        ("class,a\nx,nan\n", "line 2, column 'a': found nan, expected a finite number"),
        ("class,a\nx,1e99\n", "found 1e\\+99, expected a finite number"),
        ("class,a,a\nx,1,2\n", "the column 'a' stands twice"),
        (",a\nx,1\n", "found 0 columns called class or label in the columns a and a first one without a name"),
        ("class|a\nx|1\n", r"in the columns class\|a, separated by commas"),
        ("class,,a\nx,0.5,1\n", "column 2 has no name and holds '0.5' in line 2"),
        ("class,a\n", "found no line below the header"),
        ("", "found 0 columns called class or label in no header"),
    ],
)
def test_tables_of_numbers_end_in_one_sentence(content: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=sentence) as caught:
        Table(path, ("unseen",)).values()
    assert "t.csv: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_an_index_without_a_name_is_left_out_with_a_note(name: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{name},class,a,\n7,x,0.5,\n0,y,1,\n")
    table = Table(path, ())
    assert table.values().tolist() == [[0.5], [1]]
    assert table.numeric_names == ("a",)
    assert ["column 1 has no name and counts rows: an index" in note for note in table.notes] == [True]
    assert read_rows(path, ("class",)) == [{"class": "x", "a": "0.5"}, {"class": "y", "a": "1"}]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(csv_text([("class", "text"), ("cat", "fur " * 50_000)]))
    assert len(read_rows(path, ("class", "text"))[0]["text"]) == 199_999


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@home", "'@home"), ("+1 team", "'+1 team"), ("-cat", "'-cat"),
        ("'-cat", "''-cat"), ("-1.5", "-1.5"), ("+3", "+3"), ("-", "-"), (-1.5, "-1.5"), ("cat", "cat"), ("'", "'"),
        (None, ""), ("a=b", "a=b"), ("-inf", "-inf"),
    ],
)  # fmt: skip
def test_what_looks_like_a_formula_is_written_as_text(value: object, written: str) -> None:
    text = csv_text([{"name": value, "n": 1}])
    assert text == f"name,n\n{written},1\n"
    assert plain_text(written) == ("" if value is None else str(value))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=1, max_size=4))
def test_texts_survive_writing_and_reading(texts: list[str]) -> None:
    rows = csv.reader(io.StringIO(csv_text([texts]), newline=""))
    assert [plain_text(cell) for cell in next(rows)] == texts


def test_a_sheet_is_read_as_often_as_one_likes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n\n,\n3\n")
    sheet = Sheet(path)
    assert list(sheet.lines()) == list(sheet.lines()) == [(2, ["1", "2"]), (5, ["3"])]
