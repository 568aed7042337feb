"""Linear softmax classifier, the head of most feature-generating methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Adam

from gzsl.heads.base import Head, HeadRows, State, register_head
from gzsl.nn.init import INIT_STD
from gzsl.nn.optim import adam
from gzsl.params import param


@register_head("softmax")
class SoftmaxHead(Head):
    """Linear layer with a softmax, trained with Adam on cross-entropy.

    Minimises ``mean_b -log softmax(W x_b + c)[y_b]`` over batches from shuffled passes, the last one of a
    pass being smaller; ``W`` (C, d) starts from N(0, 0.02), ``c`` (C,) from 0. The state is ``weight`` and
    ``bias``, so it loads into an ``nn.Linear``; scores are log-probabilities.

    Differences: released code of the f-CLSWGAN family fills the last batch of a pass with rows of the next
    one, and takes the number of synthetic rows a class as batch size.
    """

    lr: float = param(default=1e-3, low=1e-8, high=10.0, log=True, tune=(1e-4, 1e-2), doc="learning rate")
    beta1: float = param(default=0.5, low=0.0, high=0.9999, doc="decay of Adam's mean gradient")
    beta2: float = param(default=0.999, low=0.0, high=0.99999, doc="decay of Adam's squared gradient")
    n_epochs: int = param(default=25, low=0, high=100_000, doc="passes over the rows")
    batch_size: int = param(default=512, low=1, high=10_000_000, doc="rows a step")
    weight_decay: float = param(default=0.0, low=0.0, high=10.0, doc="weight of the squared parameters")

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        X, n_classes = rows.X, rows.n_classes
        start = torch.randn(n_classes, X.shape[1], generator=rng, device=rng.device, dtype=X.dtype)
        return self.descend(X, rows.y, (start * INIT_STD).to(X.device), X.new_zeros(n_classes), rng)

    def descend(
        self, X: Tensor, y: Tensor, weight: Tensor, bias: Tensor, rng: torch.Generator, optimiser: Adam | None = None
    ) -> State:
        """Train on rows (n, d) from the given weights (C, d) and biases (C,), which are changed in place.

        An ``optimiser`` of the two is used where one is given, whose settings then count instead of the head's.
        """
        weight.grad, bias.grad = torch.empty_like(weight), torch.empty_like(bias)
        optimiser = optimiser or adam(
            [weight, bias], self.lr, beta1=self.beta1, beta2=self.beta2, weight_decay=self.weight_decay
        )
        buffer = X.new_empty(min(self.batch_size, len(X)), X.shape[1])
        for picked in shuffled_batches(self.n_epochs, self.batch_size, len(X), rng, X.device):
            x = torch.index_select(X, 0, picked, out=buffer[: len(picked)])
            cross_entropy_gradients(x, y[picked], weight, bias, weight.grad, bias.grad)
            optimiser.step()
        return {"weight": weight, "bias": bias}

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Log-probabilities of every class: (n, d) -> (n, C)."""
        return functional.log_softmax(functional.linear(X, state["weight"], state["bias"]), dim=1)


def shuffled_batches(
    n_epochs: int, batch_size: int, n: int, rng: torch.Generator, device: torch.device
) -> Iterator[Tensor]:
    """Row numbers of every batch of ``n_epochs`` shuffled passes; the last batch of a pass may be smaller."""
    for _ in range(n_epochs):
        order = torch.randperm(n, generator=rng, device=rng.device).to(device)
        yield from order.split(batch_size)


def cross_entropy_gradients(
    x: Tensor, y: Tensor, weight: Tensor, bias: Tensor, weight_out: Tensor, bias_out: Tensor
) -> None:
    """Write the gradient of the mean cross-entropy of a linear softmax, without building a graph.

    Parameters
    ----------
    x : Tensor, shape (n, d)
        Features.
    y : Tensor, shape (n,), int64
        Classes.
    weight, bias : Tensor, shapes (C, d) and (C,)
        Where the gradient is taken.
    weight_out, bias_out : Tensor, shapes (C, d) and (C,)
        Overwritten with the gradient.
    """
    error = torch.addmm(bias, x, weight.t()).softmax(dim=1)
    error.scatter_add_(1, y[:, None], error.new_full((1, 1), -1.0).expand(len(y), 1))
    error /= len(y)
    torch.mm(error.t(), x, out=weight_out)
    torch.sum(error, dim=0, out=bias_out)
