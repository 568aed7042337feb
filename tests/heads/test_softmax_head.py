"""The softmax head against autograd, a plain loop and scikit-learn."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from gzsl.heads import SoftmaxHead
from gzsl.heads.softmax import cross_entropy_gradients


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def blobs(spread, n_classes=5, per_class=60, d=8, dtype=torch.float64):
    rng = seeded(1)
    centres = torch.randn(n_classes, d, generator=rng, dtype=dtype)
    y = torch.arange(n_classes).repeat(per_class)
    return centres[y] + spread * torch.randn(len(y), d, generator=rng, dtype=dtype), y


def test_gradient_equals_autograd():
    rng = seeded()
    x, y = torch.randn(12, 5, generator=rng, dtype=torch.float64), torch.randint(4, (12,), generator=rng)
    weight = torch.randn(4, 5, generator=rng, dtype=torch.float64).requires_grad_()
    bias = torch.randn(4, generator=rng, dtype=torch.float64).requires_grad_()
    loss = functional.cross_entropy(functional.linear(x, weight, bias), y)
    expected = torch.autograd.grad(loss, [weight, bias])
    found = [torch.empty_like(weight, requires_grad=False), torch.empty_like(bias, requires_grad=False)]
    cross_entropy_gradients(x, y, weight.detach(), bias.detach(), *found)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_fit_equals_a_plain_training_loop(weight_decay):
    X, y = blobs(spread=1.0)
    head = SoftmaxHead(lr=0.01, n_epochs=3, batch_size=64, weight_decay=weight_decay)
    found = head.fit(X, y, 5, rng=seeded(7))

    rng = seeded(7)
    layer = torch.nn.Linear(8, 5, dtype=X.dtype)
    with torch.no_grad():
        layer.weight.copy_(0.02 * torch.randn(5, 8, generator=rng, dtype=X.dtype))
        layer.bias.zero_()
    optimiser = torch.optim.Adam(
        layer.parameters(), 0.01, betas=(0.5, 0.999), weight_decay=weight_decay, foreach=False
    )
    seen = 0
    for _ in range(3):
        for picked in torch.randperm(len(X), generator=rng).split(64):
            optimiser.zero_grad()
            functional.cross_entropy(layer(X[picked]), y[picked]).backward()
            optimiser.step()
            seen += len(picked)
    assert seen == 3 * len(X)
    torch.testing.assert_close(found["weight"], layer.weight.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found["bias"], layer.bias.detach(), rtol=1e-9, atol=1e-12)


def test_scores_are_log_probabilities():
    state = {"weight": torch.tensor([[1.0], [0.0]]), "bias": torch.tensor([0.0, 0.0])}
    scores = SoftmaxHead().scores(state, torch.tensor([[0.0], [1.0]]))
    torch.testing.assert_close(scores.exp(), torch.tensor([[0.5, 0.5], [0.7310586, 0.2689414]]))


def test_state_loads_into_a_linear_layer():
    X, y = blobs(spread=0.2, dtype=torch.float32)
    head = SoftmaxHead(n_epochs=1)
    state = head.fit(X, y, 5, rng=seeded())
    layer = torch.nn.Linear(8, 5)
    layer.load_state_dict(state)
    torch.testing.assert_close(layer(X).detach().log_softmax(1), head.scores(state, X))


def test_no_epochs_leaves_the_initial_weights():
    X, y = blobs(spread=0.2, dtype=torch.float32)
    state = SoftmaxHead(n_epochs=0).fit(X, y, 5, rng=seeded(4))
    torch.testing.assert_close(state["weight"], 0.02 * torch.randn(5, 8, generator=seeded(4)))
    assert not state["bias"].any()


def test_separable_classes_are_learnt_and_hard_ones_as_well_as_by_scikit_learn():
    X, y = blobs(spread=0.1)
    head = SoftmaxHead(lr=0.05, n_epochs=60, batch_size=64)
    assert (head.scores(head.fit(X, y, 5, rng=seeded()), X).argmax(1) == y).all()

    X, y = blobs(spread=1.0)
    theirs = LogisticRegression(C=1e6, max_iter=2000).fit(X, y)
    ours = head.fit(X, y, 5, rng=seeded())
    accuracy = (head.scores(ours, X).argmax(1) == y).double().mean()
    assert abs(accuracy - theirs.score(X, y)) < 0.03
    agreement = (head.scores(ours, X).argmax(1).numpy() == theirs.predict(X)).mean()
    assert agreement > 0.95


def test_another_generator_gives_other_weights():
    X, y = blobs(spread=1.0)
    one, other = (SoftmaxHead(n_epochs=1).fit(X, y, 5, rng=seeded(seed)) for seed in (0, 1))
    assert not torch.equal(one["weight"], other["weight"])
