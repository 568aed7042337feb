"""The same letters are the same name, in whatever Unicode form a file has them."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from gzsl.data.readers.detect import name_ids, unique_names
from gzsl.door.names import places, repeated, same_form
from gzsl.errors import DataError
from gzsl.semantics import Semantics
from gzsl.semantics.sources import fuse

NAMES = ("M\u00e9sange", "\u1ec7", "ox", "\u00c5ngstr\u00f6m")
OTHER = tuple(unicodedata.normalize("NFD", name) for name in NAMES)


def test_forms_are_compared_and_not_changed() -> None:
    assert OTHER != NAMES
    assert [same_form(name) for name in OTHER] == list(NAMES)
    assert places(OTHER) == {name: k for k, name in enumerate(NAMES)}
    assert repeated([*NAMES, "fox"]) is None
    assert repeated([*NAMES, OTHER[1]]) == OTHER[1]


@pytest.mark.parametrize(("asked", "held"), [(NAMES, OTHER), (OTHER, NAMES)])
def test_classes_are_found_in_either_form_and_shown_as_the_table_has_them(
    asked: tuple[str, ...], held: tuple[str, ...]
) -> None:
    table = Semantics(np.eye(4), held)
    assert table.ids_of(asked[::-1]).tolist() == [3, 2, 1, 0]
    assert table.take(table.ids_of(asked)).class_names == held
    assert name_ids("x", asked, held).tolist() == [0, 1, 2, 3]
    joined = fuse([table, Semantics(np.eye(4), asked)]).semantics
    assert joined.class_names == held


def test_a_name_in_two_forms_stands_twice() -> None:
    with pytest.raises(DataError, match="stands twice"):
        Semantics(np.eye(2), (NAMES[0], OTHER[0]))
    with pytest.raises(DataError, match="stands twice"):
        unique_names("x", (NAMES[0], OTHER[0]))
    with pytest.raises(DataError, match="no row for class 'Mesange'"):
        Semantics(np.eye(4), NAMES).ids_of(["Mesange"])
