"""Every field of every document of a run, gone or of another type: the run is named or shown; never a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gzsl.door.yaml import dump_yaml, read_yaml
from gzsl.report.collect import BrokenRun, read_run
from gzsl.report.details import make_details
from gzsl.report.page_values import environment_texts

GONE = object()
VALUES: tuple[Any, ...] = (GONE, None, "x", -1, 1.5, True, [], {}, [1], {"a": None})


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in nested values."""
    if place:
        yield place
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from places(inner, (*place, key))


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value, or none, at a place."""
    copy = json.loads(json.dumps(value))
    block = copy
    for key in place[:-1]:
        block = block[key]
    if new is GONE:
        del block[place[-1]]
    else:
        block[place[-1]] = new
    return copy


@pytest.mark.parametrize("name", ["metrics.json", "timing.json", "environment.json", "recipe.yaml", "records.jsonl"])
def test_no_change_of_a_field_ends_in_a_crash(name: str, tmp_path: Path, fake: Any, records: list[Any]) -> None:
    run = fake(tmp_path, "f-clswgan", 0, records=records[:3] + records[-1:])
    path = run / name
    if name.endswith(".yaml"):
        whole = read_yaml(path)
    elif name == "records.jsonl":
        whole = json.loads(path.read_text().splitlines()[-1])
    else:
        whole = json.loads(path.read_text())
    told = 0
    for k, place in enumerate(places(whole)):
        for new in (*VALUES[:2], VALUES[2 + k % (len(VALUES) - 2)]):
            values = changed(whole, place, new)
            path.write_text(dump_yaml(values) if name.endswith(".yaml") else json.dumps(values) + "\n")
            found = read_run(run)
            if isinstance(found, BrokenRun):
                told += 1
                assert found.state == "damaged" and found.reason.startswith(name), found.reason
                continue
            details = make_details(found)
            told += bool(details.missing)
            assert all(text.startswith(name) for text in details.missing), (place, new, details.missing)
            json.dumps([details.blob({}), environment_texts(found)], allow_nan=False)
    assert told
