"""KG-GAN and OntoZSL against plain references: the steps that embed classes, and the GAN's steps on the embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from harness import CLOSE, Start, adam, compare, unit_view
from hosts import FCLSWGANReference
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import functional

from gzsl.data import TrainView
from gzsl.methods.generative.kg_gan import attribute_edges
from gzsl.nn.graph_autoencoder import GraphAutoencoder, graph_codes
from gzsl.nn.init import linear
from gzsl.nn.ontology import Triples, embedded_graph, translations, triples_of, with_text
from gzsl.nn.streams import Streams
from gzsl.semantics.graph import ClassGraph
from gzsl.semantics.node_vectors import from_classes
from gzsl.semantics.unit_length import at_unit_length

NODES = ("wing", "c3", "c0", "bird", "c6", "c2", "c5", "fish", "c1", "c4")  # not in the order of the classes
TRIPLES = [
    *(("is_a", c, "bird") for c in ("c0", "c1", "c5")), *(("is_a", c, "fish") for c in ("c2", "c3", "c4", "c6")),
    ("has", "c0", "wing"), ("has", "c5", "wing"), ("has", "bird", "wing"),
]  # fmt: skip
STEPS = (1, 2, 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ontology_view() -> TrainView:
    """The small problem with an ontology of two relations."""
    view = unit_view()
    edges = {}
    for relation in ("is_a", "has"):
        pairs = [(NODES.index(h), NODES.index(t)) for r, h, t in TRIPLES if r == relation]
        edges[relation] = (*np.array(pairs).T, None)
    places = [NODES.index(name) for name in view.semantics.class_names]
    return replace(view, class_graph=ClassGraph.from_edges(NODES, edges, view.semantics.class_names, places))


def encoded(w: dict[str, Tensor], step: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    """Means and logarithms of deviations: two graph convolutions each, of which the first is shared."""
    hidden = functional.relu(step @ X @ w["first.weight"].T)
    return step @ hidden @ w["mean.weight"].T, step @ hidden @ w["log_std.weight"].T


def autoencoder(A: Tensor, X: Tensor, hidden: int, latent: int, lr: float, n_steps: int,
                rng: torch.Generator) -> Tensor:  # fmt: skip
    """The variational graph autoencoder of the authors' code, on dense matrices."""
    n = len(A)
    start = GraphAutoencoder(X.shape[1], hidden, latent, rng=rng).double().state_dict()
    w = {name: value.clone().requires_grad_() for name, value in start.items()}
    with_self = A + torch.eye(n)
    root = with_self.sum(1).rsqrt()
    step = root[:, None] * with_self * root
    ones = A.sum()
    positive, norm = (n * n - ones) / ones, n * n / (2 * (n * n - ones))
    optimiser = adam(w.values(), lr, (0.9, 0.999))
    for _ in range(n_steps):
        mu, log_std = encoded(w, step, X)
        z = mu + torch.randn(n, latent, generator=rng, dtype=torch.float64) * log_std.exp()
        joined = (z @ z.T).sigmoid()
        entropy = -(positive * with_self * joined.log() + (1 - with_self) * (1 - joined).log()).mean()
        divergence = -0.5 / n * (1 + 2 * log_std - mu**2 - (2 * log_std).exp()).sum(1).mean()
        optimiser.zero_grad()
        (norm * entropy + divergence).backward()
        optimiser.step()
    return encoded(w, step, X)[0].detach()


@pytest.mark.parametrize("n_steps", STEPS)
def test_updates_of_the_autoencoder_of_both_views(n_steps: int) -> None:
    view = ontology_view()
    A = np.zeros((len(NODES), len(NODES)))
    for _, head, tail in TRIPLES:
        A[NODES.index(head), NODES.index(tail)] = A[NODES.index(tail), NODES.index(head)] = 1
    table = view.semantics.table.astype(np.float64)
    C, a = table.shape
    bipartite = np.zeros((C + a, C + a))
    for c in range(C):
        for m in range(a):
            bipartite[c, C + m] = bipartite[C + m, c] = table[c, m] > table[:, m].mean()
    assert np.array_equal(attribute_edges(table).toarray(), bipartite)
    for dense, found in ((A, view.graph.adjacency()), (bipartite, attribute_edges(table))):
        X = np.random.default_rng(1).standard_normal((len(dense), 5))
        loops = dense + np.eye(len(dense))
        step = csr_array(loops / np.sqrt(np.outer(loops.sum(1), loops.sum(1))))
        ours = graph_codes(found, step, X, hidden=6, latent=3, lr=0.05, n_epochs=n_steps, rng=generator(2))
        wanted = autoencoder(torch.tensor(dense), torch.tensor(X), 6, 3, 0.05, n_steps, generator(2))
        assert np.abs(ours - wanted.numpy()).max() < CLOSE


