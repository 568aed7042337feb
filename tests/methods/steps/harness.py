"""Whole updates of a method, in float64, beside those of a reference that has the same weights, rows and noise.

A reference is written from a method's paper and released code with nothing but ``torch.nn.functional``, autograd and
``torch.optim``. It is a class that is made from a `Start` and has ``update(x, y, a, noise)``, which returns the terms
that the method's ``update`` should return (and ``tensors()``, where the method keeps tensors besides its networks)::

    class Reference:
        def __init__(self, start): self.w, self.own = start.weights, start.settings; ...
        def update(self, x, y, a, noise): z = noise("noise"); ...; return {"generator": loss, ...}

    def test_...(): compare("f-clswgan", Reference, critic_steps=3)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gzsl.data import FeatureRows, TrainView
from gzsl.data.pool import ClassPrior
from gzsl.methods import Method, create
from gzsl.methods.loop import Loop
from gzsl.methods.stacked import Fit
from gzsl.methods.stacked.members import started
from gzsl.nn.batches import TrainingRows
from gzsl.nn.streams import Streams
from gzsl.semantics import Semantics

D, A, SEEN, UNSEEN, ROWS = 7, 4, 5, 2, 60
BATCH, HIDDEN = 8, 6
CLOSE = 1e-6
SMALL: dict[str, Any] = {
    "batch_size": BATCH, "hidden_dim": HIDDEN, "lr": 1e-2, "n_synthetic": 3, "n_epochs": 1,
    "head": {"name": "softmax", "n_epochs": 1},
}  # fmt: skip


class Tape(Streams):
    """Random streams in float64 that keep what they gave, so that a reference gets the same numbers."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.given: dict[str, list[Tensor]] = {}

    def normal(self, name: str, *shape: int) -> Tensor:
        return self._kept(name, torch.randn(*shape, generator=self[name], dtype=torch.float64))

    def uniform(self, name: str, *shape: int) -> Tensor:
        return self._kept(name, torch.rand(*shape, generator=self[name], dtype=torch.float64))

    def _kept(self, name: str, value: Tensor) -> Tensor:
        self.given.setdefault(name, []).append(value.clone())
        return value

    def replay(self) -> Callable[[str], Tensor]:
        """What gives the numbers of the last update again, a stream at a time, in the order in which they came."""
        given, self.given = self.given, {}
        return lambda name: given[name].pop(0)


@dataclass
class Start:
    """What a reference begins with.

    Attributes
    ----------
    weights : dict of str to Tensor
        Copies of all parameters and buffers by ``network.name``, float64; parameters ask for gradients.
    x, y, table, unseen : Tensor
        Training rows (n, d), their classes (n,), class vectors of seen (s, a) and of unseen classes (u, a).
    settings : SimpleNamespace
        Hyper-parameters of the method.
    method : Method
        For what came out of pretraining by other means than the update (cluster centres, say); not for losses.
    """

    weights: dict[str, Tensor]
    x: Tensor
    y: Tensor
    table: Tensor
    unseen: Tensor
    settings: SimpleNamespace
    method: Method

    def under(self, *networks: str) -> list[Tensor]:
        """All parameters of some networks (or layers), to be given to an optimiser."""
        return [w for name, w in self.weights.items() if name.startswith(networks) and w.requires_grad]


class Reference(Protocol):
    """An independent update; see the module."""

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]: ...


