"""Views for methods that do not look at regions."""

from __future__ import annotations

from dataclasses import replace

from gzsl.data.view import TrainView


def pooled_view(view: TrainView) -> TrainView:
    """The same view with one vector a row: the mean of its regions, where it has any."""
    if view.features.regions is None or len(view.features.shape) == 2:
        return view
    unlabelled, shots = view.unlabelled_features, view.shots
    return replace(
        view, features=view.features.pooled,
        unlabelled_features=None if unlabelled is None else unlabelled.pooled,
        shots=None if shots is None else replace(shots, features=shots.features.pooled),
    )  # fmt: skip
