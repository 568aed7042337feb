"""The prototype head against values computed by hand and by loops."""

import torch

from gzsl.heads import PrototypeHead

X = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 4.0]])
Y = torch.tensor([1, 0, 1, 0])


def fitted(metric):
    head = PrototypeHead(metric=metric)
    return head, head.fit(X, Y, 2, rng=torch.Generator())


def test_state_is_the_mean_of_every_class():
    _, state = fitted("cosine")
    torch.testing.assert_close(state["means"], torch.tensor([[0.0, 3.0], [2.0, 0.0]]))


def test_cosine_by_hand():
    head, state = fitted("cosine")
    scores = head.scores(state, torch.tensor([[3.0, 4.0]]))
    torch.testing.assert_close(scores, torch.tensor([[0.8, 0.6]]))


def test_squared_distance_by_hand_and_by_brute_force():
    head, state = fitted("euclidean")
    torch.testing.assert_close(head.scores(state, torch.tensor([[1.0, 1.0]])), torch.tensor([[-5.0, -2.0]]))
    rows = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(head.scores(state, rows), -torch.cdist(rows, state["means"]).square())


def test_renaming_classes_permutes_the_columns():
    head, state = fitted("cosine")
    swapped = head.fit(X, 1 - Y, 2, rng=torch.Generator())
    assert torch.equal(head.scores(swapped, X), head.scores(state, X).flip(1))