def ontology() -> tuple[Triples, list[tuple[int, int, int]]]:
    """The triples as the method has them, and as a list of numbers with relations in the order of their names."""
    names = sorted({r for r, _, _ in TRIPLES})
    known = [(NODES.index(h), names.index(r), NODES.index(t)) for r, h, t in TRIPLES]
    found = triples_of(ontology_view().graph)
    assert sorted(known) == sorted(map(tuple, found.rows.tolist()))
    return found, list(map(tuple, found.rows.tolist()))


def transe(known: list[tuple[int, int, int]], size: int, lr: float, n_steps: int, n: int, rng: torch.Generator,
           gamma: float = 12.0) -> tuple[Tensor, Tensor]:  # fmt: skip
    """TransE with self-adversarial negatives, a triple and a corrupted triple at a time."""
    span = (gamma + 2) / size
    e, r = (((2 * torch.rand(k, size, generator=rng, dtype=torch.float64) - 1) * span).requires_grad_()
            for k in (len(NODES), 2))  # fmt: skip
    often = {t: 6 + sum(o[:2] == t[:2] for o in known) + sum(o[1:] == t[1:] for o in known) for t in known}
    optimiser = adam([e, r], lr, (0.9, 0.999))
    for step in range(n_steps):
        if step == n_steps // 2:
            optimiser.param_groups[0]["lr"] = lr / 10
        batch = [known[k] for k in torch.randint(len(known), (len(known),), generator=rng).tolist()]
        others = torch.randint(len(NODES), (len(batch), n), generator=rng).tolist()
        losses, weights = [], []
        for (h, k, t), drawn in zip(batch, others, strict=True):
            false = [(h, k, o) if step % 2 == 0 else (o, k, t) for o in drawn]
            distances = [(e[i] + r[k] - e[j]).abs().sum() for i, _, j in false if (i, k, j) not in known]
            loss = -torch.log(torch.sigmoid(gamma - (e[h] + r[k] - e[t]).abs().sum()))
            if distances:
                d = torch.stack(distances)
                p = torch.softmax(gamma - d.detach(), 0)
                loss = loss - (p * torch.log(torch.sigmoid(d - gamma))).sum()
            losses.append(loss / 2)
            weights.append(often[h, k, t] ** -0.5)
        w = torch.tensor(weights, dtype=torch.float64)
        optimiser.zero_grad()
        ((w * torch.stack(losses)).sum() / w.sum()).backward()
        optimiser.step()
    return e.detach(), r.detach()


@pytest.mark.parametrize("n_steps", STEPS)
def test_updates_of_translations(n_steps: int) -> None:
    triples, known = ontology()
    ours = translations(triples, size=4, lr=0.05, n_steps=n_steps, rng=generator(), n_negatives=5,
                        batch_size=len(known), dtype=torch.float64)  # fmt: skip
    for found, wanted in zip(ours, transe(known, 4, 0.05, n_steps, 5, generator()), strict=True):
        assert (found - wanted).abs().max() < CLOSE


