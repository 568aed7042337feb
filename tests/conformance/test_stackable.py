"""What every method that declares ``stackable = True`` must do: train several seeds as one model as it trains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gzsl.conformance import Bench, Subject
from gzsl.conformance.subject import Losses
from gzsl.data import TrainView, fold_task, validation_folds
from gzsl.errors import TrainingDiverged
from gzsl.methods import Method, create
from gzsl.methods.iterative import IterativeMethod
from gzsl.methods.stacked import Fit, can_stack, fit_together

Params = Mapping[str, Any]
TOLERANCE = 1e-4  # of the largest entry of an array: the order of float32 sums differs, Adam's first steps amplify it


class Watching(Losses):
    """Keeps a checkpoint after some steps, continues from another one."""

    def __init__(self, keep_after: int = 0, state: bytes | None = None) -> None:
        super().__init__()
        self.keep_after, self.state, self.due = keep_after, state, 0
        self.left: bytes | None = None

    def checkpoint_due(self) -> bool:
        self.due += 1
        return self.due == self.keep_after

    def keep(self, state: bytes) -> None:
        self.left = state

    def kept(self) -> bytes | None:
        return self.state


@pytest.fixture
def make(name: str, params: Params, bench: Bench) -> Any:
    """Makes one more copy of the method, with other hyper-parameters."""
    if not can_stack(create(name, **params)):
        pytest.skip("does not declare stackable = True")

    def made(**changes: Any) -> IterativeMethod:
        short = Subject(name, params, bench).quick(**changes)
        assert isinstance(short, IterativeMethod)
        return short

    return made


def close(found: Method, expected: Method) -> None:
    one, other = found.fitted_arrays(), expected.fitted_arrays()
    assert one.keys() == other.keys()
    for key in one:
        scale = max(float(np.abs(other[key]).max()), 1e-12)
        np.testing.assert_allclose(one[key], other[key], rtol=0, atol=TOLERANCE * scale, err_msg=key)


def close_losses(found: Watching, expected: Watching) -> None:
    assert found.losses.keys() == expected.losses.keys()
    for epoch, terms in expected.losses.items():
        assert found.losses[epoch] == pytest.approx(terms, rel=1e-3, abs=1e-5)


def test_stacked_equals_separate(name: str, params: Params, make: Any, bench: Bench) -> None:
    """Three seeds, one of them shorter and one on other rows, and two seeds on other classes."""
    small = bench.small
    (fold,) = validation_folds(bench.dataset, 1, seed=1)
    other = bench.smaller(fold_task(bench.dataset, fold, "minmax").view)
    back = np.arange(len(small.labels))[::-1].copy()
    shifted = replace(small, features=small.features.take(back), labels=small.labels[back])
    cases = [(0, {}, small), (1, {"n_epochs": 1}, small), (2, {}, shifted), (0, {}, other), (1, {}, other)]
    separate, stacked = [], []
    for fits, stack in ((separate, False), (stacked, True)):
        fits += [Fit(make(**changes), view, seed, "cpu", Watching()) for seed, changes, view in cases]
        outcomes = fit_together(fits, stack=stack)
        assert [outcome.error for outcome in outcomes] == [None] * len(cases)
        assert [outcome.together for outcome in outcomes] == ([3, 3, 3, 2, 2] if stack else [1] * len(cases))
    for found, expected in zip(stacked, separate, strict=True):
        close(found.method, expected.method)
        close_losses(found.monitor, expected.monitor)  # type: ignore[arg-type]
        scores = found.method.scores(np.full((3, found.view.n_features), 0.5, np.float32), found.view.semantics)
        assert np.isfinite(scores).all()


def test_weights_of_losses_may_differ_in_a_stack(name: str, params: Params, make: Any, small: TrainView) -> None:
    plain = make()
    weights = [key for key, value in plain.get_params(deep=False).items() if key.endswith("_weight") and value]
    assert weights
    changes = {key: 2 * getattr(plain, key) for key in weights}
    found, same = (Fit(make(**change), small, 0) for change in (changes, {}))
    assert [outcome.together for outcome in fit_together([found, same], stack=True)] == [2, 2]
    close(found.method, make(**changes).fit(small, seed=0))
    close(same.method, make().fit(small, seed=0))


def test_checkpoints_of_a_stack_continue_alone_and_the_other_way_round(
    name: str, params: Params, make: Any, small: TrainView
) -> None:
    expected = [make().fit(small, seed=seed) for seed in (0, 1)]
    kept = {}
    for stack in (True, False):
        fits = [Fit(make(), small, seed, "cpu", Watching(keep_after=3)) for seed in (0, 1)]
        fit_together(fits, stack=stack)
        kept[stack] = [fit.monitor.left for fit in fits]  # type: ignore[attr-defined]
    for written, read in ((True, False), (False, True)):
        fits = [Fit(make(), small, s, "cpu", Watching(state=kept[written][s])) for s in (0, 1)]
        assert [outcome.error for outcome in fit_together(fits, stack=read)] == [None, None]
        for fit, whole in zip(fits, expected, strict=True):
            close(fit.method, whole)


def test_a_seed_that_diverges_is_named_and_leaves_the_others_alone(
    name: str, params: Params, make: Any, small: TrainView, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make().fit(small, seed=0)
    update = type(expected).update

    def poisoned(self: IterativeMethod, batch: Any) -> dict[str, torch.Tensor]:
        losses = update(self, batch)
        first = next(iter(losses))
        if losses[first].ndim == 0:
            return losses
        return losses | {first: losses[first] * torch.tensor([1.0, float("nan"), 1.0])[: len(losses[first])]}

    monkeypatch.setattr(type(expected), "update", poisoned)
    fits = [Fit(make(n_epochs=1 if seed == 5 else 2), small, seed) for seed in (0, 5, 7)]
    errors = [outcome.error for outcome in fit_together(fits, stack=True)]
    assert isinstance(errors[1], TrainingDiverged)
    assert "seed 5" in str(errors[1]) and "step 1 of epoch 1" in str(errors[1])
    assert errors[0] is None
    assert not hasattr(fits[1].method, "classes_")
