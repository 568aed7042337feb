"""A method as a scikit-learn classifier: its contract, and what only a zero-shot classifier can do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import gzsl
from gzsl.errors import DataError, MethodError
from gzsl.semantics import Semantics
from gzsl.sklearn import ZeroShotClassifier

RNG = np.random.default_rng(0)
NAMES = [f"kind {c}" for c in range(10)]
TABLE = RNG.random((10, 6))
IDS = np.repeat(np.arange(10), 15)
X = (TABLE @ RNG.normal(size=(6, 8)) * 4)[IDS] + 0.3 * RNG.normal(size=(150, 8))
Y = np.array(NAMES)[IDS]
SEEN = IDS < 8
VECTORS = dict(zip(NAMES, TABLE.tolist(), strict=True))

# Checks of scikit-learn that cannot apply, with the reason: none is left (check_array_api_input skips itself unless
# SCIPY_ARRAY_API is set: methods compute with NumPy and torch, not with whatever array they are given).
CANNOT_APPLY: dict[str, str] = {}


def checks() -> list[object]:
    estimator = ZeroShotClassifier("eszsl")
    found = estimator_checks_generator(estimator, expected_failed_checks=CANNOT_APPLY)
    return [pytest.param(one, check, id=check.func.__name__) for one, check in found]


@pytest.mark.parametrize(("estimator", "check"), checks())
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator: ZeroShotClassifier, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_classes_without_rows_are_predicted() -> None:
    classifier = ZeroShotClassifier("eszsl", semantics=VECTORS).fit(X[SEEN], Y[SEEN])
    assert classifier.classes_.tolist() == NAMES
    assert classifier.seen_.tolist() == [True] * 8 + [False] * 2
    found = classifier.set_params(calibration=1e6).predict(X[~SEEN])
    assert set(found) <= set(NAMES[8:])
    assert (found == Y[~SEEN]).mean() > 0.8


def test_the_calibration_is_subtracted_from_seen_scores() -> None:
    classifier = ZeroShotClassifier("eszsl", semantics=VECTORS).fit(X[SEEN], Y[SEEN])
    plain = classifier.decision_function(X)
    shifted = classifier.set_params(calibration=0.5).decision_function(X)
    np.testing.assert_allclose(plain[:, :8] - shifted[:, :8], 0.5)
    np.testing.assert_array_equal(plain[:, 8:], shifted[:, 8:])


def test_scores_are_those_of_the_method_on_a_view() -> None:
    dataset = gzsl.Dataset.from_arrays(X, Y, VECTORS, unseen=NAMES[8:], test_seen=None)
    task = gzsl.final_task(dataset, "l2")
    expected = gzsl.create("eszsl").fit(task.view).scores(task.scaler.transform(dataset.features), dataset.semantics)
    classifier = ZeroShotClassifier("eszsl", VECTORS, preprocess="l2").fit(X[SEEN], Y[SEEN])
    np.testing.assert_allclose(classifier.decision_function(X), expected, atol=1e-5)


def test_every_form_of_semantics_gives_the_same_answers() -> None:
    pd = pytest.importorskip("pandas")
    expected = ZeroShotClassifier(semantics=VECTORS).fit(X[SEEN], Y[SEEN]).predict(X)
    forms = [pd.DataFrame(TABLE, index=NAMES), Semantics(TABLE, tuple(NAMES)), dict(reversed(VECTORS.items()))]
    for form in forms:
        assert (ZeroShotClassifier(semantics=form).fit(X[SEEN], Y[SEEN]).predict(X) == expected).all()


def test_labels_keep_their_type() -> None:
    by_number = {10 * c: TABLE[c] for c in range(10)}
    classifier = ZeroShotClassifier(semantics=by_number).fit(X[SEEN], 10 * IDS[SEEN])
    assert classifier.classes_.dtype.kind == "i"
    assert set(classifier.predict(X)) <= set(by_number)
    assert ZeroShotClassifier(semantics=TABLE).fit(X[SEEN], IDS[SEEN]).predict(X).dtype.kind in "iU"


def test_methods_with_hyper_parameters_clone_and_search() -> None:
    pipeline = make_pipeline(StandardScaler(), ZeroShotClassifier(gzsl.create("eszsl", gamma=10.0), semantics=VECTORS))
    search = GridSearchCV(pipeline, {"zeroshotclassifier__method__gamma": [0.1, 10.0]}, cv=2)
    search.fit(X[SEEN], Y[SEEN])
    assert search.score(X[SEEN], Y[SEEN]) > 0.5
    assert clone(pipeline).named_steps["zeroshotclassifier"].method.gamma == 10.0
    named = ZeroShotClassifier({"name": "eszsl", "gamma": 2.0}, VECTORS).fit(X[SEEN], Y[SEEN])
    assert named.method_.gamma == 2.0


def test_an_iterative_method_works_too() -> None:
    method = {"name": "f-clswgan", "n_epochs": 1, "n_synthetic": 5}
    classifier = ZeroShotClassifier(method, VECTORS, preprocess="minmax")
    assert classifier.fit(X[SEEN], Y[SEEN]).predict(X[:3]).shape == (3,)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(DataError, match="y: found 'kind 7', expected a class that semantics has a vector for"):
        ZeroShotClassifier(semantics={name: VECTORS[name] for name in NAMES[:7]}).fit(X[SEEN], Y[SEEN])
    with pytest.raises(DataError, match="semantics: found a list that is no array"):
        ZeroShotClassifier(semantics={**VECTORS, "kind 9": [1.0]}).fit(X[SEEN], Y[SEEN])
    with pytest.raises(MethodError, match="method: found 3, expected a name"):
        ZeroShotClassifier(3).fit(X[SEEN], Y[SEEN])
    with pytest.raises(DataError, match="preprocess.features: found 'zzz'"):
        ZeroShotClassifier(preprocess="zzz").fit(X[SEEN], Y[SEEN])
