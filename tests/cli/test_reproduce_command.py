from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gzsl.cli.app import app
from gzsl.errors import DataError, RecipeError

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
    exact = reproduce(*common, "--tolerance", "0")
    below = any(bands[name]["difference"] + bands[name]["spread"] < 0 for name in ("T1", "H"))
    assert exact.exit_code == (1 if below else 0)
    assert f"eszsl on AWA1: {'below' if below else 'above'}" in exact.stdout
    assert "split: PS2 here, PS1 there" in exact.stdout
    assert "CVPR 2017" in exact.stdout


def test_below_the_band_exits_with_one(awa1: Path, tmp_path: Path) -> None:
    """DAP's published S on AWA1 is 88.7 with U 0.0; T1 44.1 is out of reach of a class table of one clipped value."""
    done = reproduce("dap", "AWA1", "--data", str(awa1), "--out", str(tmp_path), "--seeds", "1", "--tolerance", "0",
                     "--set", "clip=0.4", "--set", "selection=last", "--set", "calibration=none")  # fmt: skip
    assert done.exit_code in (1, 2)


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
