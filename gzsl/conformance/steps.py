"""What every method that is trained by steps must do besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gzsl.conformance.subject import CheckFailed, Losses, Subject, differing, expect, expect_refusal, listed, same
from gzsl.errors import TrainingDiverged
from gzsl.heads import PrototypeHead
from gzsl.methods import Method, Monitor
from gzsl.params import Configurable, parameters

if TYPE_CHECKING:
    import torch

    from gzsl.methods.iterative import IterativeMethod


class Interrupting(Monitor):
    """Keeps a checkpoint after a number of steps and stops there, as a killed process would."""

    def __init__(self, steps: int) -> None:
        self.steps, self.state = steps, b""
        self.seen = 0

    def checkpoint_due(self) -> bool:
        """Count a step."""
        self.seen += 1
        return self.seen == self.steps

    def keep(self, state: bytes) -> None:
        """Take the checkpoint and stop."""
        self.state = state
        raise KeyboardInterrupt


class Resuming(Losses):
    """Continues from a state."""

    def __init__(self, state: bytes) -> None:
        super().__init__()
        self.state = state

    def kept(self) -> bytes | None:
        """The state to continue from."""
        return self.state


class Scoring(Monitor):
    """Scores in the middle of training."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def epoch_done(self, method: Method, epoch: int, losses: Mapping[str, float]) -> None:
        """Score two rows."""
        view = self.subject.view
        method.prepare_scoring().scores(self.subject.blank(2), view.semantics)


def resumed_equals_uninterrupted_bit_for_bit(subject: Subject) -> None:
    """Stopped after any step and continued from its checkpoint, it ends in the same bits."""
    expected, whole = subject.brief
    for count in (1, 3):
        stopped = Interrupting(count)
        try:
            subject.quick().fit(subject.bench.small, seed=0, monitor=stopped)
        except KeyboardInterrupt:
            pass
        else:
            raise CheckFailed(f"no checkpoint could be taken after {count} steps; the training is too short")
        rest = Resuming(stopped.state)
        found = subject.quick().fit(subject.bench.small, seed=0, monitor=rest)
        other = differing(found, expected)
        expect(not other, f"continued after {count} steps, the fit ends with other {listed(other)}")
        left = dict(list(whole.losses.items())[-len(rest.losses) :])  # an epoch may have ended before the checkpoint
        expect(bool(rest.losses) and rest.losses == left, f"continued after {count} steps, the losses differ")


def scoring_on_the_way_does_not_disturb_training(subject: Subject) -> None:
    """Scoring after every epoch, with other values of what scoring alone reads, changes nothing of what is learnt."""
    method = _quick(subject)
    own = {name: getattr(method, name) for name in method.scoring_only}
    method.set_params(**{name: _another(value) for name, value in own.items()})
    method.fit(subject.bench.small, seed=0, monitor=Scoring(subject))
    scored = method.set_params(**own).prepare_scoring()
    other = differing(scored, subject.brief[0])
    reason = f" with other {', '.join(own)}" if own else ""
    expect(not other, f"scored after every epoch{reason}, the fit ends with other {listed(other)}")


def every_trained_parameter_moves(subject: Subject) -> None:
    """Every network weight that is trained gets a gradient."""
    method, before = _quick(subject), dict[str, "torch.Tensor"]()
    original = method.optimisers

    def remember() -> Any:
        optimisers = original()
        before.update({key: value.detach().clone() for key, value in _trained(method).items()})
        return optimisers

    method.optimisers = remember  # type: ignore[method-assign]
    method.fit(subject.bench.small, seed=0)
    after = _trained(method)
    still = [key for key, tensor in before.items() if bool((tensor == after[key]).all())]
    expect(bool(before), "no network has weights to train")
    expect(not still, f"no gradient reaches {listed(still)}")


def every_loss_weight_matters(subject: Subject) -> None:
    """Every hyper-parameter named ..._weight that may be zero changes what is learnt when it is."""
    weights = [key for key, p in parameters(subject.cls).items() if key.endswith("_weight") and not (p.low or 0) > 0]
    reference = subject.brief[0].fitted_arrays()
    for key in weights:
        changed = subject.quick(**{key: 0.0}).fit(subject.bench.small, seed=0).fitted_arrays()
        moved = any(not same(reference[name], changed[name]) for name in reference if "/" in name)
        expect(moved, f"{key}=0 changes no weight of a network")


def divergence_names_the_term_and_the_step(subject: Subject) -> None:
    """A loss that stops being finite ends training with its name and the step."""
    method = _quick(subject)
    update = method.update

    def poisoned(batch: Any) -> dict[str, torch.Tensor]:
        losses = update(batch)
        first = next(iter(losses))
        return losses | {first: losses[first] * float("nan")}

    method.update = poisoned  # type: ignore[method-assign]
    expect_refusal(
        lambda: method.fit(subject.bench.small, seed=0), TrainingDiverged, "stopped being finite at step 1 of epoch 1",
        "a loss that is NaN",
    )  # fmt: skip


def _another(value: Any) -> Any:
    """Another value of a number or of a head."""
    return PrototypeHead() if isinstance(value, Configurable) else 3 if value is None else value + 1


def _quick(subject: Subject) -> IterativeMethod:
    method: Any = subject.quick()
    return method  # type: ignore[no-any-return]


def _trained(method: IterativeMethod) -> dict[str, torch.Tensor]:
    return {
        f"{owner}.{key}": tensor
        for owner, network in method.networks().items()
        for key, tensor in network.named_parameters()
        if tensor.requires_grad
    }
