"""Documents of our own, cut, edited, mixed up or forged: values of the declared types, or one sentence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from gzsl.door.documents import Document, read_document, read_lines
from gzsl.errors import DataError, RunError


class Inner(Document):
    name: str


class Example(Document):
    number: float
    count: Annotated[int, Field(ge=0)] = 0
    inner: Inner | None = None
    table: dict[str, float] = {}


def test_values_come_back_as_they_stood_with_fields_that_are_not_declared(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('\ufeff{"number": 1, "inner": {"name": "é", "more": [1]}, "other": null}')
    found = read_document(path, Example)
    assert (found.number, found.count) == (1.0, 0)
    assert found.values == {"number": 1.0, "inner": {"name": "é", "more": [1]}, "other": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found no JSON"),
        ('{"number": 1', "found no JSON"),
        ("[1]", "found a list, expected a mapping"),
        ("null", "found null, expected a mapping"),
        ("3", "found a number, expected a mapping"),
        ("{}", "number: found nothing, expected a value"),
        ('{"number": "1"}', "number: found '1', expected a number"),
        ('{"number": true}', "number: found True, expected a number"),
        ('{"number": null}', "number: found None, expected a number"),
        ('{"number": NaN}', "found NaN, expected a finite number"),
        ('{"number": 1e999}', "expected a finite number"),
        ('{"number": ' + "9" * 5000 + "}", "an integer of 5,000 digits, expected at most 18"),
        ('{"number": 1, "number": 2}', "number: found twice, expected once"),
        ('{"number": 1, "count": -1}', "count: found -1, expected greater than or equal to 0"),
        ('{"number": 1, "count": 1.0}', "count: found 1.0, expected a whole number"),
        ('{"number": 1, "inner": []}', "inner: found [], expected a mapping"),
        ('{"number": 1, "inner": {"name": 3}}', "inner.name: found 3, expected text"),
        ('{"number": 1, "table": {"a": "b"}}', "table.a: found 'b', expected a number"),
        ('{"number": 1, "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "more than 50 levels"),
        ('{"number": 1, "x": ' + "[" * 60 + "]" * 60 + "}", "more than 50 levels"),
        ('{"number": 1, "x": "\\ud800"}', "half a character"),
    ],
)  # fmt: skip
def test_whatever_else_it_is_ends_in_one_sentence(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        read_document(path, Example, DataError)
    assert str(refused.value).startswith(f"{path}: ") and expected in str(refused.value)


def test_what_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(RunError, match="no such file, expected a JSON file"):
        read_document(path, Example)
    os.mkfifo(path)
    with pytest.raises(RunError, match="found a named pipe, expected a JSON file"):
        read_document(path, Example)
    path.unlink()
    path.write_bytes(b'{"number": "\xff"}')
    with pytest.raises(RunError, match="found the byte 0xff"):
        read_document(path, Example)


def test_lines_are_documents_by_kind_and_a_cut_line_is_passed_over(tmp_path: Path) -> None:
    path, models = tmp_path / "x.jsonl", {"inner": Inner}
    path.write_text('{"kind": "inner", "name": "a"}\n{"kind": "inner", "na')
    assert list(read_lines(path, models, "kind")) == [{"kind": "inner", "name": "a"}]
    for line, expected in (
        ('{"kind": "other"}', "line 1: kind: found 'other', expected 'inner'"),
        ('{"kind": []}', r"line 1: kind: found \[\], expected 'inner'"),
        ("[]", "line 1: found a list, expected a mapping"),
        ('{"kind": "inner"}', "line 1: name: found nothing"),
        ("{", "line 1: found no JSON"),
    ):
        path.write_text(f"{line}\n")
        with pytest.raises(RunError, match=expected):
            list(read_lines(path, models, "kind"))
