"""What every registered head promises."""

import pytest
import torch
from sklearn.base import clone

from gzsl.errors import MethodError
from gzsl.heads import Head, PrototypeHead, ReluSoftmaxHead, SoftmaxHead, get_head, head_names
from gzsl.params import configure, param, parameters, plain

HEADS = [SoftmaxHead(n_epochs=3), ReluSoftmaxHead(n_epochs=40), PrototypeHead(), PrototypeHead(metric="euclidean")]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def blobs(n_classes=4, per_class=30, d=6, dtype=torch.float32):
    rng = seeded(1)
    centres = 5 * torch.randn(n_classes, d, generator=rng, dtype=dtype)
    y = torch.arange(n_classes).repeat(per_class)
    return centres[y] + torch.randn(len(y), d, generator=rng, dtype=dtype), y


def test_registry_knows_all_heads_by_id():
    assert head_names() == ["cascade", "knn", "logit-adjusted", "prototype", "relu-softmax", "softmax"]
    assert get_head("softmax") is SoftmaxHead and SoftmaxHead.part_id == "softmax"
    with pytest.raises(MethodError, match="did you mean 'softmax'"):
        get_head("sofmax")


def test_a_head_is_a_part_that_recipes_name():
    class Owner(Head):
        inner: Head = param(default_factory=SoftmaxHead, doc="a head")

    owner = configure(Owner, {"inner": {"name": "prototype", "metric": "euclidean"}}, where="x", error=MethodError)
    assert isinstance(owner.inner, PrototypeHead) and owner.inner.metric == "euclidean"
    assert plain(owner) == {"inner": {"name": "prototype", "metric": "euclidean"}}
    assert configure(Owner, {"inner": {"lr": 0.1}}, where="x", error=MethodError).inner.lr == 0.1


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_scores_have_one_column_a_class_and_find_separable_classes(head):
    X, y = blobs()
    before = head.get_params()
    state = clone(head).set_params(**({"lr": 0.1} if isinstance(head, SoftmaxHead) else {})).fit(
        X, y, 4, rng=seeded()
    )
    scores = head.scores(state, X)
    assert scores.shape == (len(X), 4) and scores.dtype == X.dtype
    assert (scores.argmax(1) == y).float().mean() > 0.95
    assert head.get_params() == before and set(vars(head)) == set(parameters(type(head)))


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_same_generator_gives_the_same_bits_and_inputs_stay(head):
    X, y = blobs()
    X_before, y_before = X.clone(), y.clone()
    one, two = (head.fit(X, y, 4, rng=seeded(3)) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(X, X_before) and torch.equal(y, y_before)
    assert not any(tensor.requires_grad for tensor in one.values())


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_dtype_of_the_features_is_kept(head):
    X, y = blobs(dtype=torch.float64)
    state = head.fit(X, y, 4, rng=seeded())
    assert all(tensor.dtype == torch.float64 for tensor in state.values())


@pytest.mark.parametrize("head", HEADS, ids=repr)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X[y != 2], y[y != 2], 4), "no row of class 2"),
        (lambda X, y: (X, y, 5), "no row of class 4"),
        (lambda X, y: (X, y, 3), "labels from 0 to 3, expected 0 to 2"),
        (lambda X, y: (X, y - 1, 4), "labels from -1"),
        (lambda X, y: (X[:0], y[:0], 4), "no row of class 0"),
        (lambda X, y: (X[1:], y, 4), "shape"),
        (lambda X, y: (X, y.float(), 4), "float32 labels"),
        (lambda X, y: (X[:, 0], y, 4), "shape"),
        (lambda X, y: (X.clone().index_fill_(0, torch.tensor([5]), torch.nan), y, 4), "NaN"),
    ],
)
def test_unusable_rows_are_refused_in_one_sentence(head, spoil, message):
    X, y, n_classes = spoil(*blobs())
    with pytest.raises(MethodError, match=message):
        head.fit(X, y, n_classes, rng=seeded())


def test_hyper_parameters_are_checked_when_used():
    X, y = blobs()
    with pytest.raises(MethodError, match="SoftmaxHead.n_epochs"):
        SoftmaxHead(n_epochs=-1).fit(X, y, 4, rng=seeded())
    with pytest.raises(MethodError, match="PrototypeHead.metric"):
        PrototypeHead(metric="taxi").fit(X, y, 4, rng=seeded())
