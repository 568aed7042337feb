"""The classifier of a bundle starts an image-free method."""

from __future__ import annotations

import numpy as np
import pytest

from gzsl.bundles.bundle import Bundle
from gzsl.bundles.classifier import seen_classifier
from gzsl.data import FeatureRows, Scaler, TrainView, image_free_view
from gzsl.errors import MethodError
from gzsl.methods import Method, create
from gzsl.semantics import Semantics


def a_view() -> TrainView:
    rng = np.random.default_rng(0)
    table = Semantics(rng.random((5, 3)), tuple("abcde"))
    labels = np.repeat(np.arange(4), 10)
    X = rng.random((4, 6))[labels] + 0.1 * rng.standard_normal((40, 6))
    return TrainView(FeatureRows(X.astype(np.float32)), labels, table, np.arange(4), np.array([4]))


def bundled(method: Method, view: TrainView) -> Bundle:
    scaler = Scaler("none", np.zeros(6, np.float32), np.ones(6, np.float32))
    return Bundle(method, scaler, view.semantics, "none", method.seen_classes_, None, {})


def test_the_softmax_of_one_method_is_where_another_starts() -> None:
    view = a_view()
    conse = create("conse").fit(view)
    given = seen_classifier(bundled(conse, view))
    injected = create("weight-ridge").fit(image_free_view(given, view.semantics))
    X = view.features.to_array()
    assert np.allclose(injected.scores(X, view.semantics)[:, :4], X @ conse.weights_ + conse.bias_, atol=1e-4)
    again = seen_classifier(bundled(injected, view))
    assert np.array_equal(again.weights, given.weights)


def test_a_method_without_such_a_classifier_is_named() -> None:
    view = a_view()
    with pytest.raises(MethodError, match="eszsl: found no linear classifier of the seen classes in the bundle"):
        seen_classifier(bundled(create("eszsl").fit(view), view))
