"""References of the generators that others are built on; an `extra` of another method adds its terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from harness import Start, adam, critic_loss, generate, judge, layer, means_of, take_step
from torch import Tensor
from torch.nn import functional

Noise = Callable[[str], Tensor]
Weighted = dict[str, tuple[float, Tensor]]


class Host:
    """Critic steps on fresh batches, then a generator step on the last of them."""

    def __init__(self, start: Start) -> None:
        self.start, self.w, self.own = start, start.weights, start.settings
        self.for_generator: list[torch.optim.Optimizer] = [adam(start.under("generator_"), self.own.lr)]
        self.for_critic: list[torch.optim.Optimizer] = [adam(start.under("critic_"), self.own.lr)]
        self.gp_weight: float | Tensor = self.own.gp_weight
        self.critic_weight = 1.0

    def fakes(self, x: Tensor, a: Tensor, noise: Noise) -> Tensor:
        """Rows that the critic judges."""
        return generate(self.w, noise("noise"), a)

    def in_critic(self, x: Tensor, a: Tensor) -> Weighted:
        """What learns beside the critic."""
        return {}

    def in_generator(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> tuple[Tensor, Weighted]:
        """The judged rows and the terms of the generator's loss besides the adversarial one."""
        raise NotImplementedError

    def extra(self, x: Tensor, y: Tensor, a: Tensor, fake: Tensor) -> Weighted:
        """Terms of a method built on this one."""
        return {}

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> dict[str, Tensor]:
        n = self.own.batch_size
        with torch.no_grad():
            fakes, u, steps = self.fakes(x, a, noise), noise("mix"), []
        for rows in torch.arange(len(x)).split(n):
            found = critic_loss(lambda r, c=a[rows]: judge(self.w, r, c), x[rows], fakes[rows], u[rows], self.gp_weight)
            beside = self.in_critic(x[rows], a[rows])
            found["critic"] = self.critic_weight * found["critic"]
            total = found["critic"] + sum(weight * value for weight, value in beside.values())
            take_step(total, *self.for_critic)
            steps.append(found | {name: value for name, (_, value) in beside.items()})
        critic = means_of(steps)
        self.after_critic(critic)
        x, y, a = x[-n:], y[-n:], a[-n:]
        fake, terms = self.in_generator(x, y, a, noise)
        terms["adversarial"] = self.critic_weight, -judge(self.w, fake, a).mean()
        terms |= self.extra(x, y, a, fake)
        loss = torch.stack([weight * value for weight, value in terms.values()]).sum()
        take_step(loss, *self.for_generator)
        return critic | {name: value for name, (_, value) in terms.items()} | {"generator": loss}

    def after_critic(self, critic: dict[str, Tensor]) -> None:
        """Adapt something."""


