"""The programs of the page on Python run, one after the other, as a reader would run them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(programs) >= 8
    names: dict[str, object] = {}
    for program in programs:
        exec(program, names)
    assert names["made"].shape == (30, names["dataset"].features.shape[1])
    task, dataset = names["task"], names["dataset"]
    rows = np.asarray(dataset.features[:7], dtype=np.float32)
    scaled = task.scaler.transform(rows)
    assert np.allclose(scaled * task.scaler.scale + task.scaler.shift, rows, atol=1e-4)
    assert set(names["method"].predict(scaled, task.view.unseen_semantics)) <= set(task.view.unseen_semantics.class_names)
    assert names["result"].calibrated is not None and len(names["results"]) == 2
