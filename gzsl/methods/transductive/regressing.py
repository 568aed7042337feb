"""The turns of a regressor of class vectors that is matched to those of unlabelled rows by a critic."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from gzsl.methods.transductive.base import PooledTrainer
from gzsl.nn.critic import Critic
from gzsl.nn.losses.reconstruction import weighted_l1
from gzsl.nn.mlp import MLP
from gzsl.nn.on_sphere import perturbed
from gzsl.nn.wgan import WGANGP, Terms, backpropagate, step
from gzsl.params import param

EVERY, INNER = 5, 5  # steps between two turns of the regressor; steps of its critic and of itself in a turn


class RegressorTurns(PooledTrainer):
    """A trainer with a regressor ``regressor_`` (n, d) -> (n, a) and a critic ``attribute_critic_`` of class vectors.

    A subclass calls `build_regressor` and `regress`, and writes `on_sphere` and `sees_pool`.
    """

    attribute_critic_weight: float = param(default=10.0, low=0.0, high=1e6, doc="of the loss of D_a (gammaD_att)")
    attribute_weight: float = param(default=1.0, low=0.0, high=1e4, doc="of D_a's view of R (gammaG_att)")
    perturb_training: float = param(
        default=0.0, low=0.0, high=10.0, doc="noise on class vectors that D_a sees (perb: 0.1)"
    )

    prior_rows: str = param(
        default="features", choices=("features", "head"), doc="what k-means clusters where the prior is estimated so"
    )
    attribute_dim: int = param(default=100, low=1, high=100_000, doc="hidden units of D_a")

    def build_regressor(self, d: int, a: int, h: int, rng: torch.Generator) -> None:
        """Make the regressor and its critic."""
        self.regressor_ = MLP([d, h, a], rng=rng, output="unit")
        self.attribute_critic_ = Critic(a, rng=rng, hidden_dim=self.attribute_dim)
        self.attribute_critic_.output.bias.requires_grad_(False)
        self.step_ = 0

    def pool_rows(self) -> Tensor:
        """Unlabelled rows themselves, or what the head sees of them, as released."""
        seen: Tensor = self._represented(self._pool) if self.prior_rows == "head" else self._pool  # type: ignore[attr-defined]
        return seen

    def due(self) -> bool:
        """Whether it is the regressor's turn; counts the steps."""
        self.step_ += 1
        return self.step_ % EVERY == 1

    @property
    def sees_pool(self) -> bool:
        """Whether unlabelled rows take part at present."""
        raise NotImplementedError

    def on_sphere(self, x: Tensor) -> Tensor:
        """Rows as the regressor sees them."""
        raise NotImplementedError

    def as_made(self, x: Tensor) -> Tensor:
        """Rows on the sphere, where those that are made are."""
        return self.on_sphere(x)

    def regress(self, step_of: WGANGP, optimiser: Optimizer, vectors: Tensor) -> dict[str, Tensor]:
        """Steps of the critic of class vectors, then of the regressor; terms are those of the last step."""
        n = INNER * self.batch_size
        losses: dict[str, Tensor] = {}
        if self.sees_pool:
            x, a, pool, classes = self._both(n, vectors)
            with torch.no_grad():
                made = [self.regressor_(rows) for rows in (x, pool)]
            noise = [self.streams.uniform("perturb", *rows.shape) for rows in (a, classes)]
            told = [perturbed(v, self.perturb_training, u) for v, u in zip((a, classes), noise, strict=True)]
            u = self.streams.uniform("attribute mix", 2 * n)
            found = step_of.critic_steps_on(self._paired(told), self._paired(made), None, u)
            losses = {f"attribute {name}": value for name, value in found.items()}
        x, a, pool, _ = self._both(n, vectors)
        for rows in torch.arange(n, device=x.device).split(self.batch_size):
            mapped = self.regressor_(torch.cat([x[rows], pool[rows]]) if self.sees_pool else x[rows])
            terms: Terms = {"regression": (1.0, weighted_l1(mapped[: len(rows)], a[rows]))}
            if self.sees_pool:
                view = self.attribute_critic_.frozen(mapped).mean()
                terms["attribute adversarial"] = (self.attribute_weight, -2 * view)  # the means of both, added
            losses |= backpropagate(terms, (optimiser,))
            step(optimiser)
        return losses

    def _paired(self, both: Sequence[Tensor]) -> Tensor:
        """Batches of seen rows and of unlabelled rows in turn: a step sees one of each."""
        batches = zip(*(rows.split(self.batch_size) for rows in both), strict=True)
        return torch.cat([part for pair in batches for part in pair])

    def _both(self, n: int, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Seen rows and their class vectors, unlabelled rows, and class vectors drawn by the prior."""
        assert self.rows is not None
        picked = self.drawn("regressor", n, len(self.rows))
        x, a = self.on_sphere(self.rows.x[picked]), self.rows.table[self.rows.y[picked]]
        return x, a, self.on_sphere(self.pool_batch(n)), vectors[self.pool_classes(n)]
