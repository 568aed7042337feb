"""Classes put into a classifier that is there already: no image of any class is looked at."""

from __future__ import annotations

import numpy as np

from gzsl.data import TrainView
from gzsl.methods.base import Method
from gzsl.methods.probabilistic.seen_softmax import seen_softmax
from gzsl.params import param
from gzsl.semantics import Semantics

NORMS = ("free", "seen")


class InjectedClassifier(Method):
    """A method that sees a trained linear classifier of the seen classes, and class vectors: nothing else.

    The classifier is a row ``[w_s, b_s]`` (d + 1,) a seen class. `predicted` gives such rows for other classes; seen
    classes keep their own. A class scores ``w_c x + b_c``. A view that brings no classifier must have rows; a softmax
    regression is trained on them, and they are not looked at again.

    Attributes
    ----------
    seen_weights_ : ndarray, shape (s, d + 1), float32
        Rows of the seen classes, in their order.
    """

    classifier_decay: float = param(
        default=1e-4, low=1e-12, high=1e6, log=True, doc="weight decay of the classifier, where it is trained here"
    )
    classifier_iterations: int = param(default=100, low=1, high=100_000, doc="its L-BFGS iterations at most")
    norm: str = param(
        default="free", choices=NORMS, doc="of predicted rows: free, or all of the mean length of the seen classes'"
    )

    def predicted(self, semantics: Semantics) -> np.ndarray:
        """Rows (C, d + 1) of the classes of a table, from their vectors."""
        raise NotImplementedError

    def weights_of(self, semantics: Semantics) -> np.ndarray:
        """Rows (C, d + 1) float32 of a table: seen classes have their own, others predicted ones."""
        rows = np.array(self.predicted(semantics), dtype=np.float32)
        if self.norm == "seen":
            mean = np.linalg.norm(self.seen_weights_, axis=1).mean()
            rows *= mean / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        place = {name: k for k, name in enumerate(self.seen_classes_)}
        for c, name in enumerate(semantics.class_names):
            if name in place:
                rows[c] = self.seen_weights_[place[name]]
        return rows

    def _take_classifier(self, view: TrainView) -> None:
        """Keep the classifier of the view, or train one."""
        self.seen_weights_ = classifier_rows(view, self.classifier_decay, self.classifier_iterations)

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        rows = self.weights_of(semantics)
        return X @ rows[:, :-1].T + rows[:, -1]


def classifier_rows(view: TrainView, decay: float, n_iterations: int) -> np.ndarray:
    """Rows ``[w, b]`` (s, d + 1) float32 of the seen classes: those that the view brings, or trained on its rows."""
    if view.classifier is not None:
        given = view.classifier.for_classes([view.semantics.class_names[c] for c in view.seen])
        return np.hstack([given.weights, given.bias[:, None]])
    model = seen_softmax(view)(decay, n_iterations)
    return np.ascontiguousarray(np.hstack([model.weights.T, model.bias[:, None]]), dtype=np.float32)
