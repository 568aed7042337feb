"""Expectation-maximisation from predicted Gaussians."""

from __future__ import annotations

import numpy as np

from gzsl.data import final_task, load
from gzsl.methods import create


def test_predicted_gaussians_that_count_for_many_rows_stay_where_they_are() -> None:
    view = final_task(load("simulated", preset="easy"), "minmax", "transductive").view
    plain = create("gfzsl").fit(view.without_pool())
    means, variances = plain.gaussians(view.canonical().unseen_semantics)  # type: ignore[attr-defined]
    held = create("gfzsl-t", anchor=1e6).fit(view)
    np.testing.assert_allclose(held.refined_means_, means, atol=1e-2)  # type: ignore[attr-defined]
    np.testing.assert_allclose(held.refined_variances_, variances, rtol=1e-2)  # type: ignore[attr-defined]


def test_free_gaussians_have_the_moments_of_their_rows() -> None:
    view = final_task(load("simulated", preset="easy"), "minmax", "transductive").view
    found = create("gfzsl-t").fit(view)
    labels, X = found.pseudo_labels_[-1], view.unlabelled.to_array().astype(np.float64)  # type: ignore[attr-defined]
    for place, c in enumerate(view.canonical().unseen):
        members = X[labels == c]
        np.testing.assert_allclose(found.refined_means_[place], members.mean(axis=0), atol=2e-2)  # type: ignore[attr-defined]
        expected = members.var(axis=0) + found.floor  # type: ignore[attr-defined]
        np.testing.assert_allclose(found.refined_variances_[place], expected, atol=2e-2)  # type: ignore[attr-defined]
