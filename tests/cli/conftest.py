"""Fixtures of the command-line tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from gzsl.data import benchmarks, networks

IMAGES, DIMENSIONS = 6, 24


@pytest.fixture
def awa1(awa1_files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """AWA1 in small, with the facts in small as well: whoever asks finds the complete benchmark with ResNet-101."""
    known = {name: benchmarks.facts(name) for name in benchmarks.names()}
    sizes = {"trainval": 40 * (IMAGES - 1), "test_seen": 40, "test_unseen": 10 * IMAGES}
    known["AWA1"] = replace(known["AWA1"], images=50 * IMAGES, sizes=sizes)
    monkeypatch.setattr(benchmarks, "facts", known.__getitem__)
    monkeypatch.setattr(networks, "_KNOWN", (("res101", "res101", (DIMENSIONS,)),))
    return awa1_files


@pytest.fixture(scope="session")
def awa1_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with AWA1's class names and unseen classes, six images a class, and random attributes."""
    root = tmp_path_factory.mktemp("benchmarks")
    folder = root / "AWA1"
    folder.mkdir()
    facts, rng = benchmarks.facts("AWA1"), np.random.default_rng(0)
    original = np.round(rng.random((facts.attributes, len(facts.classes))) * 100)
    labels = np.repeat(np.arange(len(facts.classes)), IMAGES)
    shown = (original / 100).T @ rng.standard_normal((facts.attributes, DIMENSIONS))
    X = np.maximum(shown[labels] + 0.3 * rng.standard_normal((len(labels), DIMENSIONS)), 0)
    unseen = np.isin(labels, benchmarks.published_ids(facts.unseen, facts.classes))
    kth = np.tile(np.arange(IMAGES), len(facts.classes))
    rows = {"trainval_loc": ~unseen & (kth > 0), "test_seen_loc": ~unseen & (kth == 0), "test_unseen_loc": unseen}
    savemat(folder / "res101.mat", {"features": X.T, "labels": labels[:, None] + 1.0})
    savemat(folder / "att_splits.mat", {
        "att": original / np.linalg.norm(original, axis=0), "original_att": original,
        "allclasses_names": np.array([[name] for name in facts.classes], dtype=object),
        **{name: np.flatnonzero(mask)[:, None] + 1.0 for name, mask in rows.items()},
    })  # fmt: skip
    return root
