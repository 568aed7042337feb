"""ALE, DeViSE, SJE and LatEm against the papers' loops over single rows, on AWA-sized data.

Run ``python -m benchmarks.bilinear_ranking`` from the top of the checkout. About 16,000 simulated training rows (a fold
of 20,000) of 2048 features, 30 of 40 seen classes, 85 attributes. The reference is the papers' stochastic gradient
descent as public re-implementations write it: NumPy in float64, one row a step, no step where the margin holds. Three
epochs of each are timed turn about, ours in batches of 128 and from view to fitted method; then both are trained with
the best of three step sizes, and the class-averaged accuracy on rows of pseudo-unseen classes is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.common import compare
from gzsl.data import FeatureRows, TrainView
from gzsl.data.embedded import simulated
from gzsl.data.folds import validation_folds
from gzsl.data.prepare import Task, fold_task
from gzsl.evaluation import evaluate
from gzsl.methods import create
from gzsl.semantics import Semantics

ROWS, EPOCHS, BATCH, ROUNDS, TARGET = 20_000, 3, 128, 3, 50.0
RATES = (0.01, 0.1, 1.0)
SETTINGS = {"ale": {}, "devise": {}, "sje": {}, "latem": {"n_maps": 2}}
Step = Callable[[np.ndarray, np.ndarray, np.ndarray, int, float, np.random.Generator], None]


def ale(W: np.ndarray, x: np.ndarray, A: np.ndarray, y: int, rate: float, rng: np.random.Generator) -> None:
    """Draw wrong classes until one violates the margin; weigh by the estimated rank."""
    projected = x @ W[0]
    true, n_wrong = projected @ A[y], len(A) - 1
    for drawn in range(1, n_wrong + 1):
        c = (y + 1 + rng.integers(n_wrong)) % len(A)
        if 1 + projected @ A[c] - true > 0:
            weight = sum(1 / i for i in range(1, n_wrong // drawn + 1))
            W[0] += rate * weight * np.outer(x, A[y] - A[c])
            return


def devise(W: np.ndarray, x: np.ndarray, A: np.ndarray, y: int, rate: float, rng: np.random.Generator) -> None:
    """Go through the wrong classes in random order and stop at the first violation."""
    projected = x @ W[0]
    true = projected @ A[y]
    for c in rng.permutation(len(A)):
        if c != y and 1 + projected @ A[c] - true > 0:
            W[0] += rate * np.outer(x, A[y] - A[c])
            return


def sje(W: np.ndarray, x: np.ndarray, A: np.ndarray, y: int, rate: float, rng: np.random.Generator) -> None:
    """Step against the worst violator."""
    scores = A @ (x @ W[0])
    violation = 1 + scores - scores[y]
    violation[y] = 0
    worst = int(violation.argmax())
    if violation[worst] > 0:
        W[0] += rate * np.outer(x, A[y] - A[worst])


def latem(W: np.ndarray, x: np.ndarray, A: np.ndarray, y: int, rate: float, rng: np.random.Generator) -> None:
    """Draw one wrong class; move the maps that scored it and the true one."""
    c = (y + 1 + rng.integers(len(A) - 1)) % len(A)
    projected = [x @ W[k] for k in range(len(W))]
    wrong, true = [p @ A[c] for p in projected], [p @ A[y] for p in projected]
    i, j = int(np.argmax(wrong)), int(np.argmax(true))
    if 1 + wrong[i] > true[j]:
        W[i] -= rate * np.outer(x, A[c])
        W[j] += rate * np.outer(x, A[y])


LOOPS: dict[str, Step] = {"ale": ale, "devise": devise, "sje": sje, "latem": latem}


def loop(name: str, view: TrainView, rate: float, n_epochs: int) -> np.ndarray:
    """Maps (K, d, a) after some epochs of the per-row loop."""
    rng, X = np.random.default_rng(0), view.features.to_array().astype(np.float64)
    A, labels = view.seen_semantics.table.astype(np.float64), view.seen_labels
    n_maps = SETTINGS[name].get("n_maps", 1)
    W = rng.standard_normal((n_maps, X.shape[1], A.shape[1])) / np.sqrt(X.shape[1])
    for _ in range(n_epochs):
        for row in rng.permutation(len(X)):
            LOOPS[name](W, X[row], A, int(labels[row]), rate, rng)
    return W


class Maps:
    """Scores of fixed maps, for `evaluate`."""

    def __init__(self, W: np.ndarray) -> None:
        self.W = W

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Largest compatibility over the maps, (n, C)."""
        return np.einsum("nka,ca->nkc", np.einsum("nd,kda->nka", X, self.W), semantics.table).max(axis=1)


def task() -> Task:
    """A validation fold of simulated data in AWA's shape, hard enough to tell methods apart."""
    data = simulated.load(preset="AWA2", noise=8.0, images_per_class=ROWS // 24)
    table = data.semantics.normalised("l2")
    fold = validation_folds(replace(data, semantics=table, tables={}), n_folds=1)[0]
    return fold_task(replace(data, semantics=table, tables={}), fold, "l2")


def main() -> None:
    problem = task()
    view = problem.view
    print(f"{len(view.labels)} x {view.n_features} rows, {len(view.seen)} classes, a={view.semantics.n_attributes}")
    small = replace(view, features=FeatureRows(view.features.to_array()))
    for name, settings in SETTINGS.items():

        def ours(name: str = name, settings: dict[str, int] = settings) -> object:
            return create(name, n_epochs=EPOCHS, batch_size=BATCH, lr=0.1, **settings).fit(small)

        def reference(name: str = name) -> np.ndarray:
            return loop(name, small, 0.1, EPOCHS)

        compare(f"{name}: {EPOCHS} epochs", ours, reference, rounds=ROUNDS, target=TARGET, warmup=0)
        fits = [
            create(name, n_epochs=EPOCHS, batch_size=BATCH, lr=rate, **settings).fit(small) for rate in RATES
        ]
        vectorised = max(evaluate(fit, problem).T1 for fit in fits)
        by_rows = max(evaluate(Maps(loop(name, small, rate, EPOCHS)), problem).T1 for rate in RATES)
        print(f"{name}: T1 of pseudo-unseen classes, {EPOCHS} epochs: {100 * vectorised:.1f}, loop {100 * by_rows:.1f}")


if __name__ == "__main__":
    main()
