"""Vectors of the nodes of an ontology: translations between its triples, then joined with what its names mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from gzsl.nn.init import linear
from gzsl.nn.optim import adam
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_vectors import from_classes
from gzsl.semantics.unit_length import at_unit_length


@dataclass(frozen=True)
class Triples:
    """Edges of an ontology as rows of numbers.

    Attributes
    ----------
    rows : Tensor, shape (t, 3), int64
        Head, relation and tail of each.
    n_nodes, n_relations : int
        How many there are.
    """

    rows: Tensor
    n_nodes: int
    n_relations: int

    def codes(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """One number a triple, int64."""
        return (head * self.n_relations + relation) * self.n_nodes + tail

    def known(self) -> Tensor:
        """Codes of all triples, ascending."""
        return torch.unique(self.codes(*self.rows.T))

    def weights(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Weights (t,) by how rare head-relation and relation-tail pairs are: ``1 / sqrt(3 + n_hr + 3 + n_rt)``."""
        head, relation, tail = self.rows.T
        counts = [
            torch.unique(pairs, return_inverse=True, return_counts=True)
            for pairs in (head * self.n_relations + relation, tail * self.n_relations + relation)
        ]
        return torch.rsqrt(sum((3 + number[place]).to(dtype) for _, place, number in counts))


