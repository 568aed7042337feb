from __future__ import annotations

import numpy as np
import pytest

from gzsl.errors import RecipeError
from gzsl.params import parameters
from gzsl.runs import load_recipe
from gzsl.tuning import Dimension, search_space
from gzsl.tuning.plan import draw_plan


def test_the_declared_ranges_are_the_default_space() -> None:
    recipe = load_recipe("eszsl/simulated")
    gamma, lam = search_space(recipe)
    declared = parameters(type(recipe.build_method()))
    assert (gamma.key, gamma.low, gamma.high, gamma.log) == ("gamma", *declared["gamma"].tune, True)
    assert lam.key == "lam"
    (only,) = search_space(recipe, ["lam"])
    assert only == lam


def test_ranges_of_the_user() -> None:
    recipe = load_recipe("f-clswgan/simulated")
    found = search_space(
        recipe,
        ["gp_weight", "output"],
        {"lr": "1e-4:1e-2", "cls_weight": "0.01:0.1:linear", "n_synthetic": "10:50", "head.lr": "1e-4:1e-2:log",
         "batch_size": "32,64"},
    )  # fmt: skip
    space = {dimension.key: dimension for dimension in found}
    assert space["lr"].log  # as declared
    assert not space["cls_weight"].log
    assert space["n_synthetic"].integer
    assert space["head.lr"] == Dimension("head.lr", 1e-4, 1e-2, True)
    assert space["batch_size"].choices == (32, 64)
    assert space["output"].choices == ("relu", "sigmoid", "tanh", "none")
    assert space["gp_weight"] == Dimension("gp_weight", 1.0, 100.0, True)  # ten times to each side of the recipe's 10


@pytest.mark.parametrize(
    ("only", "ranges", "sentence"),
    [
        (["lrr"], {}, "unknown hyper-parameter 'lrr' of ale; did you mean 'lr'?"),
        (["head.lr"], {}, "head is not a part of ale"),
        ([], {"lr": "a:b"}, "found no two numbers"),
        ([], {"lr": "1:0.1"}, "expected LOW below HIGH"),
        ([], {"lr": "0:1:log"}, "expected a number above 0"),
        ([], {"lr": "1:2:cubic"}, "found 'cubic'"),
        ([], {"lr": "0.1:1e9"}, "expected in"),
        ([], {"optimiser": "sgd,rmsprop"}, "found 'rmsprop'"),
        ([], {"batch_size": "1.5:3"}, "expected whole numbers"),
        (["n_epochs"], {}, "chosen by the validation curve"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(only: list[str], ranges: dict[str, str], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence) as caught:
        search_space(load_recipe("ale/simulated"), only, ranges)
    assert "\n" not in str(caught.value)


def test_a_part_is_not_a_value() -> None:
    with pytest.raises(RecipeError, match=r"search its own values, such as head\.lr"):
        search_space(load_recipe("f-clswgan/simulated"), ["head"])


def test_places_of_the_unit_interval() -> None:
    log = Dimension("a", 1e-4, 1.0, log=True)
    assert [log.at(share) for share in (0.0, 0.25, 0.5, 1.0)] == [1e-4, 1e-3, 1e-2, 1.0]
    whole = Dimension("b", 1, 4, integer=True)
    counts = np.bincount([whole.at(share) for share in np.linspace(0, 1, 1000, endpoint=False)])
    assert counts[0] == 0
    assert np.abs(counts[1:] - 250).max() <= 1
    choice = Dimension("c", choices=("x", "y"))
    assert [choice.at(share) for share in (0.0, 0.49, 0.5, 0.999)] == ["x", "x", "y", "y"]
    assert not log.holds(2.0)
    assert not log.holds(True)
    assert choice.holds("y")


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_the_list_depends_on_the_seed_alone_and_a_longer_one_continues_it(sampler: str) -> None:
    recipe = load_recipe("eszsl/simulated")
    method, space = recipe.build_method(), search_space(recipe)
    short = draw_plan(method, space, 5, sampler, seed=3)
    assert draw_plan(method, space, 40, sampler, seed=3)[:5] == short
    assert draw_plan(method, space, 5, sampler, seed=4)[1:] != short[1:]
    assert short[0] == {"gamma": method.gamma, "lam": method.lam}  # the recipe as it stands
    assert all(space[0].holds(trial["gamma"]) and space[1].holds(trial["lam"]) for trial in short)


def test_sobol_covers_every_eighth_of_a_range_with_eight_trials() -> None:
    recipe = load_recipe("ale/simulated")
    space = search_space(recipe, ["lr"])
    drawn = draw_plan(recipe.build_method(), space, 9, "sobol", seed=0)[1:]
    low, high = np.log(space[0].low), np.log(space[0].high)
    eighths = sorted(int(8 * (np.log(trial["lr"]) - low) / (high - low) - 1e-9) for trial in drawn)
    assert eighths == list(range(8))
