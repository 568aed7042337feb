"""Networks start, and published recipes read, as the released code has it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from gzsl.methods import create
from gzsl.methods.iterative import Sizes
from gzsl.runs import list_recipes, load_recipe

RECIPES = {f"{path.parent.name}/{path.stem}": path for path in list_recipes()}
PUBLISHED = ("CUB", "FLO", "SUN", "AWA1", "AWA2", "APY")
SIZES = Sizes(n_features=60, n_attributes=20, n_seen=9)


def built(name: str, **params: Any) -> Any:
    method = create(name, hidden_dim=100, **params)
    method.build(SIZES, torch.Generator().manual_seed(0))
    return method


def settings(recipe: str) -> dict[str, Any]:
    return dict(load_recipe(RECIPES[recipe]).method)


@pytest.mark.parametrize(
    ("name", "params", "uniform"),
    [("cizsl", {}, False), ("cycle-wgan", {}, True), ("cycle-wgan", {"weights": "released-gan"}, None),
     ("f-clswgan", {}, None)],
)  # fmt: skip
def test_generator_and_critic_start_as_released(name: str, params: dict[str, Any], uniform: bool | None) -> None:
    method = built(name, **params)
    for weight in (method.generator_.net.layers[0].weight, method.generator_.net.layers[1].weight):
        expected = 0.02 if uniform is None else math.sqrt(2 / sum(weight.shape))
        assert float(weight.detach().std()) == pytest.approx(expected, rel=0.05)
        if uniform:
            assert float(weight.detach().abs().max()) <= math.sqrt(6 / sum(weight.shape))
    joint = torch.cat([method.critic_.features.weight, *(
        [method.critic_.condition.weight] if method.critic_.condition is not None else []
    )], 1)  # fmt: skip
    expected = 0.02 if uniform is None else math.sqrt(2 / sum(joint.shape))
    assert float(joint.detach().std()) == pytest.approx(expected, rel=0.05)


def test_the_generator_of_cizsl_leaves_its_biases_out_of_the_weight_decay() -> None:
    method = built("cizsl")
    decayed = {
        id(p): group["weight_decay"] for group in method.optimisers()["generator"].param_groups for p in group["params"]
    }
    found = {name: decayed[id(p)] for name, p in method.generator_.named_parameters()}
    assert found == {name: 0.002 if name.endswith("weight") else 0.0 for name in found} and len(found) == 4


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_published_recipes_have_what_the_published_numbers_were_made_with(dataset: str) -> None:
    cycle, lisgan, lsrgan = (settings(f"{name}/{dataset}") for name in ("cycle-wgan", "lisgan", "lsrgan"))
    assert (cycle["beta1"], cycle["weights"], cycle["penalty_points"]) == (0.9, "xavier-uniform", "released")
    assert cycle["head"]["name"] == "relu-softmax" and cycle["head"]["lr"] == pytest.approx(1e-4, rel=0.01)
    assert lisgan["pretrain_epochs"] == 100 == create("lisgan").pretrain_epochs
    assert lsrgan["classifier_lr"] == 1e-3 and lsrgan["above"] == lsrgan["below"]
    assert lsrgan["cls_halved_after"] == (15 if dataset in ("AWA1", "AWA2", "APY") else None)


def test_the_classifier_head_of_the_published_cub_recipe_has_80_passes_of_4096_rows() -> None:
    head = settings("cycle-wgan/CUB")["head"]
    assert (head["n_epochs"], head["batch_size"]) == (80, 4096)
