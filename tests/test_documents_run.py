"""The Python blocks of the documents run, from top to bottom, as a reader would paste them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def run_blocks(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, section: str = "") -> dict[str, Any]:
    """Names that the blocks of a page (or of its section) leave behind."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    return names


def test_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    first = re.search(r"```python\n(.*?)```", (DOCS / "python.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert first is not None
    assert sum(bool(line.strip()) for line in first[1].splitlines()) <= 11, "ten lines and an import"
    names = run_blocks("python.md", tmp_path, monkeypatch)
    shown = capsys.readouterr().out
    assert "calibrated.H" in shown
    assert re.search(r"^T1 \d+\.\d \(percent\)$", shown, flags=re.MULTILINE), "plain zero-shot data have T1 alone"
    assert names["result"].T1 > 0.5
    assert names["features"].shape == (100, 16)
    assert np.isfinite(names["features"]).all()


def test_calibrating_scores_of_other_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_blocks("calibration.md", tmp_path, monkeypatch, "Scores of other repositories")
    stacking = names["found"].evaluations["stacking"]
    assert stacking.calibrated.H > stacking.H
    assert set(names["found"].left_out) == {"boundary-ood", "loki"}
