"""Shares, quotas and stages that a method must not get wrong: classes without a share, order of classes, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_wrappers import pooled

from gzsl.conformance import Bench
from gzsl.data import Task, final_task, load
from gzsl.data.pool import ClassPrior, PoolChoice
from gzsl.errors import MethodError
from gzsl.evaluation import evaluate
from gzsl.methods import create, get_method, load_method, save_method
from gzsl.methods.transductive.transduced import Transduced
from gzsl.nn.pseudo_labels import labelled_in, sure_rows
from gzsl.transduction import make_wrapper


def easy(pool: PoolChoice | None = None) -> Task:
    return final_task(load("simulated", preset="easy"), "minmax", "transductive", pool)


def test_a_class_without_a_share_moves_no_other_against_seen_classes() -> None:
    task = easy()
    base = create("eszsl").fit(task.view.without_pool())
    names = [task.view.semantics.class_names[c] for c in task.view.unseen]
    shares = {name: 1 / (len(names) - 1) for name in names[1:]}
    left_out = easy(PoolChoice("unseen", "given", shares=shares)).view
    found = evaluate(Transduced.around(base, make_wrapper({"name": "sinkhorn"}), left_out), task)
    assert found.S > evaluate(base, task).S - 0.2
    scores = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    prior = ClassPrior("given", "classifier", np.array([0.5, 0, 0.3, 0.2]))
    state, _ = make_wrapper({"name": "sinkhorn"}).fit(pooled(scores, scores, prior=prior), seed=0)
    kept = state["bias"][[0, 2, 3]]
    assert abs(kept @ [0.5, 0.3, 0.2]) < 1e-5 and np.abs(kept).max() < 5 and state["bias"][1] < kept.min() - 5


def test_a_class_that_hardly_any_row_is_of_moves_no_other() -> None:
    scores = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)

    def biases(*shares: float) -> np.ndarray:
        told = pooled(scores, scores, prior=ClassPrior("given", "classifier", np.array(shares)))
        return make_wrapper({"name": "sinkhorn"}).fit(told, seed=0)[0]["bias"]

    np.testing.assert_allclose(biases(0.5, 0.4999, 0.0001)[:2], biases(0.5, 0.5, 0)[:2], atol=0.02)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_corrected_shares_do_not_depend_on_the_scale_of_scores(scale: float) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [140, 40, 20])
    mistaken = np.where((y == 0) & (rng.random(200) < 0.3), 1, y)

    def scored(said: np.ndarray) -> np.ndarray:
        return scale * (np.eye(3, dtype=np.float32)[said] + 0.1 * rng.random((len(said), 3), dtype=np.float32))

    def rescored(rows: np.ndarray) -> np.ndarray:
        truth = np.repeat([0, 1, 2], len(rows) // 3)
        return scored(np.where((truth == 0) & (np.arange(len(rows)) % 10 < 3), 1, truth))

    told = pooled(
        scored(mistaken), np.zeros((200, 2), np.float32), prior=ClassPrior("estimated", "bbse", None),
        rescored=rescored, synthetic=lambda count: np.zeros((3 * count, 2), np.float32),
    )  # fmt: skip
    np.testing.assert_allclose(told.shares("x"), [0.7, 0.2, 0.1], atol=0.04)


def test_the_rows_that_check_a_head_are_not_those_that_it_learnt_from() -> None:
    view = Bench.simulated().small
    method: Any = create("f-clswgan", **{**get_method("f-clswgan").card.test_params[0], "n_epochs": 1}).fit(view)
    learnt, _ = method.synthesize(view.unseen_semantics, 20)
    check = method.rows_to_check(view.unseen_semantics)(20)
    assert check.shape == learnt.shape
    assert np.abs(check[:, None] - learnt[None]).sum(axis=2).min() > 1e-6


@pytest.mark.parametrize(("name", "inside"), [("sabr-t", False), ("sabr", True)])
def test_codes_cannot_check_a_classifier_of_features(name: str, inside: bool) -> None:
    view = easy(PoolChoice("unseen", "estimated", "bbse")).view
    params = {**get_method(name).card.test_params[0], "n_epochs": 2} | ({} if inside else {"seen_epochs": 1})
    method = create("transduced", base=create(name, **params)) if inside else create(name, **params)
    with pytest.raises(MethodError, match="found bbse around a method that generates no features, expected classifier"):
        method.fit(view)


def test_rounds_do_not_depend_on_the_order_of_classes() -> None:
    """The one row of an otherwise empty class stays its own, whichever class comes first."""
    shares, counts = np.array([[0.4, 0.6], [0.3, 0.7]]), np.array([1, 2])
    rows, labels = sure_rows(shares, counts)
    assert labelled_in(rows, labels, 2).tolist() == [0, 1]
    rows, labels = sure_rows(shares[:, ::-1], counts[::-1])
    assert labelled_in(rows, labels, 2).tolist() == [1, 0]
    rng = np.random.default_rng(0)
    for _ in range(50):
        drawn, counts = rng.dirichlet(np.ones(6), size=9), rng.integers(1, 4, size=6)
        order = rng.permutation(6)
        ours = labelled_in(*sure_rows(drawn, counts), 9)
        theirs = labelled_in(*sure_rows(drawn[:, order], counts[order]), 9)
        assert np.array_equal(ours, np.where(theirs >= 0, order[theirs], -1))
        assert set(range(6)) <= set(ours)


def test_rows_that_may_not_be_taken_are_not_but_for_classes_without_any() -> None:
    shares = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.7, 0.3, 0.0], [0.1, 0.9, 0.0], [0.2, 0.7, 0.1]])
    may = np.array([False, True, True, False, False])
    found = labelled_in(*sure_rows(shares, np.array([2, 1, 1]), may), 5)
    assert found.tolist() == [-1, 0, 0, 1, 2]


def test_rows_that_are_fewer_than_classes_go_to_the_class_that_is_served_last() -> None:
    shares = np.array([[0.5, 0.3, 0.15, 0.05], [0.6, 0.1, 0.05, 0.25]])
    rows, labels = sure_rows(shares, np.array([1, 1, 1, 1]))
    assert list(zip(rows.tolist(), labels.tolist(), strict=True)) == [(1, 0), (0, 1), (1, 3), (0, 2)]


def test_an_ensemble_takes_no_row_that_most_experts_do_not_share(monkeypatch: pytest.MonkeyPatch) -> None:
    params = {**get_method("pren").card.test_params[0], "n_epochs": 4, "lr": 1e-3}
    shown: list[tuple[np.ndarray, np.ndarray]] = []
    cls: Any = get_method("pren")
    ensemble = cls._ensemble

    def watched(self: Any) -> tuple[np.ndarray, np.ndarray]:
        shown.append(ensemble(self))
        return shown[-1]

    monkeypatch.setattr(cls, "_ensemble", watched)
    method: Any = create("pren", **params).fit(easy().view)
    assert len(shown) == 4
    for (shares, agreed), labels in zip(shown, method.pseudo_labels_[1:], strict=True):
        agreeing = set(shares[agreed].argmax(axis=1))
        empty = shares.shape[1] - len(agreeing)
        assert ((labels >= 0) & ~agreed).sum() <= empty


def test_all_nodes_of_a_class_send_as_much_as_those_of_another() -> None:
    """With twenty training rows a seen class and one prototype an unseen one, no unseen class was ever predicted."""
    task = easy()
    found = evaluate(create("tmv").fit(task.view), task)
    assert found.U > 0.4 and found.S > 0.6 and found.T1 > 0.9


def test_a_generator_of_two_stages_keeps_its_stage_in_a_file(tmp_path: Path) -> None:
    view = easy().view
    params = {**get_method("sabr-t").card.test_params[0], "n_epochs": 4, "seen_epochs": 2}
    method: Any = create("sabr-t", **params).fit(view)
    loaded: Any = load_method(save_method(method, tmp_path / "m.safetensors"))
    assert loaded.epoch_ == method.epoch_ == 4
    for table in (view.unseen_semantics, view.semantics):
        np.testing.assert_array_equal(loaded.synthesize(table, 3)[0], method.synthesize(table, 3)[0])
    X, table = view.unlabelled.to_array()[:10], view.unseen_semantics.take([0, 2])  # a head that no file holds
    np.testing.assert_array_equal(loaded.prepare(table).scores(X, table), method.prepare(table).scores(X, table))


def test_the_second_generator_makes_unseen_classes_alone() -> None:
    view = easy().view
    params = {**get_method("sabr-t").card.test_params[0], "n_epochs": 4, "seen_epochs": 2}
    method: Any = create("sabr-t", **params).fit(view)
    first, second = method.generator_, method.pool_generator_
    table = torch.from_numpy(np.array(view.semantics.table, dtype=np.float32))
    with torch.no_grad():
        made = method.sample(table, torch.Generator().manual_seed(3))
        noise = torch.randn(len(table), method.noise_dim_, generator=torch.Generator().manual_seed(3))
        for c in range(len(table)):
            network = first if c in view.seen else second
            torch.testing.assert_close(made[c], network(noise, table)[c])
