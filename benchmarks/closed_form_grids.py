"""Whole grids of SAE, GFZSL, EXEM and MTL against one fit, on 20,000 rows of 2048 features.

Run ``python -m benchmarks.closed_form_grids`` from the top of the checkout. One fit is measured twice where there is
a plain formula: ours, and SciPy's Sylvester solver (SAE) or direct solves, which decompose nothing.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy.linalg import solve_sylvester

from benchmarks.common import compare
from benchmarks.eszsl_grid import view_of
from gzsl.data import TrainView
from gzsl.methods import create

LAMBDAS = [10.0**k for k in range(-4, 5)]
GRIDS: dict[str, dict[str, list[Any]]] = {
    "sae": {"lam": LAMBDAS, "direction": ["f2s", "s2f"]},
    "gfzsl": {"mean_ridge": LAMBDAS, "kernel": ["poly2", "rbf", "linear"]},
    "exem": {"regressor": ["ridge"], "ridge": LAMBDAS, "width": [0.25, 1.0, 4.0]},
    "mtl": {"ridge": LAMBDAS, "rank": [10, 20, 40]},
}
TARGET, ROUNDS = 1 / 3, 3


def candidates(name: str) -> list[dict[str, Any]]:
    """All combinations of a method's grid."""
    values = GRIDS[name]
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def sylvester(view: TrainView) -> np.ndarray:
    """One SAE by SciPy's solver."""
    X = view.features.to_array().astype(np.float64)
    S = view.seen_semantics.table.astype(np.float64)[view.seen_labels]
    return solve_sylvester(S.T @ S, X.T @ X, 2 * S.T @ X)


def main() -> None:
    view = view_of("AWA2", 40)
    for name in GRIDS:
        chosen = candidates(name)

        def grid(name: str = name, chosen: list[dict[str, Any]] = chosen) -> int:
            return sum(1 for _ in create(name).fit_grid(view, chosen))

        def one_fit(name: str = name, chosen: list[dict[str, Any]] = chosen) -> object:
            return create(name, **chosen[0]).fit(view)

        label = f"{name}: {len(chosen)} candidates, {len(view.labels)} x {view.n_features}"
        compare(f"{label}, against one fit", grid, one_fit, rounds=ROUNDS, target=TARGET)
        if name == "sae":
            compare(f"{label}, against one plain solve", grid, lambda: sylvester(view), rounds=ROUNDS, target=TARGET)


if __name__ == "__main__":
    main()
