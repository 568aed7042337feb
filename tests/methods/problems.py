"""Small problems that tests of several methods share."""

from __future__ import annotations

import numpy as np

from gzsl.data import FeatureRows, TrainView
from gzsl.semantics import Semantics


def small_view(n: int = 60, d: int = 7, a: int = 4, seen: int = 5, unseen: int = 2, seed: int = 0) -> TrainView:
    """Unequal class sizes, classes in canonical order, non-negative features that depend on the class."""
    rng = np.random.default_rng(seed)
    shares = np.linspace(3, 1, seen)
    labels = np.concatenate([np.arange(seen), rng.choice(seen, n - seen, p=shares / shares.sum())])
    table = Semantics(rng.random((seen + unseen, a)), tuple(f"c{k:02d}" for k in range(seen + unseen)))
    centres = rng.random((seen, d)) * 2
    X = np.maximum(centres[labels] + 0.3 * rng.standard_normal((n, d)), 0).astype(np.float32)
    return TrainView(FeatureRows(X), labels, table, np.arange(seen), np.arange(seen, seen + unseen))
