"""ALE, DeViSE, SJE and LatEm against per-sample loops written from the papers, and against autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gzsl.data import FeatureRows, TrainView
from gzsl.methods import create
from gzsl.methods.embedding.bilinear import BilinearMaps, BilinearRanking
from gzsl.semantics import Semantics

N, D, A, SEEN = 12, 6, 4, 5
CASES: list[tuple[str, dict[str, Any]]] = [
    ("ale", {}), ("ale", {"margin": 0.3}), ("devise", {}), ("devise", {"negatives": "all", "margin": 0.1}),
    ("sje", {"margin": 0.5}), ("latem", {"negatives": "all", "n_maps": 3}),
]  # fmt: skip


@pytest.fixture(scope="module")
def view() -> TrainView:
    rng = np.random.default_rng(1)
    labels = np.concatenate([np.arange(SEEN), rng.integers(SEEN, size=N - SEEN)])
    table = Semantics(rng.random((SEEN + 1, A)), tuple(f"c{k}" for k in range(SEEN + 1)))
    X = rng.standard_normal((N, D)).astype(np.float32)
    return TrainView(FeatureRows(X), labels, table, np.arange(SEEN), np.array([SEEN]))


def row_loss(name: str, F: np.ndarray, y: int, margin: float, negatives: str) -> float:
    """Loss of one row, class by class, as the papers write it."""
    hinges = [max(0.0, margin + F[c] - F[y]) for c in range(len(F)) if c != y]
    violating = [h for h in hinges if h > 0]
    if name == "ale":
        rank = len(violating)
        return sum(1 / i for i in range(1, rank + 1)) / rank * sum(violating) if rank else 0.0
    if name == "devise":
        return sum(violating) if negatives == "all" else (sum(violating) / len(violating) if violating else 0.0)
    return max(hinges) if name == "sje" else sum(hinges) / len(hinges)


@pytest.mark.parametrize(("name", "params"), CASES)
def test_loss_and_step_equal_a_loop_over_rows(name: str, params: dict[str, Any], view: TrainView) -> None:
    """One batch of all rows: the loss is the loop's, the step is lr times its numerical gradient."""
    lr = 1e-3
    method = create(name, **params, lr=lr, n_epochs=1, batch_size=N)
    assert isinstance(method, BilinearRanking)
    n_maps = method.count_maps()
    method.fit(view, seed=3)
    start = BilinearMaps(n_maps, D, A, method.streams.fresh("init", device="cpu")).weight.detach().double()
    X, S = view.features.to_array().astype(float), view.seen_semantics.table.astype(float)
    negatives = getattr(method, "negatives", "")

    def total(W: np.ndarray) -> float:
        scores = np.einsum("nd,kda,ca->nkc", X, W, S).max(axis=1)
        return sum(row_loss(name, F, y, method.margin, negatives) for F, y in zip(scores, view.labels, strict=True))

    W, step = start.numpy(), 1e-6
    gradient = np.zeros_like(W)
    for place in np.ndindex(W.shape):
        up, down = W.copy(), W.copy()
        up[place] += step
        down[place] -= step
        gradient[place] = (total(up) - total(down)) / (2 * step)
    if name in ("ale", "devise") and negatives != "all":
        gradient = None  # the weight of a row is held constant: compared with autograd below
    moved = (start - method.maps_.weight.detach().double()).numpy() / lr
    if gradient is not None:
        np.testing.assert_allclose(moved, gradient, rtol=2e-3, atol=2e-3)
    scores = np.einsum("nd,kda,ca->nkc", X, W, S).max(axis=1)
    loss, _ = method.pull(torch.tensor(scores), torch.tensor(view.labels))
    expected = [row_loss(name, F, y, method.margin, negatives) for F, y in zip(scores, view.labels, strict=True)]
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "params"), [*CASES, ("latem", {"n_maps": 2})])
def test_pull_is_the_gradient_of_the_loss(name: str, params: dict[str, Any], view: TrainView) -> None:
    method = create(name, **params, n_epochs=1, batch_size=N).fit(view, seed=0)
    assert isinstance(method, BilinearRanking)
    rng = torch.Generator().manual_seed(0)
    scores = torch.randn(N, SEEN, dtype=torch.float64, generator=rng, requires_grad=True)
    y = torch.tensor(view.labels)
    state = method.streams.state()
    loss, pull = method.pull(scores, y)
    method.streams.restore(state)
    (expected,) = torch.autograd.grad(loss.sum(), scores) if name == "latem" or name == "sje" else (None,)
    if expected is None:  # hold the weight of every row constant, as the paper does
        hinges = (scores - scores.gather(1, y[:, None]) + method.margin).clamp_min(0).scatter(1, y[:, None], 0.0)
        weight = (loss / hinges.sum(dim=1).clamp_min(1e-12)).detach()
        (expected,) = torch.autograd.grad((weight * hinges.sum(dim=1)).sum(), scores)
    torch.testing.assert_close(pull, expected)
    assert pull.abs().sum() > 0
    torch.testing.assert_close(pull.sum(dim=1), torch.zeros(N, dtype=torch.float64), atol=1e-6, rtol=0)


def test_the_rank_weights_of_ale_by_hand() -> None:
    method = create("ale", margin=1.0)
    assert isinstance(method, BilinearRanking)
    scores = torch.tensor([[0.0, 0.5, -3.0], [2.0, 1.5, 1.6], [0.0, 5.0, 0.0]])
    loss, pull = method.pull(scores, torch.tensor([0, 0, 1]))
    # row 0: one violator of 1.5, l_1/1 = 1; row 1: violators 0.5 and 0.6, (1 + 1/2)/2 = 0.75; row 2: none
    torch.testing.assert_close(loss, torch.tensor([1.5, 0.75 * 1.1, 0.0]))
    torch.testing.assert_close(pull[1], torch.tensor([-1.5, 0.75, 0.75]))
    assert not pull[2].any()


def test_latem_draws_wrong_classes_only_and_every_one_of_them(view: TrainView) -> None:
    method = create("latem", n_epochs=1, batch_size=N, margin=100.0).fit(view, seed=0)
    assert isinstance(method, BilinearRanking)
    y = torch.zeros(2000, dtype=torch.int64) + 2
    _, pull = method.pull(torch.zeros(2000, SEEN), y)
    pushed = (pull > 0).sum(dim=0)
    assert pushed[2] == 0
    assert (pushed[[0, 1, 3, 4]] > 400).all()
    assert (pull[:, 2] == -1).all()


def test_a_huge_margin_makes_devise_correlate_features_with_centred_class_vectors(view: TrainView) -> None:
    method = create("devise", negatives="all", margin=1e4, lr=1e-6, n_epochs=1, batch_size=N).fit(view, seed=0)
    assert isinstance(method, BilinearRanking)
    start = BilinearMaps(1, D, A, method.streams.fresh("init", device="cpu")).weight.detach()[0]
    X, S = view.features.to_array(), view.seen_semantics.table
    direction = X.T @ (SEEN * S[view.labels] - S.sum(axis=0))
    moved = ((method.maps_.weight.detach()[0] - start) / 1e-6).numpy()
    np.testing.assert_allclose(moved, direction, rtol=0.05, atol=0.1)
