"""Heads that read prompts: each closed form against the definition that it shortens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from gzsl.methods.zero_shot_heads.autoclip import view_evidence, view_weights
from gzsl.methods.zero_shot_heads.chils import hierarchical_scores
from gzsl.methods.zero_shot_heads.fudd import Differences, differential, follow_up, subset_cosines
from gzsl.methods.zero_shot_heads.prompt_ensemble import best_scores
from gzsl.methods.zero_shot_heads.prompt_views import PromptViews, row_blocks, unit
from gzsl.methods.zero_shot_heads.roboshot import main_directions, scatter
from gzsl.methods.zero_shot_heads.wca import weighted_crops, weighted_members
from gzsl.methods.zero_shot_heads.zpe import template_scores, template_weights

A = 6


def views(sizes: tuple[int, ...] = (3, 1, 4, 2), seed: int = 0) -> PromptViews:
    rng = np.random.default_rng(seed)
    return PromptViews(unit(rng.standard_normal((sum(sizes), A))), np.concatenate([[0], np.cumsum(sizes)]))


def rows(n: int = 9, seed: int = 1) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, A)))


def groups(found: PromptViews) -> list[np.ndarray]:
    return np.split(found.vectors, found.starts[1:-1])


def test_means_and_slots_of_classes_with_unequal_numbers() -> None:
    found = views()
    assert_allclose(found.means, [group.mean(axis=0) for group in groups(found)], atol=1e-6)
    assert found.slots.shape == (4, 4, A)
    for c, group in enumerate(groups(found)):
        assert_allclose(found.slots[: len(group), c], group)
        assert_allclose(found.slots[len(group) :, c], np.tile(found.means[c], (4 - len(group), 1)))


def test_classification_by_description_is_the_ensemble_times_the_length_of_its_mean() -> None:
    found, Z = views(), rows()
    by_score = np.stack([(Z @ group.T).mean(axis=1) for group in groups(found)], axis=1)
    assert_allclose(Z @ found.means.T, by_score, atol=1e-6)
    lengths = np.linalg.norm(found.means, axis=1)
    assert_allclose(by_score, (Z @ unit(found.means).T) * lengths, atol=1e-6)
    assert_allclose(best_scores(Z, found), np.stack([(Z @ g.T).max(axis=1) for g in groups(found)], axis=1), atol=1e-6)


def test_blocks_cover_all_rows_once_and_stay_small() -> None:
    blocks = list(row_blocks(100_000, 80_000 * 4))
    assert blocks[0].start == 0 and blocks[-1].stop == 100_000
    assert all(a.stop == b.start for a, b in zip(blocks, blocks[1:], strict=False))
    assert max(b.stop - b.start for b in blocks) * 80_000 * 4 <= 128 << 20


def test_autoclip_gradient_is_autograds() -> None:
    S = np.random.default_rng(0).uniform(-1, 1, (5, 7, 4)).astype(np.float32)
    rho = torch.zeros(5, 7, dtype=torch.float64, requires_grad=True)
    scores = torch.einsum("nk,nkc->nc", rho.softmax(dim=1), torch.from_numpy(S).double())
    (expected,) = torch.autograd.grad(torch.logsumexp(scores, dim=1).sum(), rho)
    q = view_evidence(S)
    assert_allclose((q - q.mean(axis=1, keepdims=True)) / 7, expected.numpy(), atol=1e-7)


@pytest.mark.parametrize("beta", [0.3, 0.85, 1.0])
def test_autoclip_weights_have_the_asked_entropy_along_the_gradient(beta: float) -> None:
    q = np.random.default_rng(1).standard_normal((6, 8)) * np.array([[1e-4], [1], [1], [1], [9], [0]])
    w = view_weights(q, beta)
    assert_allclose(w.sum(axis=1), 1, atol=1e-6)
    entropy = -(w * np.log(w + 1e-30)).sum(axis=1) / np.log(8)
    assert_allclose(entropy[:5], beta, atol=1e-4)
    assert_allclose(w[5], 1 / 8)  # a row that all views answer alike
    if beta < 1:  # log-weights are a line in q, with one slope a row
        logs = np.log(w[:5].astype(float))
        slopes = (logs - logs.mean(axis=1, keepdims=True)) / (q - q.mean(axis=1, keepdims=True))[:5]
        assert_allclose(slopes, slopes[:, :1] * np.ones((1, 8)), rtol=2e-3)
        assert (slopes > 0).all()


def test_zpe_scores_are_means_over_rows_of_the_largest_debiased_logit() -> None:
    Z, E = rows(11), np.random.default_rng(2).standard_normal((3, 5, A)).astype(np.float32)
    logits = 100 * np.einsum("na,kca->nkc", Z, E)
    expected = (logits - logits.mean(axis=0)).max(axis=2).mean(axis=0)
    assert_allclose(template_scores(Z, E, Z.mean(axis=0), 100.0), expected, rtol=1e-4)
    plain = logits.max(axis=2).mean(axis=0)
    assert_allclose(template_scores(Z, E, np.zeros(A, np.float32), 100.0), plain, rtol=1e-4)


def test_zpe_weights_and_selection() -> None:
    scores = np.array([1.0, 2.0, 3.0, 10.0])
    assert_allclose(template_weights(scores, "scores", None), scores / 16, rtol=1e-6)
    assert_allclose(template_weights(scores, "softmax", None), np.exp(scores) / np.exp(scores).sum(), rtol=1e-5)
    assert_allclose(template_weights(scores, "scores", 0.5), [0, 0, 0, 1])  # median 2.5, its deviation 1
    assert_allclose(template_weights(scores, "scores", 9.0), np.full(4, 0.25))  # none is left: all


def test_fudd_subset_sums_equal_vectors_that_are_made() -> None:
    rng = np.random.default_rng(3)
    members, Z, counts = unit(rng.standard_normal((5, A))), rows(4), rng.integers(0, 3, (4, 5)).astype(np.float32)
    counts[:, 0] += 1
    made = unit(counts @ members)
    found = subset_cosines(Z @ members.T, counts, members @ members.T)
    assert_allclose(found, (Z * made).sum(axis=1), atol=1e-6)


def test_fudd_pools_the_descriptions_of_all_pairs_of_candidates() -> None:
    found, Z = views((3, 2, 4, 5, 3)), rows()
    centres, k = unit(found.means), 3
    candidates = np.argsort(-(Z @ centres.T), axis=1)[:, :k]
    expected = np.empty((len(Z), k))
    for n, chosen in enumerate(candidates):
        for i, c in enumerate(chosen):
            pooled = []
            for other in chosen:
                if other != c:
                    group = groups(found)[c]
                    margins = group @ (centres[c] - centres[other])
                    pooled.append(group[np.argsort(-margins, kind="stable")[: int(np.ceil(0.5 * len(group)))]])
            expected[n, i] = Z[n] @ unit(np.concatenate(pooled).mean(axis=0))
    assert_allclose(follow_up(Z, candidates, Differences(found, 0.5)), expected, atol=1e-5)


def test_fudd_with_all_members_and_all_classes_is_the_ensemble() -> None:
    found, Z = views(), rows()
    everything = np.tile(np.arange(4), (len(Z), 1))
    assert_allclose(follow_up(Z, everything, Differences(found, 1.0)), Z @ unit(found.means).T, atol=1e-5)
    assert not differential(found, 2, unit(found.means), 1.0)[2].any()


@pytest.mark.parametrize("rule", ["class", "siblings", "sum", "best"])
def test_chils_rules_are_the_released_products(rule: str) -> None:
    found, Z = views(), rows()
    sub, parent = np.exp(5 * Z @ found.vectors.T), np.exp(5 * Z @ unit(found.means).T)
    sub, parent = sub / sub.sum(axis=1, keepdims=True), parent / parent.sum(axis=1, keepdims=True)
    expected = np.empty((len(Z), 4))
    for c in range(4):
        own = sub[:, found.starts[c] : found.starts[c + 1]]
        expected[:, c] = {
            "class": (own * parent[:, [c]]).max(axis=1), "siblings": (own * own.sum(axis=1, keepdims=True)).max(axis=1),
            "sum": parent[:, c] * own.sum(axis=1), "best": own.max(axis=1),
        }[rule]  # fmt: skip
    scores = hierarchical_scores(Z, found, 5.0, rule)
    expected = np.log(expected)
    assert_allclose(scores - scores[:, :1], expected - expected[:, :1], atol=1e-4)


def test_roboshot_does_not_depend_on_the_order_of_directions_nor_on_lengths_between() -> None:
    Z, D = rows(), np.random.default_rng(4).standard_normal((4, A))
    Q = main_directions(D.T @ D, 3)
    assert_allclose(Q.T @ Q, np.eye(3), atol=1e-6)
    at_once = unit(Z - Z @ Q @ Q.T)
    for order in ([0, 1, 2], [2, 0, 1]):
        x = Z.copy()
        for i in order:  # as released: one direction after the other, at unit length after each
            x = unit(x - (x @ Q[:, i])[:, None] * Q[:, i])
        assert_allclose(x, at_once, atol=1e-5)
    boosted = unit(Z + Z @ Q @ Q.T)
    for order in ([0, 1, 2], [1, 2, 0]):
        x = Z.copy()
        for i in order:
            x = unit(x + (x @ Q[:, i])[:, None] * Q[:, i])
        assert_allclose(x, boosted, atol=1e-5)


def test_collinear_pairs_give_one_direction() -> None:
    direction = np.random.default_rng(5).standard_normal(A)
    D = np.outer([1.0, -2.0, 0.5], direction)
    assert_allclose(scatter(3, lambda where: D[where]), D.T @ D)
    found = main_directions(D.T @ D, 3)
    assert found.shape == (A, 1)
    assert_allclose(np.abs(found[:, 0] @ direction), np.linalg.norm(direction), rtol=1e-5)
    assert main_directions(np.zeros((A, A)), 2).shape == (A, 0)


def test_wca_never_needs_the_matrix_of_all_products() -> None:
    found, V = views(), unit(np.random.default_rng(6).standard_normal((3, 5, A)))
    W, U = weighted_crops(V, 20.0), weighted_members(found, 4.0)
    for n in range(3):
        whole = unit(V[n].mean(axis=0))
        w = np.exp(20 * V[n] @ whole)
        for c, group in enumerate(groups(found)):
            u = np.exp(4 * group @ unit(found.means)[c])
            matrix = np.outer(w / w.sum(), u / u.sum()) * (V[n] @ group.T)
            assert_allclose(W[n] @ U[c], matrix.sum(), atol=1e-5)
