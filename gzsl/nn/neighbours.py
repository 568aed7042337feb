"""Neighbours of nodes as sets of tokens: chosen by random walks, joined by a small transformer without positions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from gzsl.nn.init import linear

Dropout = Callable[[Tensor, float], Tensor]


def walked_neighbours(
    adjacency: csr_array, nodes: np.ndarray, most: int, *, walks: int, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours of nodes that random walks visit most, the node itself first.

    Walks start at the node, every edge of a node being as likely as another; visits of its direct neighbours are
    counted, plus one, and of equal counts the smaller id comes first.

    Parameters
    ----------
    adjacency : csr_array, shape (n, n)
        Edges, both ways.
    nodes : ndarray, shape (m,)
        Nodes whose neighbours are wanted.
    most : int
        Neighbours at most, besides the node itself.
    walks, length : int
        Walks a node, and steps of each.
    rng : numpy.random.Generator
        Source of the randomness.

    Returns
    -------
    neighbours : ndarray, shape (m, k), int64
        Ids, filled up with the node itself.
    mask : ndarray, shape (m, k), bool
        Which of them count.
    """
    edges = csr_array(adjacency[nodes])
    edges.data = np.ones_like(edges.data, dtype=np.float64)
    counted = (edges.multiply(_visits(adjacency, nodes, walks, length, rng)) + edges).tocoo()
    other = counted.col != nodes[counted.row]
    rows, columns, visits = counted.row[other], counted.col[other], counted.data[other]
    order = np.lexsort((columns, -visits, rows))
    rows, columns = rows[order], columns[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    rows, columns, rank = rows[rank < most], columns[rank < most], rank[rank < most]
    k = 1 + int(rank.max(initial=-1)) + 1
    neighbours, mask = np.repeat(nodes[:, None], k, axis=1).astype(np.int64), np.zeros((len(nodes), k), dtype=bool)
    neighbours[rows, rank + 1], mask[rows, rank + 1] = columns, True
    mask[:, 0] = True
    return neighbours, mask


def _visits(
    adjacency: csr_array, nodes: np.ndarray, walks: int, length: int, rng: np.random.Generator
) -> csr_array:
    """How often walks from each of some nodes (m,) come to each node, (m, n)."""
    degrees, place = np.diff(adjacency.indptr), np.repeat(np.arange(len(nodes)), walks)
    here, seen = np.repeat(nodes, walks), [np.empty(0, dtype=np.int64)]
    for _ in range(length if adjacency.nnz else 0):
        steps = (rng.random(len(here)) * degrees[here]).astype(np.int64)
        reached = adjacency.indices[np.minimum(adjacency.indptr[here] + steps, adjacency.nnz - 1)]
        here = np.where(degrees[here] > 0, reached, here)
        seen.append(here)
    ends = np.concatenate(seen)
    starts = np.tile(place, len(seen) - 1)
    return csr_array((np.ones(len(ends)), (starts, ends)), shape=(len(nodes), adjacency.shape[0]))


class NeighbourTransformer(nn.Module):
    """One block over a set of tokens, and their mean: (m, k, v) -> (m, v).

    Two layers with ReLU between them, self-attention with one head, each added to its input and standardised; nothing
    depends on the order of the tokens.

    Parameters
    ----------
    size : int
        Values a token v.
    hidden, projection : int
        Units of the two layers, and of queries, keys and values.
    rng : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, size: int, hidden: int, projection: int, *, rng: torch.Generator) -> None:
        super().__init__()
        self.first = linear(size, hidden, init="xavier-uniform", rng=rng)
        self.second = linear(hidden, size, init="xavier-uniform", rng=rng)
        self.attention = linear(size, 3 * projection, init="xavier-uniform", rng=rng)
        self.out = linear(projection, size, init="xavier-uniform", rng=rng)
        self.norms = nn.ModuleList([nn.LayerNorm(size), nn.LayerNorm(size)])
        self._scale = math.sqrt(size)

    def forward(self, tokens: Tensor, mask: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Mean (m, v) of the tokens (m, k, v) for which ``mask`` (m, k) is set, after the block."""
        drop = dropout or (lambda x, share: x)
        fed = self.second(drop(torch.relu(self.first(tokens)), 0.1))
        fed = self.norms[0](tokens + drop(drop(fed, 0.1), 0.2))
        queries, keys, values = self.attention(fed).chunk(3, dim=2)
        found = (queries @ keys.mT / self._scale).masked_fill(~mask[:, None, :], -torch.inf)
        attended = self.out(drop(torch.softmax(found, dim=2), 0.1) @ values)
        joined = drop(self.norms[1](fed + drop(attended, 0.2)), 0.2)
        counted = mask[:, :, None].to(joined.dtype)
        return (joined * counted).sum(dim=1) / counted.sum(dim=1)


class NeighbourLayer(nn.Module):
    """A transformer over neighbours, then ``W h + b``, an activation and unit rows: (m, k, v) -> (m, d)."""

    def __init__(
        self, size: int, n_out: int, hidden: int, projection: int, *, rng: torch.Generator, activation: bool
    ) -> None:
        super().__init__()
        self.block = NeighbourTransformer(size, hidden, projection, rng=rng)
        self.out = linear(size, n_out, init="xavier-uniform", rng=rng)
        self._activation = activation

    def forward(self, tokens: Tensor, mask: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Unit vectors (m, n_out) of nodes from their neighbours' vectors."""
        found = self.out(self.block(tokens, mask, dropout))
        return functional.normalize(functional.leaky_relu(found, 0.2) if self._activation else found)
