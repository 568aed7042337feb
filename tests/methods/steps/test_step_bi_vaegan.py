"""Whole updates of Bi-VAEGAN against plain ones: regressor, all critics, adaptive weights, generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from harness import BATCH, Start, compare, generate, judge, layer, means_of, pooled_view, take_step
from torch import Tensor
from torch.nn import functional

from gzsl.methods.transductive.regressing import INNER


class Reference:
    """The released loop, one step after the other, with penalties by differentiating twice."""

    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        self.x, self.y, self.table, self.unseen = start.x, start.y, start.table, start.unseen
        view = pooled_view()
        self.pool = torch.tensor(view.unlabelled.to_array(), dtype=torch.float64)
        self.vectors = torch.cat([start.table, start.unseen])
        self.shares = torch.tensor([0, 0, 0, 0, 0, 0.7, 0.3], dtype=torch.float32)
        names = ("generator_", "encoder_", "critic_", "pool_critic_", "regressor_", "attribute_critic_")
        self.opt = {name: torch.optim.AdamW(self.learnt(start, name), self.own.lr, (0.5, 0.999)) for name in names}
        self.weights = {"critic": 10.0, "pool": 10.0}
        self.step = 0

    def learnt(self, start: Start, owner: str) -> list[Tensor]:
        return [w for name, w in self.w.items() if name.startswith(owner) and w.requires_grad
                and name != f"{owner}.output.bias"]  # fmt: skip

    def ball(self, x: Tensor) -> Tensor:
        return self.own.radius * x / x.norm(dim=-1, keepdim=True)

    def regressed(self, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, "regressor_.layers.0", x), 0.2)
        found = layer(self.w, "regressor_.layers.1", hidden)
        return found / found.norm(dim=1, keepdim=True)

    def single(self, owner: str, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, f"{owner}.features", x), 0.2)
        return layer(self.w, f"{owner}.output", hidden).squeeze(1)

    def penalty(self, score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, u: Tensor) -> Tensor:
        between = self.ball(u[:, None] * real + (1 - u[:, None]) * fake).detach().requires_grad_()
        slope = torch.autograd.grad(score(between).sum(), between, create_graph=True)[0]
        return ((slope.norm(dim=1) - 1) ** 2).mean()

    def error(self, found: Tensor, a: Tensor) -> Tensor:
        weight = (found - a) ** 2 / ((found - a) ** 2).sum(1, keepdim=True).sqrt()
        return (weight * (found - a).abs()).sum() / len(a)

    def drawn(self, noise: Callable[[str], Tensor], stream: str, n: int) -> Tensor:
        return (noise(stream) * n).long()

    def classes(self, noise: Callable[[str], Tensor]) -> Tensor:
        ends = self.shares.double().cumsum(0)
        u = noise("pool classes").double() * ends[-1]
        return (u[:, None] >= ends).sum(1)

    def both(self, noise: Callable[[str], Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        seen = self.drawn(noise, "regressor", len(self.x))
        pool = self.pool[self.drawn(noise, "pool", len(self.pool))]
        a_u = self.vectors[self.classes(noise)]
        return self.ball(self.x[seen]), self.table[self.y[seen]], self.ball(pool), a_u

    def regress(self, noise: Callable[[str], Tensor]) -> Iterator[dict[str, Tensor]]:
        x, a, pool, a_u = self.both(noise)
        shifts = [noise("perturb") for _ in range(2)]
        strength, u = self.own.perturb_training, noise("attribute mix").split(2 * BATCH)
        a, a_u = ((v := table * (1 + strength * s)) / v.norm(dim=1, keepdim=True)
                  for table, s in zip((a, a_u), shifts, strict=True))  # fmt: skip
        found = []
        for k, rows in enumerate(torch.arange(INNER * BATCH).split(BATCH)):
            fake = [self.regressed(part[rows]).detach() for part in (x, pool)]
            score = lambda r: self.single("attribute_critic_", r)  # noqa: E731
            away = score(a[rows]).mean() - score(fake[0]).mean() + score(a_u[rows]).mean() - score(fake[1]).mean()
            term = self.penalty(score, torch.cat([a[rows], a_u[rows]]), torch.cat(fake), u[k])
            loss = self.own.attribute_critic_weight * (0.1 * term - away)
            take_step(loss, self.opt["attribute_critic_"])
            found.append({"wasserstein": away / 2, "gradient_penalty": term, "critic": loss})
        yield {f"attribute {name}": value for name, value in means_of(found).items()}
        x, a, pool, _ = self.both(noise)
        for rows in torch.arange(INNER * BATCH).split(BATCH):
            mapped = self.regressed(x[rows])
            view = (self.single("attribute_critic_", mapped).mean()
                    + self.single("attribute_critic_", self.regressed(pool[rows])).mean())  # fmt: skip
            terms = {"regression": self.error(mapped, a[rows]), "attribute adversarial": -view}
            loss = terms["regression"] - self.own.attribute_weight * view
            take_step(loss, self.opt["regressor_"])
        yield terms

    def critics(self, x: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        n = self.own.critic_steps * BATCH
        z, u, real = self.source(x, a, noise), noise("mix"), self.pool[self.drawn(noise, "pool", len(self.pool))]
        a_u, z_u, u_u = self.vectors[self.classes(noise)], noise("pool noise"), noise("pool mix")
        kept: dict[str, list[dict[str, Tensor]]] = {"critic": [], "pool": []}
        for rows in torch.arange(n).split(BATCH):
            for name, owner, weight in (("critic", "critic_", self.own.critic_weight),
                                        ("pool", "pool_critic_", self.own.pool_critic_weight)):  # fmt: skip
                if name == "critic":
                    true, fake = x[rows], self.ball(generate(self.w, z[rows], a[rows], lambda t: t)).detach()
                    score = lambda r, c=a[rows]: judge(self.w, r, c)  # noqa: E731
                else:
                    true, fake = self.ball(real[rows]), self.ball(generate(self.w, z_u[rows], a_u[rows], lambda t: t))
                    fake, score = fake.detach(), lambda r: self.single("pool_critic_", r)  # noqa: E731
                term = self.penalty(score, true, fake, (u if name == "critic" else u_u)[rows])
                away = score(true).mean() - score(fake).mean()
                loss = weight * (self.weights[name] * term - away)
                take_step(loss, self.opt[owner])
                kept[name].append({"wasserstein": away, "gradient_penalty": term, "critic": loss})
        told = {}
        for name, several in kept.items():
            found = means_of(several)
            told |= {("pool " if name == "pool" else "") + key: value for key, value in found.items()}
            size = float(found["gradient_penalty"].detach())
            self.weights[name] *= 1.1 if size > 1.05 else 1 / 1.1 if size < 1.001 else 1.0
        return told, a_u[-BATCH:]

    def encoded(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        hidden = layer(self.w, "encoder_.layer", torch.cat([x, a], 1))
        mean, variance = hidden.mean(0), hidden.var(0, unbiased=False)
        with torch.no_grad():
            m, v = self.w["encoder_.norm.running_mean"], self.w["encoder_.norm.running_var"]
            m.lerp_(mean, 0.1)
            v.lerp_(variance * len(x) / (len(x) - 1), 0.1)
        hidden = (hidden - mean) / (variance + 1e-5).sqrt()
        hidden = hidden * self.w["encoder_.norm.weight"] + self.w["encoder_.norm.bias"]
        hidden = functional.leaky_relu(hidden, 0.2)
        return layer(self.w, "encoder_.mean", hidden), layer(self.w, "encoder_.logvar", hidden)

    def source(self, x: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> Tensor:
        if self.own.fake_source == "prior":
            return noise("noise")
        mean, logvar = self.encoded(x, a)
        return (mean + noise("code") * (0.5 * logvar).exp()).detach()

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        x = self.ball(x)
        told: dict[str, Tensor] = {}
        if self.step % 5 == 0:
            for found in self.regress(noise):
                told |= found
        self.step += 1
        found, a_u = self.critics(x, a, noise)
        told |= found
        x, a = x[-BATCH:], a[-BATCH:]
        mean, logvar = self.encoded(x, a)
        made = self.ball(generate(self.w, mean + noise("code") * (0.5 * logvar).exp(), a, lambda t: t))
        fake = made if self.own.fake_source == "reconstruction" else self.ball(
            generate(self.w, noise("noise"), a, lambda t: t)
        )  # fmt: skip
        unseen = self.ball(generate(self.w, noise("pool noise"), a_u, lambda t: t))
        terms = {
            "reconstruction": functional.mse_loss(made, x) / BATCH,
            "divergence": -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum() / BATCH,
            "adversarial": -judge(self.w, fake, a).mean(),
            "pool adversarial": -self.single("pool_critic_", unseen).mean(),
            "cycle": self.error(self.regressed(unseen), a_u),
        }
        own = self.own
        loss = (terms["reconstruction"] + terms["divergence"] + own.adversarial_weight * terms["adversarial"]
                + own.pool_weight * terms["pool adversarial"] + own.cycle_weight * terms["cycle"])  # fmt: skip
        take_step(loss, self.opt["generator_"], self.opt["encoder_"])
        return told | terms | {"generator": loss}

    def tensors(self) -> dict[str, Tensor]:
        return {"penalty_weight_": torch.tensor(self.weights["critic"]),
                "pool_penalty_weight_": torch.tensor(self.weights["pool"])}  # fmt: skip


@pytest.mark.parametrize("source", ["prior", "reconstruction"])
def test_three_updates_of_bi_vaegan(source: str) -> None:
    compare(
        "bi-vaegan", Reference, view=pooled_view(), critic_steps=3, fake_source=source, radius=2.0, attribute_dim=5,
        critic_weight=7.0, adversarial_weight=3.0, pool_critic_weight=5.0, pool_weight=2.0, cycle_weight=1.5,
        attribute_critic_weight=4.0, attribute_weight=0.3, perturb_training=0.1, times=1.5,
    )  # fmt: skip
