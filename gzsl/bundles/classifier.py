"""The linear classifier of seen classes within a bundle: what image-free methods start from."""

from __future__ import annotations

from gzsl.bundles.bundle import Bundle
from gzsl.data import SeenClassifier
from gzsl.errors import MethodError


def seen_classifier(bundle: Bundle) -> SeenClassifier:
    """The softmax or linear classifier that a bundle's method trained over its seen classes.

    It works on features as the bundle's scaler leaves them, ``bundle.scaler.transform(X)``.

    Parameters
    ----------
    bundle : Bundle
        Of ``conse``, ``icis`` or another method that keeps such a classifier.

    Raises
    ------
    MethodError
        For a method that has none.
    """
    method, names = bundle.method, bundle.method.seen_classes_
    rows = getattr(method, "seen_weights_", None)
    if rows is not None:
        return SeenClassifier(rows[:, :-1], rows[:, -1], names)
    weights, bias = getattr(method, "weights_", None), getattr(method, "bias_", None)
    if weights is None or bias is None or weights.shape != (method.n_features_, len(names)):
        raise MethodError(
            f"{method.card.id}: found no linear classifier of the seen classes in the bundle, expected the bundle of a "
            "method that trains one (conse, icis)"
        )
    return SeenClassifier(weights.T, bias, names)
