"""Any method as a scikit-learn classifier whose classes need no training rows: only a vector each.

::

    from gzsl.sklearn import ZeroShotClassifier
    classifier = ZeroShotClassifier("eszsl", semantics={"cat": [1, 0], "dog": [0, 1], "fox": [1, 1]})
    classifier.fit(X, y)                # y names cats and dogs; the fox is unseen
    classifier.predict(X_new)           # may well say fox
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gzsl.data import FeatureRows, Scaler, TrainView
from gzsl.data.given import class_table
from gzsl.errors import DataError, MethodError, suggest
from gzsl.methods import Method, create, get_method
from gzsl.params import configure
from gzsl.semantics import Semantics
from gzsl.semantics.graph_maker import make_graph

_KINDS = (np.float64, np.float32)


class ZeroShotClassifier(ClassifierMixin, BaseEstimator):
    """A zero-shot method behind ``fit(X, y)`` and ``predict(X)``.

    Seen classes are those that occur in ``y``; every other class of ``semantics`` is unseen, and may be predicted too.

    Parameters
    ----------
    method : str, Method or mapping
        Name of a method; one with hyper-parameters; or ``{"name": ..., hyper-parameters}``.
    semantics : mapping of label to vector, pandas frame, Semantics or None
        One vector a class. None: a unit vector for each class of ``y``, so that no class is unseen and this is an
        ordinary classifier, of use as a baseline.
    preprocess : str
        What is done to features, with statistics of the training rows: one of `gzsl.data.SCALINGS`.
    calibration : float or None
        What is subtracted from the scores of seen classes (calibrated stacking). Rows of seen classes alone cannot tell
        it, so a grid search over it needs a ``cv`` whose test rows are of classes that its training rows lack.
    graph : str, mapping, ClassGraph or None
        Class graph for methods that need one, as `gzsl.semantics.graph_maker.make_graph` takes it: ``attributes-knn``.
    random_state : int
        Seed of the fit.
    device : str
        ``cpu`` or ``cuda``.

    Attributes
    ----------
    classes_ : ndarray, shape (C,)
        Labels of all classes, seen and unseen, sorted.
    seen_ : ndarray of bool, shape (C,)
        Which of them had training rows.
    method_ : Method
        Fitted.
    semantics_ : Semantics
        Class table in the order of ``classes_``.
    n_features_in_ : int
        Length of a row.
    """

    def __init__(
        self,
        method: Any = "eszsl",
        semantics: Any = None,
        *,
        preprocess: str = "none",
        calibration: float | None = None,
        graph: Any = None,
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.method = method
        self.semantics = semantics
        self.preprocess = preprocess
        self.calibration = calibration
        self.graph = graph
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows of seen classes.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Features.
        y : array-like, shape (n,)
            Labels, each the key of a vector in ``semantics``.

        Raises
        ------
        ValueError
            For what scikit-learn refuses: NaN, wrong shapes, targets of a regression.
        DataError
            For a label without a vector, naming the nearest one.
        MethodError
            For hyper-parameters out of range.
        """
        X, y = validate_data(self, X, y, dtype=_KINDS)
        check_classification_targets(y)
        labels, table = self._classes(y)
        self.classes_, order = np.unique(labels, return_index=True)
        self.semantics_ = table.take(order)
        self.seen_ = np.isin(self.classes_, y)
        self.scaler_ = Scaler.fit(self.preprocess, FeatureRows(X.astype(np.float32)))
        view = TrainView(
            features=FeatureRows(self.scaler_.transform(X.astype(np.float32))),
            labels=np.searchsorted(self.classes_, y), semantics=self.semantics_,
            seen=np.flatnonzero(self.seen_), unseen=np.flatnonzero(~self.seen_),
            class_graph=None if self.graph is None else make_graph(self.graph, self.semantics_),
        )  # fmt: skip
        self.method_ = self._method().fit(view, seed=self.random_state, device=self.device)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of rows, calibrated where a calibration is given.

        Returns
        -------
        ndarray, shape (n, C), float64
            One column a class of ``classes_``; with two classes, shape (n,): the second's score minus the first's.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Label of the best class of each row, shape (n,); of equal ones an unseen class wins."""
        scores = self._scores(X)
        order = np.argsort(self.seen_, kind="stable")
        return self.classes_[order][scores[:, order].argmax(axis=1)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """scikit-learn's accuracy: a mean over rows. The field's is over classes: ``scoring="balanced_accuracy"``."""
        return float(super().score(X, y, sample_weight))

    def _scores(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_KINDS, reset=False)
        rows = self.scaler_.transform(X.astype(np.float32))
        scores = self.method_.prepare(self.semantics_).scores(rows, self.semantics_).astype(np.float64)
        scores[:, self.seen_] -= self.calibration or 0.0
        return scores

    def _method(self) -> Method:
        if isinstance(self.method, Method):
            return clone(self.method)
        if isinstance(self.method, str):
            return create(self.method)
        if isinstance(self.method, Mapping) and isinstance(self.method.get("name"), str):
            rest = {key: value for key, value in self.method.items() if key != "name"}
            return configure(get_method(self.method["name"]), rest, where="method", error=MethodError)
        raise MethodError(f"method: found {self.method!r}, expected a name, a method, or a mapping with a name")

    def _classes(self, y: np.ndarray) -> tuple[np.ndarray, Semantics]:
        """Labels of all classes, as ``y`` writes them where it does, and their table."""
        own = {str(label): label for label in np.unique(y)}
        if self.semantics is None:
            return np.array(list(own.values())), Semantics(np.eye(len(own), dtype=np.float32), tuple(own), "identity")
        table = class_table(self.semantics, None, "semantics", argument="semantics")
        missing = [name for name in own if name not in table.class_names]
        if missing:
            hint = suggest(missing[0], table.class_names)
            raise DataError(f"y: found {missing[0]!r}, expected a class that semantics has a vector for; {hint}")
        keys = self.semantics if isinstance(self.semantics, Mapping) else getattr(self.semantics, "columns", None)
        given = {} if keys is None else {str(key): key for key in getattr(self.semantics, "index", keys)}
        return np.array([own.get(name, given.get(name, name)) for name in table.class_names]), table
