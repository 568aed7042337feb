"""From a dataset to what a method trains on and what an evaluator scores, for the test and for a fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gzsl.brief import brief
from gzsl.data.alignment import fit_map
from gzsl.data.dataset import Dataset
from gzsl.data.folds import Fold
from gzsl.data.pool import ClassPrior, PoolChoice, stated_shares
from gzsl.data.preprocess import Scaler
from gzsl.data.shots import NO_SHOTS, ShotPlan, draw_shots
from gzsl.data.view import EvalRows, Shots, TestGate, TrainView
from gzsl.errors import ProtocolError
from gzsl.semantics import Semantics


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
    pool_reads : int
        How often the gate was opened for what the view shows of unlabelled rows.
    """

    view: TrainView
    gate: TestGate
    scaler: Scaler
    pool_reads: int = 0

    __repr__ = brief


SPACE_KEEPING = ("none", "l2", "max")  # scalings that leave directions as they are
WITHOUT_ROWS = ("none", "l2")  # those that need no training rows
NO_ROWS = np.empty(0, dtype=np.int64)


def final_task(
    dataset: Dataset,
    scaling: str = "none",
    setting: str = "inductive",
    pool: PoolChoice | None = None,
    *,
    shots: ShotPlan = NO_SHOTS,
    seed: int = 0,
    regions: bool = False,
    align: str = "none",
) -> Task:
    """All trainval rows to fit on; the test rows behind the gate.

    In the transductive setting the view has unlabelled test rows too, as ``pool`` says (`PoolChoice()` when None);
    reading them opens the gate once, and counting the true prior in their labels once more. In the transfer setting
    there is nothing to fit on: every class is unseen, and all test rows are of unseen classes.

    Parameters
    ----------
    dataset : Dataset
        With the class table to use.
    scaling : str
        What is done to features.
    setting : str
        ``inductive``, ``transductive`` or ``transfer``.
    pool : PoolChoice, optional
        Which unlabelled rows a view of the transductive setting has.
    shots : ShotPlan
        Labelled rows of unseen classes, which are drawn by ``seed`` and never scored.
    seed : int
        Of the draw.
    regions : bool
        Give rows with their regions (n, R, d), where the dataset has any: for methods of which
        `gzsl.methods.card.MethodCard.regions` says so.
    align : str
        How a map from features to the space of class vectors is learnt on the training rows, see
        `gzsl.data.alignment`; with one, both are in one space.

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
    how = _How.of(scaling, setting, pool, shots, seed, regions, align)
    if setting == "transfer":
        tested = np.concatenate([split.test_seen, split.test_unseen])
        return _task(dataset, how, ids, NO_ROWS, _Rows(NO_ROWS, NO_ROWS, tested, split.trainval))
    if split.transfer_only:
        raise ProtocolError(
            f"{dataset.name}: no class is seen and no row is for training, so only methods without training can use it "
            f"(setting: transfer), found setting {setting}"
        )
    return _task(dataset, how, ids, split.seen, _Rows(split.trainval, split.test_seen, split.test_unseen, NO_ROWS))


def fold_task(
    dataset: Dataset,
    fold: Fold,
    scaling: str = "none",
    setting: str = "inductive",
    pool: PoolChoice | None = None,
    *,
    shots: ShotPlan = NO_SHOTS,
    seed: int = 0,
    regions: bool = False,
    align: str = "none",
) -> Task:
    """The fold's training rows to fit on; its held-out rows behind the gate. No test row is in it.

    In the transductive setting the fold's held-out rows, of pseudo-unseen or of all classes, are the unlabelled ones.
    A stated prior names other classes than the fold has, so that the fold counts the true one of its own rows. Shots
    of pseudo-unseen classes are drawn from their own rows, which leave those that are scored.
    """
    if pool is not None and pool.shares is not None:
        pool = PoolChoice(pool.rows, pool.prior, pool.rule)
    ids = np.sort(np.concatenate([fold.seen, fold.unseen]))
    how = _How.of(scaling, setting, pool, shots, seed, regions, align)
    return _task(dataset, how, ids, fold.seen, _Rows(fold.train, fold.val_seen, fold.val_unseen, NO_ROWS))


@dataclass(frozen=True)
class _How:
    """How rows are prepared and what a view may show besides training rows."""

    scaling: str
    setting: str
    pool: PoolChoice | None
    shots: ShotPlan
    seed: int
    regions: bool
    align: str

    @classmethod
    def of(
        cls, scaling: str, setting: str, pool: PoolChoice | None, shots: ShotPlan, seed: int, regions: bool, align: str
    ) -> _How:
        if setting != "transductive" and pool is not None:
            raise ProtocolError(f"pool: found {pool.rows!r} in the {setting} setting, expected none")
        if setting == "transfer" and scaling not in WITHOUT_ROWS:
            raise ProtocolError(
                f"preprocess.features: found {scaling!r} in the transfer setting, which has no training rows to fit it "
                f"on, expected {' or '.join(WITHOUT_ROWS)}"
            )
        shown = (pool or PoolChoice()) if setting == "transductive" else None
        return cls(scaling, setting, shown, shots, seed, regions, align)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows are for what; those of ``apart`` are neither trained on nor scored, so shots may come from them."""

    train: np.ndarray
    test_seen: np.ndarray
    test_unseen: np.ndarray
    apart: np.ndarray


def _task(dataset: Dataset, how: _How, ids: np.ndarray, seen: np.ndarray, rows: _Rows) -> Task:
    unseen, scored, shown = np.setdiff1d(ids, seen), rows.test_unseen, NO_ROWS
    if how.shots.asked:
        reserve = np.concatenate([dataset.split.reserve, rows.apart])
        shown, scored = draw_shots(how.shots, dataset.labels, unseen, dataset.class_names, reserve, scored, how.seed)
    chosen = (rows.train, rows.test_seen, scored, shown)
    train, test_seen, test_unseen, few = (dataset.rows(r, how.regions) for r in chosen)
    labels = [np.searchsorted(ids, dataset.labels[r]) for r in chosen]
    scaler = Scaler.fit(how.scaling, train)
    semantics = dataset.semantics.take(ids)
    if how.align != "none" and not len(train):
        raise ProtocolError(
            f"preprocess.align: found {how.align!r} without training rows, from which it is learnt, expected none"
        )
    if how.align != "none":
        found = fit_map(how.align, train.scaled(scaler), *_of_seen(labels[0], semantics))
        scaler, semantics = replace(scaler, align=found), replace(semantics, joint=True)
    elif semantics.joint and how.scaling not in SPACE_KEEPING:
        semantics = replace(semantics, joint=False)
    gate = TestGate(
        EvalRows(test_seen.scaled(scaler), labels[1]), EvalRows(test_unseen.scaled(scaler), labels[2])
    )
    view = TrainView(
        features=train.scaled(scaler).apart(),
        labels=labels[0],
        semantics=semantics,
        seen=np.searchsorted(ids, np.sort(seen)),
        unseen=np.searchsorted(ids, unseen),
        setting=how.setting,
        class_graph=None if dataset.graph is None else dataset.graph.take(ids),
        shots=Shots(few.scaled(scaler).apart(), labels[3]) if len(shown) else None,
    )
    pooled = view if how.pool is None else _with_pool(view, gate, how.pool)
    return Task(pooled, gate, scaler, gate.reads)


def _of_seen(labels: np.ndarray, semantics: Semantics) -> tuple[np.ndarray, Semantics]:
    """Labels among the classes that have training rows, and their table: all that a map may see."""
    seen, positions = np.unique(labels, return_inverse=True)
    return positions, semantics.take(seen)


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
