"""Whole updates of PrEN and QFSL against plain ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from harness import Start, compare, layer, pooled_view, take_step
from torch import Tensor
from torch.nn import functional

from gzsl.methods import create
from gzsl.methods.stacked import Fit
from gzsl.methods.stacked.members import started


class Pooled:
    """What both references know of unlabelled rows."""

    def __init__(self, start: Start) -> None:
        self.w, self.own, self.method = start.weights, start.settings, start.method
        self.table, self.vectors = start.table, torch.cat([start.table, start.unseen])
        self.pool = torch.tensor(pooled_view().unlabelled.to_array(), dtype=torch.float64)

    def dropped(self, x: Tensor, u: Tensor) -> Tensor:
        return torch.where(u < self.own.dropout, 0.0, x / (1 - self.own.dropout))

    def drawn(self, u: Tensor, n: int) -> Tensor:
        return (u * n).long()


class PrENReference(Pooled):
    """Experts one after the other, each with its layers, its map and its projection."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.optimiser = torch.optim.Adam([w for w in self.w.values() if w.requires_grad], self.own.lr, foreach=False)
        self.chosen = torch.full((len(self.pool),), -1)
        self.weight = 0.0

    def on_epoch_end(self, epoch: int) -> None:
        """Take the method's choice of rows, which other tests are about."""
        self.chosen = self.method.chosen_.clone()  # type: ignore[attr-defined]
        self.weight = self.own.pseudo_weight * epoch / self.own.n_rounds

    def loss(self, x: Tensor, y: Tensor, table: Tensor) -> Tensor:
        losses = []
        for k in range(self.own.n_experts):
            name = f"hidden_.{k if self.own.layers == 'own' else 0}.layers"
            hidden = torch.relu(layer(self.w, f"{name}.1", torch.relu(layer(self.w, f"{name}.0", x))))
            mapped = hidden @ self.w["experts_.maps"][k]
            classes = table @ self.w["experts_.projections"][k]
            cosines = functional.cosine_similarity(mapped[:, None], classes[None], dim=2)
            losses.append(functional.cross_entropy(self.own.scale * cosines, y))
        return torch.stack(losses).mean()

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        terms = {"classification": self.loss(self.dropped(x, noise("dropout")), y, self.table)}
        loss = terms["classification"]
        terms["pseudo"] = torch.zeros(())
        known = [i for i, c in enumerate(self.chosen) if c >= 0]
        if known:
            picked = torch.tensor(known)[self.drawn(noise("pool"), len(known))]
            rows = self.dropped(self.pool[picked], noise("dropout"))
            terms["pseudo"] = self.loss(rows, self.chosen[picked] - 5, self.vectors[5:])
            loss = loss + self.weight * terms["pseudo"]
        take_step(loss, self.optimiser)
        return terms


class QFSLReference(Pooled):
    """A softmax over all classes, and the mass of unseen ones."""

    shares = torch.tensor([0, 0, 0, 0, 0, 0.7, 0.3], dtype=torch.float64)
    whole = False

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        o = self.own
        self.optimiser = torch.optim.SGD(start.under("map_"), o.lr, o.momentum, weight_decay=o.weight_decay)

    def probabilities(self, x: Tensor) -> Tensor:
        vectors = self.vectors / self.vectors.norm(dim=1, keepdim=True)
        return (self.own.scale * layer(self.w, "map_", x) @ vectors.T).softmax(1)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        p = self.probabilities(self.dropped(x, noise("dropout")))
        rows = self.pool[self.drawn(noise("pool"), len(self.pool))]
        q = self.probabilities(self.dropped(rows, noise("dropout")))
        terms = {"classification": -p[torch.arange(len(y)), y].log().mean()}
        if self.whole:
            wanted, found = self.shares[5:].sum(), q[:, 5:].sum(1).mean()
            terms["mass"] = wanted * (wanted / found).log() + (1 - wanted) * ((1 - wanted) / (1 - found)).log()
            among, shares = q, self.shares
        else:
            terms["mass"] = -q[:, 5:].sum(1).log().mean()
            among, shares = q[:, 5:] / q[:, 5:].sum(1, keepdim=True), self.shares[5:]
        terms["balance"] = (shares * (shares / among.mean(0)).log()).nansum()
        loss = terms["classification"] + self.own.mass_weight * terms["mass"]
        take_step(loss + self.own.balance_weight * terms["balance"], self.optimiser)
        return terms


class WholeQFSLReference(QFSLReference):
    """The same where unlabelled rows are those of the mixed test set."""

    shares = torch.tensor([0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.1], dtype=torch.float64)
    whole = True


@pytest.mark.parametrize("layers", ["own", "shared"])
@pytest.mark.parametrize("rounds", [0, 2])
def test_three_updates_of_pren(layers: str, rounds: int) -> None:
    small = {"n_experts": 3, "rank": 3, "epochs_a_round": 1, "n_rounds": 4, "n_epochs": 8, "dropout": 0.25, "part": 0.9}
    compare("pren", PrENReference, epochs_before=rounds, view=pooled_view(), layers=layers, **small)


@pytest.mark.parametrize("reference", [QFSLReference, WholeQFSLReference])
def test_three_updates_of_qfsl(reference: type[QFSLReference]) -> None:
    view = pooled_view("all" if reference.whole else "unseen", tuple(reference.shares.tolist()))
    compare("qfsl", reference, view=view, scale=3.0, mass_weight=0.5, balance_weight=0.3)


@pytest.mark.parametrize("rows, width", [("features", 7), ("head", 7 + 4 + 6)])
def test_bi_vaegan_estimates_shares_of_rows_or_of_what_its_head_sees(rows: str, width: int) -> None:
    known = {"batch_size": 8, "hidden_dim": 6, "n_synthetic": 3, "critic_steps": 2}
    method: Any = create("bi-vaegan", prior_rows=rows, **known)
    with started([Fit(method, pooled_view(), seed=3)]):
        expected = method._pool if rows == "features" else method.represent(method._pool)
        found = method.prepare_scoring().told().X
    assert found.shape == (30, width)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=0, atol=0)
