"""CADA-VAE's update against a plain one: all terms are sums over rows and dimensions, their weights follow epochs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from harness import Start, compare, layer, take_step
from torch import Tensor


class CADAVAEReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.epoch = start.weights, start.settings, 0
        self.adam = torch.optim.Adam(start.under(""), lr=self.own.lr, amsgrad=True, foreach=False)

    def on_epoch_end(self, epoch: int) -> None:
        self.epoch = epoch

    def net(self, name: str, x: Tensor) -> Tensor:
        return layer(self.w, f"{name}.layers.1", layer(self.w, f"{name}.layers.0", x).relu())

    def rising(self, final: float, epochs: list[int]) -> float:
        first, last = epochs
        return final * min(max((self.epoch - first) / (last - first), 0), 1)

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        own = self.own
        (mx, lx), (ma, la) = (
            self.net(f"{kind}_encoder_", rows).chunk(2, 1) for kind, rows in (("feature", x), ("attribute", a))
        )
        spread = (lambda v: v.exp()) if own.codes == "released" else (lambda v: (v / 2).exp())
        zx, za = mx + noise("code x") * spread(lx), ma + noise("code a") * spread(la)
        x_of, a_of = ((lambda z, n=f"{kind}_decoder_": self.net(n, z)) for kind in ("feature", "attribute"))
        divergences = [0.5 * (v.exp() + m**2 - 1 - v).sum() for m, v in ((mx, lx), (ma, la))]
        gap = ((mx - ma) ** 2).sum(1) + (((lx / 2).exp() - (la / 2).exp()) ** 2).sum(1)
        terms = {
            "reconstruction": (x_of(zx) - x).abs().sum() + (a_of(za) - a).abs().sum(),
            "cross": (x_of(za) - x).abs().sum() + (a_of(zx) - a).abs().sum(),
            "divergence": divergences[0] + divergences[1],
            "alignment": gap.sqrt().sum(),
        }
        loss = (
            terms["reconstruction"]
            + self.rising(own.divergence_weight, own.divergence_epochs) * terms["divergence"]
            + self.rising(own.cross_weight, own.cross_epochs) * terms["cross"]
            + self.rising(own.alignment_weight, own.alignment_epochs) * terms["alignment"]
        )
        take_step(loss, self.adam)
        return terms | {"sum": loss}


@pytest.mark.parametrize("codes", ["gaussian", "released"])
@pytest.mark.parametrize("epochs_before", [0, 3, 9])
def test_three_updates_of_cada_vae(codes: str, epochs_before: int) -> None:
    compare(
        "cada-vae", CADAVAEReference, codes=codes, epochs_before=epochs_before, code_dim=3, lr=0.1, steps=5,
        feature_dims=[6, 5], attribute_dims=[5, 4], divergence_epochs=[0, 8], cross_epochs=[1, 5],
        alignment_epochs=[2, 4],
    )  # fmt: skip
