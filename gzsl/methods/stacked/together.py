"""Several fits at once: those that agree in shapes are trained as one model, the others one after the other."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence

from sklearn.base import clone

from gzsl.data.view import TrainView
from gzsl.errors import GzslError
from gzsl.files import value_hash
from gzsl.methods.base import Method
from gzsl.methods.stacked.fits import Fit, Outcome, can_stack, may_differ, pays
from gzsl.params import plain


def fit_seeds(
    method: Method, view: TrainView, seeds: Sequence[int], *, device: str = "cpu", stack: bool | None = None
) -> list[Method]:
    """Fit one copy of a method a seed, together where that is possible and faster.

    Parameters
    ----------
    method : Method
        Hyper-parameters; not fitted itself.
    view : TrainView
        As in `Method.fit`.
    seeds : sequence of int
        One a copy.
    device : str
        ``cpu`` or ``cuda``.
    stack : bool, optional
        As in `fit_together`.

    Returns
    -------
    list of Method
        Fitted, in the order of the seeds.
    """
    fits = [Fit(clone(method), view, seed, device) for seed in seeds]
    for outcome in fit_together(fits, stack=stack):
        if outcome.error is not None:
            raise outcome.error
    return [fit.method for fit in fits]


def fit_together(fits: Sequence[Fit], *, stack: bool | None = None) -> list[Outcome]:
    """Fit methods in place; each ends as it would alone but for the rounding of products.

    Parameters
    ----------
    fits : sequence of Fit
        Any methods, views, seeds and devices.
    stack : bool, optional
        Whether fits that can be trained as one model are; where it is faster (`pays`) when None.

    Returns
    -------
    list of Outcome
        In the order of ``fits``.
    """
    groups: dict[Hashable, list[Fit]] = {}
    for fit in fits:
        groups.setdefault(_shapes(fit) if stack is not False else id(fit), []).append(fit)
    outcomes: dict[int, Outcome] = {}
    for group in groups.values():
        if all(fit.done for fit in group):
            outcomes.update((id(fit), Outcome(None, 0.0)) for fit in group)
            continue
        together = len(group) > 1 and (stack or _pays(group[0]))
        found = _as_one(group) if together else map(_alone, group)
        outcomes.update((id(fit), outcome) for fit, outcome in zip(group, found, strict=True))
    return [outcomes[id(fit)] for fit in fits]


def _pays(fit: Fit) -> bool:
    return can_stack(fit.method) and pays(fit.method, fit.view.n_features, fit.device)


def _shapes(fit: Fit) -> Hashable:
    """What fits of one stack have in common; nothing else has it when the method cannot be stacked."""
    method, view = fit.method, fit.view
    if not can_stack(method) or view.shots is not None:
        return id(fit)
    settings = {
        name: bool(value) if may_differ(name) else value for name, value in plain(method).items() if name != "n_epochs"
    }
    sizes: tuple[int, ...] = (view.n_features, view.semantics.n_attributes, len(view.seen), len(view.unseen))
    from gzsl.methods.iterative import IterativeMethod  # brings torch, which closed forms do without

    if isinstance(method, IterativeMethod) and type(method).on_epoch_end is not IterativeMethod.on_epoch_end:
        sizes += (len(view.labels),)  # epochs change the update, and have to end together
    return type(method), value_hash(settings), view.setting, fit.device, sizes


def _as_one(group: Sequence[Fit]) -> list[Outcome]:
    from gzsl.methods.stacked.members import fit_stacked  # brings torch

    return fit_stacked(group)


def _alone(fit: Fit) -> Outcome:
    began, failed = time.perf_counter(), None
    if fit.done:
        return Outcome(None, 0.0)
    try:
        fit.method.fit(fit.view, seed=fit.seed, device=fit.device, monitor=fit.monitor)
    except GzslError as error:
        failed = error
    return Outcome(failed, time.perf_counter() - began)
