"""One iteration of WGAN-GP training: several critic updates, then one of the generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.nn.critic import Critic
from gzsl.nn.critic_gradients import Weight, critic_gradients
from gzsl.nn.losses.wasserstein import adversarial_loss

Terms = dict[str, tuple[Weight, Tensor]]


class WGANGP:
    """Critic and generator updates of a conditional WGAN with gradient penalty.

    Holds no state of its own besides the weights below, which may change between steps (as 0-d tensors they
    adapt without waiting for the device). All randomness comes in as tensors. Nothing is read back from the
    device. Generator and critic may be stacks (`gzsl.nn.stacking`); every shape has a leading axis then.

    Parameters
    ----------
    generator : nn.Module
        ``generator(noise, a)`` gives features. It must treat rows independently (no batch normalisation).
    critic : Critic
        Its gradients are overwritten in each step.
    opt_g, opt_d : Optimizer
        Optimiser of the generator and of the critic; see `gzsl.nn.optim.adam`.
    gp_weight : float or 0-d Tensor
        Weight of the gradient penalty.
    n_critic : int
        Critic updates an iteration.
    critic_weight, adversarial_weight : float or 0-d Tensor
        Weights of the critic's whole loss and of the generator's adversarial term.
    with_g, with_d : sequence of Optimizer
        Further optimisers that step with the generator, on its extra terms, and with the critic, on its own.
    radius : float, optional
        Length of penalised rows; see `critic_gradients`.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: Critic,
        opt_g: Optimizer,
        opt_d: Optimizer,
        gp_weight: Weight = 10.0,
        n_critic: int = 5,
        critic_weight: Weight = 1.0,
        adversarial_weight: Weight = 1.0,
        with_g: Sequence[Optimizer] = (),
        with_d: Sequence[Optimizer] = (),
        radius: float | None = None,
    ) -> None:
        self.radius = radius
        self.with_g, self.with_d = with_g, with_d
        self.generator, self.critic = generator, critic
        self.opt_g, self.opt_d = opt_g, opt_d
        self.gp_weight, self.n_critic = gp_weight, n_critic
        self.critic_weight, self.adversarial_weight = critic_weight, adversarial_weight

    @torch.no_grad()
    def critic_steps(self, x: Tensor, a: Tensor, noise: Tensor, u: Tensor) -> dict[str, Tensor]:
        """Update the critic ``n_critic`` times, on fakes from one pass of the generator.

        Parameters
        ----------
        x : Tensor, shape (n_critic * B, d)
            Real features, batch after batch.
        a : Tensor, shape (n_critic * B, a)
            Their class vectors.
        noise : Tensor, shape (n_critic * B, z)
            Noise of the fakes.
        u : Tensor, shape (n_critic * B,) or (n_critic * B, d)
            Place of the penalised rows between fake (0) and real (1), one a row or one a feature.

        Returns
        -------
        dict of str to Tensor
            Means over the updates of the terms of `critic_gradients`, 0-d.

        Raises
        ------
        ValueError
            When the rows do not divide into ``n_critic`` batches.
        """
        return self.critic_steps_on(x, self.generator(noise, a), a, u)

    def critic_steps_on(
        self, x: Tensor, fake: Tensor, a: Tensor | None, u: Tensor,
        extra_terms: Callable[[slice], Terms] | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Update the critic ``n_critic`` times on given fakes, shape (n_critic * B, d). See `critic_steps`.

        ``extra_terms`` maps the rows of one update to ``{name: (weight, 0-d value)}``: what shares weights with the
        critic, or learns beside it with the optimisers of ``with_d``.
        """
        n = x.shape[-2]
        if n % self.n_critic:
            raise ValueError(f"found {n} rows, expected a multiple of n_critic={self.n_critic}")
        size = n // self.n_critic
        sums: dict[str, Tensor] = {}
        for start in range(0, n, size):
            part = slice(start, start + size)
            terms = critic_gradients(
                self.critic, x[..., part, :], fake[..., part, :], None if a is None else a[..., part, :],
                u[..., part, :] if u.ndim == x.ndim else u[..., part],
                gp_weight=self.gp_weight, critic_weight=self.critic_weight, radius=self.radius,
            )  # fmt: skip
            if extra_terms is not None:
                with torch.enable_grad():
                    terms |= backpropagate(extra_terms(part), self.with_d)
            step(self.opt_d, *self.with_d)
            sums = {name: value + sums[name] if sums else value for name, value in terms.items()}
        return {name: total / self.n_critic for name, total in sums.items()}

    def generator_step(
        self, a: Tensor, noise: Tensor, extra_terms: Callable[[Tensor], Terms] | None = None
    ) -> dict[str, Tensor]:
        """Update the generator once.

        Parameters
        ----------
        a : Tensor, shape (B, a)
            Class vectors.
        noise : Tensor, shape (B, z)
            Noise.
        extra_terms : callable, optional
            From fakes (B, d) to ``{name: (weight, 0-d value)}``; a term of weight 0 is left out of the loss.

        Returns
        -------
        dict of str to Tensor
            0-d ``adversarial``, every extra term without its weight, and ``generator``, the loss.
        """
        fake = self.generator(noise, a)
        terms: Terms = {"adversarial": self.adversarial(fake, a)}
        return self.generator_step_on(terms | ({} if extra_terms is None else extra_terms(fake)))

    def generator_step_on(self, terms: Terms) -> dict[str, Tensor]:
        """Update the generator, and what else its terms reach, on given terms. See `generator_step`."""
        losses = backpropagate(terms, (self.opt_g, *self.with_g))
        step(self.opt_g, *self.with_g)
        return losses | {"generator": weighted_sum({name: (w, losses[name]) for name, (w, _) in terms.items()})}

    def adversarial(self, fake: Tensor, a: Tensor | None) -> tuple[Weight, Tensor]:
        """The generator's adversarial term on fakes (B, d), with its weight."""
        return self.adversarial_weight, adversarial_loss(self.critic.frozen(fake, a))


def backpropagate(terms: Terms, optimisers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """Put the gradients of the weighted sum into the parameters, those of the optimisers being cleared first."""
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    loss = weighted_sum(terms)
    if loss.requires_grad:
        loss.backward(torch.ones_like(loss))  # of a stack, the sum of all losses: they share no parameter
    return {name: value.detach() for name, (_, value) in terms.items()}


def step(*optimisers: Optimizer) -> None:
    """Let each optimiser take one step."""
    for optimiser in optimisers:
        optimiser.step()


def weighted_sum(terms: Terms) -> Tensor:
    """Sum of weights times values, 0-d; terms of weight 0 are left out, so that even NaN cannot enter."""
    kept = [weight * value for weight, value in terms.values() if isinstance(weight, Tensor) or weight != 0]
    if not kept:
        return torch.zeros_like(next(iter(terms.values()))[1]) if terms else torch.zeros(())
    return torch.stack(kept).sum(dim=0)
