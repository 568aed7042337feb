"""Vectors of nodes that tell which nodes are joined: a variational graph autoencoder, trained on one whole graph."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gzsl.nn.graph import GraphConvolution, Propagation
from gzsl.nn.optim import adam


class GraphAutoencoder(nn.Module):
    """``μ = Â ReLU(Â X W) W_μ`` and ``log σ`` likewise; the inner product of two nodes says whether they are joined."""

    def __init__(self, n_in: int, hidden: int, latent: int, *, rng: torch.Generator) -> None:
        super().__init__()
        self.first = GraphConvolution(n_in, hidden, rng=rng, bias=False)
        self.mean = GraphConvolution(hidden, latent, rng=rng, bias=False)
        self.log_std = GraphConvolution(hidden, latent, rng=rng, bias=False)

    def forward(self, gathered: Tensor, step: Propagation) -> tuple[Tensor, Tensor]:
        """Means and logarithms of deviations (n, k) from propagated inputs (n, v)."""
        hidden = step(torch.relu(self.first(gathered)))
        return self.mean(hidden), self.log_std(hidden)


def graph_loss(mean: Tensor, log_std: Tensor, noise: Tensor, joined: Tensor, n_edges: float) -> Tensor:
    """Reconstruction of the edges, both kinds weighing the same, plus the divergence from N(0, I).

    Parameters
    ----------
    mean, log_std, noise : Tensor, shape (n, k)
        Of the codes, and standard normal numbers.
    joined : Tensor, shape (n, n)
        1 where nodes are joined and on the diagonal, else 0.
    n_edges : float
        Ones off the diagonal.
    """
    n = len(mean)
    z = mean + noise * log_std.exp()
    others = n * n - n_edges
    weight = torch.as_tensor(others / max(n_edges, 1.0), dtype=mean.dtype, device=mean.device)
    fit = binary_cross_entropy_with_logits(z @ z.T, joined, pos_weight=weight)
    divergence = -0.5 / n * (1 + 2 * log_std - mean.square() - log_std.exp().square()).sum(dim=1).mean()
    return n * n / (2 * others) * fit + divergence


def graph_codes(
    adjacency: csr_array, step: csr_array, inputs: np.ndarray,
    *, hidden: int, latent: int, lr: float, n_epochs: int, rng: torch.Generator,
) -> np.ndarray:  # fmt: skip
    """Train on a graph and return the mean code of every node.

    Parameters
    ----------
    adjacency, step : csr_array, shape (n, n)
        Edges both ways, whatever their weights, and the normalised adjacency with self loops.
    inputs : ndarray, shape (n, v), float32 or float64
        Vectors of nodes; everything is computed in their precision.
    hidden, latent : int
        Units.
    lr : float
        Learning rate of Adam.
    n_epochs : int
        Steps; each takes memory for all n² pairs.
    rng : torch.Generator
        Source of initial weights and noise.

    Returns
    -------
    ndarray, shape (n, latent), in the precision of the inputs
    """
    n, values = adjacency.shape[0], torch.from_numpy(np.ascontiguousarray(inputs))
    joined = torch.zeros(n, n, dtype=values.dtype)
    rows, columns = adjacency.nonzero()
    joined[torch.from_numpy(rows.astype(np.int64)), torch.from_numpy(columns.astype(np.int64))] = 1.0
    joined.fill_diagonal_(0.0)
    n_edges = float(joined.sum())
    joined.fill_diagonal_(1.0)
    network, product = GraphAutoencoder(values.shape[1], hidden, latent, rng=rng).to(values.dtype), Propagation(step)
    gathered = product(values)
    optimiser = adam(network.parameters(), lr, beta1=0.9)
    for _ in range(n_epochs):
        optimiser.zero_grad(set_to_none=True)
        mean, log_std = network(gathered, product)
        noise = torch.randn(mean.shape, generator=rng, dtype=mean.dtype)
        graph_loss(mean, log_std, noise, joined, n_edges).backward()
        optimiser.step()
    with torch.inference_mode():
        return network(gathered, product)[0].numpy()
