"""What every method that is trained by steps must do besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from gzsl.data import Task
from gzsl.errors import TrainingDiverged
from gzsl.methods import Method, Monitor, create, get_method
from gzsl.methods.iterative import IterativeMethod
from gzsl.params import parameters

Params = Mapping[str, Any]


@pytest.fixture
def method(name: str, params: Params) -> IterativeMethod:
    made = create(name, **params)
    if not isinstance(made, IterativeMethod):
        pytest.skip("not trained by steps")
    return made.set_params(n_epochs=2)


class Interrupting(Monitor):
    """Keeps a checkpoint after a number of steps and stops there, as a killed process would."""

    def __init__(self, steps: int) -> None:
        self.steps, self.state = steps, b""
        self.seen = 0

    def checkpoint_due(self) -> bool:
        self.seen += 1
        return self.seen == self.steps

    def keep(self, state: bytes) -> None:
        self.state = state
        raise KeyboardInterrupt


class Resuming(Monitor):
    """Continues from a state; remembers the losses of each epoch."""

    def __init__(self, state: bytes | None = None) -> None:
        self.state = state
        self.losses: dict[int, dict[str, float]] = {}

    def kept(self) -> bytes | None:
        return self.state

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        self.losses[epoch] = dict(losses)


@pytest.mark.parametrize("steps", [1, 3])
def test_resumed_equals_uninterrupted_bit_for_bit(
    name: str, params: Params, steps: int, method: IterativeMethod, task: Task
) -> None:
    whole = Resuming()
    expected = create(name, **params).set_params(n_epochs=2).fit(task.view, seed=3, monitor=whole).fitted_arrays()
    stopped = Interrupting(steps)
    with pytest.raises(KeyboardInterrupt):
        method.fit(task.view, seed=3, monitor=stopped)
    rest = Resuming(stopped.state)
    found = method.fit(task.view, seed=3, monitor=rest).fitted_arrays()
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key])
    assert rest.losses == whole.losses


def test_scoring_on_the_way_does_not_disturb_training(
    name: str, params: Params, method: IterativeMethod, task: Task
) -> None:
    class Scoring(Monitor):
        def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
            method.prepare_scoring().scores(np.zeros((2, task.view.n_features)), task.view.semantics)

    expected = create(name, **params).set_params(n_epochs=2).fit(task.view, seed=0).fitted_arrays()
    found = method.fit(task.view, seed=0, monitor=Scoring()).fitted_arrays()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key])


def test_every_trained_parameter_moves(name: str, params: Params, method: IterativeMethod, task: Task) -> None:
    before: dict[str, torch.Tensor] = {}

    original = method.optimisers

    def remember() -> Any:
        optimisers = original()
        for owner, network in method.networks().items():
            for key, tensor in network.named_parameters():
                if tensor.requires_grad:
                    before[f"{owner}.{key}"] = tensor.detach().clone()
        return optimisers

    method.optimisers = remember  # type: ignore[method-assign]
    method.fit(task.view, seed=0)
    assert before
    after = {f"{o}.{k}": t for o, n in method.networks().items() for k, t in n.named_parameters()}
    still = [key for key, tensor in before.items() if torch.equal(tensor, after[key])]
    assert not still, f"no gradient reaches {still}"


def test_every_loss_weight_matters(name: str, params: Params, method: IterativeMethod, task: Task) -> None:
    weights = [key for key in parameters(get_method(name)) if key.endswith("_weight")]
    reference = method.fit(task.view, seed=0).fitted_arrays()
    for key in weights:
        changed = create(name, **params).set_params(n_epochs=2, **{key: 0.0}).fit(task.view, seed=0).fitted_arrays()
        assert any(not np.array_equal(reference[k], changed[k]) for k in reference if "/" in k), key


def test_divergence_names_the_term_and_the_step(
    name: str, params: Params, method: IterativeMethod, task: Task
) -> None:
    update = method.update

    def poisoned(batch: Any) -> dict[str, torch.Tensor]:
        losses = update(batch)
        first = next(iter(losses))
        return losses | {first: losses[first] * float("nan")}

    method.update = poisoned  # type: ignore[method-assign]
    with pytest.raises(TrainingDiverged, match="stopped being finite at step 1 of epoch 1"):
        method.fit(task.view, seed=0)
