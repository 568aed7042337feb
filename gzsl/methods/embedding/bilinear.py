"""Bilinear compatibility trained by ranking: what ALE, DeViSE, SJE and LatEm share."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gzsl.methods.iterative import IterativeMethod, Sizes
from gzsl.nn.batches import Batch
from gzsl.nn.optim import adam, sgd
from gzsl.params import param
from gzsl.semantics import Semantics


class BilinearMaps(nn.Module):
    """``K`` maps W (K, d, a) from features to class vectors.

    Parameters
    ----------
    n_maps, n_features, n_attributes : int
        Sizes.
    rng : torch.Generator
        Source of the initial weights, normal with standard deviation ``1 / sqrt(d)``.
    """

    def __init__(self, n_maps: int, n_features: int, n_attributes: int, rng: torch.Generator) -> None:
        super().__init__()
        initial = torch.randn(n_maps, n_features, n_attributes, generator=rng) / math.sqrt(n_features)
        self.weight = nn.Parameter(initial)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        """Compatibility (n, K, C) of rows (n, d) with class vectors (C, a), in the cheaper order."""
        n_maps, d, a = self.weight.shape
        if len(x) * d * a <= (len(x) + a) * d * len(table):
            projected = x @ self.weight.permute(1, 0, 2).reshape(d, n_maps * a)
            return projected.view(len(x), n_maps, a) @ table.T
        classifiers = (self.weight @ table.T).permute(1, 0, 2).reshape(d, n_maps * len(table))
        return (x @ classifiers).view(len(x), n_maps, len(table))


class BilinearRanking(IterativeMethod):
    """A compatibility ``F(x, c) = max_k x^T W_k a_c`` trained to rank the true class first.

    A subclass writes `pull`: the ranking loss of a batch and its gradient with respect to the scores. A step then
    costs two products with the batch; nothing is differentiated automatically. Step sizes are per sample, as in
    the papers' stochastic gradient descent: a batch adds up the steps of its rows.
    """

    n_epochs: int = param(default=50, low=1, high=100_000, doc="passes over the training rows, at most")
    batch_size: int = param(default=128, low=1, high=1_000_000, doc="rows a step; ours, the papers step on single rows")
    lr: float = param(
        default=0.1, low=1e-9, high=1e3, log=True, symbol="η", tune=(1e-4, 1.0),
        doc="step size a sample; depends on the scale of the features",
    )  # fmt: skip
    margin: float = param(default=1.0, low=0.0, high=1e4, symbol="Δ", doc="by how much the true class should win")
    optimiser: str = param(
        default="sgd", choices=("sgd", "adam"),
        doc="sgd: constant steps as in the papers; adam: ours, with lr as its learning rate",
    )  # fmt: skip

    def build(self, sizes: Sizes, rng: torch.Generator) -> None:
        """Make the maps."""
        self.maps_ = BilinearMaps(self.count_maps(), sizes.n_features, sizes.n_attributes, rng)

    def count_maps(self) -> int:
        """Number of maps ``K``."""
        return 1

    def optimisers(self) -> dict[str, Optimizer]:
        """One optimiser for the maps."""
        parameters = self.maps_.parameters()
        self._stepper: Optimizer = (
            adam(parameters, self.lr, beta1=0.9) if self.optimiser == "adam" else sgd(parameters, self.lr)
        )
        return {"maps": self._stepper}

    def pull(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Ranking loss of every row, and its gradient with respect to the scores.

        Parameters
        ----------
        scores : Tensor, shape (n, s)
            Compatibility with every seen class.
        y : Tensor, shape (n,), int64
            Column of the true class.

        Returns
        -------
        loss : Tensor, shape (n,)
            Loss of every row.
        gradient : Tensor, shape (n, s)
            Its gradient; rows add up to 0.
        """
        raise NotImplementedError

    @torch.no_grad()
    def update(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step on the batch."""
        assert self.rows is not None
        scores, which = self.maps_(batch.x, self.rows.table).max(dim=1)
        loss, gradient = self.pull(scores, batch.y)
        self.maps_.weight.grad = self._weight_gradient(batch.x, gradient, which, self.rows.table)
        self._stepper.step()
        return {"ranking": loss.mean()}

    def _weight_gradient(self, x: Tensor, gradient: Tensor, which: Tensor, table: Tensor) -> Tensor:
        """Gradient (K, d, a): every score's share goes to the map that made it."""
        n_maps, d, a = self.maps_.weight.shape
        shares = [gradient if n_maps == 1 else gradient.masked_fill(which != k, 0) for k in range(n_maps)]
        if len(x) * d * a <= (len(x) + a) * d * len(table):
            found = x.T @ torch.cat([share @ table for share in shares], dim=1)
            return found.view(d, n_maps, a).permute(1, 0, 2)
        return (x.T @ torch.cat(shares, dim=1)).view(d, n_maps, len(table)).permute(1, 0, 2) @ table

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray | None:
        """Projection (n, a) of the rows; None where there are several maps."""
        return X @ self.maps_.weight[0].detach().cpu().numpy() if len(self.maps_.weight) == 1 else None

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        with torch.inference_mode():
            x = torch.from_numpy(X).to(self.device)
            return self.maps_(x, self.to_device(semantics.table)).amax(dim=1).cpu().numpy()


def violations(scores: Tensor, y: Tensor, margin: float | Tensor) -> Tensor:
    """Hinges ``[margin + F - F_y]_+`` of every wrong class, 0 at the true one: (n, s)."""
    true = scores.gather(1, y[:, None])
    return (scores - true + margin).clamp_min(0).scatter(1, y[:, None], 0.0)


def pull_from_weights(weights: Tensor, y: Tensor) -> Tensor:
    """Gradient (n, s) of ``sum_c weights_c (F_c - F_y)``: the true class gets minus the sum of its row."""
    return weights.scatter_add(1, y[:, None], -weights.sum(dim=1, keepdim=True))
