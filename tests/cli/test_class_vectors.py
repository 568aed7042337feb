from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gzsl.cli.class_vectors import vector_of
from gzsl.errors import MethodError

KNOWN = ("plant", "edible", "caf\u00e9 colour", "long, narrow", "a=b")
REST = "caf\u00e9 colour=0,long, narrow=3,a=b=4"


def test_names_may_hold_commas_and_equals_signs_in_either_unicode_form() -> None:
    text = "edible=0.5, cafe\u0301 colour=2,plant=1,long, narrow=3,a=b=4"
    assert vector_of(text, "x", KNOWN).tolist() == [1, 0.5, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"plant=1,edibel=0.7,{REST}", "found an unknown attribute 'edibel'; did you mean 'edible'?"),
        ("plant=1,edibel=0.7", "found an unknown attribute 'edibel'; did you mean 'edible'?"),
        (f"plant=1,plant=0,edible=1,{REST}", "the attribute 'plant' stands twice"),
        (f"plant=1,cafe\u0301 colour=1,edible=1,{REST}", "stands twice"),
        (f"plant=1,{REST}", "found no value for 'edible', expected one for each of the bundle's 5 attributes"),
        ("plant=many", "found 'plant=many', expected attribute=number"),
        ("plant=nan", "found 'plant=nan', expected attribute=number"),
        ("plant=inf", "found 'plant=inf', expected attribute=number"),
        ("plant=1,edible", "found 'edible' without a number"),
        ("plant=1,", "found no value for 'edible'"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(MethodError) as error:
        vector_of(text, "x", KNOWN)
    assert message in str(error.value)


def test_a_table_has_the_row_of_the_class(tmp_path: Path) -> None:
    path = tmp_path / "new.CSV"
    path.write_text("class,p,q\ncafe\u0301,1,2\nox,3,4\n", encoding="utf-8")
    np.testing.assert_array_equal(vector_of(str(path), "caf\u00e9", ("q", "p")), [2, 1])
    np.testing.assert_array_equal(vector_of(str(path), "ox", None), [3, 4])
    with pytest.raises(MethodError, match="found 0 rows of class 'cow', expected one"):
        vector_of(str(path), "cow", None)
    with pytest.raises(MethodError, match="found an unknown attribute 'p'"):
        vector_of(str(path), "ox", ("q", "r"))
    with pytest.raises(MethodError, match="the bundle's attributes have no names"):
        vector_of("p=1", "ox", None)
