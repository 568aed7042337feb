"""Updates of networks over class graphs, and of autoencoders of classifiers, against dense references by autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from harness import Start, adam, compare, layer, unit_view
from torch import Tensor
from torch.nn import functional

from gzsl.data import TrainView
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_vectors import from_classes

Noise = Callable[[str], Tensor]
# classes 0 to 6 below nodes 7 and 8, these below 9
EDGES = [(0, 7), (1, 7), (2, 8), (3, 8), (4, 8), (5, 7), (6, 8), (7, 9), (8, 9)]


def tree_view(relation: str = "is_a") -> TrainView:
    """The small problem with a tree over its classes; two more nodes hang below a class and below nothing."""
    view = unit_view()
    names = (*view.semantics.class_names, "n7", "n8", "n9", "za", "zb")
    rows, columns = np.array([*EDGES, (10, 2)]).T
    edges = {relation: (rows, columns, None)}
    return replace(view, class_graph=ClassGraph.from_edges(names, edges, view.semantics.class_names, np.arange(7)))


def dense(view: TrainView) -> tuple[Tensor, Tensor]:
    """Adjacency (n, n) with both directions, and unit inputs (n, a)."""
    A = np.zeros((12, 12))
    for i, j in [*EDGES, (10, 2)]:
        A[i, j] = A[j, i] = 1
    E = from_classes(view.graph, view.semantics.table).astype(np.float64)
    E = (E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return torch.tensor(A), torch.tensor(E, dtype=torch.float64)


class NodeReference:
    """Adam on half the mean squared distance; a subclass computes the outputs of all nodes."""

    def __init__(self, start: Start) -> None:
        self.w, self.own, self.view = start.weights, start.settings, tree_view(self.relation)
        self.A, self.E = dense(self.view)
        parameters = start.under("network_", "layers_")
        own = self.own
        self.adam = torch.optim.Adam(parameters, lr=own.lr, weight_decay=own.weight_decay, foreach=False)

    relation = "is_a"

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> dict[str, Tensor]:
        found = self.outputs(noise)[y]
        loss = (found - x).pow(2).sum() / (2 * len(x))
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return {"regression": loss}

    def outputs(self, noise: Noise) -> Tensor:
        raise NotImplementedError


def dropped(x: Tensor, noise: Tensor, share: float) -> Tensor:
    """Dropout by the numbers that the method drew."""
    return x * (noise >= share) / (1 - share)


class GCNZReference(NodeReference):
    def outputs(self, noise: Noise) -> Tensor:
        A = self.A + torch.eye(12)
        root = A.sum(1).rsqrt()
        step, h = root[:, None] * A * root, self.E
        h = functional.leaky_relu(step @ h @ self.w["network_.layers.0.weight"].T, 0.2)
        h = functional.leaky_relu(step @ h @ self.w["network_.layers.1.weight"].T, 0.2)
        return functional.normalize(step @ h @ self.w["network_.layers.2.weight"].T)


class SGCNReference(NodeReference):
    """The inputs that the method drops are those of the nodes it computes: here all but the far node."""

    def outputs(self, noise: Noise) -> Tensor:
        A = self.A + torch.eye(12)
        step = A / A.sum(1, keepdim=True)
        near = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        first, second = noise("dropout"), noise("dropout")
        E = torch.zeros_like(self.E)
        E[near] = dropped(self.E[near], first, self.own.dropout)
        h = functional.leaky_relu(layer(self.w, "network_.layers.0", step @ E), 0.2)
        inner = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 10])
        kept = torch.zeros_like(h)
        kept[inner] = dropped(h[inner], second, self.own.dropout)
        return functional.normalize(layer(self.w, "network_.layers.1", step @ kept))


class DGPReference(NodeReference):
    def groups(self) -> list[Tensor]:
        """Matrices by steps upwards: [i, j] is 1 when j is so many steps above i."""
        up = torch.zeros(12, 12, dtype=torch.float64)
        for i, j in [*EDGES, (10, 2)]:
            up[i, j] = 1
        found = [torch.eye(12, dtype=torch.float64), up, up @ up]
        return [*found, up @ up @ up]

    def outputs(self, noise: Noise) -> Tensor:
        h, groups = self.E, self.groups()
        for k, side in enumerate(([g.T for g in groups], groups)):
            alpha = torch.softmax(self.w[f"layers_.{k}.attention"], 0)
            moved = layer(self.w, f"layers_.{k}", h)
            h = sum(a * (g / g.sum(1, keepdim=True).clamp_min(1)) @ moved for a, g in zip(alpha, side, strict=True))
            h = functional.leaky_relu(h, 0.2) if k == 0 else h
        return functional.normalize(h)


class HopsReference(DGPReference):
    relation = "beside"

    def groups(self) -> list[Tensor]:
        """Matrices by hops, whatever the direction."""
        reach, known, found = torch.eye(12, dtype=torch.float64), torch.eye(12, dtype=torch.float64), []
        for _ in range(self.own.n_hops + 1):
            found.append(reach)
            reach = ((reach @ self.A > 0) & (known == 0)).double()
            known = known + reach
        return found


class ZSLKGReference(NodeReference):
    """With so few neighbours, all of them are tokens."""

    def outputs(self, noise: Noise) -> Tensor:
        h = self.E
        for k in range(2):
            rows = []
            for i in range(12):
                near = [i, *torch.nonzero(self.A[i]).flatten().tolist()]
                rows.append(self.block(f"layers_.{k}.block", h[near]))
            h = layer(self.w, f"layers_.{k}.out", torch.stack(rows))
            h = functional.normalize(functional.leaky_relu(h, 0.2) if k == 0 else h)
        return h

    def block(self, name: str, tokens: Tensor) -> Tensor:
        size = (tokens.shape[1],)
        norms = [[self.w[f"{name}.norms.{k}.{part}"] for part in ("weight", "bias")] for k in (0, 1)]
        fed = layer(self.w, f"{name}.second", functional.relu(layer(self.w, f"{name}.first", tokens)))
        fed = functional.layer_norm(fed + tokens, size, *norms[0])
        q, k, v = layer(self.w, f"{name}.attention", fed).chunk(3, 1)
        attended = layer(self.w, f"{name}.out", torch.softmax(q @ k.T / size[0] ** 0.5, 1) @ v)
        return functional.layer_norm(attended + fed, size, *norms[1]).mean(0)


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "gcnz": (GCNZReference, {"hidden_dims": (6, 5)}),
    "sgcn": (SGCNReference, {"dropout": 0.4}),
    "dgp": (DGPReference, {"dropout": 0.0}),
    "zsl-kg": (ZSLKGReference, {"feature_dropout": 0.0, "dropouts": False, "block_dim": 3}),
}


@pytest.mark.parametrize("name", CASES)
def test_three_updates(name: str) -> None:
    reference, params = CASES[name]
    compare(name, reference, view=tree_view(), batch_size=100, **params)


def test_three_updates_of_dgp_by_hops_on_some_classes() -> None:
    compare("dgp", HopsReference, view=tree_view("beside"), dropout=0.0, n_hops=2, batch_size=3)


class ICISReference:
    """Four cosine terms; rows of unseen classes are zeros and count in the first one alone."""

    def __init__(self, start: Start) -> None:
        self.w, self.own = start.weights, start.settings
        parts = start.under("from_row_", "from_vector_", "to_row_", "to_vector_")
        self.adam = adam(parts, self.own.lr, (0.9, 0.999))

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> dict[str, Tensor]:
        zs = {"vector": functional.relu(layer(self.w, "from_vector_.layers.0", a)),
              "row": functional.relu(layer(self.w, "from_row_.layers.0", x))}  # fmt: skip
        terms: dict[str, Tensor] = {}
        for into, goal in (("vector", a), ("row", x)):
            for of, z in zs.items():
                made = layer(self.w, f"to_{into}_.layers.0", z)
                distances = [1 - (m @ g) / (m.norm() * g.norm()) for m, g in zip(made, goal, strict=True)]
                whole = into == of == "vector"
                counted = [d for d, c in zip(distances, y.tolist(), strict=True) if whole or c < 5]
                terms[f"{into} from {of}"] = torch.stack(counted).mean()
        self.adam.zero_grad()
        sum(terms.values()).backward()  # type: ignore[union-attr]
        self.adam.step()
        return {name: value.detach() for name, value in terms.items()}


def test_three_updates_of_icis() -> None:
    compare("icis", ICISReference, batch_size=100)


class SubspaceReference:
    def __init__(self, start: Start) -> None:
        self.w, self.own, self.seen = start.weights, start.settings, start.x
        self.adam = adam(start.under("network_"), self.own.lr, (0.9, 0.999))

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Noise) -> dict[str, Tensor]:
        made = layer(self.w, "network_.layers.1", functional.relu(layer(self.w, "network_.layers.0", a)))
        inside = made @ torch.linalg.pinv(self.seen) @ self.seen
        span = self.own.span_weight * (made - inside).norm(dim=1).mean()
        fit = ((made - x) ** 2).mean()
        self.adam.zero_grad()
        (fit + span).backward()
        self.adam.step()
        return {"regression": fit.detach(), "span": span.detach()}


def test_three_updates_of_subspace_regression() -> None:
    compare("subspace-regression", SubspaceReference, batch_size=100, span_weight=0.3)
