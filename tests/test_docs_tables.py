"""Tables of the documentation are means of the rows of a results file, and stand where the page asks for them."""

from __future__ import annotations

import importlib
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


LETTERS = f"""{HEAD}
eszsl,letters,3,10.8,0.8,0.2,0.9,0.4,0.6,0.7,0.0,0.0,0.0,0.0,0.0,0.002
exem,letters,3,10.8,0.8,0.2,0.9,0.4,0.7,0.75,0.0,0.0,0.0,0.0,0.0,0.002
f-clswgan,letters,3,9.8,0.8,0.2,0.9,0.4,0.6,0.71,0.01,0.0,0.0,0.0,0.0,0.002
"""
LETTERS_HEADS = """head,seed,T1,U,S,H,AUSUC,H calibrated
softmax,0,0.7,0.4,0.9,0.5,0.6,0.7
softmax,1,0.8,0.4,0.9,0.5,0.6,0.7
nearest row,0,0.6,0.4,0.9,0.5,0.6,0.7
nearest row,1,0.6,0.4,0.9,0.5,0.6,0.7
"""
POOLED = """study,dataset,method,pool,class_prior,seed,T1,U,S,H,AUSUC,inductive.T1,inductive.U,inductive.S,inductive.H,\
inductive.AUSUC,first,last,rounds,seconds
wrappers,d,eszsl+sinkhorn,unseen,uniform,0,0.7,0.5,0.5,0.5,0.5,0.6,0.5,0.5,0.5,0.5,0.6,0.7,0.6 0.7,1
wrappers,d,eszsl+sinkhorn,unseen,uniform,1,0.8,0.5,0.5,0.5,0.5,0.6,0.5,0.5,0.5,0.5,0.6,0.9,0.6 0.9,1
methods,d,tmv,unseen,uniform,0,0.5,0.5,0.5,0.5,0.5,,,,,,,,,1
wrappers,d,eszsl+sinkhorn,all,uniform,0,0.1,0.5,0.5,0.5,0.5,0.6,0.5,0.5,0.5,0.5,,,,1
imbalance,d,eszsl+sinkhorn,unseen,given,0,0.65,0.5,0.5,0.5,0.5,0.62,0.5,0.5,0.5,0.5,,,,1
""".replace("\\\n", "")


GENERATIVE = f"""{HEAD}
f-clswgan,CUB127,3,9.8,0.7,0.2,0.9,0.4,0.45,0.71,0.01,0.0,0.0,0.0,0.0,0.002
cada-vae,CUB127,1,9.8,0.7,0.2,0.9,0.4,0.55,0.71,,,,,,
"""
MINUTES = """method,dataset,minutes
f-clswgan,CUB127,2.71
"""


GRAPHS = f"""{HEAD},semantics,varied
gcnz,CUB127,3,9.8,0.7,0.2,0.9,0.4,0.45,0.71,0.01,0.0,0.0,0.0,0.0,0.002,att+attributes-knn,graph=attributes-knn
gcnz,CUB127,1,9.8,0.7,0.2,0.9,0.4,0.45,0.71,,,,,,,att+wordnet,"graph=wordnet, n_hops=2"
weight-ridge,CUB127,1,9.8,0.7,0.2,0.9,0.4,0.55,0.71,,,,,,,att,
"""


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    module = importlib.import_module("tables")
    (tmp_path / "main.csv").write_text(MAIN)
    (tmp_path / "heads.csv").write_text(HEADS)
    (tmp_path / "calibration.csv").write_text(GATES)
    (tmp_path / "letters_all.csv").write_text(LETTERS)
    (tmp_path / "letters_heads.csv").write_text(LETTERS_HEADS)
    (tmp_path / "generative.csv").write_text(GENERATIVE)
    (tmp_path / "generative_minutes.csv").write_text(MINUTES)
    (tmp_path / "transductive.csv").write_text(POOLED)
    (tmp_path / "graphs.csv").write_text(GRAPHS)
    monkeypatch.setattr(module.shared, "RESULTS", tmp_path)
    return module


