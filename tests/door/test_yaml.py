"""YAML, whoever wrote it: plain values of bounded size, or one sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gzsl.door.yaml import dump_yaml, parse_yaml, read_yaml
from gzsl.errors import RecipeError

BOMB = "\n".join(f"k{d}: &b{d} [{','.join([f'*b{d - 1}'] * 9) if d else 'l'}]" for d in range(10))


def test_scientific_numbers_dates_and_merged_blocks_are_what_people_mean() -> None:
    found = parse_yaml("{a: 1e-4, b: 1.5E3, c: -2e+1, d: 1e5x, e: 2001-01-01, f: =}", "x")
    assert found == {"a": 1e-4, "b": 1500.0, "c": -20.0, "d": "1e5x", "e": "2001-01-01", "f": "="}
    assert parse_yaml("a: &x {b: 1}\nc: {<<: *x, d: 2}", "x") == {"a": {"b": 1}, "c": {"b": 1, "d": 2}}
    assert parse_yaml(dump_yaml({"a": [1, None], "b": "é"}), "x") == {"a": [1, None], "b": "é"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "more than 50 levels"),
        ("{a: " * 100_000, "more than 50 levels"),
        ("- " * 100_000, "more than 50 levels"),
        (BOMB, "values (with aliases written out)"),
        ("&a [*a]", r"an alias *a of nothing before it"),
        ("a: 1\na: 2\n", "'a' stands twice"),
        ("{1: 2}", "found 1 as a key, expected text"),
        ("{[1]: 2}", "found [1] as a key"),
        ("{on: 2}", "found True as a key"),
        ("{<<: {1: 2}}", "found 1 as a key"),
        ("9" * 5000, "an integer of 5,000 characters"),
        (".nan", "expected a finite number"),
        ("-.inf", "expected a finite number"),
        ("1e999", "expected a finite number"),
        ("1:" * 3000 + "1.5", "not valid YAML"),
        ("0b_", "not valid YAML"),
        ("!!set {a}", "the kind 'set', expected text, numbers"),
        ("!!binary aGk=", "the kind 'binary'"),
        ("!!timestamp 2001-99-99", "the kind 'timestamp'"),
        ("!!python/object/apply:os.system ['true']", "python/object/apply:os.system"),
        ("!!int x", "not valid YAML"),
        ('!!float ""', "not what its !! says"),
        ("!!bool x", "not what its !! says"),
        ("!!map x", "not valid YAML"),
        ("--- 1\n--- 2", "another document"),
        *((text, "not valid YAML") for text in ("{", "%", "@x", "\t", "\x00", "*", '"abc', "\ud800")),
    ],
)  # fmt: skip
def test_whatever_else_it_is_ends_in_one_sentence_at_once(text: str, expected: str) -> None:
    began = time.process_time()
    with pytest.raises(RecipeError) as refused:
        parse_yaml(text, "here")
    assert time.process_time() - began < 5
    sentence = str(refused.value)
    assert sentence.startswith("here: ") and expected in sentence and "\n" not in sentence and len(sentence) < 400


def test_files_are_regular_text_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(RecipeError, match="x.yaml: line 1: found the byte 0xff"):
        read_yaml(path)
    monkeypatch.setattr("gzsl.door.yaml.LARGEST", 3)
    path.write_text("a: 1\n")
    with pytest.raises(RecipeError, match="found 5 bytes, expected a YAML file of at most 3"):
        read_yaml(path)
    with pytest.raises(RecipeError, match="found a folder, expected a YAML file"):
        read_yaml(tmp_path)
    with pytest.raises(RecipeError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")
