"""Graph convolutions: sparse products that gradients flow through, and layers that take part of a graph alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional

from gzsl.nn.init import linear
from gzsl.nn.mlp import ACTIVATIONS

Dropout = Callable[[Tensor], Tensor]


class Propagation:
    """A constant sparse matrix that is multiplied with states of nodes; gradients flow through the product.

    Parameters
    ----------
    matrix : csr_array, shape (m, n)
        What row i of the product sums up.
    """

    def __init__(self, matrix: csr_array) -> None:
        self.matrix = csr_array(matrix)
        self._ready: dict[tuple[torch.dtype, torch.device], tuple[Tensor, Tensor]] = {}

    def __call__(self, states: Tensor) -> Tensor:
        """States (n, k) -> (m, k), in the precision and on the device of the states."""
        key = (states.dtype, states.device)
        if key not in self._ready:
            self._ready[key] = (_sparse(self.matrix, states), _sparse(csr_array(self.matrix.T), states))
        product: Tensor = _Product.apply(states, *self._ready[key])
        return product


class _Product(torch.autograd.Function):
    """Sparse times dense; backwards, the transposed matrix that was made once."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        """``matrix @ states``."""
        ctx.transposed = transposed
        return matrix @ states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """``matrix.T @ gradient``."""
        return ctx.transposed @ gradients[0].contiguous(), None, None


def _sparse(matrix: csr_array, like: Tensor) -> Tensor:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls its CSR tensors a beta; the products are tested
        made = torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)), torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float64)).to(like.dtype), size=matrix.shape, check_invariants=True,
        )  # fmt: skip
        return made.to(like.device)


def receptive_field(
    layers: Sequence[Sequence[csr_array]], rows: np.ndarray
) -> tuple[list[list[Propagation]], np.ndarray]:
    """Cut the matrices of layers down to what some rows of the last layer's output depend on.

    Parameters
    ----------
    layers : sequence of sequences of csr_array, each of shape (n, n)
        Matrices of each layer, the first layer first; those of one layer share their inputs.
    rows : ndarray, shape (m,)
        Nodes whose outputs are wanted.

    Returns
    -------
    list of lists of Propagation
        Matrices of each layer, whose rows and columns are the nodes that are needed there.
    inputs : ndarray, shape (k,), int64
        Nodes whose input vectors are needed, ascending.
    """
    found: list[list[Propagation]] = []
    for matrices in reversed(layers):
        cut = [csr_array(matrix[rows]) for matrix in matrices]
        columns = np.unique(np.concatenate([matrix.indices for matrix in cut])).astype(np.int64)
        found.append([Propagation(matrix[:, columns]) for matrix in cut])
        rows = columns
    return found[::-1], rows


class GraphConvolution(nn.Module):
    """``P h W + b``, with Xavier's uniform initial weights.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    rng : torch.Generator
        Source of the initial weights.
    bias : bool
        Whether there is a ``b``; it starts at 0.
    """

    def __init__(self, n_in: int, n_out: int, *, rng: torch.Generator, bias: bool = True) -> None:
        super().__init__()
        made = linear(n_in, n_out, init="xavier-uniform", rng=rng)
        self.weight, self.bias = made.weight, made.bias if bias else None

    def forward(self, gathered: Tensor) -> Tensor:
        """Outputs (m, n_out) from states that were summed up over neighbours (m, n_in)."""
        return functional.linear(gathered, self.weight, self.bias)


class GraphNetwork(nn.Module):
    """Graph convolutions with an activation between them and unit rows at the end.

    Parameters
    ----------
    sizes : sequence of int
        Input, hidden and output sizes.
    rng : torch.Generator
        Source of the initial weights.
    bias : bool
        Whether layers have a bias, after the propagation.
    activation : str
        Between layers, a key of `gzsl.nn.mlp.ACTIVATIONS`.
    """

    def __init__(
        self, sizes: Sequence[int], *, rng: torch.Generator, bias: bool, activation: str = "leaky-relu"
    ) -> None:
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(GraphConvolution(n_in, n_out, rng=rng, bias=bias) for n_in, n_out in pairs)
        self._activation = ACTIVATIONS[activation]

    def forward(self, inputs: Tensor, steps: Sequence[Propagation], dropouts: Sequence[Dropout | None]) -> Tensor:
        """Input vectors (k, v) -> unit vectors (m, d).

        Parameters
        ----------
        inputs : Tensor, shape (k, v)
            Of the nodes that the first step takes.
        steps : sequence of Propagation
            One a layer.
        dropouts : sequence of callable or None
            What is done to the input of each layer in training.
        """
        h = inputs
        for k, (layer, step, dropout) in enumerate(zip(self.layers, steps, dropouts, strict=True)):
            if k:
                h = self._activation(h)
            h = layer(step(h if dropout is None else dropout(h)))
        return functional.normalize(h)


class GroupedConvolution(nn.Module):
    """``sum_g softmax(attention)_g P_g (h W + b)`` over groups of edges: the layer of dense graph propagation.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    n_groups : int
        Groups of edges; their attention starts equal.
    rng : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, n_in: int, n_out: int, n_groups: int, *, rng: torch.Generator) -> None:
        super().__init__()
        made = linear(n_in, n_out, init="xavier-uniform", rng=rng)
        self.weight, self.bias = made.weight, made.bias
        self.attention = nn.Parameter(torch.ones(n_groups))

    def forward(self, h: Tensor, groups: Sequence[Propagation]) -> Tensor:
        """States (k, n_in) -> (m, n_out)."""
        shares = torch.softmax(self.attention, dim=0)
        with_one = torch.cat([h, h.new_ones(len(h), 1)], dim=1)  # what reaches a node of the bias
        gathered = torch.stack([group(with_one) for group in groups])
        mixed = torch.einsum("g,gmk->mk", shares, gathered)
        return functional.linear(mixed[:, :-1], self.weight) + mixed[:, -1:] * self.bias
