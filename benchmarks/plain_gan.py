"""What a WGAN-GP method's iteration is when written plainly: the same networks, terms and random numbers.

One batch a permutation of all rows, a critic step at a time with one pass for real rows, one for fakes and a penalty
that is differentiated twice, optimisers that are not fused, losses read back in every step. The method's own terms
are used as they are, vectorised, which flatters the reference: released code often loops over classes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gzsl.methods.generative.adversarial import AdversarialGenerator
from gzsl.nn.batches import Batch, TrainingRows
from gzsl.nn.losses.gradient_penalty import gradient_penalty_autograd
from gzsl.nn.wgan import WGANGP, Terms, step, weighted_sum


class PlainStep(WGANGP):
    """One critic update by autograd, three backward passes and no stacking; see `WGANGP` for the attributes."""

    def critic_steps_on(
        self, x: Tensor, fake: Tensor, a: Tensor | None, u: Tensor,
        extra_terms: Callable[[slice], Terms] | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Update the critic once on all rows."""
        with torch.enable_grad():
            return self._one_update(x, fake, a, u, extra_terms)

    def _one_update(
        self, x: Tensor, fake: Tensor, a: Tensor | None, u: Tensor, extra_terms: Callable[[slice], Terms] | None
    ) -> dict[str, Tensor]:
        for optimiser in (self.opt_d, *self.with_d):
            optimiser.zero_grad()
        real = self.critic(x, a).mean()
        (-self.critic_weight * real).backward()
        made = self.critic(fake, a).mean()
        (self.critic_weight * made).backward()
        penalty = gradient_penalty_autograd(lambda rows: self.critic(rows, a), x, fake, u)
        (self.critic_weight * self.gp_weight * penalty).backward()
        extra = {} if extra_terms is None else extra_terms(slice(0, len(x)))
        if extra:
            weighted_sum(extra).backward()
        step(self.opt_d, *self.with_d)
        distance, penalty = (real - made).detach(), penalty.detach()
        found = {"wasserstein": distance, "gradient_penalty": penalty}
        found["critic"] = self.critic_weight * (self.gp_weight * penalty - distance)
        return found | {name: value.detach() for name, (_, value) in extra.items()}


class PlainGAN:
    """The plain iteration of a fitted method, whose networks it takes over.

    Parameters
    ----------
    method : AdversarialGenerator
        Fitted; it is changed and cannot be used otherwise any more.
    rows : TrainingRows
        Where batches are drawn.
    """

    def __init__(self, method: AdversarialGenerator, rows: TrainingRows) -> None:
        self.method, self.rows = method, rows
        for optimiser in method.optimisers().values():
            for group in optimiser.param_groups:
                group.update(fused=False, foreach=False)
        old = method._step
        method._step = PlainStep(old.generator, old.critic, old.opt_g, old.opt_d)
        vars(method._step).update(vars(old))
        together, size = method.critic_update, method.batch_size

        def one_by_one(batch: Batch) -> dict[str, Tensor]:
            found = [together(batch.part(slice(k, k + size))) for k in range(0, len(batch), size)]
            return {name: torch.stack([losses[name] for losses in found]).mean() for name in found[0]}

        setattr(method, "critic_update", one_by_one)  # noqa: B010

    def drawn(self) -> Batch:
        """One batch a critic step, each from a permutation of all rows."""
        size, steps = self.method.batch_size, self.method.critic_steps
        picked = [torch.randperm(len(self.rows))[:size] for _ in range(steps)]
        return self.rows.batch(torch.cat(picked))

    def iterate(self, batch: Batch | None = None) -> dict[str, float]:
        """Train on new rows, or on given ones, and read the losses."""
        losses = self.method.update(self.drawn() if batch is None else batch)
        return {name: value.item() for name, value in losses.items()}
