"""What every registered calibrator must do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import gzsl
from gzsl.calibration import (
    Calibrator,
    Observation,
    calibrator_names,
    load_calibrator,
    make_calibrator,
    save_calibrator,
)  # fmt: skip
from gzsl.data import Task, TestGate, final_task, fold_task, validation_folds
from gzsl.errors import GzslWarning, MethodError
from gzsl.evaluation import evaluate
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.evaluation.metrics import operating_point
from gzsl.evaluation.summary import ScoreSummary
from gzsl.methods import Method
from gzsl.params import parameters
from gzsl.semantics import Semantics

SMALL: dict[str, dict[str, Any]] = {
    "boundary-ood": {"n_epochs": 3, "hidden_dim": 32, "code_dim": 8},
    "cosmo": {"n_iterations": 50},
    "cooked": {"n_iterations": 50, "n_components": 10},
    "knn": {"bank_size": 100},
}
SECTIONS: list[dict[str, Any]] = [{"name": name, **SMALL.get(name, {})} for name in calibrator_names()] + [
    {"name": "stacking", "form": "multiplicative", "transfer": "quantile"},
    {"name": "stacking", "form": "zscored", "transfer": "zscore"},
    {"name": "cosmo", "seen_expert": {"name": "exem", "n_components": 8}},
    {"name": "cosmo", "own_seen_scores": True, "smoothing": "none", "transfer": "quantile"},
    {"name": "cosmo", "smoothing": "hard", "balanced": True, "n_iterations": 50},
    {"name": "cooked", "pool": "log", "novelty": "entropy", "members": ["gaussian", "method"], "n_components": 10},
    {"name": "boundary-ood", "codes": "mean", "contrast": True, **SMALL["boundary-ood"]},
    {"name": "loki", "metric": "cosine", "power": 1},
]
IDS = ["-".join(str(value) for value in section.values())[:40] for section in SECTIONS]


class Bench:
    """A method fitted on two folds and on all seen classes of a small dataset."""

    def __init__(self) -> None:
        dataset = gzsl.load("simulated", preset="easy")
        self.folds = [fold_task(dataset, fold) for fold in validation_folds(dataset, 2)]
        self.final = final_task(dataset)
        self.fits = [gzsl.create("eszsl").fit(task.view, seed=0) for task in [*self.folds, self.final]]

    def calibrated(self, section: dict[str, Any]) -> tuple[Calibrator, Observation]:
        """Fitted calibrator and the observation of the test rows."""
        noted = [self.observed(section, task, fit) for task, fit in zip(self.folds, self.fits, strict=False)]
        calibrator, final = self.observed(section, self.final, self.fits[-1])
        return calibrator.fit([observation for _, observation in noted]), final

    def observed(self, section: dict[str, Any], task: Task, fit: Method) -> tuple[Calibrator, Observation]:
        calibrator = make_calibrator(section).prepare(task.view, seed=0).attach(fit, task.view)
        return calibrator, Observation.of(evaluate(fit, task, observer=calibrator), calibrator.reference_)

    def test_block(self) -> tuple[np.ndarray, np.ndarray]:
        X = np.concatenate([rows.features.to_array() for rows in self.final.gate.open()])
        return X, self.fits[-1].scores(X, self.final.view.semantics)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_whole_life(section: dict[str, Any], bench: Bench, tmp_path: Path) -> None:
    calibrator, observation = bench.calibrated(section)
    assert np.isfinite(calibrator.gamma_)
    assert not calibrator.fallback_
    answers = calibrator.apply(observation)
    decided = calibrator.decide(observation)
    np.testing.assert_array_equal(
        answers, np.where(decided.margin > calibrator.gamma_, decided.seen_class, decided.unseen_class)
    )
    point, curve = operating_point(decided, calibrator.gamma_), SeenUnseenCurve.of(decided)
    assert point.H <= curve.best_harmonic()[3] + 1e-12
    assert (point.U, point.S) == pytest.approx(tuple(float(v) for v in curve.at(calibrator.gamma_)))
    if calibrator.part_id in ("stacking", "cosmo", "max-prob", "mahalanobis"):
        assert point.H > 0.8 * curve.best_harmonic()[3]

    X, scores = bench.test_block()
    kept = scores.copy()
    adjusted = calibrator.adjusted(X, scores)
    np.testing.assert_array_equal(scores, kept)
    clear = np.abs(decided.margin - calibrator.gamma_) > 1e-4 * (1 + np.abs(decided.margin))
    np.testing.assert_array_equal(adjusted.argmax(axis=1)[clear], answers[clear])
    assert clear.mean() > 0.9

    again, same = bench.calibrated(section)
    assert again.gamma_ == calibrator.gamma_
    np.testing.assert_array_equal(again.apply(same), answers)

    rebuilt = Observation.from_arrays(observation.to_arrays())
    np.testing.assert_array_equal(calibrator.apply(rebuilt), answers)
    assert rebuilt.reference is not None

    save_calibrator(calibrator, tmp_path / "c")
    view = bench.final.view
    loaded = load_calibrator(tmp_path / "c").rebase(view.semantics, view.seen, view.unseen)
    np.testing.assert_array_equal(loaded.adjusted(X, scores), adjusted)


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_class_order_does_not_matter(section: dict[str, Any], bench: Bench) -> None:
    order = np.random.default_rng(0).permutation(len(bench.final.view.semantics))
    place = np.argsort(order)
    task, fit = bench.final, bench.fits[-1]
    seen, unseen = task.gate.open()
    turned = replace(
        task,
        view=replace(
            task.view, semantics=task.view.semantics.take(order), labels=place[task.view.labels],
            seen=place[task.view.seen], unseen=place[task.view.unseen],
        ),
        gate=TestGate(replace(seen, labels=place[seen.labels]), replace(unseen, labels=place[unseen.labels])),
    )  # fmt: skip
    answers = []
    for each in (task, turned):
        calibrator, observation = bench.observed(section, each, fit)
        with pytest.warns(GzslWarning, match="no validation fold") if calibrator.validated else _silent():
            answers.append(calibrator.fit([]).apply(observation))
    assert np.mean(place[answers[0]] == answers[1]) > 0.99  # all but ties and rounding


@pytest.mark.parametrize("section", SECTIONS, ids=IDS)
def test_without_a_fold_a_twentieth_of_the_training_rows_is_given_up(section: dict[str, Any], bench: Bench) -> None:
    calibrator, _ = bench.observed(section, bench.final, bench.fits[-1])
    if not calibrator.validated:
        assert calibrator.fit([]).gamma_ == 0
        return
    with pytest.warns(GzslWarning, match="gives up 5 % of the training rows"):
        calibrator.fit([])
    assert calibrator.fallback_
    margins = calibrator.decide(calibrator.reference_).margin
    assert np.mean(margins <= calibrator.gamma_) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("name", calibrator_names())
def test_declared_and_documented(name: str) -> None:
    calibrator = make_calibrator({"name": name})
    assert clone(calibrator).get_params() == calibrator.get_params()
    assert type(calibrator).__doc__
    assert all(parameter.doc for parameter in parameters(type(calibrator)).values())
    assert calibrator.label == name
    assert make_calibrator({"name": name, "transfer": "raw"}).label in (name, f"{name}(transfer=raw)")
    with pytest.raises(MethodError, match="apply was called before fit"):
        calibrator.apply(_one_row())


@pytest.mark.parametrize("name", calibrator_names())
def test_constant_scores_do_no_harm_and_nan_is_named(name: str, bench: Bench) -> None:
    section = {"name": name, **SMALL.get(name, {})}
    view = bench.final.view
    calibrator, observation = bench.observed(section, bench.final, Constant())  # type: ignore[arg-type]
    with pytest.warns(GzslWarning) if calibrator.validated else _silent():
        calibrator.fit([])
    assert np.isfinite(calibrator.gamma_)
    assert set(calibrator.apply(observation)) <= set(range(len(view.semantics)))
    with pytest.raises(MethodError, match="row 0, column 0 is nan"):
        make_calibrator(section).prepare(view).attach(Broken(), view)


class Constant:
    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return np.ones((len(X), len(semantics)), dtype=np.float32)


class Broken:
    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        return np.full((len(X), len(semantics)), np.nan, dtype=np.float32)


def _one_row() -> Any:
    from gzsl.evaluation import summarise

    return summarise(np.array([[1.0, 0.0]]), np.array([0]), np.array([0]), np.array([1]))


def _silent() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_a_margin_is_computed_without_the_answers_and_not_one_side_after_the_other() -> None:
    shown: list[Any] = []

    class Looking(Calibrator):
        def _margin(self, summary: Any, evidence: Any) -> np.ndarray:
            shown.append(summary)
            return np.asarray(evidence["noted"] - summary.unseen_score)

    n, rng = 40, np.random.default_rng(0)
    labels = np.repeat([0, 1], n // 2)  # the seen side first
    scores = rng.random((n, 2))
    summary = ScoreSummary(scores[:, 0], np.zeros(n), scores[:, 1], np.ones(n), labels, np.array([0]), np.array([1]))
    decided = Looking().decide(Observation(summary, {"noted": 5.0 + np.arange(n)}))
    np.testing.assert_allclose(decided.margin, 5.0 + np.arange(n) - scores[:, 1])
    np.testing.assert_array_equal(decided.labels, labels)
    assert set(shown[0].labels) == {0}
    assert (np.diff(shown[0].seen_score) >= 0).all()
