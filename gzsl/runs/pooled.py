"""Wrappers around inductive methods in a run, and what is told of pseudo-labels when all is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gzsl.data import Dataset, Task, TrainView
from gzsl.data.pool import PoolChoice, stated_shares
from gzsl.errors import RecipeError
from gzsl.evaluation import evaluate
from gzsl.methods import Method, get_method, method_names
from gzsl.methods.card import MethodCard
from gzsl.runs.sections import PoolSection

MANY = 20  # methods that a sentence does not name one by one


def check_setting(setting: str, wrapper: Mapping[str, Any] | None, card: MethodCard) -> None:
    """Refuse a method in a setting that it does not support, and a wrapper around one that needs none.

    Raises
    ------
    RecipeError
        Naming the methods that do, and the wrappers.
    """
    if wrapper is not None:
        from gzsl.transduction import make_wrapper

        make_wrapper(wrapper)
        if "inductive" not in card.settings:
            raise RecipeError(
                f"transductive: found a wrapper around {card.id}, expected none: the method sees unlabelled rows itself"
            )
    elif setting not in card.settings:
        able = [name for name in method_names() if setting in get_method(name).card.settings]
        hint = ""
        if setting == "transductive":
            from gzsl.transduction import wrapper_names

            hint = f"; or put a wrapper around it, such as transductive: {{name: {wrapper_names()[0]}}}"
        raise RecipeError(
            f"setting: found {setting!r}, but {card.id} supports {' and '.join(card.settings)} "
            f"alone; {_listed(able, setting)}{hint}"
        )


def _listed(names: list[str], setting: str) -> str:
    if len(names) > MANY:
        return f"{len(names)} methods support {setting}: gzsl methods lists them"
    return f"methods that support {setting}: {', '.join(names) or 'none'}"


def check_pool(choice: PoolChoice | None, dataset: Dataset) -> None:
    """Refuse stated shares that a dataset's pool cannot have, before anything is fitted.

    Raises
    ------
    ProtocolError
        For classes that no unlabelled row can be of, shares that are no numbers or do not sum to 1.
    """
    if choice is not None and choice.shares is not None:
        split = dataset.split
        candidates = split.unseen if choice.rows == "unseen" else np.sort(np.concatenate([split.seen, split.unseen]))
        stated_shares(choice.shares, dataset.class_names, candidates)


def shown_to(recipe: PoolSection, view: TrainView) -> TrainView:
    """What the recipe's method is fitted on: inside a wrapper it does not see the pool."""
    return view if recipe.transductive is None else view.without_pool()


def completed(recipe: PoolSection, method: Method, view: TrainView, *, seed: int, device: str = "cpu") -> Method:
    """A fitted method with the recipe's wrapper around it; the method itself where there is none."""
    wrapper = recipe.build_wrapper()
    if wrapper is None:
        return method
    from gzsl.methods.transductive.transduced import Transduced

    return Transduced.around(method, wrapper, view, seed=seed, device=device)


def beside(inner: Method, method: Method, task: Task) -> dict[str, Any]:
    """What is told beside the numbers of a run: those without the wrapper, and how right pseudo-labels were."""
    found: dict[str, Any] = {}
    if method is not inner:
        found["inductive"] = evaluate(inner, task).fractions()
    if rounds := pseudo_label_accuracy(method, task):
        found["diagnosis"] = {"pseudo_labels": rounds}
    return found


def pseudo_label_accuracy(method: Method, task: Task) -> list[dict[str, Any]]:
    """How many of the pool's rows had pseudo-labels in each round of a fit, and how many of these were right.

    The labels are read once more for it, after the fit: a diagnosis that nothing uses.
    """
    rounds: np.ndarray | None = getattr(method, "pseudo_labels_", None)
    if rounds is None:
        return []
    names = np.array(method.classes_)
    truth = np.array(task.view.semantics.class_names)[task.gate.pool_labels()]
    found = []
    for number, labels in enumerate(rounds):
        given = labels >= 0
        right = names[labels[given]] == truth[given]
        found.append({
            "round": number, "labelled": float(given.mean()), "accuracy": float(right.mean()) if given.any() else None,
        })  # fmt: skip
    return found
