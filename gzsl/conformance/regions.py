"""What every method that looks at the regions of a picture must do besides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gzsl.conformance.subject import Subject, expect, expect_refusal
from gzsl.data.pooled import pooled_view
from gzsl.data.regions import Regions
from gzsl.errors import MethodError


def regions_have_no_order(subject: Subject) -> None:
    """Of a method that looks at regions: those of an image in another order give the same scores."""
    if not subject.cls.card.regions:
        return
    X, table = subject.rows, subject.view.semantics
    order = np.random.default_rng(0).permutation(X.shape[1])
    found = subject.fitted.scores(np.ascontiguousarray(X[:, order]), table)
    near = np.allclose(found, subject.fitted.scores(X, table), rtol=1e-3, atol=1e-4)
    expect(bool(near), "scores depend on the order of the regions")


def refuses_rows_without_regions(subject: Subject) -> None:
    """Of a method that looks at regions: pooled rows are refused, at fit and at scores, with the way to regions."""
    if not subject.cls.card.regions:
        return
    view, how = subject.view, "--pooling grid"
    expect_refusal(lambda: subject.make().fit(pooled_view(view)), MethodError, how, "a view without regions")
    expect_refusal(
        lambda: subject.fitted.scores(subject.rows.mean(axis=1), view.semantics), MethodError, how, "a pooled row"
    )
    expect_refusal(
        lambda: subject.fitted.scores(subject.rows[:, :-1], view.semantics), MethodError, "features", "a smaller grid"
    )


def other_regions(regions: Regions, pictures: np.ndarray, rng: np.random.Generator) -> Regions:
    """Regions with other numbers for some pictures."""
    values = np.array(regions.values)
    values[pictures] = rng.random((len(pictures), *values.shape[1:])) * 100
    return replace(regions, values=values)