def corrupted(triples: Triples, batch: Tensor, n: int, tails: bool, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Other nodes (b, n) in place of the tails (or heads) of a batch (b, 3), and which make no known triple (b, n)."""
    drawn = torch.randint(triples.n_nodes, (len(batch), n), generator=rng)
    head, relation, tail = (column[:, None] for column in batch.T)
    codes = triples.codes(head, relation, drawn) if tails else triples.codes(drawn, relation, tail)
    return drawn, ~torch.isin(codes, triples.known(), assume_unique=False)


def translation_loss(
    positive: Tensor, negative: Tensor, allowed: Tensor, weights: Tensor, gamma: float, temperature: float
) -> Tensor:
    """Self-adversarial negative sampling over distances of true (b,) and corrupted (b, n) triples.

    ``-log σ(γ - d) - Σ_i p_i log σ(d_i - γ)``, halved and averaged by the weights (b,); p is the softmax of
    ``temperature (γ - d_i)`` over the allowed ones and counts as a constant.
    """
    scores = temperature * (gamma - negative.detach())
    shares = torch.softmax(scores.masked_fill(~allowed, -torch.inf), dim=1).nan_to_num()
    terms = -logsigmoid(gamma - positive) - (shares * logsigmoid(negative - gamma)).sum(dim=1)
    return (weights * terms).sum() / weights.sum() / 2


def translations(
    triples: Triples, *, size: int, lr: float, n_steps: int, rng: torch.Generator, gamma: float = 12.0,
    n_negatives: int = 64, batch_size: int = 256, temperature: float = 1.0, dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """TransE: vectors for which ``h + r`` is near ``t`` in the sum of absolute differences.

    Tails and heads are corrupted in turn; the learning rate falls to a tenth after half of the steps.

    Returns
    -------
    nodes, relations : Tensor, shape (n, size) and (r, size)
        In the precision ``dtype``.
    """
    span = (gamma + 2.0) / size
    nodes, relations = (
        ((torch.rand(count, size, generator=rng, dtype=dtype) * 2 - 1) * span).requires_grad_()
        for count in (triples.n_nodes, triples.n_relations)
    )
    optimiser, weights = adam([nodes, relations], lr, beta1=0.9), triples.weights(dtype)
    for step in range(n_steps):
        if step == n_steps // 2:
            optimiser.param_groups[0]["lr"] = lr / 10
        chosen = torch.randint(len(triples.rows), (min(batch_size, len(triples.rows)),), generator=rng)
        batch, tails = triples.rows[chosen], step % 2 == 0
        drawn, allowed = corrupted(triples, batch, n_negatives, tails, rng)
        head, tail, moved = nodes[batch[:, 0]], nodes[batch[:, 2]], relations[batch[:, 1]]
        fixed = head + moved if tails else tail - moved
        loss = translation_loss(
            (head + moved - tail).abs().sum(dim=1), (fixed[:, None] - nodes[drawn]).abs().sum(dim=2), allowed,
            weights[chosen], gamma, temperature,
        )  # fmt: skip
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return nodes.detach(), relations.detach()


def energies(head: tuple[Tensor, Tensor], moved: Tensor, tail: tuple[Tensor, Tensor]) -> Tensor:
    """Sum (b,) of ``|h + r - t|`` over structure and text of both ends, and over their sums; h, t are such pairs."""
    pairs = [(h, t) for h in head for t in tail] + [(head[0] + head[1], tail[0] + tail[1])]
    return torch.stack([(h + moved - t).abs().sum(dim=1) for h, t in pairs]).sum(dim=0)


def with_text(
    triples: Triples, nodes: Tensor, relations: Tensor, text: Tensor, *, size: int, lr: float, n_epochs: int,
    rng: torch.Generator, margin: float = 10.0, batch_size: int = 100,
) -> Tensor:  # fmt: skip
    """Map structure and text (n, v) of nodes into one space in which triples hold, and return both side by side.

    One tanh layer for structure and relations, one for text; hinges ``[margin + E(true) - E(false)]_+`` for a
    corrupted tail and a corrupted head are minimised by Adam, one of each a triple.

    Returns
    -------
    Tensor, shape (n, 2 * size)
        In the precision of the nodes, which is that of the text.
    """
    by_structure = linear(nodes.shape[1], size, init="xavier-uniform", rng=rng).to(nodes.dtype)
    by_text = linear(text.shape[1], size, init="xavier-uniform", rng=rng).to(nodes.dtype)
    optimiser = adam([*by_structure.parameters(), *by_text.parameters()], lr, beta1=0.9)

    def mapped(ids: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tanh(by_structure(nodes[ids])), torch.tanh(by_text(text[ids]))

    for _ in range(n_epochs):
        for chosen in torch.randperm(len(triples.rows), generator=rng).split(batch_size):
            batch = triples.rows[chosen]
            moved = torch.tanh(by_structure(relations[batch[:, 1]]))
            head, tail = mapped(batch[:, 0]), mapped(batch[:, 2])
            true, loss = energies(head, moved, tail), nodes.new_zeros(())
            for tails in (True, False):
                drawn, allowed = corrupted(triples, batch, 1, tails, rng)
                other = mapped(drawn[:, 0])
                false = energies(head, moved, other) if tails else energies(other, moved, tail)
                loss = loss + (allowed[:, 0] * torch.relu(margin + true - false)).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
    with torch.inference_mode():
        return torch.cat(mapped(torch.arange(triples.n_nodes)), dim=1)


def triples_of(graph: ClassGraph) -> Triples:
    """The edges of a graph, relations in the order of their names."""
    rows = []
    for k, name in enumerate(sorted(graph.relations)):
        heads, tails = graph.relations[name].nonzero()
        rows.append(np.stack([heads, np.full(len(heads), k), tails], axis=1))
    return Triples(torch.from_numpy(np.concatenate(rows).astype(np.int64)), len(graph), len(graph.relations))


def embedded_graph(
    graph: ClassGraph, text: Tensor, *, size: int, n_steps: int, lr: float, n_negatives: int, text_epochs: int,
    text_lr: float, rng: torch.Generator,
) -> np.ndarray:  # fmt: skip
    """Vectors (n, 2 * size) float32 of the nodes of a graph from its edges and their texts' vectors (n, v)."""
    triples = triples_of(graph)
    nodes, relations = translations(triples, size=size, lr=lr, n_steps=n_steps, rng=rng, n_negatives=n_negatives)
    return with_text(
        triples, nodes, relations, text, size=size, lr=text_lr, n_epochs=text_epochs, rng=rng
    ).numpy()


def ontology_table(
    graph: ClassGraph, semantics: Semantics, *, size: int, n_steps: int, text_epochs: int, rng: torch.Generator,
) -> Semantics:  # fmt: skip
    """Class table (C, 2 * size) of the classes of a table, from a graph of them and the vectors of its nodes.

    A graph without vectors of its nodes gets means of the class vectors around them.
    """
    vectors = from_classes(graph, semantics.table) if graph.vectors is None else graph.vectors
    inputs = torch.from_numpy(np.ascontiguousarray(at_unit_length(vectors), dtype=np.float32))
    found = embedded_graph(
        graph, inputs, size=size, n_steps=n_steps,
        lr=1e-2, n_negatives=64, text_epochs=text_epochs, text_lr=1e-3, rng=rng,
    )  # fmt: skip
    names = tuple(f"{part}{k}" for part in ("structure", "text") for k in range(size))
    return Semantics(found[graph.class_nodes], graph.class_names, "ontology", attribute_names=names)