def test_a_page_gets_its_table_and_keeps_the_rest(tables: ModuleType) -> None:
    page = "before\n<!-- table: main CUB127 eszsl -->\nold | rubbish\n<!-- end of table -->\nafter\n"
    lines = tables.filled(page).splitlines()
    assert lines[2] == "| method | T1 | U | S | H | AUSUC | H cal. | seeds | s a run |"
    assert lines[4] == "| ESZSL | 62.7 | 10.0 | 80.0 | 20.0 | 50.0 | 60.0 ± 1.2 | 3 | 11 |"
    assert [lines[i] for i in (0, 1, 5, 6)] == [page.splitlines()[i] for i in (0, 1, 3, 4)]
    assert tables.filled(tables.filled(page)) == tables.filled(page)
    assert [line[0] for line in tables.main_lines("CUB127")] == ["method", "ESZSL", "ALE"]


def test_generators_stand_among_the_closed_forms_that_the_page_names(tables: ModuleType) -> None:
    assert [(line[0], line[5], *line[7:]) for line in tables.generative_lines("CUB127", "eszsl")] == [
        ("method", "AUSUC", "seeds", "minutes"), ("CADA-VAE", "55.0", "1", "-"), ("*ESZSL*", "50.0", "3", "-"),
        ("f-CLSWGAN", "45.0", "3", "2.7"),
    ]  # fmt: skip


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


def test_methods_on_letters_are_ranked_at_the_validated_threshold(tables: ModuleType) -> None:
    assert [line[:2] for line in tables.letters_lines()] == [
        ["method", "family"], ["EXEM", "embedding"], ["f-CLSWGAN", "generative"], ["ESZSL", "embedding"],
    ]  # fmt: skip
    assert tables.letters_lines("f-clswgan")[1:] == [
        ["f-CLSWGAN", "generative", "80.0 ± 1.0", "20.0", "90.0", "40.0", "60.0", "71.0 ± 0.2", "3"]
    ]


def test_heads_are_averaged_over_seeds(tables: ModuleType) -> None:
    assert [line[:3] for line in tables.head_lines()] == [
        ["head", "T1", "U"], ["softmax", "75.0 ± 7.1", "40.0"], ["nearest row", "60.0", "40.0"],
    ]  # fmt: skip


def test_methods_on_graphs_say_what_they_know(tables: ModuleType) -> None:
    assert [line[:3] for line in tables.graph_lines("CUB127")[1:]] == [
        ["`weight-ridge`", "class vectors", "70.0"], ["`gcnz`", "attributes-knn", "70.0 ± 1.0"],
    ]  # fmt: skip
    assert [line[:3] for line in tables.graph_hops()[1:]] == [["`gcnz`", "CUB127", "2"]]


def test_every_method_has_a_name_for_tables(tables: ModuleType) -> None:
    from gzsl.studies.study import load_study

    assert set(load_study("letters-all").methods) <= set(tables.shared.PRETTY)


def test_both_settings_stand_side_by_side_with_the_gain_and_pseudo_labels_by_round(tables: ModuleType) -> None:
    lines = tables.pooled_lines("d", "unseen")
    assert [line[:3] for line in lines[1:]] == [
        ["`eszsl+sinkhorn`", "uniform", "60.0 -> 75.0 ± 7.1 (+15.0)"], ["`tmv`", "uniform", "50.0"],
    ]  # fmt: skip
    assert [line[-1] for line in lines[1:]] == ["2", "1"]
    assert tables.pooled_overview("d")[1:] == [
        ["`eszsl+sinkhorn`", "uniform", "75.0 (+15.0) / 50.0", "10.0 (-50.0) / 50.0"],
        ["`tmv`", "uniform", "50.0 / 50.0", "-"],
    ]
    assert tables.pooled_rounds("d", "unseen")[1:] == [["`eszsl+sinkhorn`", "uniform", "60.0, 80.0"]]
    assert tables.pooled_shares("d")[1:] == [["`eszsl+sinkhorn`", "given", "-", "65.0", "62.0"]]
    assert ["`sabr-t`", "AWA2"] in [line[:2] for line in tables.pooled_published()]
