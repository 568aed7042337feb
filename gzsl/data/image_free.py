"""A view of a trained classifier and class vectors alone: no feature row of any class."""

from __future__ import annotations

import numpy as np

from gzsl.data.classifier import SeenClassifier
from gzsl.data.features import FeatureRows
from gzsl.data.view import TrainView
from gzsl.semantics import Semantics


def image_free_view(classifier: SeenClassifier, semantics: Semantics) -> TrainView:
    """A view without any feature row: the classes of a trained classifier are seen, all others unseen.

    Parameters
    ----------
    classifier : SeenClassifier
        What is there, with ``d`` features.
    semantics : Semantics
        Class table with the classes of the classifier and those to be put into it.

    Returns
    -------
    TrainView
        For methods that need a classifier, such as ``icis``; others refuse it.

    Raises
    ------
    DataError
        For a class of the classifier that has no row in the table.
    """
    seen = semantics.ids_of(classifier.class_names)
    rows = FeatureRows(np.empty((0, classifier.weights.shape[1]), dtype=np.float32))
    unseen = np.setdiff1d(np.arange(len(semantics)), seen)
    return TrainView(rows, np.empty(0, np.int64), semantics, seen, unseen, classifier=classifier)
