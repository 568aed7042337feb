"""From a dataset to what a method trains on and what an evaluator scores, for the test and for a fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.brief import brief
from gzsl.data.dataset import Dataset
from gzsl.data.features import FeatureRows
from gzsl.data.folds import Fold
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


def final_task(dataset: Dataset, scaling: str = "none", setting: str = "inductive") -> Task:
    """All trainval rows to fit on; the test rows behind the gate.

    Raises
    ------
    ProtocolError
        For a dataset whose test rows were taken away.
    """
    split = dataset.split
    if split.test_removed:
        raise ProtocolError(f"{dataset.name}: the test rows were asked for, but this dataset holds training rows only")
    ids = np.sort(np.concatenate([split.seen, split.unseen]))
    return _task(dataset, scaling, setting, ids, split.seen, (split.trainval, split.test_seen, split.test_unseen))


def fold_task(dataset: Dataset, fold: Fold, scaling: str = "none", setting: str = "inductive") -> Task:
    """The fold's training rows to fit on; its held-out rows behind the gate. No test row is in it."""
    ids = np.sort(np.concatenate([fold.seen, fold.unseen]))
    return _task(dataset, scaling, setting, ids, fold.seen, (fold.train, fold.val_seen, fold.val_unseen))


def _task(
    dataset: Dataset,
    scaling: str,
    setting: str,
    ids: np.ndarray,
    seen: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Task:
    train, test_seen, test_unseen = (FeatureRows(dataset.features, r) for r in rows)
    labels = [np.searchsorted(ids, dataset.labels[r]) for r in rows]
    scaler = Scaler.fit(scaling, train)
    view = TrainView(
        features=train.scaled(scaler).apart(),
        labels=labels[0],
        semantics=dataset.semantics.take(ids),
        seen=np.searchsorted(ids, np.sort(seen)),
        unseen=np.searchsorted(ids, np.setdiff1d(ids, seen)),
        setting=setting,
        unlabelled_features=_unlabelled(test_unseen.scaled(scaler)) if setting == "transductive" else None,
        class_graph=None if dataset.graph is None else dataset.graph.take(ids),
    )
    gate = TestGate(
        EvalRows(test_seen.scaled(scaler), labels[1]), EvalRows(test_unseen.scaled(scaler), labels[2])
    )
    return Task(view, gate, scaler)


def _unlabelled(rows: FeatureRows) -> FeatureRows:
    """Test rows without labels, in an order of their content: in files they often stand class by class."""
    return rows.take(rows.content_order()).apart()
