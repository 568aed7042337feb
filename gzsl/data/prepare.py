"""From a dataset to what a method trains on and what an evaluator scores, for the test and for a fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gzsl.brief import brief
from gzsl.data.dataset import Dataset
from gzsl.data.folds import Fold
from gzsl.data.pool import ClassPrior, PoolChoice, stated_shares
from gzsl.data.preprocess import Scaler
from gzsl.data.view import EvalRows, TestGate, TrainView
from gzsl.errors import ProtocolError


@dataclass(frozen=True, eq=False)
class Task:
    """A view to fit on and rows to score, over one class table (``view.semantics``).

    Attributes
    ----------
    view : TrainView
        For the method.
    gate : TestGate
        For the evaluator: rows of seen and of unseen classes.
    scaler : Scaler
        Fitted on the view's rows only.
    """

    view: TrainView
    gate: TestGate
    scaler: Scaler

    __repr__ = brief


def final_task(
    dataset: Dataset, scaling: str = "none", setting: str = "inductive", pool: PoolChoice | None = None,
    regions: bool = False,
) -> Task:  # fmt: skip
    """All trainval rows to fit on; the test rows behind the gate.

    In the transductive setting the view has unlabelled test rows too, as ``pool`` says (`PoolChoice()` when None);
    reading them opens the gate once, and counting the true prior in their labels once more. With ``regions``, rows have
    their regions (n, R, d), where the dataset has any: for methods of which `gzsl.methods.card.MethodCard.regions` says
    so.

    Raises
    ------
    ProtocolError
        For a dataset whose test rows were taken away.
    """
    split = dataset.split
    if split.test_removed:
        raise ProtocolError(f"{dataset.name}: the test rows were asked for, but this dataset holds training rows only")
    ids = np.sort(np.concatenate([split.seen, split.unseen]))
    rows = (split.trainval, split.test_seen, split.test_unseen)
    return _task(dataset, scaling, _chosen(setting, pool), ids, split.seen, rows, regions)


def fold_task(
    dataset: Dataset, fold: Fold, scaling: str = "none", setting: str = "inductive", pool: PoolChoice | None = None,
    regions: bool = False,
) -> Task:  # fmt: skip
    """The fold's training rows to fit on; its held-out rows behind the gate. No test row is in it.

    In the transductive setting the fold's held-out rows, of pseudo-unseen or of all classes, are the unlabelled ones.
    A stated prior names other classes than the fold has, so that the fold counts the true one of its own rows.
    """
    if pool is not None and pool.shares is not None:
        pool = PoolChoice(pool.rows, pool.prior, pool.rule)
    ids = np.sort(np.concatenate([fold.seen, fold.unseen]))
    rows = (fold.train, fold.val_seen, fold.val_unseen)
    return _task(dataset, scaling, _chosen(setting, pool), ids, fold.seen, rows, regions)


def _chosen(setting: str, pool: PoolChoice | None) -> tuple[str, PoolChoice | None]:
    if setting != "transductive" and pool is not None:
        raise ProtocolError(f"pool: found {pool.rows!r} in the {setting} setting, expected none")
    return setting, (pool or PoolChoice()) if setting == "transductive" else None


def _task(
    dataset: Dataset,
    scaling: str,
    setting: tuple[str, PoolChoice | None],
    ids: np.ndarray,
    seen: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
    regions: bool,
) -> Task:
    train, test_seen, test_unseen = (dataset.rows(r, regions) for r in rows)
    labels = [np.searchsorted(ids, dataset.labels[r]) for r in rows]
    scaler = Scaler.fit(scaling, train)
    gate = TestGate(
        EvalRows(test_seen.scaled(scaler), labels[1]), EvalRows(test_unseen.scaled(scaler), labels[2])
    )
    view = TrainView(
        features=train.scaled(scaler).apart(),
        labels=labels[0],
        semantics=dataset.semantics.take(ids),
        seen=np.searchsorted(ids, np.sort(seen)),
        unseen=np.searchsorted(ids, np.setdiff1d(ids, seen)),
        setting=setting[0],
        class_graph=None if dataset.graph is None else dataset.graph.take(ids),
    )
    return Task(view if setting[1] is None else _with_pool(view, gate, setting[1]), gate, scaler)


def _with_pool(view: TrainView, gate: TestGate, choice: PoolChoice) -> TrainView:
    """A view with the unlabelled rows behind a gate and what may be known of them."""
    rows = gate.unlabelled(choice.rows)
    shown = replace(view, unlabelled_features=rows, pool=choice.rows)
    if choice.prior == "estimated":
        return replace(shown, prior=ClassPrior("estimated", choice.rule, None))
    if choice.reads_labels:
        counts = np.bincount(gate.pool_labels(), minlength=len(view.semantics))
        return replace(shown, prior=ClassPrior("given", choice.rule, counts / counts.sum()))
    if choice.shares is not None:
        shares = stated_shares(choice.shares, view.semantics.class_names, shown.candidates)
        return replace(shown, prior=ClassPrior("given", choice.rule, shares))
    return shown