def unit_view() -> TrainView:
    """Small problem with features in [0, 1] and class vectors of unit length."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(SEEN), rng.integers(0, SEEN, ROWS - SEEN)])
    X = (rng.random((SEEN, D))[labels] + 0.3 * rng.standard_normal((ROWS, D))).clip(0, 1)
    table = rng.random((SEEN + UNSEEN, A))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    names = tuple(f"c{k}" for k in range(SEEN + UNSEEN))
    classes = np.arange(SEEN + UNSEEN)
    return TrainView(FeatureRows(X.astype(np.float32)), labels, Semantics(table, names), classes[:SEEN], classes[SEEN:])


def pooled_view(pool: str = "unseen", shares: tuple[float, ...] = (0, 0, 0, 0, 0, 0.7, 0.3)) -> TrainView:
    """`unit_view` with 30 unlabelled rows and given shares of classes among them."""
    rows = np.random.default_rng(1).standard_normal((30, D)).astype(np.float32)
    prior = ClassPrior("given", "classifier", np.array(shares))
    return replace(
        unit_view(), setting="transductive", unlabelled_features=FeatureRows(rows), prior=prior, pool=pool
    )


def compare(
    name: str, reference: Callable[[Start], Reference], *, steps: int = 3, epochs_before: int = 0, times: float = 1.0,
    only: Iterable[str] | None = None, view: TrainView | None = None, **params: Any,
) -> None:  # fmt: skip
    """Take updates with a method and its reference; all parameters and terms have to agree after each.

    Parameters
    ----------
    name, params
        The method and its hyper-parameters, over those of `SMALL` that it has.
    reference
        Makes the reference.
    steps
        Updates.
    epochs_before
        Epochs that the method and the reference are told to have ended (``on_epoch_end``) before the first update.
    times
        Factor of all weights before the first update: with small ones, what goes through many layers hardly counts.
    only
        Terms that are compared; all that the method returns when None.
    view
        Training data; `unit_view` when None.
    """
    view = view or unit_view()
    known = {key: value for key, value in SMALL.items() if hasattr(create(name), key)}
    method = create(name, **{**known, **params})
    with started([Fit(method, view, seed=3)]) as loops:
        tape = in_double(loops[0])
        for network in method.networks().values():  # type: ignore[attr-defined]
            for parameter in network.parameters():
                parameter.data *= times
        beside = reference(_start(loops[0], view))
        for epoch in range(1, epochs_before + 1):
            for one in (method, beside):
                getattr(one, "on_epoch_end", lambda _: None)(epoch)
        for step in range(steps):
            batch = loops[0].rows.batch(loops[0].passes.next(loops[0].draw))
            found = method.update(batch)
            expected = beside.update(batch.x.clone(), batch.y.clone(), batch.a.clone(), tape.replay())
            _agree(found, expected, found if only is None else only, f"{name}, update {step + 1}")
            ours = {key: value for key, value in _state(method).items() if value.is_floating_point()}
            _agree(ours, beside.w, ours, f"{name}, update {step + 1}")  # type: ignore[attr-defined]
            kept = getattr(beside, "tensors", dict)()
            _agree(vars(method), kept, kept, f"{name}, update {step + 1}")


def in_double(loop: Loop) -> Tape:
    """Make everything that a loop works on float64; its optimisers start anew on the state that they had."""
    method = loop.method
    for network in method.networks().values():
        network.double()
    for key, value in list(vars(method).items()):
        if isinstance(value, Tensor) and value.is_floating_point():
            setattr(method, key, value.double())
    rows = loop.rows
    loop.rows = TrainingRows(rows.x.double(), rows.y, rows.table.double())
    method.rows = loop.rows  # type: ignore[misc]
    method.to_device = lambda table: torch.tensor(table, dtype=torch.float64)  # type: ignore[method-assign]
    loop._set(method.constants(loop.rows))
    tape = Tape(method.streams.seed)
    method.streams = tape  # type: ignore[misc]
    loop.optimisers = method.optimisers()
    return tape


def _state(method: Method) -> dict[str, Tensor]:
    found = {}
    for owner, network in method.networks().items():  # type: ignore[attr-defined]
        found.update({f"{owner}.{name}": value for name, value in network.state_dict().items()})
    return found


def _start(loop: Loop, view: TrainView) -> Start:
    method, rows = loop.method, loop.rows
    learnt = {f"{o}.{n}" for o, net in method.networks().items() for n, _ in net.named_parameters()}
    weights = {name: value.clone().requires_grad_(name in learnt) for name, value in _state(method).items()}
    unseen = torch.tensor(view.unseen_semantics.table, dtype=torch.float64)
    settings = SimpleNamespace(**method.get_params(deep=False))
    return Start(weights, rows.x.clone(), rows.y.clone(), rows.table.clone(), unseen, settings, method)


def _agree(found: Any, expected: Any, names: Iterable[str], where: str) -> None:
    assert set(names) <= set(found) and set(names) <= set(expected), (where, sorted(found), sorted(expected))
    for name in names:
        away = (found[name].detach() - expected[name].detach()).abs().max()
        assert away < CLOSE, f"{where}: {name}: {float(away):.3g} apart"


# What the references of the WGAN family have in common.


def layer(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A linear layer by its name."""
    return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def adam(parameters: Iterable[Tensor], lr: float, betas: tuple[float, float] = (0.5, 0.999)) -> torch.optim.Adam:
    """Adam with the momenta of the f-CLSWGAN family, one parameter at a time."""
    return torch.optim.Adam(list(parameters), lr=lr, betas=betas, foreach=False)


def generate(w: dict[str, Tensor], z: Tensor, a: Tensor, output: Callable[[Tensor], Tensor] = torch.relu) -> Tensor:
    """G: noise and class vectors to features."""
    hidden = functional.leaky_relu(layer(w, "generator_.net.layers.0", torch.cat([z, a], 1)), 0.2)
    return output(layer(w, "generator_.net.layers.1", hidden))


def judge(w: dict[str, Tensor], x: Tensor, a: Tensor) -> Tensor:
    """D: one score a row; its first layer is kept in two parts, which are one matrix on ``[x, a]``."""
    first = torch.cat([w["critic_.features.weight"], w["critic_.condition.weight"]], 1)
    hidden = functional.leaky_relu(functional.linear(torch.cat([x, a], 1), first, w["critic_.features.bias"]), 0.2)
    return layer(w, "critic_.output", hidden).squeeze(1)


def penalty(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
    """Mean of (length of the gradient - 1)² between real (u = 1) and fake rows, by two-fold differentiation."""
    u = u if u.ndim == 2 else u[:, None]
    between = (u * real + (1 - u) * fake).detach().requires_grad_()
    slope = torch.autograd.grad(score(between).sum(), between, create_graph=True)[0]
    return ((slope.norm(dim=1) - 1) ** 2).mean()


def critic_loss(
    score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, u: Tensor, weight: float | Tensor
) -> dict[str, Tensor]:
    """The three terms that a critic step returns; ``critic`` is the loss."""
    wasserstein, term = score(real).mean() - score(fake).mean(), penalty(score, real, fake, u)
    return {"wasserstein": wasserstein, "gradient_penalty": term, "critic": weight * term - wasserstein}


def take_step(loss: Tensor, *optimisers: torch.optim.Optimizer) -> None:
    """Clear, differentiate, and let some optimisers step."""
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in optimisers:
        optimiser.step()


def means_of(several: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Means over the critic steps of an update."""
    return {name: torch.stack([one[name] for one in several]).mean() for name in several[0]}
