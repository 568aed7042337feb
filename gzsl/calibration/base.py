"""The contract of every calibrator, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from gzsl.errors import MethodError, RecipeError
from gzsl.evaluation.metrics import predictions
from gzsl.evaluation.summary import ScoreSummary
from gzsl.params import Configurable, configure
from gzsl.registry import Registry

C = TypeVar("C", bound="type[Calibrator]")


class Calibrator(Configurable):
    """Decides between the best seen and the best unseen class of every row.

    Hyper-parameters are in the constructor only. A subclass writes ``_threshold(validation)``; a row is then
    decided for its best seen class where the margin over the best unseen one exceeds that threshold.

    Attributes
    ----------
    gamma_ : float
        What is subtracted from every seen score, in the unit of the scores.
    """

    def fit(self, validation: Sequence[ScoreSummary]) -> Self:
        """Learn from validation folds; no test row may be among them.

        Parameters
        ----------
        validation : sequence of ScoreSummary
            One a fold: rows of pseudo-unseen classes and held-out rows of the classes trained on.

        Returns
        -------
        self

        Raises
        ------
        MethodError
            For hyper-parameters out of range, or when the folds are not enough to learn from.
        """
        self.check_parameters()
        self.gamma_ = self._threshold(list(validation))
        return self

    def apply(self, summary: ScoreSummary) -> np.ndarray:
        """Predicted class ids of the rows of ``summary``, shape (n,), int64.

        Raises
        ------
        MethodError
            Before `fit`.
        """
        if not hasattr(self, "gamma_"):
            raise MethodError(f"{type(self).__name__}: apply was called before fit, expected fit first")
        return predictions(summary, self.gamma_)

    def _threshold(self, validation: list[ScoreSummary]) -> float:
        raise NotImplementedError


_CALIBRATORS: Registry[type[Calibrator]] = Registry("calibrator", "gzsl.calibration", RecipeError)


def register_calibrator(name: str) -> Callable[[C], C]:
    """Class decorator that makes a calibrator known as ``name``."""

    def add(cls: C) -> C:
        _CALIBRATORS.add(name, cls)
        return cls

    return add


def calibrator_names() -> list[str]:
    """Names of all calibrators, sorted."""
    return _CALIBRATORS.names()


def make_calibrator(section: Mapping[str, Any]) -> Calibrator:
    """Make a calibrator from ``{"name": ..., hyper-parameters}``, the ``calibration`` section of a recipe.

    Raises
    ------
    RecipeError
        When the name is missing or unknown, or for an unknown hyper-parameter, with the nearest one.
    """
    values = dict(section)
    name = values.pop("name", None)
    if not isinstance(name, str):
        raise RecipeError(f"calibration: found name {name!r}, expected one of: {', '.join(calibrator_names())}")
    return configure(_CALIBRATORS.get(name), values, where="calibration", error=RecipeError)
