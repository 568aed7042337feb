"""Validation splits, cut from trainval only: pseudo-unseen classes and a hold-out of seen images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gzsl.brief import brief
from gzsl.data.dataset import Dataset
from gzsl.data.holdout import holdout_mask
from gzsl.errors import ProtocolError

MIN_TRAIN_CLASSES = 2


@dataclass(frozen=True, eq=False)
class Fold:
    """One class-wise validation fold.

    Attributes
    ----------
    name : str
        ``published-0`` or ``seeded-0``, ...
    train, val_seen, val_unseen : ndarray of int64
        Disjoint rows of the dataset, all inside trainval.
    seen, unseen : ndarray of int64
        Class ids that are trained on, and pseudo-unseen ones; both subsets of the seen classes.
    """

    name: str
    train: np.ndarray
    val_seen: np.ndarray
    val_unseen: np.ndarray
    seen: np.ndarray
    unseen: np.ndarray

    __repr__ = brief


def validation_folds(dataset: Dataset, n_folds: int = 3, holdout: float = 0.2, seed: int = 0) -> list[Fold]:
    """Cut class-wise folds from the training rows.

    Published folds are used where the split has them (further ones are never invented beside them);
    otherwise the seen classes are shuffled by ``seed`` and dealt into disjoint folds of about as many
    classes as there are unseen ones, so that the validation task resembles the test.

    Parameters
    ----------
    dataset : Dataset
        Only its trainval rows are used.
    n_folds : int
        How many folds at most.
    holdout : float
        Share of the images of every training class kept for ``val_seen``; classes with one image give none.
    seed : int
        Seed of the class shuffle and of the hold-out.

    Raises
    ------
    ProtocolError
        When there are too few seen classes to hold any out.
    """
    classes = _fold_classes(dataset, n_folds, seed)
    kind = "published" if dataset.split.validation_classes else "seeded"
    labels = dataset.labels[dataset.split.trainval]
    held_out = holdout_mask(labels, holdout, np.random.default_rng([seed, 1]))
    folds = []
    for k, unseen in enumerate(classes):
        in_unseen = np.isin(labels, unseen)
        rows = dataset.split.trainval
        folds.append(
            Fold(
                name=f"{kind}-{k}",
                train=rows[~in_unseen & ~held_out],
                val_seen=rows[~in_unseen & held_out],
                val_unseen=rows[in_unseen],
                seen=np.setdiff1d(dataset.split.seen, unseen),
                unseen=np.sort(unseen),
            )
        )
    return folds


def _fold_classes(dataset: Dataset, n_folds: int, seed: int) -> list[np.ndarray]:
    published = dataset.split.validation_classes
    if published:
        return list(published[:n_folds])
    seen = dataset.split.seen
    most = len(seen) - MIN_TRAIN_CLASSES
    size = min(len(dataset.split.unseen), max(1, len(seen) // 3), most)
    if size < 1:
        raise ProtocolError(
            f"{dataset.name}: validation needs at least {MIN_TRAIN_CLASSES + 1} seen classes, found {len(seen)}; "
            "use selection: last"
        )
    shuffled = np.random.default_rng([seed, 0]).permutation(seen)
    n_folds = min(n_folds, len(seen) // size)
    return [shuffled[k * size : (k + 1) * size] for k in range(n_folds)]
