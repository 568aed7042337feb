"""Methods that minimise one sum of loss terms with Adam: the step is here, once."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.iterative import IterativeMethod
from gzsl.nn.batches import Batch
from gzsl.nn.optim import adam
from gzsl.params import param


class DescentMethod(IterativeMethod):
    """An iterative method with one Adam over all networks that ask for gradients.

    A subclass writes ``build`` and `losses`; networks whose weights have ``requires_grad=False`` are left alone.
    """

    lr: float = param(default=1e-3, low=1e-8, high=10.0, log=True, tune=(1e-5, 1e-2), doc="learning rate of Adam")
    weight_decay: float = param(
        default=0.0, low=0.0, high=1e3, tune=(0.0, 1e-2), doc="weight of half the squared weights, in the gradient"
    )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted loss terms of a batch, 0-d; their sum is minimised."""
        raise NotImplementedError

    def trainable(self) -> list[nn.Parameter]:
        """Parameters of all networks that ask for gradients, in the order of the networks' names."""
        networks = sorted(self.networks().items())
        return [p for _, network in networks for p in network.parameters() if p.requires_grad]

    def optimisers(self) -> dict[str, Optimizer]:
        """One Adam."""
        self._optimiser: Optimizer = adam(self.trainable(), self.lr, beta1=0.9, weight_decay=self.weight_decay)
        return {"adam": self._optimiser}

    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step on the sum of the losses."""
        terms = self.losses(batch)
        self._optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        self._optimiser.step()
        return {name: value.detach() for name, value in terms.items()}

    def scale_rate(self, factor: float) -> None:
        """Multiply the learning rate from now on; it is part of the checkpoint."""
        for group in self._optimiser.param_groups:
            group["lr"] *= factor


def negative_squared_distances(x: Tensor, prototypes: Tensor) -> Tensor:
    """Minus the squared Euclidean distances (n, C) of rows (n, k) and prototypes (C, k)."""
    return 2 * x @ prototypes.T - (x**2).sum(dim=1, keepdim=True) - (prototypes**2).sum(dim=1)
