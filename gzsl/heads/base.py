"""What every classifier head offers, and the registry of heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from gzsl.errors import MethodError
from gzsl.params import Configurable
from gzsl.registry import Registry

State = dict[str, Tensor]


@dataclass(frozen=True)
class HeadRows:
    """What a head learns from.

    Attributes
    ----------
    X : Tensor, shape (n, d)
        Features, real and synthetic.
    y : Tensor, shape (n,), int64
        Class of each row.
    n_classes : int
        Number of classes C.
    vectors : Tensor, shape (C, a), or None
        Class vectors.
    seen : Tensor, shape (C,), bool, or None
        Classes whose rows are real.
    unlabelled : Tensor, shape (m, d), or None
        Rows without labels, in the transductive setting.
    """

    X: Tensor
    y: Tensor
    n_classes: int
    vectors: Tensor | None = None
    seen: Tensor | None = None
    unlabelled: Tensor | None = None

    def need(self, name: str, head: str) -> Tensor:
        """A part that not every caller gives; without it the head cannot be fitted."""
        value: Tensor | None = getattr(self, name)
        if value is None:
            hint = {"unlabelled": "unlabelled rows (the transductive setting)", "vectors": "class vectors"}
            raise MethodError(f"head {head}: found no {name}, expected {hint.get(name, 'which classes are seen')}")
        return value


class Head(Configurable):
    """A classifier over feature rows, as hyper-parameters only.

    A head is itself a hyper-parameter of a generator, so it keeps nothing: `fit` returns what was learnt and
    `scores` takes it back. An author writes ``_fit`` (called without gradients, on checked rows) and
    `scores`. Classes are numbers 0 .. C-1, and rows may come in any order.
    """

    def fit(
        self,
        X: Tensor,
        y: Tensor,
        n_classes: int,
        *,
        rng: torch.Generator,
        vectors: Tensor | None = None,
        seen: Tensor | None = None,
        unlabelled: Tensor | None = None,
    ) -> State:
        """Learn from labelled rows.

        Parameters
        ----------
        X : Tensor, shape (n, d), floating point
            Features.
        y : Tensor, shape (n,), int64
            Class of each row; every class has at least one.
        n_classes : int
            Number of classes C.
        rng : torch.Generator
            The only source of randomness; it may live on the CPU or on the device of ``X``.
        vectors, seen, unlabelled : Tensor, optional
            What some heads need besides; see `HeadRows`.

        Returns
        -------
        dict of str to Tensor
            The state that `scores` needs, on the device and in the dtype of ``X``.

        Raises
        ------
        MethodError
            For a hyper-parameter out of range, a class without a row, a label out of range, shapes that do
            not fit, or features that are not finite.
        """
        self.check_parameters()
        _check_rows(type(self).__name__, X, y, n_classes)
        with torch.no_grad():
            return self._fit(HeadRows(X, y, n_classes, vectors, seen, unlabelled), rng)

    def scores(self, state: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Score every class for every row; higher is better.

        Parameters
        ----------
        state : mapping of str to Tensor
            What `fit` returned.
        X : Tensor, shape (n, d)
            Features.

        Returns
        -------
        Tensor, shape (n, C)
        """
        raise NotImplementedError

    def _fit(self, rows: HeadRows, rng: torch.Generator) -> State:
        raise NotImplementedError

    @classmethod
    def part_class(cls, name: str) -> type[Head]:
        """Class of the head called ``name``."""
        return get_head(name)


H = TypeVar("H", bound=type[Head])
_HEADS: Registry[type[Head]] = Registry("head", "gzsl.heads", MethodError)


def register_head(name: str) -> Callable[[H], H]:
    """Class decorator: put a head into the registry under ``name``."""
    return _HEADS.part(name)


def get_head(name: str) -> type[Head]:
    """Class of the head called ``name``; an unknown name is a `MethodError` with the nearest one."""
    return _HEADS.get(name)


def head_names() -> list[str]:
    """Ids of all registered heads, sorted."""
    return _HEADS.names()


def _check_rows(head: str, X: Tensor, y: Tensor, n_classes: int) -> None:
    if X.ndim != 2 or y.shape != X.shape[:1] or y.dtype != torch.int64 or n_classes < 1:
        raise MethodError(
            f"{head}: found features of shape {tuple(X.shape)}, {y.dtype} labels of shape {tuple(y.shape)} "
            f"and {n_classes} classes, expected (n, d), torch.int64 (n,) and at least one class"
        )
    if len(y) and (int(y.min()) < 0 or int(y.max()) >= n_classes):
        raise MethodError(
            f"{head}: found labels from {int(y.min())} to {int(y.max())}, expected 0 to {n_classes - 1}"
        )
    empty = (torch.bincount(y, minlength=n_classes) == 0).nonzero().flatten().tolist()
    if empty:
        raise MethodError(
            f"{head}: found no row of class {empty[0]}, expected at least one for each of {n_classes}"
        )
    if not bool(torch.isfinite(X.sum())):
        raise MethodError(f"{head}: found NaN or infinite features, expected finite ones")
