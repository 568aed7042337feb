"""The teaching notebooks run from top to bottom, draw their pictures, and say what their text claims."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "experiments" / "notebooks"
SECONDS = 280  # for one cell; notebook 2, the longest, takes about half a minute of processor time

LONG = ("02-a-feature-generator",)  # half a minute of training

# Expressions in the namespace of the finished notebook, and the range that its text relies on.
CLAIMS: dict[str, tuple[int, dict[str, tuple[float, float]]]] = {
    "01-attributes-and-eszsl": (7, {
        "difference": (0, 1e-5),
        "result.T1": (0.7, 0.9),
        "result.T1 - result.U": (0.3, 0.7),
        "result.S": (0.85, 1),
        "confusion.diagonal().mean()": (0.7, 0.9),
        "agreement": (0.2, 0.9),
        "T1 - max(exchanged)": (0.3, 1),
        "found[0, 0]": (0.07, 0.3),
        "found[-1, 0] - found[0, 0]": (0.4, 0.9),
    }),
    "02-a-feature-generator": (6, {
        "abs(closed.item() - automatic.item())": (0, 1e-5),
        "(formula - by_hand).abs().max()": (0, 1e-6),
        "steepness[10.0]": (0.8, 1.2),
        "steepness[0.0]": (20, 1e9),
        "apart[10.0]": (1.9, 2.8),
        "(recognised == y_all).float().mean()": (0.93, 1),
        "torch.stack(history)[-20:, 0].mean() / torch.stack(history)[50:70, 0].mean()": (0, 0.8),
        "torch.stack(history)[-20:, 2].mean()": (0, 0.8),
        "ours.T1": (0.65, 0.95),
        "ours.S": (0.85, 1),
        "ours.T1 - ours.U": (0.2, 0.7),
        "found[-1].U - found[0].U": (0.2, 0.8),
        "theirs.T1": (0.65, 0.95),
    }),
    "03-bias-and-calibration": (6, {
        "result.T1": (0.55, 0.75),
        "result.U": (0, 0.1),
        "result.S": (0.95, 1),
        "result.domain.auroc": (0.85, 1),
        "calibrated.calibrated.H": (0.58, 0.72),
        "calibrated.oracle.H - calibrated.calibrated.H": (0, 0.05),
        "calibrated.calibrated.H - as_it_is.calibrated.H": (0.02, 0.2),
        "outcome['stacking'][1].calibrated.H - outcome['none'][1].calibrated.H": (0.2, 0.45),
        "outcome['cosmo'][1].calibrated.H - outcome['stacking'][1].calibrated.H": (0.01, 0.15),
        "outcome['stacking'][1].calibrated.H - outcome['knn'][1].calibrated.H": (0.01, 0.15),
        "max(one.calibrated.U for _, one in outcome.values()) - T1": (-1, 0.001),
    }),
}  # fmt: skip


def read(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def test_every_notebook_is_tested() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(CLAIMS)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_notebooks_are_stored_clean_and_have_exercises_with_hints(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)
    exercises = notebook.cells[-1].source.partition("## Exercises")[2]
    count = len(re.findall(r"^\d+\. \*\*", exercises, flags=re.MULTILINE))
    assert count >= 5
    assert exercises.count("<summary>Hint</summary>") == count


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in sorted(CLAIMS)]
)
def test_a_notebook_runs_and_keeps_its_word(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pictures, claims = CLAIMS[name]
    notebook = read(name)
    values = ", ".join(f"float({expression})" for expression in claims)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import json\nprint(json.dumps([{values}]))"))
    client = nbclient.NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == pictures
    # A busy kernel may send what one print wrote in several pieces: all of them together are the answer.
    said = "".join(output.text for output in notebook.cells[-1].outputs)
    found = dict(zip(claims, json.loads(said), strict=True))
    missed = {name: value for name, value in found.items() if not claims[name][0] <= value <= claims[name][1]}
    assert not missed
