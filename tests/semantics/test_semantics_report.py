from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.semantics import Semantics
from gzsl.semantics.report import semantics_report


def test_numbers_of_a_table_by_hand() -> None:
    table = np.array([[0, 0, 1], [4, 0, 1], [0, 4, 1], [1, 1, 1], [5, 5, 1], [4, 0.001, 1.0]])
    names = ("a", "b", "c", "inside", "outside", "twin of b")
    found = semantics_report(Semantics(table, names), np.array([0, 1, 2]), np.array([3, 4, 5]))
    assert (found.n_classes, found.n_attributes, found.rank) == (6, 3, 2)
    assert (found.low, found.high, found.binary, found.constant_columns) == (0.0, 5.0, False, 1)
    assert found.outside == 1
    by_name = {c.name: c for c in found.hardest}
    assert by_name["inside"].residual == pytest.approx(0, abs=1e-3)
    centred = table - table.mean(axis=0)
    spread = np.linalg.norm(centred, axis=1).mean()
    assert by_name["outside"].residual == pytest.approx(np.sqrt(18) / spread, rel=1e-2)  # nearest point is (2, 2)
    assert found.hardest[0].name == "twin of b"
    assert found.hardest[0].nearest == "b"
    assert [pair[:2] for pair in found.near_duplicates] == [("b", "twin of b")]


def test_binary_tables_and_faults_are_said() -> None:
    table = np.array([[0, 1.0], [1, 0], [0, 1]])
    found = semantics_report(Semantics(table, ("a", "b", "c")), np.array([0, 1]), np.array([2]))
    assert found.binary
    assert "'a' and 'c'" in found.faults[0]


def test_the_command() -> None:
    shown = CliRunner().invoke(app, ["semantics", "report", "digits"])
    assert shown.exit_code == 0
    assert "hardest unseen classes" in shown.stdout
    answer = json.loads(CliRunner().invoke(app, ["semantics", "report", "simulated", "--json"]).stdout)
    assert answer["n_classes"] == 25
    assert len(answer["hardest"]) == 5
