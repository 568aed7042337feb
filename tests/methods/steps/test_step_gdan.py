"""GDAN's update and pretraining against plain ones, with the gradients of the latter cleared and, as released, not."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from harness import Start, compare, in_double, layer, take_step, unit_view
from torch import Tensor
from torch.nn.functional import mse_loss

from gzsl.methods import create
from gzsl.methods.stacked import Fit
from gzsl.methods.stacked.members import started

SMALL = {"encoder_dim": 6, "bottleneck_dim": 5, "code_dim": 3, "regressor_dim": 6, "critic_dim": 5}


class GDANReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.table = start.weights, start.settings, start.table
        self.for_critic = self.adam(start.under("critic_"), 0.8)
        self.for_rest = self.adam(start.under("encoder_", "moments_", "decoder_", "regressor_"), 0.8)

    def adam(self, parameters: list[Tensor], beta1: float) -> torch.optim.Adam:
        own = self.own
        return torch.optim.Adam(parameters, lr=own.lr, betas=(beta1, 0.999), weight_decay=own.weight_decay)

    def layers(self, network: str, x: Tensor) -> Tensor:
        return layer(self.w, f"{network}.layers.1", torch.relu(layer(self.w, f"{network}.layers.0", x)))

    def autoencode(self, x: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> tuple[Tensor, Tensor]:
        """x' and the divergence."""
        hidden = torch.relu(layer(self.w, "encoder_.layers.0", x))
        if self.own.dropout:
            hidden = torch.where(noise("dropout") >= self.own.dropout, hidden / (1 - self.own.dropout), 0.0)
        mean, logvar = self.layers("moments_", hidden).chunk(2, 1)
        z = mean + (logvar / 2).exp() * noise("code")
        divergence = 0.5 * (logvar.exp() + mean**2 - 1 - logvar).sum(1).mean()
        return torch.relu(self.layers("decoder_", torch.cat([a, z], 1))), divergence

    def regress(self, x: Tensor) -> Tensor:
        return torch.relu(self.layers("regressor_", x))

    def far(self, x: Tensor, a: Tensor, target: float) -> Tensor:
        scores = self.layers("critic_", torch.cat([x, a], 1))
        return mse_loss(scores, torch.full_like(scores, target))

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        n, own, count = self.own.batch_size, self.own, len(self.table)
        first, second = slice(0, n), slice(n, 2 * n)
        fake = self.autoencode(x[first], a[first], noise)[0].detach()
        shift = 1 + (noise("negative") * (count - 1)).long()
        judged = {
            "judge_real": self.far(x[first], a[first], 1.0),
            "judge_fake": self.far(fake, a[first], 0.0),
            "judge_regressed": self.far(x[first], self.regress(x[first]).detach(), 0.0),
            "judge_wrong": self.far(x[first], self.table[(y[first] + shift) % count], 0.0),
        }
        weights = (1.0, 1.0, own.dual_weight, 1.0)
        take_step(sum(w * t for w, t in zip(weights, judged.values(), strict=True)), self.for_critic)
        x, a = x[second], a[second]
        fake, divergence = self.autoencode(x, a, noise)
        read = self.regress(x)
        again = self.autoencode(x, read, noise)[0]
        learnt = {
            "vae": 0.5 * ((x - fake) ** 2).sum(1).mean() + divergence,
            "adversarial": self.far(fake, a, 1.0),
            "cycles": mse_loss(self.regress(fake), a) + mse_loss(again, x),
            "regression": mse_loss(read, a),
            "dual": self.far(x, read, 1.0),
        }
        weights = (1.0, 1.0, own.cycle_weight, own.regression_weight, own.dual_weight)
        take_step(sum(w * t for w, t in zip(weights, learnt.values(), strict=True)), self.for_rest)
        return judged | learnt


@pytest.mark.parametrize(("code", "dropout"), [("normal", 0.3), ("uniform", 0.0)])
def test_three_updates_of_gdan(code: str, dropout: float) -> None:
    compare("gdan", GDANReference, noise=code, dropout=dropout, pretrain_epochs=1, cycle_weight=0.4, **SMALL)


@pytest.mark.parametrize("gradients", ["cleared", "accumulated"])
def test_the_pretraining_of_gdan(gradients: str) -> None:
    method = create("gdan", pretrain_epochs=2, pretrain_gradients=gradients, lr=1e-2, batch_size=16, **SMALL)
    with started([Fit(method, unit_view(), seed=3)]) as loops:
        tape = in_double(loops[0])
        rows = loops[0].rows
        state = {f"{o}.{k}": v.clone() for o, net in method.networks().items() for k, v in net.state_dict().items()}
        for network in method.networks().values():
            network.zero_grad()  # of the pretraining in single precision
        method.pretrain(rows)
    w = {name: value.requires_grad_() for name, value in state.items()}
    start = Start(w, rows.x, rows.y, rows.table, rows.table, SimpleNamespace(**method.get_params(deep=False)), method)
    plain, noise = GDANReference(start), tape.replay()
    optimiser = plain.adam(start.under("encoder_", "moments_", "decoder_"), 0.9)
    order = tape.fresh("pretrain", device="cpu")
    for _ in range(2):
        for picked in torch.randperm(len(rows), generator=order).split(16):
            x, a = rows.x[picked], rows.table[rows.y[picked]]
            found, divergence = plain.autoencode(x, a, noise)
            if gradients == "cleared":
                optimiser.zero_grad()
            (0.5 * ((x - found) ** 2).sum(1).mean() + divergence).backward()
            optimiser.step()
    for owner in ("encoder_", "moments_", "decoder_"):
        for name, value in method.networks()[owner].state_dict().items():
            assert (value - w[f"{owner}.{name}"]).abs().max() < 1e-6, (owner, name)
