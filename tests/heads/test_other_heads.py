"""Nearest rows, adjusted prototypes and the cascade."""

from __future__ import annotations

import math

import pytest
import torch

from gzsl.errors import MethodError
from gzsl.heads import CascadeHead, HeadRows, KNNHead, LogitAdjustedHead, SoftmaxHead


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(n_classes: int = 4, per_class: int = 30, d: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    centres = 5 * torch.randn(n_classes, d, generator=seeded(1))
    y = torch.arange(n_classes).repeat(per_class)
    return centres[y] + torch.randn(len(y), d, generator=seeded(2)), y


@pytest.mark.parametrize(("k", "metric"), [(1, "euclidean"), (3, "euclidean"), (3, "cosine")])
def test_knn_scores_are_mean_distances_to_each_classs_nearest_rows(k: int, metric: str) -> None:
    X, y = blobs(per_class=5)
    head = KNNHead(k=k, metric=metric)
    test = torch.randn(7, 6, generator=seeded(3))
    found = head.scores(head.fit(X, y, 4, rng=seeded()), test)
    left, right = (torch.nn.functional.normalize(t, dim=1) if metric == "cosine" else t for t in (test, X))
    for i in range(7):
        for c in range(4):
            near = sorted(float((left[i] - row).norm()) for row in right[y == c])[:k]
            assert found[i, c].item() == pytest.approx(-sum(near) / k, abs=2e-3)


def test_knn_with_one_neighbour_is_the_nearest_row_and_small_classes_use_all_they_have() -> None:
    X, y = blobs(per_class=2)
    state = KNNHead(k=10).fit(X, y, 4, rng=seeded())
    assert KNNHead(k=10).scores(state, X).shape == (8, 4)
    state = KNNHead().fit(X, y, 4, rng=seeded())
    assert (KNNHead().scores(state, X).argmax(1) == y).all()


def test_log_prior_of_the_adjusted_head_by_hand() -> None:
    X, y = torch.randn(7, 3, generator=seeded()), torch.tensor([0, 0, 0, 1, 2, 2, 3])
    seen = torch.tensor([True, True, False, False])
    rows = HeadRows(X, y, 4, vectors=torch.randn(4, 2, generator=seeded()), seen=seen)
    found = LogitAdjustedHead(ratio=9.0).log_prior(rows)
    expected = [math.log(0.75 * 0.9), math.log(0.25 * 0.9), math.log(0.5 * 0.1), math.log(0.5 * 0.1)]
    assert found.tolist() == pytest.approx(expected)
    only_unseen = HeadRows(X, y, 4, seen=torch.zeros(4, dtype=torch.bool))
    assert LogitAdjustedHead().log_prior(only_unseen).tolist() == [0, 0, 0, 0]


def test_adjusted_head_learns_and_a_larger_ratio_moves_rows_to_unseen_classes() -> None:
    X, y = blobs()
    X = X + 4 * torch.randn(X.shape, generator=seeded(5))
    vectors = torch.eye(4)
    seen = torch.tensor([True, True, False, False])
    shares = []
    for ratio in (0.1, 1000.0):
        head = LogitAdjustedHead(n_epochs=40, lr=5e-3, batch_size=16, hidden_dim=16, ratio=ratio, temperature=0.2)
        state = head.fit(X, y, 4, rng=seeded(), vectors=vectors, seen=seen)
        shares.append(float((head.scores(state, X).argmax(1) >= 2).float().mean()))
        torch.testing.assert_close(state["prototypes"].norm(dim=1), torch.ones(4))
    assert shares[1] > shares[0]
    with pytest.raises(MethodError, match="expected class vectors"):
        LogitAdjustedHead().fit(X, y, 4, rng=seeded())


def test_cascade_labels_sure_rows_and_learns_from_them() -> None:
    X, y = blobs(per_class=40)
    head = CascadeHead(n_epochs=10, second_epochs=10, batch_size=16, lr=1e-2, share=0.5)
    labelled = torch.arange(len(y)) < 12
    state = head.fit(X[labelled], y[labelled], 4, rng=seeded(), unlabelled=X[~labelled])
    first = SoftmaxHead().scores(state, X)
    sure = head.uncertainty(first) <= state["threshold"]
    assert sure[~labelled].float().mean() == pytest.approx(0.5, abs=0.02)
    found = head.scores(state, X)
    torch.testing.assert_close(found[sure], first[sure])
    assert not torch.equal(found[~sure], first[~sure])
    assert (found.argmax(1) == y).float().mean() > 0.95


def test_certainty_by_hand() -> None:
    logp = torch.tensor([[0.9, 0.1], [0.5, 0.5]]).log()
    entropy = CascadeHead().uncertainty(logp)
    assert entropy.tolist() == pytest.approx([-(0.9 * math.log(0.9) + 0.1 * math.log(0.1)), math.log(2)], rel=1e-5)
    released = CascadeHead(certainty="released").uncertainty(logp)
    assert released[1] < released[0]  # keeps what has the largest entropy of log-probabilities first
