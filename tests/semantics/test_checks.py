from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

import gzsl
from gzsl.errors import GzslWarning
from gzsl.semantics import Semantics, table_faults


def table(rows: list[list[float]]) -> Semantics:
    return Semantics(np.array(rows), tuple("abcdef"[: len(rows)]))


def test_every_fault_is_found_and_named() -> None:
    faults = table_faults(table([[1, 0, 0], [1, 0, 0], [0, 0, 0], [1, 0, 2], [1, 0, 0]]))
    assert faults.zero_columns == 1
    assert faults.zero_classes == ("c",)
    assert faults.duplicate_classes == (("a", "b"), ("a", "e"))
    same, zero, column = faults.sentences("att")
    assert "2 pairs" in same
    assert "'a' and 'b'" in same
    assert "merge" in same
    assert "1 class described by zeros alone ('c')" in zero
    assert "1 of its columns" in column


def test_a_good_table_has_none() -> None:
    assert table_faults(table([[1, 0], [0, 1]])).sentences("att") == []


def test_fit_warns_once_with_the_remedy() -> None:
    view = gzsl.final_task(gzsl.load("simulated")).view
    twins = np.array(view.semantics.table)
    twins[view.seen[1]] = twins[view.seen[0]]
    view = replace(view, semantics=replace(view.semantics, table=twins))
    with pytest.warns(GzslWarning, match="same vector.*merge them"):
        gzsl.create("eszsl").fit(view)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gzsl.create("eszsl").fit(gzsl.final_task(gzsl.load("simulated")).view)
