from __future__ import annotations

from pathlib import Path

import pytest

from gzsl.csvio import read_rows
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
        (b"image,class\n\xff\xfe,x\n", "cannot be read as a UTF-8 CSV file"),
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