def aligned(known: list[tuple[int, int, int]], e: Tensor, r: Tensor, text: Tensor, size: int, lr: float,
            n_epochs: int, rng: torch.Generator) -> Tensor:  # fmt: skip
    """Structure and text in one space, batches of four triples; a known corruption counts nothing."""
    starts = [linear(k, size, init="xavier-uniform", rng=rng) for k in (e.shape[1], text.shape[1])]
    (S, s), (T, t) = ([p.detach().double().requires_grad_() for p in (one.weight, one.bias)] for one in starts)
    optimiser = adam([S, s, T, t], lr, (0.9, 0.999))

    def energy(i: int, k: int, j: int) -> Tensor:
        moved = torch.tanh(S @ r[k] + s)
        head, tail = ((torch.tanh(S @ e[m] + s), torch.tanh(T @ text[m] + t)) for m in (i, j))
        ends = [(a, b) for a in head for b in tail] + [(head[0] + head[1], tail[0] + tail[1])]
        return torch.stack([(a + moved - b).abs().sum() for a, b in ends]).sum()

    for _ in range(n_epochs):
        for chosen in torch.randperm(len(known), generator=rng).split(4):
            batch = [known[c] for c in chosen.tolist()]
            loss = torch.zeros((), dtype=torch.float64)
            for tails in (True, False):
                drawn = torch.randint(len(NODES), (len(batch), 1), generator=rng).flatten().tolist()
                for (i, k, j), other in zip(batch, drawn, strict=True):
                    false = (i, k, other) if tails else (other, k, j)
                    if false not in known:
                        loss = loss + functional.relu(10 + energy(i, k, j) - energy(*false)) / len(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return torch.cat([torch.tanh(e @ S.T + s), torch.tanh(text @ T.T + t)], 1).detach()


@pytest.mark.parametrize("n_epochs", STEPS)
def test_updates_of_structure_and_text(n_epochs: int) -> None:
    triples, known = ontology()
    e, r, text = (torch.randn(k, 4, generator=generator(k), dtype=torch.float64) for k in (len(NODES), 2, len(NODES)))
    ours = with_text(triples, e, r, text, size=3, lr=0.05, n_epochs=n_epochs, rng=generator(), batch_size=4)
    assert (ours - aligned(known, e, r, text, 3, 0.05, n_epochs, generator())).abs().max() < CLOSE


class OnEmbeddings(FCLSWGANReference):
    """f-CLSWGAN whose conditions are looked up here, by the names of classes (a fit sorts classes and nodes first)."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        vectors = self.embeddings(ontology_view().canonical(), start)
        self.conditions = torch.tensor(np.stack([vectors[f"c{k}"] for k in range(5)]), dtype=torch.float64)

    def embeddings(self, view: TrainView, start: Start) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def update(self, x: Tensor, y: Tensor, a: Tensor, noise: Callable[[str], Tensor]) -> dict[str, Tensor]:
        return super().update(x, y, self.conditions[y], noise)


class KGGANReference(OnEmbeddings):
    def embeddings(self, view: TrainView, start: Start) -> dict[str, np.ndarray]:
        """Codes of the class view, then of the attribute view."""
        own, table, streams = start.settings, view.semantics.table, Streams(3)
        A = attribute_edges(table)
        has = A.toarray()[: len(table), len(table) :]
        means = has.T @ table / np.maximum(has.sum(0), 1)[:, None]
        parts = []
        for name, edges, X in (("class", view.graph.adjacency(), from_classes(view.graph, table)),
                               ("attribute", A, np.concatenate([table, means]))):  # fmt: skip
            loops = edges.toarray() + np.eye(edges.shape[0])
            step = csr_array(loops / np.sqrt(np.outer(loops.sum(1), loops.sum(1))))
            hidden, latent = getattr(own, f"{name}_dims")
            parts.append(graph_codes(
                edges, step, at_unit_length(X).astype(np.float32), hidden=hidden, latent=latent,
                lr=getattr(own, f"{name}_lr"), n_epochs=getattr(own, f"{name}_epochs"),
                rng=streams.fresh("codes", name),
            ))  # fmt: skip
        names, nodes = view.semantics.class_names, view.graph.nodes
        return {n: np.concatenate([parts[0][nodes.index(n)], parts[1][names.index(n)]]) for n in names}


class OntoZSLReference(OnEmbeddings):
    def embeddings(self, view: TrainView, start: Start) -> dict[str, np.ndarray]:
        """Structure, then text, of the node that has the class's name."""
        own = start.settings
        text = at_unit_length(from_classes(view.graph, view.semantics.table)).astype(np.float32)
        found = embedded_graph(
            view.graph, torch.from_numpy(text), size=own.embedding_dim, n_steps=own.structure_steps,
            lr=own.structure_lr, n_negatives=own.n_negatives, text_epochs=own.text_epochs, text_lr=own.text_lr,
            rng=Streams(3).fresh("ontology"),
        )  # fmt: skip
        return {name: found[view.graph.nodes.index(name)] for name in view.semantics.class_names}


def test_three_updates_of_kg_gan() -> None:
    compare("kg-gan", KGGANReference, view=ontology_view(), critic_steps=3, cls_weight=0.5, pretrain_epochs=2,
            class_epochs=20, attribute_epochs=20, class_dims=(6, 3), attribute_dims=(5, 2))  # fmt: skip


def test_three_updates_of_ontozsl() -> None:
    compare("ontozsl", OntoZSLReference, view=ontology_view(), critic_steps=2, noise_dim=3, cls_weight=0.5,
            pretrain_epochs=2, embedding_dim=4, structure_steps=20, text_epochs=3, n_negatives=4)  # fmt: skip
