"""Folders of runs that were never run: scores are drawn, everything else is computed from them by gzsl itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gzsl.door.yaml import dump_yaml
from gzsl.evaluation import Evaluation, summarise

PROTOCOL = {
    "dataset": "AWA1", "split": "PS2", "setting": "inductive", "features": "res101", "fine_tuned": False,
    "semantics": "att", "normalisation": "none", "preprocessing": "none", "selection": "validation",
    "calibration": "stacking", "generalized": True, "valid": True,
}  # fmt: skip
N_SEEN, N_UNSEEN, IMAGES = 6, 4, 12


def evaluation(strength: float, seed: int, bias: float, n_seen: int = N_SEEN, n_unseen: int = N_UNSEEN) -> Evaluation:
    """Scores of random images whose true class is ahead by ``strength`` and seen classes by ``bias``."""
    draw = np.random.default_rng(seed)
    n = n_seen + n_unseen
    labels = np.repeat(np.arange(n), IMAGES)
    scores = draw.normal(size=(len(labels), n))
    scores[np.arange(len(labels)), labels] += strength
    scores[:, :n_seen] += bias
    seen, unseen = np.arange(n_seen), np.arange(n_seen, n)
    summary = summarise(scores, labels, seen, unseen)
    zsl = unseen[scores[labels >= n_seen][:, n_seen:].argmax(axis=1)]
    names = tuple(f"class_{k}<b>" for k in range(n))
    return Evaluation(summary, zsl, names, gamma=bias)


def write_run(folder: Path, result: Evaluation, method: str, seed: int, **options: Any) -> Path:
    """Write what a finished run leaves behind; ``protocol`` and ``recipe`` options change the usual values."""
    protocol = {**PROTOCOL, **options.get("protocol", {})}
    recipe = {
        "paper": "someone", "dataset": {"name": protocol["dataset"]},
        "method": {"name": method, **options.get("recipe", {})}, "selection": {"metric": "H"}, "seeds": [seed],
    }  # fmt: skip
    folder.mkdir(parents=True)
    metrics = {
        "method": method, "dataset": protocol["dataset"], "seed": seed, **result.to_dict(), "chosen": None,
        "test_reads": 1, "protocol": protocol,
    }  # fmt: skip
    if protocol["calibration"] == "none":
        metrics["calibrated"] = None
    environment = {"key": folder.name, "gzsl": "0", "device": "cpu", "packages": {"numpy": "2"}}
    environment |= options.get("environment", {})
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "timing.json").write_text(json.dumps({"seconds": 1.5 + seed, "threads": 1}))
    (folder / "recipe.yaml").write_text(dump_yaml(recipe))
    for name in ("scores.npz", *([] if metrics["calibrated"] is None else ["gate.npz"])):
        np.savez(folder / name, **result.summary.to_arrays())
    rows = result.per_class_rows()
    with (folder / "per_class.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in options.get("records", [])))
    (folder / "log.txt").write_text("2026-01-01 00:00:00 [1] start\n")
    (folder / "done").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def fake() -> Callable[..., Path]:
    """`write_run` of a drawn `evaluation`."""

    def make(out: Path, method: str, seed: int, strength: float = 1.5, bias: float = 1.0, **options: Any) -> Path:
        dataset = options.get("protocol", {}).get("dataset", PROTOCOL["dataset"])
        name = options.pop("name", f"{method}-{dataset}-s{seed}")
        result = evaluation(strength, seed, bias, *options.pop("sizes", ()))
        return write_run(out / name, result, method, seed, **options)

    return make


@pytest.fixture(scope="session")
def records() -> list[dict[str, Any]]:
    """Losses of 500 epochs and validation of a method trained by steps."""
    found: list[dict[str, Any]] = []
    for fit in ("validation-0-c0", "final"):
        found += [{"kind": "losses", "fit": fit, "epoch": e, "losses": {"critic": 1 / e}} for e in range(1, 501)]
    for epoch in (1, 500):
        place = {"phase": "validation", "fold": "0", "index": 0, "candidate": {}, "epoch": epoch}
        scores = dict.fromkeys(("T1", "U", "S", "H", "AUSUC"), 0.5)
        found.append({"kind": "evaluation", **place, **scores})
    return found
