from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.errors import DataError, RecipeError
from gzsl.report import reproduction as module
from gzsl.report.published import published_numbers

QUICK = ["--seeds", "2", "--set", "selection.folds=1"]


def reproduce(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *arguments], env={"COLUMNS": "140"})


def test_the_verdict_its_exit_code_and_the_causes(awa1: Path, tmp_path: Path) -> None:
    common = ["eszsl", "AWA1", "--data", str(awa1), "--out", str(tmp_path), *QUICK]
    wide = reproduce(*common, "--tolerance", "100", "--json")
    answer: dict[str, Any] = json.loads(wide.stdout)
    assert (wide.exit_code, answer["verdict"]) == (0, "within")
    assert answer["ours"]["n"] == 2
    bands = {band["metric"]: band for band in answer["bands"]}
    assert bands["H"]["published"] == 12.1
    assert bands["H"]["difference"] == pytest.approx(100 * answer["ours"]["mean"]["H"] - 12.1)
    assert [difference["field"] for difference in answer["differences"]] == ["split"]  # PS2 here, PS1 there
    shown = reproduce(*common, "--tolerance", "100").stdout
    assert "eszsl on AWA1: within" in shown
    assert "what differs" not in shown


@pytest.mark.parametrize(("stated", "verdict", "code"), [(99.9, "below", 1), (0.1, "above", 0)])
def test_outside_the_band_the_causes_are_named(
    awa1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: float, verdict: str, code: int
) -> None:
    (line,) = (x for x in published_numbers() if (x.method, x.dataset, x.kind) == ("eszsl", "AWA1", "paper"))
    told = replace(line, values={"T1": stated, "H": stated})
    monkeypatch.setattr(module, "find_published", lambda *_: told)
    done = reproduce("eszsl", "AWA1", "--data", str(awa1), "--out", str(tmp_path), *QUICK, "--tolerance", "0.01")
    assert done.exit_code == code
    assert f"eszsl on AWA1: {verdict}" in done.stdout
    assert "split: PS2 here, PS1 there" in done.stdout
    assert "CVPR 2017" in done.stdout
    assert "fidelity of the method: from paper" in done.stdout


def test_nothing_comparable_shows_ours_and_the_nearest(awa1: Path, tmp_path: Path) -> None:
    done = reproduce(
        "eszsl", "AWA1", "--data", str(awa1), "--out", str(tmp_path), *QUICK, "--set", "dataset.features=my_network"
    )
    assert done.exit_code == 3
    assert "nothing comparable" in done.stdout
    assert "nearest published (AWA1, T1 58.2, U 6.6, S 75.6, H 12.1)" in done.stdout
    assert "features: my_network here, res101 there" in done.stdout


def test_absent_files_and_absent_recipes_are_one_sentence(tmp_path: Path) -> None:
    absent = reproduce("eszsl", "CUB", "--data", str(tmp_path), "--out", str(tmp_path / "runs"))
    assert isinstance(absent.exception, DataError)  # main() prints it and exits with 2
    assert "CUB/res101.mat and CUB/att_splits.mat from the proposed splits" in str(absent.exception)
    assert isinstance(reproduce("eszsl", "NoSuch").exception, RecipeError)
