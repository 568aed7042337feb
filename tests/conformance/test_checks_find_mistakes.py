"""The checks themselves: methods that break one promise each fail exactly there, with a sentence that says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gzsl.conformance import Bench, check_method
from gzsl.data import TrainView
from gzsl.methods import Method, get_method, register
from gzsl.methods.base import METHODS
from gzsl.params import param
from gzsl.semantics import Semantics

DECLARED: dict[str, Any] = {
    "family": "embedding", "settings": ("inductive",), "fidelity": "from paper", "cite": "An example", "year": 2026,
}  # fmt: skip


class Sound(Method):
    """Ridge regression to class vectors."""

    ridge: float = param(default=10.0, low=1e-6, high=1e6, doc="ridge weight")

    def _fit(self, view: TrainView) -> None:
        X = view.features.to_array().astype(np.float64)
        A = view.semantics.table[view.labels].astype(np.float64)
        self.weights_ = np.linalg.solve(X.T @ X + self.ridge * np.eye(X.shape[1]), X.T @ A).astype(np.float32)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return 2 * X @ self.weights_ @ semantics.table.T - (semantics.table**2).sum(axis=1)


class Batchwise(Sound):
    """Takes a tenth of the mean of the batch away, as if it were one side's."""

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return super()._scores(X - 0.1 * X.mean(axis=0), semantics)


class Counting(Sound):
    """Takes every later block for one of another side."""

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        self._calls = getattr(self, "_calls", 0) + 1
        return super()._scores(X, semantics) + 0.1 * self._calls


class Dicing(Sound):
    """Draws from numpy's global state."""

    def _fit(self, view: TrainView) -> None:
        super()._fit(view)
        self.weights_ = self.weights_ + np.random.rand(*self.weights_.shape).astype(np.float32)  # noqa: NPY002


class Failing(Sound):
    """Crashes while scoring."""

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        raise KeyError("weights")


@pytest.fixture
def checked(bench: Bench) -> Iterator[Any]:
    """The outcomes that a class gets, by check; the class is forgotten afterwards."""
    before = dict(METHODS._members)

    def outcomes(cls: type[Method], **more: Any) -> dict[str, tuple[str, str]]:
        register(f"my-{cls.__name__.lower()}", **DECLARED, **more)(cls)
        return {found.check: (found.state, found.found) for found in check_method(cls.card.id, bench)}

    yield outcomes
    METHODS._members.clear()
    METHODS._members.update(before)


def failing(outcomes: dict[str, tuple[str, str]]) -> set[str]:
    return {name for name, (state, _) in outcomes.items() if state == "fail"}


def test_a_sound_method_passes_everything(checked: Any) -> None:
    assert not failing(checked(Sound))


def test_scores_that_look_at_the_batch_are_found(checked: Any) -> None:
    outcomes = checked(Batchwise)
    assert failing(outcomes) == {"scores_do_not_depend_on_the_rows_beside"}
    assert "images beside it" in outcomes["scores_do_not_depend_on_the_rows_beside"][1]


def test_scores_that_count_the_calls_are_found(checked: Any) -> None:
    assert "scores_do_not_depend_on_the_rows_beside" in failing(checked(Counting))


def test_random_numbers_from_outside_are_found(checked: Any) -> None:
    outcomes = checked(Dicing)
    assert {"fit_does_not_touch_the_global_random_state", "same_seed_same_bits_and_nothing_else_changes"} <= failing(
        outcomes
    )
    assert outcomes["same_seed_same_bits_and_nothing_else_changes"][1] == "two fits with seed 0 differ in weights_"


def test_a_crash_is_a_line_of_the_table_and_an_excuse_is_kept(checked: Any) -> None:
    reason = "a known weakness"
    outcomes = checked(Failing, xfail={"scores_follow_the_rows": reason, "refuses_nan_features": reason})
    assert outcomes["scores_follow_the_classes_exactly"] == ("fail", "KeyError: 'weights'")
    assert outcomes["scores_follow_the_rows"] == ("excused", reason)
    assert outcomes["refuses_nan_features"] == ("fail", f"passes, though its card says: {reason}")
    assert get_method("my-failing").card.xfail["scores_follow_the_rows"] == reason
