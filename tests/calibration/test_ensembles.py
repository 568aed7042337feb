"""COOkeD's pool, Loki's distances and reachability, the boundary network's loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import softmax

import gzsl
from gzsl.calibration import Observation, make_calibrator
from gzsl.calibration.boundary_ood import BoundaryOOD, SphereNetworks
from gzsl.calibration.cooked import COOkeD
from gzsl.calibration.loki import Loki, class_distances, unreachable_classes
from gzsl.calibration.probe import fit_probe, fitted_temperature, log_softmax, probe_outputs
from gzsl.data import FeatureRows, TrainView, final_task
from gzsl.errors import MethodError, ProtocolError
from gzsl.evaluation import DomainReport, evaluate
from gzsl.semantics import Semantics
from gzsl.semantics.graph import ClassGraph

SEEN, UNSEEN = np.array([0, 1, 3]), np.array([2])


def test_pool_is_the_mean_of_tempered_posteriors() -> None:
    rng = np.random.default_rng(0)
    X, scores = rng.normal(size=(8, 3)).astype("f4"), rng.normal(size=(8, 4)).astype("f4")
    calibrator = COOkeD(members=["probe", "method"])
    calibrator.seen_, calibrator.unseen_ = SEEN, UNSEEN
    calibrator.probe_, calibrator.probe_temperature_ = rng.normal(size=(4, 3)).astype("f4"), 2.0
    calibrator.method_temperature_ = 0.5
    probe = softmax((X @ calibrator.probe_[:-1] + calibrator.probe_[-1]) / 2.0, axis=1)
    method = softmax(scores[:, SEEN] / 0.5, axis=1)
    mean = (probe + method) / 2
    found = calibrator.observe(X, scores)
    np.testing.assert_allclose(found["confidence"], np.log(mean.max(axis=1)), atol=1e-5)
    np.testing.assert_array_equal(found["own_seen_class"], SEEN[mean.argmax(axis=1)])
    np.testing.assert_array_equal(found["own_unseen_class"], 2)
    calibrator.set_params(novelty="entropy")
    expected = (mean * np.log(mean)).sum(axis=1)
    np.testing.assert_allclose(calibrator.observe(X, scores)["confidence"], expected, atol=1e-5)
    calibrator.set_params(pool="log", novelty="max-prob")
    product = np.sqrt(probe * method)
    product /= product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(calibrator.observe(X, scores)["confidence"], np.log(product.max(axis=1)), atol=1e-4)


def test_unknown_members_are_refused() -> None:
    with pytest.raises(MethodError, match="expected some of probe, gaussian, method"):
        make_calibrator({"name": "cooked", "members": ["clip"]}).check_parameters()


def test_temperature_undoes_a_known_scale() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5)) * 2
    labels = np.array([rng.choice(5, p=p) for p in softmax(logits, axis=1)])
    assert fitted_temperature((7 * logits).astype("f4"), labels) == pytest.approx(7, rel=0.1)


def test_probe_equals_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 4)).astype("f4"), rng.integers(0, 3, 200)
    ours = softmax(probe_outputs(X, fit_probe(X, y, 3, 0.5, 500)), axis=1)
    theirs = LogisticRegression(C=0.5, max_iter=1000, tol=1e-8).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    np.testing.assert_allclose(np.exp(log_softmax(np.array([[0.0, -np.inf]]))), [[1, 0]])


def test_expected_distance_by_hand() -> None:
    table = np.array([[0.0, 0], [2, 0], [1, 1], [0, 4]], dtype="f4")
    calibrator = Loki(temperature=1.0)
    calibrator.seen_, calibrator.unseen_, calibrator.unit_ = SEEN, UNSEEN, 1.0
    scaled = table / table[SEEN].std(axis=0)
    distances = np.array([[((scaled[v] - scaled[k]) ** 2).sum() for k in SEEN] for v in range(4)])
    np.testing.assert_allclose(class_distances(table, SEEN, "euclidean") ** 2, distances, atol=1e-5)
    calibrator.distances_ = distances
    scores = np.log(np.array([[0.5, 0.5, 9, 1e-9], [1.0, 1e-9, 9, 1e-9]]))
    shown, _ = calibrator._look(np.zeros((2, 1)), scores, training=False)
    p = softmax(scores[:, SEEN], axis=1)
    np.testing.assert_allclose(shown, -p @ distances.T, rtol=1e-5)
    assert shown[1].argmax() == 0, "certainty of a seen class gives that class"


def test_shortest_paths_and_given_distances_are_looked_up_by_class() -> None:
    """A chain a - b - c - d; the unseen class c lies between b and d."""
    names = tuple("abcd")
    graph = ClassGraph.from_edges(names, {"next": (np.arange(3), np.arange(1, 4), None)}, names, np.arange(4))
    rows = FeatureRows(np.eye(4, dtype="f4")[SEEN])
    view = TrainView(rows, SEEN, Semantics(np.eye(4), names), SEEN, UNSEEN, class_graph=graph)
    paths = np.abs(np.arange(4)[:, None] - np.arange(4))
    squares = paths[:, SEEN] ** 2
    walked = make_calibrator({"name": "loki", "metric": "graph"}).prepare(view)
    np.testing.assert_allclose(walked.distances_, squares / squares.mean())
    table = {v: {k: float(paths[i, j]) for j, k in enumerate(names)} for i, v in enumerate(names)}
    given = make_calibrator({"name": "loki", "distances": table}).prepare(view)
    np.testing.assert_allclose(given.distances_, walked.distances_)
    assert len(given.label) < 40, "a whole table has no place in a protocol key"
    given.unit_, walked.unit_ = 1.0, 1.0
    torn = np.array([[-9.0, 1.0, 0.0, 1.0]])
    noted = given.observe(np.zeros((1, 4)), torn)
    assert noted["own_unseen_score"] > noted["own_seen_score"], "the class between two likely ones is named"
    turned = view.semantics.take(np.array([3, 2, 1, 0]))
    given.rebase(turned, np.array([0, 2, 3]), np.array([1]))
    np.testing.assert_allclose(given.distances_, walked.distances_[::-1, ::-1])
    del table["c"]["d"]
    with pytest.raises(MethodError, match=r"distances.c.d: found None, expected a distance of at least 0"):
        make_calibrator({"name": "loki", "distances": table}).prepare(view)
    with pytest.raises(ProtocolError, match="class graph"):
        make_calibrator({"name": "loki", "metric": "graph"}).prepare(replace(view, class_graph=None))


def test_reachable_is_what_some_posterior_names() -> None:
    rng = np.random.default_rng(0)
    table = np.vstack([rng.random((4, 2)), [[0.5, 0.5]], [[9.0, 9.0]]])
    seen = np.arange(4)
    distances = class_distances(table, seen, "euclidean") ** 2
    lost = unreachable_classes(distances)
    posteriors = rng.dirichlet(np.full(4, 0.4), 20_000)
    named = np.unique((posteriors @ distances.T).argmin(axis=1))
    assert 5 in lost, "far outside of the seen classes"
    assert not set(lost) & set(named)
    assert set(range(6)) - set(lost) == set(named)


def test_boundary_loss_binds_codes_and_every_term_has_a_gradient() -> None:
    rng = torch.Generator().manual_seed(0)
    x, a, y = torch.rand(16, 6, generator=rng), torch.rand(16, 4, generator=rng), torch.arange(16) % 3
    for settings in ({"codes": "mean"}, {"codes": "sampled", "transport_weight": 0.1}, {"transport_weight": 0.0}):
        networks = SphereNetworks(6, 4, 3, 8, 5, torch.Generator().manual_seed(1))
        loss = BoundaryOOD(**settings).loss(networks, x, a, y, torch.Generator().manual_seed(2))
        loss.backward()
        for name in ("image", "semantic", "to_image", "to_semantic", "classifier"):
            grads = [p.grad for p in getattr(networks, name).parameters()]
            assert all(g is not None and float(g.abs().sum()) > 0 for g in grads[:2]), (settings, name)
        spread = networks.image_spread.weight.grad
        assert (spread is not None) == (settings.get("codes") != "mean")


def test_boundary_separates_far_rows() -> None:
    task = final_task(gzsl.load("digits"), "minmax")
    fit = gzsl.create("eszsl").fit(task.view)
    calibrator = make_calibrator({"name": "boundary-ood", "n_epochs": 8, "codes": "mean", "transfer": "raw"})
    calibrator.prepare(task.view).attach(fit, task.view)
    evaluation = evaluate(fit, task, observer=calibrator)
    decided = calibrator.decide(Observation.of(evaluation))
    assert DomainReport.of(decided).auroc > 0.85
    seen = decided.is_seen
    assert np.mean(decided.seen_class[seen] == decided.labels[seen]) > 0.9
