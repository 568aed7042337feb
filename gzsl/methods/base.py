"""The contract of every method, ``fit(view)``, then ``scores(X, semantics)``, and of what listens to a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from gzsl.data.needs import refuse_unmet
from gzsl.data.pooled import pooled_view
from gzsl.data.view import TrainView
from gzsl.errors import MethodError
from gzsl.methods.card import MethodCard
from gzsl.methods.checks import best_names, checked_features, refuse_non_finite, warn_of_faults
from gzsl.methods.members import refuse_without_members, store_members, stored_members
from gzsl.methods.monitor import Monitor
from gzsl.params import Configurable
from gzsl.registry import Registry
from gzsl.semantics import Semantics


@dataclass(frozen=True)
class FitContext:
    """How a fit was asked for: not a hyper-parameter, not part of the fitted state."""

    seed: int = 0
    device: str = "cpu"
    monitor: Monitor = Monitor()


class Method(Configurable):
    """A zero-shot method: hyper-parameters in the constructor, everything learnt in attributes ending in ``_``.

    A subclass declares its hyper-parameters with `gzsl.params.param`, is decorated with
    `gzsl.methods.register`, and writes ``_fit(view)`` and ``_scores(X, semantics)``. Both get classes in
    the order of their names, whatever order the user's table has, so results do not depend on class order.

    Attributes
    ----------
    classes_ : tuple of str
        Names of all classes that were known at fit, in canonical order.
    seen_classes_, unseen_classes_ : tuple of str
        Names of those with and without training images.
    n_features_, n_attributes_ : int
        Sizes ``d`` and ``a``.
    n_regions_ : int
        Regions ``R`` a row, of a method that needs them.
    class_vectors_ : ndarray, shape (C, a), float32
        Vectors of ``classes_``, as they were at fit.
    """

    card: ClassVar[MethodCard]
    iterative: ClassVar[bool] = False
    stackable: ClassVar[bool] = False  # whether several fits may train as one model; subclasses do not inherit it
    refits_for_new_classes: ClassVar[bool] = False  # whether `prepare` trains a classifier for a table it does not know
    takes_shots: ClassVar[bool] = False  # whether a few labelled rows of unseen classes are used where there are some
    _context: ClassVar[FitContext] = FitContext()

    @classmethod
    def part_class(cls, name: str) -> type[Configurable]:
        """Class of the method called ``name``."""
        return METHODS.get(name)

    @classmethod
    def few_shot(cls) -> bool:
        """Whether the method learns from a few labelled rows of unseen classes, where a view has some."""
        return cls.takes_shots or "shots" in cls.card.needs

    def fit(
        self, view: TrainView, *, seed: int = 0, device: str = "cpu", monitor: Monitor | None = None
    ) -> Self:
        """Learn from what the view shows.

        Parameters
        ----------
        view : TrainView
            Seen features and labels, class semantics; never test labels.
        seed : int
            Seed of everything random in the fit.
        device : str
            ``cpu`` or ``cuda``; closed-form methods always use the CPU.
        monitor : Monitor, optional
            Gets progress and checkpoints.

        Returns
        -------
        self

        Raises
        ------
        MethodError
            For hyper-parameters out of range, non-finite features or a setting the method does not support.
        """
        with self._fitting(view, FitContext(seed, device, monitor or Monitor())) as shown:
            self._fit(shown)
        return self

    @contextmanager
    def _fitting(self, view: TrainView, context: FitContext) -> Iterator[TrainView]:
        """Check what a fit is given; nothing half-learnt is left behind when the block fails."""
        view = self._begin(view, context)
        warn_of_faults(view, stacklevel=5)
        try:
            refuse_non_finite(view, self.card.id)
            yield view
        except BaseException:
            self._forget()
            raise
        finally:
            del self._context

    def fit_grid(
        self, view: TrainView, candidates: Iterable[Mapping[str, Any]], *, seed: int = 0, device: str = "cpu"
    ) -> Iterator[tuple[dict[str, Any], Self]]:
        """Fit one copy of this method a candidate, lazily and in order.

        Methods that can share work between candidates override ``_fit_grid``.

        Parameters
        ----------
        view : TrainView
            As in `fit`.
        candidates : iterable of mapping
            Hyper-parameters to change.
        seed, device
            As in `fit`.

        Yields
        ------
        (candidate, fitted copy)
        """
        chosen = [dict(candidate) for candidate in candidates]
        copies = [clone(self).set_params(**candidate) for candidate in chosen]
        shown = view
        for copy in copies:
            shown = copy._begin(view, FitContext(seed, device))
        warn_of_faults(shown)
        refuse_non_finite(shown, self.card.id)  # one pass over the features for all candidates
        yield from zip(chosen, self._fit_grid(shown, copies), strict=True)

    def scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Score rows against the classes of a table.

        Parameters
        ----------
        X : ndarray, shape (n, d) or (n, R, d), float32
            Features, preprocessed as those of the view; only a method that needs regions keeps them apart.
        semantics : Semantics
            Class table; classes need not have been known at fit.

        Returns
        -------
        ndarray, shape (n, C), float32
            Column ``c`` belongs to row ``c`` of the table; higher is better.

        Raises
        ------
        MethodError
            When not fitted, for wrong dimensions and for NaN or infinite features.
        """
        self._check_fitted()
        X = self._checked_features(X)
        self._check_semantics(semantics)
        table, order = semantics.canonical()
        found = np.asarray(self._scores(X, table), dtype=np.float32)
        return found if table is semantics else found.take(np.argsort(order), axis=1)

    def predict(self, X: np.ndarray, semantics: Semantics | None = None) -> np.ndarray:
        """Name of the best class of each row, by the scores as they are (see `gzsl.calibration` for more).

        Parameters
        ----------
        X : ndarray, shape (n, d)
            Features, preprocessed as those of the view (``task.scaler.transform``).
        semantics : Semantics, optional
            Candidate classes, e.g. ``view.unseen_semantics``; those that were known at fit when None.

        Returns
        -------
        ndarray of str, shape (n,)
            Of equal scores an unseen class wins.

        Raises
        ------
        MethodError
            See `scores`.
        """
        self._check_fitted()
        table = self.fitted_semantics if semantics is None else semantics
        scores = self.prepare(table).scores(X, table)
        return best_names(scores, table.class_names, set(self.seen_classes_))

    @property
    def fitted_semantics(self) -> Semantics:
        """Table of all classes that were known at fit, in the order of ``classes_``."""
        self._check_fitted()
        return Semantics(
            self.class_vectors_, self.classes_, self.semantics_name_, self.normalisation_,
            members=stored_members(self), joint="joint" in self.card.needs,
        )  # fmt: skip

    def attribute_evidence(self, X: np.ndarray) -> np.ndarray | None:
        """What rows (n, d) say of every attribute, (n, a): a class gains by its product with the class's vector.

        None for a method that does not go through attribute space.
        """
        return None

    def attention(self, X: np.ndarray) -> np.ndarray | None:
        """Where rows (n, R, d) show every attribute, (n, a, R): sums over regions are 1; None where it is not told."""
        return None

    def prepare(self, semantics: Semantics) -> Self:
        """Get ready to score a class table that `fit` did not know; only generators have work to do here."""
        self._check_fitted()
        self._check_semantics(semantics)
        self._prepare(semantics.canonical()[0])
        return self

    def prepare_scoring(self) -> Self:
        """Make the present state of an unfinished fit ready for `scores`; `fit` ends with it by itself."""
        return self

    def fitted_arrays(self) -> dict[str, np.ndarray]:
        """Every learnt array by name: what a saved method consists of besides its sizes and names."""
        return {
            name: value for name, value in vars(self).items() if name.endswith("_") and isinstance(value, np.ndarray)
        }

    def restore_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take back what `fitted_arrays` gave."""
        for name, value in arrays.items():
            setattr(self, name, value)

    def _fit(self, view: TrainView) -> None:
        raise NotImplementedError

    def _fit_grid(self, view: TrainView, copies: list[Self]) -> Iterator[Self]:
        for copy in copies:
            copy._fit(view)
            yield copy

    def _scores(self, X: np.ndarray, semantics: Semantics) -> np.ndarray:
        raise NotImplementedError

    def _prepare(self, semantics: Semantics) -> None:
        """Do what scoring this (canonically ordered) table needs; nothing by default."""

    def _begin(self, view: TrainView, context: FitContext) -> TrainView:
        self.check_parameters()
        if view.setting not in self.card.settings:
            raise MethodError(
                f"{self.card.id}: found the {view.setting} setting, expected {' or '.join(self.card.settings)}"
            )
        refuse_unmet(view, self.card.needs, self.card.id)
        if view.shots is not None and not self.few_shot():
            raise MethodError(f"{self.card.id}: found shots of unseen classes, which it would not use, expected none")
        self._forget()
        view = (view if self.card.regions else pooled_view(view)).canonical()
        names = view.semantics.class_names
        self.classes_ = names
        self.seen_classes_ = tuple(names[i] for i in view.seen)
        self.unseen_classes_ = tuple(names[i] for i in view.unseen)
        self.n_features_ = view.n_features
        if self.card.regions:
            self.n_regions_ = view.features.shape[1]
        self.n_attributes_ = view.semantics.n_attributes
        self.class_vectors_ = view.semantics.table
        store_members(self, view.semantics)
        self.semantics_name_, self.normalisation_ = view.semantics.name, view.semantics.normalisation
        self._context = context  # type: ignore[misc]
        return view

    def _forget(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise MethodError(f"{self.card.id}: scores were asked for before fit")

    def _checked_features(self, X: np.ndarray) -> np.ndarray:
        return checked_features(X, self.n_features_, self.card.id, self.n_regions_ if self.card.regions else None)

    def _check_semantics(self, semantics: Semantics) -> None:
        if semantics.n_attributes != self.n_attributes_:
            raise MethodError(
                f"{self.card.id}: semantics {semantics.name!r}: found {semantics.n_attributes} columns, "
                f"expected {self.n_attributes_}"
            )
        refuse_without_members(semantics, self.card.needs, self.card.id)


METHODS: Registry[type[Method]] = Registry("method", "gzsl.methods", MethodError)
