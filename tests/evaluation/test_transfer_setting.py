"""The transfer setting: no training row, every class a candidate, top-1 over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.conformance.supplies import joint_space
from gzsl.data import Dataset, final_task, load
from gzsl.errors import ProtocolError
from gzsl.evaluation import evaluate
from gzsl.semantics import Semantics


class Cosine:
    """The plain head: products with class vectors."""

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return X @ semantics.table.T


@pytest.fixture(scope="module")
def data() -> Dataset:
    return joint_space(load("simulated", preset="easy", images_per_class=6))


def test_all_classes_are_candidates_and_nothing_is_trained_on(data: Dataset) -> None:
    task = final_task(data, "l2", "transfer")
    view = task.view
    assert (len(view.features), len(view.seen), len(view.unseen)) == (0, 0, data.n_classes)
    assert view.n_features == data.features.shape[1] and view.semantics.joint
    result = evaluate(Cosine(), task)
    rows = np.concatenate([data.split.test_seen, data.split.test_unseen])
    best = (data.features[rows] @ data.semantics.table.T).argmax(axis=1)
    right = best == data.labels[rows]
    by_class = [right[data.labels[rows] == c].mean() for c in range(data.n_classes)]
    assert result.T1 == pytest.approx(np.mean(by_class))
    assert result.top1 == pytest.approx(right.mean())
    assert not result.generalized and task.gate.reads == 1
    told = result.to_dict()
    assert told["top1"] == result.top1 and told["H"] is None
    assert f"over all {data.n_classes} classes" in told["notes"][0]


def test_what_needs_training_rows_is_refused(data: Dataset) -> None:
    with pytest.raises(ProtocolError, match=r"'minmax' in the transfer setting, .* expected none or l2"):
        final_task(data, "minmax", "transfer")


def test_a_scaling_that_moves_the_origin_takes_the_joint_space_away(data: Dataset) -> None:
    assert final_task(data, "l2").view.semantics.joint
    assert not final_task(data, "standard").view.semantics.joint


def test_guessing_is_noticed(data: Dataset) -> None:
    class Guess:
        def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
            return np.random.default_rng(len(X)).random((len(X), len(semantics)))

    task = final_task(data, "l2", "transfer")
    assert any("what guessing would get" in note for note in evaluate(Guess(), task).notes)
    assert len(evaluate(Cosine(), final_task(data, "l2", "transfer")).notes) == 1