class FCLSWGANReference(Host):
    """The generator's rows should be named by a frozen classifier."""

    def in_generator(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> tuple[Tensor, Weighted]:
        fake = self.fakes(x, a, noise)
        named = functional.nll_loss(layer(self.w, "classifier_", fake).log_softmax(1), y)
        return fake, {"classification": (self.own.cls_weight, named)}


class FVAEGANReference(Host):
    """An encoder gives codes, which the generator decodes; γ weighs the critic in both steps."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.critic_weight = self.own.adversarial_weight
        self.for_generator.append(adam(start.under("encoder_"), self.own.lr, (0.9, 0.999)))

    def encode(self, x: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.cat([x, a], 1)
        for i in range(2):
            hidden = functional.leaky_relu(layer(self.w, f"encoder_.trunk.layers.{i}", hidden), 0.2)
        return layer(self.w, "encoder_.mean", hidden), layer(self.w, "encoder_.logvar", hidden)

    def decode(self, code: Tensor, a: Tensor) -> Tensor:
        return generate(self.w, code, a, torch.sigmoid)

    def fakes(self, x: Tensor, a: Tensor, noise: Noise) -> Tensor:
        if self.own.fake_source == "prior":
            return self.decode(noise("noise"), a)
        mean, logvar = self.encode(x, a)
        return self.decode(mean + noise("code") * (logvar / 2).exp(), a)

    def in_generator(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> tuple[Tensor, Weighted]:
        mean, logvar = self.encode(x, a)
        found = self.decode(mean + noise("code") * (logvar / 2).exp(), a)
        n, w = len(x), self.own.vae_weight
        fake = found if self.own.fake_source == "reconstruction" else self.decode(noise("noise"), a)
        terms = {
            "reconstruction": (w, functional.binary_cross_entropy(found, x, reduction="sum") / n),
            "divergence": (w, -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum() / n),
        }
        return fake, terms

    def after_critic(self, critic: dict[str, Tensor]) -> None:
        if self.own.penalty_rule == "adaptive":
            penalty = float(critic["gradient_penalty"].detach())
            self.gp_weight *= 1.1 if penalty > 1.05 else 1 / 1.1 if penalty < 1.001 else 1.0


class TFVAEGANReference(FVAEGANReference):
    """A semantic decoder learns on real rows, looks at the first output, and feeds back in even epochs."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.epoch = 0
        decoder = adam(start.under("decoder_"), self.own.decoder_lr)
        self.for_critic.append(decoder)
        self.for_generator.append(adam(start.under("feedback_"), self.own.feedback_lr))
        if not self.own.freeze_decoder:
            self.for_generator.append(decoder)

    def on_epoch_end(self, epoch: int) -> None:
        self.epoch = epoch

    def read(self, x: Tensor, w: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Hidden layer of the decoder, and its attributes of unit length."""
        hidden = functional.leaky_relu(layer(w, "decoder_.layers.0", x), 0.2)
        found = layer(w, "decoder_.layers.1", hidden)
        return hidden, found / found.norm(dim=1, keepdim=True)

    def error(self, x: Tensor, a: Tensor, w: dict[str, Tensor]) -> Tensor:
        """Absolute errors, each weighted by its square over the length of all."""
        d = self.read(x, w)[1] - a
        return (d**2 / d.norm(dim=1, keepdim=True) * d.abs()).sum(1).mean()

    def decode(self, code: Tensor, a: Tensor) -> Tensor:
        first = super().decode(code, a)
        if self.epoch % 2 == 0:
            return first
        back = self.read(first.detach(), self.w)[0].detach()
        for i in range(2):
            back = functional.leaky_relu(layer(self.w, f"feedback_.layers.{i}", back), 0.2)
        hidden = functional.leaky_relu(layer(self.w, "generator_.net.layers.0", torch.cat([code, a], 1)), 0.2)
        return layer(self.w, "generator_.net.layers.1", hidden + self.own.feedback_strength * back).sigmoid()

    def in_critic(self, x: Tensor, a: Tensor) -> Weighted:
        return {"real_attributes": (self.own.reconstruction_weight, self.error(x, a, self.w))}

    def in_generator(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> tuple[Tensor, Weighted]:
        fake, terms = super().in_generator(x, y, a, noise)
        w = {name: value.detach() for name, value in self.w.items()} if self.own.freeze_decoder else self.w
        return fake, terms | {"fake_attributes": (self.own.reconstruction_weight, self.error(fake, a, w))}


class DSPReference:
    """Mixed into a host: prototypes condition it, a mapper reads them off features, an evolver moves them."""

    start: Start
    w: dict[str, Tensor]

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.given = functional.normalize(start.table)
        self.prototypes = self.given.clone()
        self.for_generator.append(adam(start.under("mapper_"), self.own.mapper_lr))  # type: ignore[attr-defined]
        self.for_evolver = adam(start.under("evolver_"), self.own.mapper_lr)  # type: ignore[attr-defined]

    def tensors(self) -> dict[str, Tensor]:
        return {"prototypes_": self.prototypes}

    def read_off(self, x: Tensor) -> Tensor:
        hidden = functional.leaky_relu(layer(self.w, "mapper_.layers.0", x), 0.2)
        return functional.normalize(layer(self.w, "mapper_.layers.1", hidden))

    def evolved(self) -> Tensor:
        moved = functional.leaky_relu(layer(self.w, "evolver_.layer", self.prototypes), 0.2)
        return functional.normalize(self.prototypes + moved)

    def extra(self, x: Tensor, y: Tensor, a: Tensor, fake: Tensor) -> Weighted:
        real = (self.read_off(x) - self.given[y]).abs().sum(1).mean()
        made = (self.read_off(fake) - a).abs().sum(1).mean()
        return {"semantic_cycle": (self.own.cycle_weight, real + made)}  # type: ignore[attr-defined]

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> dict[str, Tensor]:
        own, n = self.own, self.own.batch_size  # type: ignore[attr-defined]
        a = self.prototypes[y]
        terms = super().update(x, y, a, noise)  # type: ignore[misc]
        x, y, a = x[-n:], y[-n:], a[-n:]
        with torch.no_grad():
            seen = torch.cat([self.read_off(x), self.read_off(self.fakes(x, a, noise))])  # type: ignore[attr-defined]
        present: Sequence[int] = y.unique().tolist()
        found, both = self.evolved(), torch.cat([y, y])
        targets = torch.stack([seen[both == c].mean(0) for c in present])
        evolution = (1 - functional.cosine_similarity(found[present], targets)).mean()
        anchor = (found[present] - self.given[present]).abs().sum(1).mean()
        take_step(own.evolution_weight * evolution + own.anchor_weight * anchor, self.for_evolver)
        with torch.no_grad():
            nearer = self.prototypes.clone()
            nearer[present] = own.momentum * nearer[present] + (1 - own.momentum) * self.evolved()[present]
            self.prototypes = functional.normalize(nearer)
        return terms | {"evolution": evolution, "anchor": anchor}
