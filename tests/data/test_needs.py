"""What a method may need besides features, labels and class vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gzsl.conformance import Bench
from gzsl.data import final_task, load
from gzsl.data.needs import NEEDS, lacking, refuse_unmet
from gzsl.errors import MethodError
from gzsl.methods.card import MethodCard
from gzsl.methods.checks import other_space


def test_what_a_view_lacks_is_refused_with_the_way_to_it() -> None:
    data = load("simulated", preset="easy")
    with pytest.raises(MethodError, match=r"some-method: needs unlabelled rows .*setting: transductive"):
        refuse_unmet(final_task(data).view, ["unlabelled"], "some-method")
    refuse_unmet(final_task(data, setting="transductive").view, ["unlabelled"], "some-method")
    with pytest.raises(MethodError, match=r"needs a class graph, found none; name one in the recipe"):
        refuse_unmet(final_task(data).view, ["graph"], "some-method")


def test_a_dataset_says_what_it_cannot_give() -> None:
    data = load("simulated", preset="easy")
    assert "unlabelled" not in lacking(data, NEEDS)
    assert lacking(data, ["unlabelled"]) == []


def test_a_card_names_needs_that_exist() -> None:
    with pytest.raises(TypeError, match="needs 'grpah' is not one of"):
        MethodCard("x", "graph", ("inductive",), "from paper", "A. Author, 2020", 2020, needs=("grpah",))


def test_a_bench_serves_a_method_in_its_setting() -> None:
    bench = Bench.simulated()
    card = MethodCard("x", "transductive", ("transductive",), "from paper", "A. Author, 2020", 2020)
    other = bench.serving(card)
    assert other is bench.serving(card) is not bench
    assert len(other.task.view.unlabelled) == len(bench.dataset.split.test_unseen)


@pytest.mark.parametrize("need", ["joint", "members", "templates", "shots"])
def test_a_bench_has_what_a_card_needs(need: str) -> None:
    bench, card = Bench.simulated(), MethodCard(
        "x", "zero_shot_heads", ("inductive", "transfer"), "from paper", "A. Author, 2020", 2020, needs=("joint", need)
    )  # fmt: skip
    with pytest.raises(MethodError, match="needs class vectors in the space of the features"):
        refuse_unmet(bench.task.view, card.needs, "x")
    served = bench.serving(card)
    refuse_unmet(served.task.view, card.needs, "x")
    assert served.dataset is not bench.dataset


def test_a_bench_serves_a_method_of_transfer_alone() -> None:
    card = MethodCard("x", "zero_shot_heads", ("transfer",), "from paper", "A. Author, 2020", 2020, needs=("joint",))
    task = Bench.simulated().serving(card).task
    assert not len(task.view.features) and task.view.semantics.joint


def test_equal_widths_by_accident_are_noticed() -> None:
    card = MethodCard("x", "zero_shot_heads", ("inductive",), "from paper", "A. Author, 2020", 2020, needs=("joint",))
    view = Bench.simulated().serving(card).task.view
    assert other_space(view) is None
    noise = np.random.default_rng(0).standard_normal(view.semantics.table.shape)
    sentence = other_space(replace(view, semantics=replace(view.semantics, table=noise)))
    assert sentence is not None and "chance is 5.0" in sentence and "preprocess.align: ridge" in sentence
    assert other_space(replace(view, semantics=replace(view.semantics, table=noise, joint=False))) is None
