"""The transductive setting in recipes, and what a run says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gzsl.errors import ProtocolError, RecipeError
from gzsl.runs import run_recipe
from gzsl.runs.recipe import make_recipe

LISGAN = {
    "dataset": "simulated",
    "method": {
        "name": "lisgan", "n_epochs": 1, "batch_size": 64, "hidden_dim": 16, "n_synthetic": 5, "pretrain_epochs": 1,
        "head": {"name": "cascade", "n_epochs": 1, "second_epochs": 1},
    },
    "preprocess": {"features": "minmax"}, "selection": "last", "seeds": [0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "pool", "prior", "reads", "valid"),
    [
        ({}, "unseen", "uniform", 1, True),
        ({"pool": "all", "class_prior": "given"}, "all", "given", 2, False),
        ({"class_prior": {"name": "estimated", "rule": "kmeans"}}, "unseen", "estimated (kmeans)", 1, True),
    ],
)
def test_a_run_says_what_was_read(
    tmp_path: Path, keys: dict[str, object], pool: str, prior: str, reads: int, valid: bool
) -> None:
    recipe = make_recipe({**LISGAN, "setting": "transductive", **keys})
    (result,) = run_recipe(recipe, out=tmp_path)
    metrics = json.loads((result.folder / "metrics.json").read_text())
    protocol = metrics["protocol"]
    assert (protocol["pool"], protocol["class_prior"], protocol["pool_reads"]) == (pool, prior, reads)
    assert protocol["valid"] is valid
    assert metrics["test_reads"] == reads + 1


def test_an_inductive_recipe_is_what_it_was() -> None:
    resolved = make_recipe({"dataset": "simulated", "method": "eszsl"}).resolved()
    assert not {"pool", "class_prior", "transductive"} & set(resolved)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"pool": "all"}, "pool: found one in the inductive setting, expected none there; say setting: transductive"),
        ({"class_prior": "uniform"}, "class_prior: found one in the inductive setting"),
        ({"setting": "transductive", "pool": "some"}, "pool: found 'some'"),
        ({"setting": "transductive", "class_prior": "flat"}, "class_prior.name: found 'flat'"),
        ({"setting": "transductive", "class_prior": {"name": "estimated", "rule": "em"}}, "prior.rule: found 'em'"),
    ],
)  # fmt: skip
def test_keys_out_of_place_are_named(keys: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        make_recipe({"dataset": "simulated", "method": "eszsl", **keys})


@pytest.mark.parametrize(
    ("shares", "pool", "sentence"),
    [
        ({"zebra": 1.0}, "unseen", "found the class 'zebra', expected classes of the pool alone"),
        ({"class 00": 1.0}, "unseen", "found the class 'class 00', expected classes of the pool alone"),
        ({"class 00": 0.9}, "all", "found shares that sum to 0.9, expected 1"),
    ],
)
def test_shares_that_no_pool_has_end_a_run_before_it_begins(
    tmp_path: Path, shares: dict[str, float], pool: str, sentence: str
) -> None:
    prior = {"name": "given", "shares": shares}
    recipe = make_recipe({**LISGAN, "setting": "transductive", "pool": pool, "class_prior": prior})
    with pytest.raises(ProtocolError, match=sentence):
        run_recipe(recipe, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
