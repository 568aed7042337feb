"""Maps from features to the space of class vectors, learnt on training rows of seen classes alone.

They give rows of unit length in that space, so that whatever compares rows with class vectors by their cosine runs on
features of any network and on class vectors of any kind.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gzsl.brief import brief
from gzsl.data.features import FeatureRows
from gzsl.data.posterior import PosteriorMap
from gzsl.semantics import Semantics
from gzsl.semantics.members import unit_rows

LEARNT = ("ridge", "contrastive", "cwcl")
ALIGNMENTS = ("none", *LEARNT, "conse")
RIDGES = tuple(10.0**k for k in range(-3, 4))  # times the mean eigenvalue of the centred Gram matrix
FOLDS, ROWS_A_CLASS = 3, 20  # classes are held out in three parts to choose the ridge, judged by so many rows of each
TEMPERATURE, PULL, STEPS = 0.07, 1.0, 30  # of the two losses; pull towards the ridge solution
KEPT = 8  # maps that a process remembers: the methods of a study ask for the same one, on a few folds


@dataclass(frozen=True, eq=False)
class ClassMap:
    """``x -> unit(x W + b)``, from rows (n, d) to the space of class vectors.

    Attributes
    ----------
    kind : str
        One of `LEARNT`.
    weights : ndarray, shape (d, a), float32
        W.
    offset : ndarray, shape (a,), float32
        b.
    """

    kind: str
    weights: np.ndarray
    offset: np.ndarray

    __repr__ = brief

    def __post_init__(self) -> None:
        for name in ("weights", "offset"):
            array = np.array(getattr(self, name), dtype=np.float32)
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def width(self) -> int:
        """How many numbers a mapped row has."""
        return len(self.offset)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything it consists of, by name."""
        return {"weights": self.weights, "offset": self.offset}

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Rows (n, d), or (n, R, d) with regions, in the space of class vectors."""
        found = X @ self.weights + self.offset
        norms = np.linalg.norm(found, axis=-1, keepdims=True)
        return np.asarray(found / np.where(norms > 0, norms, 1), dtype=np.float32)


SpaceMap = ClassMap | PosteriorMap


def map_of(kind: str, arrays: Mapping[str, np.ndarray]) -> SpaceMap:
    """The map of a kind that gave these arrays."""
    if kind == "conse":
        return PosteriorMap(arrays["weights"], arrays["offset"], arrays["vectors"])
    return ClassMap(kind, arrays["weights"], arrays["offset"])


def fit_map(kind: str, rows: FeatureRows, labels: np.ndarray, semantics: Semantics) -> ClassMap:
    """Learn a map on training rows.

    ``ridge``: least squares with an offset from rows to the vectors of their classes, ``W = (X'X + l I)^-1 X'T`` for
    centred X and T; ``l`` is a multiple of the mean eigenvalue of X'X, the one with which classes that are held out of
    the fit (three parts of the seen classes) are told apart best. ``contrastive``: the ridge solution, followed by a
    square map of the class-vector space that starts at the identity and minimises the mean of two cross entropies of
    cosines over 0.07: of a row over seen classes, and of a class over rows; its squared distance to the identity is
    added. ``cwcl``: the same where a row counts for every class by how alike the classes are, as in continuously
    weighted contrastive learning.

    Parameters
    ----------
    kind : str
        One of `LEARNT`.
    rows : FeatureRows, shape (n, d)
        Scaled training rows.
    labels : ndarray, shape (n,), int64
        Row of each one's class in ``semantics``; every class has one.
    semantics : Semantics
        Vectors of the seen classes.

    Notes
    -----
    Text-to-concept (Moayeri et al., ICML 2023) fits the same affine map by gradient descent between two networks'
    features of the same pictures; here the vectors of their classes stand on the other side, in closed form. The
    weights of ``cwcl`` are ``(1 + cos) / 2`` of class vectors around their mean: without centring, sentence vectors of
    classes are so alike that the weights are nearly equal. Its other direction is the plain cross entropy, as far as
    the paper is remembered. A process keeps its last maps and gives them back for the same rows, classes and vectors.
    """
    key = _content(kind, rows, labels, semantics)
    if key not in _RECENT:
        _RECENT[key] = _fitted(kind, rows, labels, semantics)
        while len(_RECENT) > KEPT:
            _RECENT.popitem(last=False)
    return _RECENT[key]


_RECENT: OrderedDict[str, ClassMap] = OrderedDict()


def _content(kind: str, rows: FeatureRows, labels: np.ndarray, semantics: Semantics) -> str:
    """Digest of everything that a map is learnt from."""
    found = hashlib.sha256(repr((kind, RIDGES, rows.shape, semantics.class_names)).encode())
    for array in (labels, semantics.table, *(block for _, block in rows.blocks())):
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def _fitted(kind: str, rows: FeatureRows, labels: np.ndarray, semantics: Semantics) -> ClassMap:
    table = semantics.table.astype(np.float64)
    parts = np.argsort(np.argsort(np.array(semantics.class_names))) % FOLDS  # by name, whatever the order of classes
    moments = _Moments.of(rows, labels, table, parts)
    ridge = _best_ridge(moments, rows, labels, table, parts)
    weights, offset = _solved(moments.total(), (ridge,))[0]
    if kind != "ridge":
        square, shift = _refined(kind, rows, labels, table, weights, offset)
        weights, offset = weights @ square, offset @ square + shift
    return ClassMap(kind, weights, offset)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Counts, sums and products of rows and their classes' vectors, by part of the classes: (K,), (K, d), ..."""

    count: np.ndarray
    x: np.ndarray
    t: np.ndarray
    xx: np.ndarray
    xt: np.ndarray

    @classmethod
    def of(cls, rows: FeatureRows, labels: np.ndarray, table: np.ndarray, parts: np.ndarray) -> _Moments:
        d, a = rows.shape[-1], table.shape[1]
        found = cls(*(np.zeros((FOLDS, *shape)) for shape in ((), (d,), (a,), (d, d), (d, a))))
        for values, classes in _flat(rows, labels):
            for k in range(FOLDS):
                chosen = parts[classes] == k
                X, T = values[chosen], table[classes[chosen]]
                found.count[k] += len(X)
                found.x[k] += X.sum(axis=0)
                found.t[k] += T.sum(axis=0)
                found.xx[k] += X.T @ X
                found.xt[k] += X.T @ T
        return found

    def total(self, but: int | None = None) -> tuple[np.ndarray, ...]:
        """Sums over all parts but one."""
        kept = [k for k in range(FOLDS) if k != but]
        return tuple(values[kept].sum(axis=0) for values in (self.count, self.x, self.t, self.xx, self.xt))


def _flat(rows: FeatureRows, labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of rows (m, d) in float64 with their classes; every region of a row counts as a row."""
    for where, block in rows.blocks():
        regions = 1 if block.ndim == 2 else block.shape[1]
        yield block.reshape(-1, block.shape[-1]).astype(np.float64), np.repeat(labels[where], regions)


def _solved(moments: tuple[np.ndarray, ...], ridges: tuple[float, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights and offset for each ridge, from one eigendecomposition."""
    count, x, t, xx, xt = moments
    mean_x, mean_t = x / count, t / count
    values, vectors = np.linalg.eigh(xx - count * np.outer(mean_x, mean_x))
    values = np.maximum(values, 0)
    target = vectors.T @ (xt - count * np.outer(mean_x, mean_t))
    unit = values.mean() if values.mean() > 0 else 1.0
    found = [vectors @ (target / (values + ridge * unit)[:, None]) for ridge in ridges]
    return [(weights, mean_t - mean_x @ weights) for weights in found]


def _best_ridge(
    moments: _Moments, rows: FeatureRows, labels: np.ndarray, table: np.ndarray, parts: np.ndarray
) -> float:
    """The ridge with which held-out classes are told apart best; 1 where there are too few classes to hold any out."""
    if len(table) < 2 * FOLDS or not (moments.count > 0).all():
        return 1.0
    right = np.zeros((len(RIDGES), len(table)))
    X, y = _few_rows(rows, labels)
    for k in range(FOLDS):
        classes = np.flatnonzero(parts == k)
        unit = unit_rows(table[classes])
        chosen = parts[y] == k
        own = np.searchsorted(classes, y[chosen])
        for place, (weights, offset) in enumerate(_solved(moments.total(but=k), RIDGES)):
            found = ((X[chosen] @ weights + offset) @ unit.T).argmax(axis=1) == own
            right[place, classes] = np.bincount(own, found, minlength=len(classes)) / np.bincount(own)
    mean = right.mean(axis=1)
    return RIDGES[int(np.flatnonzero(mean == mean.max())[-1])]  # of equal ones the largest


def _few_rows(rows: FeatureRows, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most twenty rows of each class, pooled where they have regions, and their classes."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    kept = np.sort(order[np.arange(len(order)) - starts < ROWS_A_CLASS])
    return rows.pooled.take(kept).to_array().astype(np.float64), labels[kept]


def _refined(
    kind: str, rows: FeatureRows, labels: np.ndarray, table: np.ndarray, weights: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A square map (a, a) and a shift (a,) of the class-vector space that lower the contrastive loss."""
    mapped = [block @ weights + offset for _, block in rows.pooled.blocks()]
    loss = ContrastiveLoss.of(kind, np.concatenate(mapped).astype(np.float64), labels, table)
    a = table.shape[1]
    start = np.concatenate([np.eye(a).ravel(), np.zeros(a)])
    options = {"maxiter": STEPS, "maxcor": 5}
    from scipy.optimize import minimize  # here: loading arrays does not need it

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return found[: a * a].reshape(a, a), found[a * a :]


@dataclass(frozen=True, eq=False)
class ContrastiveLoss:
    """Mean of the cross entropy of rows over classes and of classes over rows, with its gradient.

    Attributes
    ----------
    rows : ndarray, shape (n, a), float64
        What is mapped.
    classes : ndarray, shape (C, a), float64
        Class vectors of unit length.
    share : ndarray, shape (n, C)
        How much each row counts for each class; rows add up to 1.
    part : ndarray, shape (n, C)
        How much each class counts for each row; columns add up to 1.
    """

    rows: np.ndarray
    classes: np.ndarray
    share: np.ndarray
    part: np.ndarray

    @classmethod
    def of(cls, kind: str, rows: np.ndarray, labels: np.ndarray, table: np.ndarray) -> ContrastiveLoss:
        """``contrastive``: a row counts for its own class alone; ``cwcl``: for others too, as they are alike."""
        own = np.eye(len(table))
        alike = own
        if kind == "cwcl":
            centred = unit_rows(table - table.mean(axis=0))
            alike = (1 + centred @ centred.T) / 2
        part = own[labels] / np.bincount(labels, minlength=len(table))
        return cls(rows, unit_rows(table), (alike / alike.sum(axis=1, keepdims=True))[labels], part)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient at a square map and a shift, flat, shape (a * a + a,)."""
        a = self.rows.shape[1]
        square, shift = parameters[: a * a].reshape(a, a), parameters[a * a :]
        mapped = self.rows @ square + shift
        norms = np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-12)
        unit = mapped / norms
        logits = unit @ self.classes.T / TEMPERATURE
        of_rows, row_slope = _cross_entropy(logits, self.share)
        of_classes, class_slope = _cross_entropy(logits.T, self.part.T)
        slope = (row_slope + class_slope.T) / 2 @ self.classes / TEMPERATURE
        slope = (slope - (slope * unit).sum(axis=1, keepdims=True) * unit) / norms
        away = square - np.eye(a)
        loss = (of_rows + of_classes) / 2 + PULL / 2 * (away**2).sum() / a
        return float(loss), np.concatenate([(self.rows.T @ slope + PULL * away / a).ravel(), slope.sum(axis=0)])


def _cross_entropy(logits: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean cross entropy of rows of logits, and its gradient by them."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    loss = (np.log(sums[:, 0]) - (target * shifted).sum(axis=1)).mean()
    return float(loss), (exponentials / sums - target) / len(logits)
