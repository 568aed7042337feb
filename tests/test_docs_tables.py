"""Tables of the documentation are means of the rows of a results file, and stand where the page asks for them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("T1", "U", "S", "H", "AUSUC", "calibrated.H")
HEAD = ",".join(["method,dataset,n,seconds", *(f"{n}.mean" for n in NAMES), *(f"{n}.std" for n in NAMES)])
MAIN = f"""{HEAD}
eszsl,CUB127,3,10.8,0.627,0.1,0.8,0.2,0.5,0.6,0.0,0.0,0.0,0.0,0.0004,0.012
ale,CUB127,3,17.8,0.676,0.1,0.8,0.2,0.5,0.6,,,,,,
ale,FLO89,3,1.8,0.5,0.1,0.8,0.2,0.5,0.6,,,,,,
"""
GATES = """method,dataset,seed,calibrator,transfer,U,S,H,AUSUC,auroc,fpr95,best_h,gap
eszsl,CUB127,0,none,raw,0.1,0.8,0.2,0.5,0.9,0.5,0.6,0.4
eszsl,CUB127,1,none,raw,0.1,0.8,0.3,0.5,0.9,0.5,0.6,0.3
eszsl,CUB127,0,stacking,raw,0.5,0.6,0.5,0.5,0.9,0.5,0.6,0.1
eszsl,CUB127,1,stacking,raw,0.5,0.6,0.52,0.5,0.9,0.5,0.6,0.08
eszsl,CUB127,0,stacking,quantile,0.5,0.6,0.56,0.5,0.9,0.5,0.6,0.04
eszsl,CUB127,1,stacking,quantile,0.5,0.6,0.58,0.5,0.9,0.5,0.6,0.02
"""
HEADS = """dataset,semantics,task,reads,method,T1.mean,T1.std,gain,p,better,worse
d,cupl+members:unit-mean,transfer,,prompt-ensemble,0.46,0.0,,,,
d,cupl+members:unit-mean,transfer,shots: 4 of the pool,gda,0.7,0.01,0.24,0.001,60,10
d,text,transfer,,autoclip,0.5,,,,,
"""


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "main.csv").write_text(MAIN)
    (tmp_path / "heads.csv").write_text(HEADS)
    (tmp_path / "calibration.csv").write_text(GATES)
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return module


def test_a_page_gets_its_table_and_keeps_the_rest(tables: ModuleType) -> None:
    page = "before\n<!-- table: main CUB127 eszsl -->\nold | rubbish\n<!-- end of table -->\nafter\n"
    lines = tables.filled(page).splitlines()
    assert lines[2] == "| method | T1 | U | S | H | AUSUC | H cal. | seeds | s a run |"
    assert lines[4] == "| ESZSL | 62.7 | 10.0 | 80.0 | 20.0 | 50.0 | 60.0 ± 1.2 | 3 | 11 |"
    assert [lines[i] for i in (0, 1, 5, 6)] == [page.splitlines()[i] for i in (0, 1, 3, 4)]
    assert tables.filled(tables.filled(page)) == tables.filled(page)
    assert [line[0] for line in tables.main_lines("CUB127")] == ["method", "ESZSL", "ALE"]


def test_calibrators_are_averaged_over_runs_under_the_default_rule(tables: ModuleType) -> None:
    assert tables.gate_means()[1:] == [
        ["`none`", "10.0", "80.0", "25.0", "50.0", "90.0", "50.0", "60.0", "35.0"],
        ["`stacking`", "50.0", "60.0", "57.0", "50.0", "90.0", "50.0", "60.0", "3.0"],
    ]
    assert tables.gate_runs()[0] == ["calibrator", "ESZSL CUB127"]
    assert tables.gate_runs()[1:] == [["`none`", "25.0 ± 7.1"], ["`stacking`", "57.0 ± 1.4"]]


def test_heads_stand_best_first_with_their_gain_over_the_plain_ensemble(tables: ModuleType) -> None:
    assert tables.heads_lines("d", "cupl", "transfer")[1:] == [
        ["gda", "shots: 4 of the pool", "70.0 ± 1.0", "+24.0", "0.001", "60, 10"],
        ["prompt-ensemble", "", "46.0", "", "", ""],
    ]
