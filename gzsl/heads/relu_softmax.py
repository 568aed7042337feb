"""Softmax over logits that went through a ReLU: the final classifier of cycle-WGAN's released code."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam

from gzsl.heads.base import HeadRows, State, register_head
from gzsl.heads.softmax import SoftmaxHead, shuffled_batches
from gzsl.nn.optim import adam
from gzsl.params import param

START_STD, START_BIAS = 0.01, 0.9999


@register_head("relu-softmax")
class ReluSoftmaxHead(SoftmaxHead):
    """Linear layer, ReLU and softmax, trained with Adam on cross-entropy, with a learning rate that falls.

    Minimises ``mean_b -log softmax(max(0, W x_b + c))[y_b] + (w/2) ||W||²``, w being ``weight_decay``, from ``W`` of
    N(0, 0.01) cut off at two deviations and ``c`` = 0.9999. The rate of pass t, from 0, is
    ``lr / (1 + lr_decay t)``. Classes whose logits are below 0 are as likely as one another.
    """

    lr: float = param(default=1e-4, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate")
    beta1: float = param(default=0.9, low=0.0, high=0.9999, doc="decay of Adam's mean gradient")
    n_epochs: int = param(default=80, low=0, high=100_000, doc="passes over the rows")
    batch_size: int = param(default=4096, low=1, high=10_000_000, doc="rows a step")
    weight_decay: float = param(default=1e-4, low=0.0, high=10.0, doc="weight of the squared weights, biases left out")
    lr_decay: float = param(default=1e-3, low=0.0, high=10.0, doc="how fast the learning rate falls, a pass")

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        X = rows.X
        weight = torch.empty(rows.n_classes, X.shape[1], device=rng.device, dtype=X.dtype)
        nn.init.trunc_normal_(weight, std=START_STD, a=-2 * START_STD, b=2 * START_STD, generator=rng)
        return self.descend(X, rows.y, weight.to(X.device), X.new_full((rows.n_classes,), START_BIAS), rng)

    def descend(
        self, X: Tensor, y: Tensor, weight: Tensor, bias: Tensor, rng: torch.Generator, optimiser: Adam | None = None
    ) -> State:
        """Train as `SoftmaxHead.descend` does, under its ReLU."""
        optimiser = optimiser or adam([weight, bias], self.lr, beta1=self.beta1, beta2=self.beta2)
        for epoch in range(self.n_epochs):
            optimiser.param_groups[0]["lr"] = self.lr / (1 + self.lr_decay * epoch)
            for picked in shuffled_batches(1, self.batch_size, len(X), rng, X.device):
                x = X[picked]
                logits = functional.linear(x, weight, bias)
                error = logits.relu().softmax(dim=1) - functional.one_hot(y[picked], len(weight))
                error = error * (logits > 0) / len(x)
                weight.grad, bias.grad = error.T @ x + self.weight_decay * weight, error.sum(dim=0)
                optimiser.step()
        return {"weight": weight, "bias": bias}

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Log-probabilities of every class: (n, d) -> (n, C)."""
        return functional.log_softmax(functional.linear(X, state["weight"], state["bias"]).relu(), dim=1)
