"""Attribute predictor and metric of metric-learning consistency, and their closed-form start."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gzsl.methods.descent import negative_squared_distances
from gzsl.methods.iterative import Sizes
from gzsl.nn.batches import TrainingRows

START_RIDGE = 1.0  # of the attribute regression, in units of the mean feature scatter (validation folds of CUB127)
METRIC_RIDGE = 10.0  # of the residual scatter, in units of its mean: residuals on training rows are too small


class ConsistencyNetwork(nn.Module):
    """``max(0, x W_X + b)``: rows (n, d) to attributes (n, a); and W_A: attributes to the metric's m dimensions."""

    def __init__(self, sizes: Sizes, n_dims: int, rng: torch.Generator) -> None:
        super().__init__()
        d, a = sizes.n_features, sizes.n_attributes
        self.weight = nn.Parameter(torch.randn(d, a, generator=rng) * d**-0.5)
        self.bias = nn.Parameter(torch.zeros(a))
        self.metric = nn.Parameter(torch.randn(a, n_dims, generator=rng) * a**-0.5)
        self.tau = nn.Parameter(torch.ones(()))

    def attributes(self, x: Tensor) -> Tensor:
        """Predicted attributes, non-negative."""
        return torch.relu(x @ self.weight + self.bias)

    def distances(self, predicted: Tensor, table: Tensor) -> Tensor:
        """Squared distances (n, C) of predicted attributes and class vectors in the metric."""
        return -negative_squared_distances(predicted @ self.metric, table @ self.metric)


def start_from_ridge(network: ConsistencyNetwork, rows: TrainingRows) -> None:
    """Ridge to the attributes; metric from between-class over residual scatter, scaled to margins of about 1."""
    x, wanted = rows.x.double(), rows.table[rows.y].double()
    centre, level = x.mean(dim=0), wanted.mean(dim=0)
    scatter = (x - centre).T @ (x - centre)
    weight = torch.linalg.solve(_ridged(scatter, START_RIDGE), (x - centre).T @ (wanted - level))
    network.weight.copy_(weight)
    network.bias.copy_(level - centre @ weight)
    predicted = network.attributes(rows.x).double()
    residual, spread = predicted - wanted, wanted - level
    values, vectors = torch.linalg.eigh(_ridged(residual.T @ residual / len(x), METRIC_RIDGE))
    whiten = vectors / values.sqrt()
    _, best = torch.linalg.eigh(whiten.T @ (spread.T @ spread) @ whiten)
    metric = torch.zeros_like(network.metric, dtype=x.dtype)
    found = (whiten @ best.flip(1))[:, : metric.shape[1]]
    metric[:, : found.shape[1]] = found
    distances = -negative_squared_distances(predicted @ metric, rows.table.double() @ metric)
    own = distances.gather(1, rows.y[:, None]).mean()
    others = (distances.sum() / len(x) - own) / max(len(rows.table) - 1, 1)
    scale = 2 / (others - own).clamp_min(1e-6)
    network.metric.copy_(metric * scale.sqrt())
    network.tau.copy_(torch.expm1((scale * (own + others) / 2).clamp(1e-3, 50)).log())


def _ridged(scatter: Tensor, share: float) -> Tensor:
    """A symmetric matrix plus ``share`` of its mean diagonal on its diagonal."""
    amount = share * scatter.diagonal().mean().clamp_min(1e-12)
    return scatter + amount * torch.eye(len(scatter), dtype=scatter.dtype, device=scatter.device)
