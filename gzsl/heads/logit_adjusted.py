"""Prototypes from class vectors, trained with logits that know how rare each class is."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gzsl.heads.base import Head, HeadRows, State, register_head
from gzsl.heads.softmax import shuffled_batches
from gzsl.nn.mlp import MLP
from gzsl.nn.optim import adam
from gzsl.params import param


@register_head("logit-adjusted")
class LogitAdjustedHead(Head):
    """Cosine to a prototype that a network makes of the class vector, with zero-shot logit adjustment.

    Prototypes are ``p_c = N(a_c)`` with one hidden layer; logits are ``cos(x, p_c) / T``. In training the log
    prior of each class is added: its share among the seen rows times ``ratio / (1 + ratio)`` for a seen class,
    ``1 / |U|`` times ``1 / (1 + ratio)`` for an unseen one, so that the bare logits that score test rows are
    free of the bias towards seen classes and towards frequent ones. Without real rows all classes weigh the
    same. The state is ``prototypes`` (C, d), of unit length. Source: Chen, Shen, Zhang & Torr, IJCAI 2022.
    """

    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate")
    n_epochs: int = param(default=60, low=0, high=100_000, doc="passes over the rows")
    batch_size: int = param(default=512, low=1, high=10_000_000, doc="rows a step")
    weight_decay: float = param(default=1e-4, low=0.0, high=10.0, doc="weight of the squared parameters")
    hidden_dim: int = param(default=1024, low=1, high=100_000, doc="hidden units between vectors and prototypes")
    temperature: float = param(default=0.04, low=1e-4, high=100.0, log=True, symbol="T", doc="divides the cosines")
    ratio: float = param(
        default=100.0, low=1e-6, high=1e9, log=True, tune=(1.0, 1e4), doc="prior of seen against unseen classes"
    )
    halve_every: int = param(default=30, low=1, high=100_000, doc="epochs after which the learning rate is halved")

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        X = functional.normalize(rows.X, dim=1)
        vectors = rows.need("vectors", "logit-adjusted").to(X.dtype)
        prior = self.log_prior(rows)
        drawing = torch.Generator().manual_seed(int(torch.randint(2**62, (1,), generator=rng, device=rng.device)))
        network = MLP([vectors.shape[1], self.hidden_dim, X.shape[1]], rng=drawing).to(X.device, X.dtype)
        optimiser = adam(network.parameters(), self.lr, weight_decay=self.weight_decay)
        steps_an_epoch = -(-len(X) // self.batch_size)
        batches = shuffled_batches(self.n_epochs, self.batch_size, len(X), rng, X.device)
        for step, picked in enumerate(batches):
            rate = self.lr * 0.5 ** (step // steps_an_epoch // self.halve_every)
            for group in optimiser.param_groups:
                group["lr"] = rate
            with torch.enable_grad():
                logits = X[picked] @ functional.normalize(network(vectors), dim=1).T / self.temperature
                loss = functional.cross_entropy(logits + prior, rows.y[picked])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        return {"prototypes": functional.normalize(network(vectors), dim=1)}

    def log_prior(self, rows: HeadRows) -> Tensor:
        """Log prior of every class, (C,); zeros where no class or every class is seen."""
        seen = rows.need("seen", "logit-adjusted")
        counts = torch.bincount(rows.y, minlength=rows.n_classes).to(rows.X.dtype)
        if not bool(seen.any()):
            return torch.zeros_like(counts)
        share = torch.where(seen, counts / counts[seen].sum(), 1 / max(1, int((~seen).sum())))
        side = self.ratio / (1 + self.ratio)
        return share.log() + torch.where(seen, torch.tensor(side).log(), torch.tensor(1 - side).log()).to(share.dtype)

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Cosines over the temperature, without the prior: (n, d) -> (n, C)."""
        return functional.normalize(X, dim=1) @ state["prototypes"].T / self.temperature
