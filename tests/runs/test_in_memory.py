"""A recipe on arrays in memory: the facts are the dataset's, the folder is as usual, plain data give T1 alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gzsl
from gzsl.evaluation import Protocol
from gzsl.report.collect import StoredRun, read_run

RNG = np.random.default_rng(0)
NAMES = [f"kind {c}" for c in range(10)]
TABLE = RNG.random((10, 6))
IDS = np.repeat(np.arange(10), 12)
X = (TABLE @ RNG.normal(size=(6, 8)) * 3)[IDS] + 0.5 * RNG.normal(size=(120, 8))


QUICK = {"selection.grid": {"gamma": [1.0], "lam": [1.0, 10.0]}, "selection.folds": 1}


def dataset(**changes: Any) -> gzsl.Dataset:
    options: dict[str, Any] = {"class_names": NAMES, "unseen": NAMES[8:], "name": "kinds", "semantics": "traits"}
    return gzsl.Dataset.from_arrays(X, IDS, TABLE, **options | changes)


def test_protocol_facts_come_from_the_dataset(tmp_path: Path) -> None:
    recipe = gzsl.load_recipe("eszsl/AWA2", QUICK)
    (run,) = gzsl.run_recipe(recipe, dataset=dataset(features="my net"), out=tmp_path, seeds=[0])
    protocol = Protocol(**run.metrics["protocol"])
    assert (protocol.dataset, protocol.split, protocol.features) == ("kinds", "custom", "my net")
    assert (protocol.semantics, protocol.fine_tuned, protocol.generalized) == ("traits", None, True)
    assert run.folder.name.startswith("eszsl-kinds-s0-")
    assert isinstance(read_run(run.folder), StoredRun)


def test_the_same_arrays_are_found_finished_and_others_are_not(tmp_path: Path) -> None:
    recipe = gzsl.load_recipe("eszsl/simulated", QUICK)
    first, again, other = (
        gzsl.run_recipe(recipe, dataset=d, out=tmp_path, seeds=[0])[0]
        for d in (dataset(), dataset(), dataset(seed=1))
    )
    assert first.fresh
    assert not again.fresh
    assert again.metrics == first.metrics
    assert other.fresh
    assert other.folder != first.folder


def test_a_table_that_is_normalised_already_stays_as_it_is(tmp_path: Path) -> None:
    given = dataset().with_semantics("traits", "zscore")
    recipe = gzsl.load_recipe("eszsl/simulated", {**QUICK, "dataset.normalise": "l2"})
    (run,) = gzsl.run_recipe(recipe, dataset=given, out=tmp_path, seeds=[0])
    assert run.metrics["protocol"]["normalisation"] == "zscore"
    (run,) = gzsl.run_recipe(recipe, dataset=dataset(), out=tmp_path, seeds=[0])
    assert run.metrics["protocol"]["normalisation"] == "l2"


def test_plain_data_run_to_t1_alone(tmp_path: Path) -> None:
    recipe = gzsl.load_recipe("eszsl/simulated", QUICK)
    (run,) = gzsl.run_recipe(recipe, dataset=dataset(test_seen=None), out=tmp_path, seeds=[0])
    assert run.metrics["T1"] > 0.5
    assert [run.metrics[name] for name in ("U", "S", "H", "AUSUC", "calibrated")] == [None] * 5
    assert run.metrics["chosen"]["metric"] == "T1"
    assert run.metrics["protocol"]["generalized"] is False
    assert run.metrics["protocol"]["calibration"] == "none"
    assert "/zsl/" in Protocol(**run.metrics["protocol"]).key()
    assert "U 0.0" not in repr(run)
    text = (run.folder / "metrics.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in metrics.json"))


def test_results_as_a_frame(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    recipe = gzsl.load_recipe("eszsl/simulated", QUICK)
    runs = gzsl.run_recipe(recipe, dataset=dataset(), out=tmp_path, seeds=[0, 1])
    frame = gzsl.to_frame(runs)
    assert frame["seed"].tolist() == [0, 1]
    assert frame["H"].tolist() == [run.metrics["H"] for run in runs]


def test_without_pandas_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(gzsl.errors.GzslError, match="found no pandas, expected it to be installed: pip install pandas"):
        gzsl.to_frame([])
