"""The contract of every calibrator, and their registry."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from gzsl.calibration.observation import Observation, blinded
from gzsl.calibration.transfer import RULES, fallback_threshold, transferred_threshold
from gzsl.data import TrainView
from gzsl.data.features import pooled_rows
from gzsl.data.pooled import pooled_view
from gzsl.errors import GzslWarning, MethodError, RecipeError
from gzsl.evaluation.evaluator import Scorer
from gzsl.evaluation.metrics import predictions
from gzsl.evaluation.sides import best_of_sides
from gzsl.evaluation.summary import ScoreSummary, summarise, with_margin
from gzsl.methods import Method
from gzsl.params import Configurable, configure, param, plain
from gzsl.registry import Registry
from gzsl.semantics import Semantics

C = TypeVar("C", bound="type[Calibrator]")
REFERENCE_ROWS = 2000
_OWN = ("seen_score", "seen_class", "unseen_score", "unseen_class")


class Calibrator(Configurable):
    """Decides between the best seen and the best unseen class of every row, whatever method scored them.

    Its life has four steps: `prepare` learns from the training rows of a fit what needs no scores; `attach` looks at
    the fitted method's scores of some training rows; `observe` notes a few numbers of every scored row; `fit` chooses
    the threshold on observations of validation folds. `decide` then gives classes and margins of any observation, and
    a row goes to its best seen class where the margin exceeds ``gamma_``.

    Hyper-parameters are in the constructor only; everything learnt is in attributes that end in ``_``. A subclass
    overrides what it needs of ``_prepare``, ``_tabulate``, ``_attach``, ``_look``, ``_learn`` and ``_margin``.

    Attributes
    ----------
    gamma_ : float
        Threshold on the margin; for plain stacking what is subtracted from every seen score.
    fallback_ : bool
        Whether there was no validation fold, so that ``gamma_`` gives up a fixed share of training rows.
    """

    rescores: ClassVar[bool] = False  # whether classes within a side are ranked by other scores than the method's
    validated: ClassVar[bool] = True  # whether validation folds are of any use
    transfer: str = param(
        default="quantile", choices=RULES,
        doc="unit in which a threshold is carried from folds to the final fit: raw margins, standard deviations or "
        "quantiles of the training rows' margins",
    )  # fmt: skip

    @property
    def needs(self) -> tuple[str, ...]:
        """What it needs of a dataset besides scores: ``features`` of rows, ``vectors`` of classes."""
        return ()

    @property
    def label(self) -> str:
        """Name for protocols and tables, with the hyper-parameters that are not the usual ones."""
        usual = plain(type(self)())
        changed = [f"{key}={_short(value)}" for key, value in plain(self).items() if value != usual[key]]
        return f"{self.part_id}({', '.join(changed)})" if changed else self.part_id

    def prepare(self, view: TrainView, *, seed: int = 0) -> Self:
        """Learn from the training rows of a task whatever does not depend on scores.

        Parameters
        ----------
        view : TrainView
            What the method is fitted on too.
        seed : int
            Seed of everything random.

        Raises
        ------
        MethodError
            For hyper-parameters out of range.
        """
        self.check_parameters()
        self.seen_, self.unseen_ = view.seen, view.unseen
        self._prepare(pooled_view(view), seed)
        self._tabulate(view.semantics)
        return self

    def attach(self, scorer: Scorer, view: TrainView) -> Self:
        """Take the scale of margins from at most 2,000 training rows, spread evenly; called after `prepare`."""
        positions = np.unique(np.linspace(0, len(view.labels) - 1, REFERENCE_ROWS).round().astype(np.int64))
        chosen = view.features.take(positions)
        scores = [np.asarray(scorer.scores(X, view.semantics)) for _, X in chosen.blocks()]
        return self.attach_rows(chosen.pooled.to_array(), np.concatenate(scores), view.labels[positions])

    def attach_rows(self, X: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> Self:
        """Do what `attach` does with rows (k, d) that are scored (k, C) already; labels (k,) are seen classes."""
        summary = summarise(scores, labels, self.seen_, self.unseen_)
        spread = scores[:, self.seen_].std(axis=1, dtype=np.float64)
        self.unit_ = float(spread[np.isfinite(spread)].mean()) if np.isfinite(spread).any() else 0.0
        self.unit_ = self.unit_ or 1.0
        self._attach(scores, labels)
        self.reference_ = Observation(summary, self._observe(X, scores, training=True))
        return self

    def observe(self, X: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Numbers a row that `decide` needs, from features (n, d) or (n, R, d) and scores (n, C)."""
        return self._observe(pooled_rows(X), scores, training=False)

    def fit(self, validation: Sequence[Observation | ScoreSummary]) -> Self:
        """Choose the threshold on validation folds; no test row may be among them.

        Parameters
        ----------
        validation : sequence of Observation
            One a fold: rows of pseudo-unseen classes and held-out rows of the classes trained on. Empty where no fold
            can be cut: then the threshold gives up 5 % of the training rows, with a warning.

        Returns
        -------
        self

        Raises
        ------
        MethodError
            For hyper-parameters out of range, or with neither folds nor training rows to look at.
        """
        self.check_parameters()
        folds = [Observation(fold) if isinstance(fold, ScoreSummary) else fold for fold in validation]
        reference: Observation | None = getattr(self, "reference_", None)
        self.fallback_ = self.validated and not folds
        if self.fallback_ and reference is None:
            raise MethodError(f"calibration {self.part_id}: found no validation fold, expected at least one")
        if folds:
            self._learn(folds)
        self.gamma_ = self._threshold(folds, reference)
        return self

    def decide(self, observation: Observation) -> ScoreSummary:
        """Best class of each side and the margin between the sides, as this calibrator sees them."""
        summary = observation.summary
        if self.rescores:
            own = {name: observation.evidence[f"own_{name}"] for name in _OWN}
            summary = replace(summary, **own)
        return self._decided(summary, observation.evidence)

    def apply(self, observation: Observation | ScoreSummary) -> np.ndarray:
        """Predicted class ids of some rows, shape (n,), int64.

        Raises
        ------
        MethodError
            Before `fit`.
        """
        if not hasattr(self, "gamma_"):
            raise MethodError(f"{type(self).__name__}: apply was called before fit, expected fit first")
        seen = Observation(observation) if isinstance(observation, ScoreSummary) else observation
        return predictions(self.decide(seen), self.gamma_)

    def adjusted(self, X: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Scores (n, C) whose argmax is this calibrator's decision, for ranking classes; needs `fit`.

        Seen columns of each row are moved by one constant, so that they exceed the unseen ones exactly where the
        margin exceeds the threshold.
        """
        shown, evidence = self._look(pooled_rows(X), scores, training=False)
        seen, unseen = best_of_sides(shown, self.seen_, self.unseen_)
        labels = np.full(len(shown), self.seen_[0])
        summary = ScoreSummary(seen.score, seen.column, unseen.score, unseen.column, labels, self.seen_, self.unseen_)
        wanted = self._decided(summary, evidence).margin - self.gamma_
        offset = np.where(np.isfinite(summary.margin) & np.isfinite(wanted), summary.margin - wanted, 0.0)
        result = np.array(shown, dtype=np.float32)
        result[:, self.seen_] -= offset[:, None].astype(np.float32)
        return result

    def rebase(self, semantics: Semantics, seen: np.ndarray, unseen: np.ndarray) -> Self:
        """Decide over another class table, such as one with a class more; the seen classes stay the same ones."""
        self.seen_, self.unseen_ = np.asarray(seen), np.asarray(unseen)
        self._tabulate(semantics)
        return self

    def experts(self) -> dict[str, Method]:
        """Fitted methods inside this calibrator, by attribute."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Method) and name[-1] == "_"}

    def fitted_values(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Learnt arrays and numbers by name: what a saved calibrator consists of besides its experts."""
        own = {name: value for name, value in vars(self).items() if name.endswith("_")}
        arrays = {name: value for name, value in own.items() if isinstance(value, np.ndarray)}
        return arrays, {name: value for name, value in own.items() if isinstance(value, bool | int | float)}

    def _observe(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> dict[str, np.ndarray]:
        shown, evidence = self._look(X, scores, training=training)
        if self.rescores:
            own = best_of_sides(shown, self.seen_, self.unseen_)
            vectors = [vector for side in own for vector in (side.score, side.column)]
            evidence |= {f"own_{name}": vector for name, vector in zip(_OWN, vectors, strict=True)}
        return evidence

    def _threshold(self, folds: list[Observation], reference: Observation | None) -> float:
        own = None if reference is None else self.decide(reference)
        if not folds:
            assert own is not None
            warnings.warn(
                f"calibration {self.part_id}: no validation fold is possible with so few seen classes, so the "
                "threshold gives up 5 % of the training rows instead of being chosen",
                GzslWarning, stacklevel=3,
            )  # fmt: skip
            return fallback_threshold(own)
        tuned = [
            (self.decide(self._tuning_rows(fold)), None if fold.reference is None else self.decide(fold.reference))
            for fold in folds
        ]
        return transferred_threshold(self.transfer, tuned, own)

    def _decided(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> ScoreSummary:
        order, blind, noted = blinded(summary, evidence)
        found = self._margin(blind, noted)
        return summary if found is None else with_margin(summary, found[np.argsort(order)])

    # What subclasses override.

    def _prepare(self, view: TrainView, seed: int) -> None:
        """Learn from training rows; nothing by default."""

    def _tabulate(self, semantics: Semantics) -> None:
        """Precompute what depends on the class table; nothing by default."""

    def _attach(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Look at scores (k, C) of some training rows and their labels (k,); nothing by default."""

    def _look(self, X: np.ndarray, scores: np.ndarray, *, training: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Scores (n, C) that rank the classes within each side, and values a row for the margin.

        The scores are only looked at where `rescores` is set. ``training`` says that the rows may be among those
        that `prepare` learnt from.
        """
        return scores, {}

    def _learn(self, folds: list[Observation]) -> None:
        """Fit a gate on validation rows; nothing by default."""

    def _tuning_rows(self, fold: Observation) -> Observation:
        """Validation rows on which the threshold is chosen; all by default."""
        return fold

    def _margin(self, summary: ScoreSummary, evidence: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Gate (n,), larger means seen; None for the difference of the best scores."""
        return None


def _short(value: Any) -> str:
    """A value in a label; a table only by a digest of its content."""
    if not isinstance(value, dict) or "name" in value:
        return str(value)
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


_CALIBRATORS: Registry[type[Calibrator]] = Registry("calibrator", "gzsl.calibration", RecipeError, several_a_file=True)


def register_calibrator(name: str) -> Callable[[C], C]:
    """Class decorator that makes a calibrator known as ``name``."""
    return _CALIBRATORS.part(name)


def calibrator_names() -> list[str]:
    """Names of all calibrators, sorted."""
    return _CALIBRATORS.names()


def calibrator_class(name: str) -> type[Calibrator]:
    """Class of the calibrator called ``name``."""
    return _CALIBRATORS.get(name)


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
