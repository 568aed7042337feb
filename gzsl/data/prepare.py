"""From a dataset to what a method trains on and what an evaluator scores, for the test and for a fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gzsl.brief import brief
from gzsl.data.dataset import Dataset
from gzsl.data.features import FeatureRows
from gzsl.data.folds import Fold
from gzsl.data.preprocess import Scaler
from gzsl.data.shots import NO_SHOTS, ShotPlan, draw_shots
from gzsl.data.view import EvalRows, Shots, TestGate, TrainView
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


SPACE_KEEPING = ("none", "l2", "max")  # scalings that leave directions as they are
WITHOUT_ROWS = ("none", "l2")  # those that need no training rows


def final_task(
    dataset: Dataset,
    scaling: str = "none",
    setting: str = "inductive",
    *,
    shots: ShotPlan = NO_SHOTS,
    seed: int = 0,
) -> Task:
    """All trainval rows to fit on; the test rows behind the gate.

    In the transfer setting there is nothing to fit on: every class is unseen, and all test rows are of unseen classes.

    Parameters
    ----------
    dataset : Dataset
        With the class table to use.
    scaling : str
        What is done to features.
    setting : str
        ``inductive``, ``transductive`` or ``transfer``.
    shots : ShotPlan
        Labelled rows of unseen classes, which are drawn by ``seed`` and never scored.
    seed : int
        Of the draw.

    Raises
    ------
    ProtocolError
        For a dataset whose test rows were taken away, one without training rows in another setting than transfer, a
        scaling that needs training rows in transfer, and more shots than rows.
    """
    split = dataset.split
    if split.test_removed:
        raise ProtocolError(f"{dataset.name}: the test rows were asked for, but this dataset holds training rows only")
    ids = np.sort(np.concatenate([split.seen, split.unseen]))
    none = np.empty(0, dtype=np.int64)
    if setting == "transfer":
        if scaling not in WITHOUT_ROWS:
            raise ProtocolError(
                f"preprocess.features: found {scaling!r} in the transfer setting, which has no training rows to fit it "
                f"on, expected {' or '.join(WITHOUT_ROWS)}"
            )
        rows = _Rows(none, none, np.concatenate([split.test_seen, split.test_unseen]), split.trainval)
        return _task(dataset, scaling, setting, ids, none, rows, shots, seed)
    if split.transfer_only:
        raise ProtocolError(
            f"{dataset.name}: no class is seen and no row is for training, so only methods without training can use it "
            f"(setting: transfer), found setting {setting}"
        )
    rows = _Rows(split.trainval, split.test_seen, split.test_unseen, none)
    return _task(dataset, scaling, setting, ids, split.seen, rows, shots, seed)


def fold_task(
    dataset: Dataset,
    fold: Fold,
    scaling: str = "none",
    setting: str = "inductive",
    *,
    shots: ShotPlan = NO_SHOTS,
    seed: int = 0,
) -> Task:
    """The fold's training rows to fit on; its held-out rows behind the gate. No test row is in it.

    Shots of pseudo-unseen classes are drawn from their own rows, which leave those that are scored.
    """
    ids = np.sort(np.concatenate([fold.seen, fold.unseen]))
    rows = _Rows(fold.train, fold.val_seen, fold.val_unseen, np.empty(0, dtype=np.int64))
    return _task(dataset, scaling, setting, ids, fold.seen, rows, shots, seed)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows are for what; those of ``apart`` are neither trained on nor scored, so shots may come from them."""

    train: np.ndarray
    test_seen: np.ndarray
    test_unseen: np.ndarray
    apart: np.ndarray


def _task(
    dataset: Dataset,
    scaling: str,
    setting: str,
    ids: np.ndarray,
    seen: np.ndarray,
    rows: _Rows,
    plan: ShotPlan,
    seed: int,
) -> Task:
    unseen, scored, shown = np.setdiff1d(ids, seen), rows.test_unseen, np.empty(0, dtype=np.int64)
    if plan.asked:
        pool = np.concatenate([dataset.split.pool, rows.apart])
        shown, scored = draw_shots(plan, dataset.labels, unseen, dataset.class_names, pool, scored, seed)
    chosen = (rows.train, rows.test_seen, scored, shown)
    train, test_seen, test_unseen, few = (FeatureRows(dataset.features, r) for r in chosen)
    labels = [np.searchsorted(ids, dataset.labels[r]) for r in chosen]
    scaler = Scaler.fit(scaling, train)
    semantics = dataset.semantics.take(ids)
    if semantics.joint and scaling not in SPACE_KEEPING:
        semantics = replace(semantics, joint=False)
    view = TrainView(
        features=train.scaled(scaler).apart(),
        labels=labels[0],
        semantics=semantics,
        seen=np.searchsorted(ids, np.sort(seen)),
        unseen=np.searchsorted(ids, unseen),
        setting=setting,
        unlabelled_features=_unlabelled(test_unseen.scaled(scaler)) if setting == "transductive" else None,
        shots=Shots(few.scaled(scaler).apart(), labels[3]) if len(shown) else None,
    )
    gate = TestGate(
        EvalRows(test_seen.scaled(scaler), labels[1]), EvalRows(test_unseen.scaled(scaler), labels[2])
    )
    return Task(view, gate, scaler)


def _unlabelled(rows: FeatureRows) -> FeatureRows:
    """Test rows without labels, in an order of their content: in files they often stand class by class."""
    return rows.take(rows.content_order()).apart()
