"""Parts of graph networks: sparse products, receptive fields, neighbours by walks, autoencoders and translations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, eye_array, random_array
from torch.nn import functional

from gzsl.nn.graph import GraphNetwork, GroupedConvolution, Propagation, receptive_field
from gzsl.nn.graph_autoencoder import graph_codes, graph_loss
from gzsl.nn.neighbours import NeighbourTransformer, walked_neighbours
from gzsl.nn.ontology import Triples, corrupted, energies, translation_loss, translations, with_text


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_graph(n: int, density: float = 0.2, seed: int = 0) -> csr_array:
    upper = random_array((n, n), density=density, rng=np.random.default_rng(seed), format="csr")
    return csr_array(upper + upper.T + eye_array(n))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5))
def test_sparse_products_and_their_gradients_are_those_of_dense_ones(m: int, n: int, seed: int) -> None:
    matrix = random_array((m, n), density=0.4, rng=np.random.default_rng(seed), format="csr")
    h = torch.randn(n, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(m, 3, dtype=torch.float64)
    step, dense = Propagation(csr_array(matrix)), torch.tensor(matrix.toarray())
    assert torch.allclose(step(h), dense @ h, atol=1e-12)
    (gradient,) = torch.autograd.grad((step(h) * weights).sum(), h)
    assert torch.allclose(gradient, dense.T @ weights, atol=1e-12)


def test_part_of_a_graph_gives_the_outputs_of_the_whole() -> None:
    A, rows = some_graph(30, 0.03), np.array([4, 1, 17])
    network = GraphNetwork([5, 6, 4], rng=generator(), bias=True).double()
    h = torch.randn(30, 5, dtype=torch.float64)
    whole = network(h, [Propagation(A)] * 2, [None, None])
    cut, inputs = receptive_field([[A], [A]], rows)
    part = network(h[inputs], [step for (step,) in cut], [None, None])
    assert len(inputs) < 30
    assert torch.allclose(part, whole[rows], atol=1e-12)


def test_groups_of_edges_are_mixed_by_their_shares() -> None:
    groups = [some_graph(8, 0.2, seed) for seed in (1, 2)]
    groups[1] = csr_array(groups[1].toarray() * (np.arange(8) != 2)[:, None])  # a node that it does not reach: no bias
    layer = GroupedConvolution(3, 2, 2, rng=generator()).double()
    with torch.no_grad():
        layer.attention.copy_(torch.tensor([0.3, -0.2]))
        layer.bias.copy_(torch.tensor([1.0, -2.0]))
    h, shares = torch.randn(8, 3, dtype=torch.float64), torch.softmax(layer.attention, 0)
    made = h @ layer.weight.T + layer.bias
    wanted = sum(s * torch.tensor(g.toarray()) @ made for s, g in zip(shares, groups, strict=True))
    assert torch.allclose(layer(h, [Propagation(csr_array(g)) for g in groups]), wanted, atol=1e-12)


def test_walks_visit_heavy_neighbourhoods_first_and_the_node_itself_leads() -> None:
    edges = np.zeros((7, 7))
    for i, j in [(0, 1), (0, 2), (0, 3), (1, 4), (1, 0), (2, 0)]:
        edges[i, j] = edges[j, i] = 1
    near, mask = walked_neighbours(
        csr_array(edges), np.array([0, 4, 6]), 2, walks=50, length=10, rng=np.random.default_rng(0)
    )
    assert near.shape == (3, 3)
    assert near[:, 0].tolist() == [0, 4, 6]
    assert set(near[0, 1:]) < {1, 2, 3}
    assert 1 in near[0]  # node 1 is also reached from node 4
    assert mask.tolist() == [[True] * 3, [True, True, False], [True, False, False]]
    assert near[1, 1] == 1


def test_order_of_tokens_and_what_is_masked_do_not_matter() -> None:
    block = NeighbourTransformer(6, 5, 3, rng=generator()).double()
    tokens, mask = torch.randn(2, 4, 6, dtype=torch.float64), torch.tensor([[True] * 4, [True, True, False, False]])
    found = block(tokens, mask)
    assert torch.allclose(block(tokens.flip(1), mask.flip(1)), found, atol=1e-12)
    assert torch.allclose(block(tokens[1:, :2], mask[1:, :2]), found[1:], atol=1e-12)


def test_loss_of_the_graph_autoencoder_is_its_formula() -> None:
    mean, log_std, noise = torch.randn(3, 4, 2, dtype=torch.float64, generator=generator()) / 2
    joined = torch.eye(4, dtype=torch.float64)
    for i, j in [(0, 1), (1, 0), (2, 3), (3, 2)]:
        joined[i, j] = 1
    z = mean + noise * log_std.exp()
    p, weight = torch.sigmoid(z @ z.T), (16 - 4) / 4
    fit = -(weight * joined * p.log() + (1 - joined) * (1 - p).log()).mean() * 16 / (2 * 12)
    kl = (0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)).sum(1).mean() / 4
    assert float(graph_loss(mean, log_std, noise, joined, 4.0)) == pytest.approx(float(fit + kl), abs=1e-9)


def test_codes_of_a_graph_tell_its_two_halves_apart() -> None:
    A = np.zeros((10, 10))
    A[:5, :5] = A[5:, 5:] = 1
    step = csr_array(A / 5)
    codes = graph_codes(
        csr_array(A), step, np.eye(10), hidden=8, latent=3, lr=0.05, n_epochs=150, rng=generator()
    )
    products = codes @ codes.T
    assert products[:5, :5].min() > products[:5, 5:].max()


ONTOLOGY = Triples(torch.tensor([[0, 0, 3], [1, 0, 3], [2, 0, 4], [0, 1, 5], [1, 1, 5], [2, 1, 6]]), 7, 2)


def test_negatives_that_are_known_do_not_count() -> None:
    drawn, allowed = corrupted(ONTOLOGY, ONTOLOGY.rows[:1], 200, False, generator())
    assert allowed[0, drawn[0] == 2].all()
    assert not allowed[0, (drawn[0] == 0) | (drawn[0] == 1)].any()


def test_translation_loss_is_its_formula() -> None:
    positive, negative = torch.tensor([1.0, 3.0]), torch.tensor([[2.0, 5.0], [1.0, 4.0]])
    allowed, weights = torch.tensor([[True, True], [True, False]]), torch.tensor([1.0, 3.0])
    p = torch.softmax(2.0 * (4.0 - negative[0]), 0)
    first = -functional.logsigmoid(torch.tensor(3.0)) - (p * functional.logsigmoid(negative[0] - 4.0)).sum()
    second = -functional.logsigmoid(torch.tensor(1.0)) - functional.logsigmoid(torch.tensor(-3.0))
    wanted = (first + 3 * second) / 4 / 2
    assert float(translation_loss(positive, negative, allowed, weights, 4.0, 2.0)) == pytest.approx(float(wanted))


def test_translations_rank_true_tails_first() -> None:
    nodes, relations = translations(ONTOLOGY, size=8, lr=0.05, n_steps=400, rng=generator(), n_negatives=8)
    for head, relation, tail in ONTOLOGY.rows.tolist():
        away = (nodes[head] + relations[relation] - nodes).abs().sum(1)
        assert int(away.argmin()) == tail


def test_energy_sums_five_pairs() -> None:
    head, tail = (torch.tensor([[1.0]]), torch.tensor([[3.0]])), (torch.tensor([[0.0]]), torch.tensor([[10.0]]))
    moved = torch.tensor([[2.0]])
    assert float(energies(head, moved, tail)) == 3 + 7 + 5 + 5 + 4


def test_structure_and_text_stand_side_by_side_and_tails_become_likelier() -> None:
    nodes, relations = torch.randn(7, 4, generator=generator(1)), torch.randn(2, 4, generator=generator(2))
    text = torch.randn(7, 3, generator=generator(3))
    made = {n: with_text(ONTOLOGY, nodes, relations, text, size=5, lr=0.02, n_epochs=n, rng=generator())
            for n in (0, 120)}  # fmt: skip
    assert made[0].shape == (7, 10)
    near = {n: (v[0, 5:] - v[1, 5:]).abs().sum() / (v[0, 5:] - v[2, 5:]).abs().sum() for n, v in made.items()}
    assert near[120] < near[0]  # 0 and 1 share both tails, 0 and 2 none
