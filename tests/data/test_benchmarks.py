"""The facts files agree with themselves and with what they are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.data import benchmarks
from gzsl.errors import DataError

# printed in the papers' tables: images, attributes, classes, unseen classes, trainval, test_seen, test_unseen
PUBLISHED = {
    "AWA1": (30475, 85, 50, 10, 19832, 4958, 5685),
    "AWA2": (37322, 85, 50, 10, 23527, 5882, 7913),
    "CUB": (11788, 312, 200, 50, 7057, 1764, 2967),
    "SUN": (14340, 102, 717, 72, 10320, 2580, 1440),
    "APY": (15339, 64, 32, 12, 5932, 1483, 7924),
    "FLO": (8189, 1024, 102, 20, 5631, 1403, 1155),
}


def test_there_is_one_file_a_benchmark() -> None:
    assert benchmarks.names() == sorted(PUBLISHED)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_facts_are_the_published_sizes(name: str) -> None:
    f = benchmarks.facts(name)
    sizes = tuple(f.sizes[key] for key in ("trainval", "test_seen", "test_unseen"))
    assert (f.images, f.attributes, f.n_classes, f.n_unseen, *sizes) == PUBLISHED[name]
    assert sum(sizes) == f.images


@pytest.mark.parametrize("name", ["AWA1", "AWA2", "CUB", "SUN", "APY"])
def test_class_lists_are_consistent(name: str) -> None:
    f = benchmarks.facts(name)
    assert len(f.classes) == len(set(f.classes)) == f.n_classes
    assert len({benchmarks.class_key(c) for c in f.classes}) == f.n_classes
    assert len(set(f.unseen)) == f.n_unseen
    assert set(f.unseen) <= set(f.classes)
    assert len(f.validation_folds) == 3
    for fold in f.validation_folds:
        assert len(fold) == len(set(fold))
        assert set(fold) <= set(f.classes) - set(f.unseen)


def test_names_in_any_spelling() -> None:
    spellings = {"awa": "AWA1", "AWA2": "AWA2", "aPY": "APY", "cub": "CUB", "sun": "SUN", "flo": "FLO", "mine": "mine"}
    assert {name: benchmarks.canonical_name(name) for name in spellings} == spellings
    with pytest.raises(DataError, match="did you mean 'CUB'"):
        benchmarks.facts("CUBS")


def test_identify_complete_benchmarks_in_any_spelling_of_the_classes() -> None:
    for name in ("AWA1", "AWA2", "CUB", "SUN", "APY"):
        f = benchmarks.facts(name)
        spelt = [c.replace("_", " ").replace("+", " ").title() for c in f.classes]
        match = benchmarks.identify(spelt, f.images, f.attributes)
        assert match is not None
        assert (match.name, match.complete) == (name, True)
        with_sentences = benchmarks.identify(spelt, f.images, 1024)
        assert with_sentences is not None
        assert with_sentences.name == name
    flowers = benchmarks.identify([f"class {i}" for i in range(102)], 8189, 1024)
    assert flowers is not None
    assert (flowers.name, flowers.complete) == ("FLO", True)


def test_identify_restrictions_and_strangers() -> None:
    cub = benchmarks.facts("CUB")
    match = benchmarks.identify(cub.classes[:127], 7456, 312)
    assert match is not None
    assert (match.name, match.complete) == ("CUB", False)
    assert "127 of the 200 classes of CUB" in match.note
    assert benchmarks.identify(cub.classes[:127], 7456, 1024) is None
    assert benchmarks.identify([*cub.classes[:10], "dodo"], 500, 312) is None
    awa = benchmarks.facts("AWA2").classes
    for hint in ("AWA1", "awa2"):
        cut = benchmarks.identify(awa, 1000, 85, hint)
        assert cut is not None
        assert cut.name == hint.upper()
        assert not cut.complete
        assert "AWA1 or AWA2" in cut.note


def test_check_against_names_what_differs() -> None:
    f = benchmarks.facts("APY")
    unseen = benchmarks.published_ids(f.unseen, f.classes)
    sizes = {"images": f.images, "attributes": f.attributes, **f.sizes}
    assert benchmarks.check_against("APY", f.classes, unseen, sizes) == []
    found = benchmarks.check_against("APY", f.classes[::-1], unseen, {**sizes, "images": 7})
    assert found[0] == "images: 7, not 15339"
    assert "another order" in found[1]
    assert found[2].startswith("unseen: ")
    flo = benchmarks.facts("FLO")
    sizes = {"images": flo.images, "attributes": flo.attributes, **flo.sizes}
    found = benchmarks.check_against("FLO", ["a"] * 102, np.arange(19), sizes)
    assert found == ["unseen: 19 classes, not 20"]
