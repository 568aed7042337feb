"""Calibrators on scores that were made anywhere: chosen on one file of validation scores, applied to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gzsl.brief import brief
from gzsl.calibration.base import Calibrator, calibrator_names, make_calibrator
from gzsl.calibration.observation import Observation
from gzsl.data import FeatureRows, TrainView
from gzsl.errors import DataError
from gzsl.evaluation import Evaluation
from gzsl.evaluation.scores_file import Scores, read_scores
from gzsl.frames import frame
from gzsl.semantics import Semantics

if TYPE_CHECKING:
    import pandas

Source = Path | str | Mapping[str, Any]
ON_SCORES_ALONE: tuple[dict[str, Any], ...] = (  # calibrators that need features, as they are without any
    {"name": "cosmo", "own_seen_scores": True}, {"name": "cooked", "members": ["method"]},
)  # fmt: skip
CARRIED_AS_THEY_ARE = (
    "thresholds are carried from one file to the other as they are; with train_scores and train_labels (scores of some "
    "training rows, by the model of each file) in both, they are carried by quantile"
)
UNCHECKED = (
    "class_names are not in both files, so it cannot be checked that the validation file holds no class that is unseen "
    "in the test file"
)


@dataclass(frozen=True, eq=False)
class ScoreCalibration:
    """What calibrators made of somebody's scores.

    Attributes
    ----------
    evaluations : dict of str to Evaluation
        Of the test scores by the label of each calibrator: see ``calibrated``, ``calibrated_curve``, ``confusion``.
    left_out : dict of str to str
        Calibrators that need more than the files hold, with the reason.
    notes : tuple of str
        What a reader has to know, one sentence each.
    """

    evaluations: dict[str, Evaluation]
    left_out: dict[str, str]
    notes: tuple[str, ...]

    __repr__ = brief

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a calibrator: its name, gamma, U, S, H, AUSUC, AUROC, FPR95, and how far H is below the best."""
        return [_row(name, found) for name, found in self.evaluations.items()]

    def to_frame(self) -> pandas.DataFrame:
        """`to_rows` as a frame; needs pandas."""
        return frame(self.to_rows(), index="calibrator")


def calibrate_scores(
    validation: Source, test: Source, calibrators: Sequence[str | Mapping[str, Any]] | None = None, *, seed: int = 0
) -> ScoreCalibration:
    """Choose the threshold of every calibrator on validation scores, and decide the test scores once with each.

    Parameters
    ----------
    validation : path or mapping
        Scores of pseudo-unseen classes (``unseen``, classes kept from training for this) and of held-out rows of the
        classes trained on (``seen``); arrays as in `gzsl.evaluation.read_scores`.
    test : path or mapping
        Scores of the test rows, by the model that was trained on all seen classes.
    calibrators : sequence of str or mapping, optional
        Names, or ``{"name": ..., hyper-parameters}``; all when None, and those that look at features also as they are
        without any.
    seed : int
        Of everything random in a calibrator.

    Returns
    -------
    ScoreCalibration

    Raises
    ------
    DataError
        For files that contradict one another, such as the same rows in both.
    RecipeError
        For an unknown calibrator.
    """
    ours, theirs = read_scores(validation, "validation"), read_scores(test, "test")
    notes = _check_pair(ours, theirs)
    asked: Sequence[str | Mapping[str, Any]] = calibrators or [*calibrator_names(), *ON_SCORES_ALONE]
    sections: list[dict[str, Any]] = [{"name": one} if isinstance(one, str) else dict(one) for one in asked]
    if ours.train_scores is None or theirs.train_scores is None:
        notes.append(CARRIED_AS_THEY_ARE)
        sections = [{**section, "transfer": "raw"} for section in sections]
    evaluations: dict[str, Evaluation] = {}
    left_out: dict[str, str] = {}
    for section in sections:
        calibrator = make_calibrator(section)
        calibrator.check_parameters()
        reason = _lacking(calibrator, ours, theirs)
        if reason is None:
            evaluations[_label(section)] = _calibrated(section, ours, theirs, seed)
        else:
            left_out[_label(section)] = reason
    return ScoreCalibration(evaluations, left_out, tuple(notes))


def _check_pair(ours: Scores, theirs: Scores) -> list[str]:
    """Refuse files that cannot belong together; what cannot be checked is said."""
    notes = []
    for name, one in (("validation", ours), ("test", theirs)):
        if not one.summary.is_seen.any():
            raise DataError(f"{one.where}: {name}: found no row of a seen class, expected rows of both sides")
        notes += [f"{one.where}: {remark}" for remark in one.evaluation().remarks]
        if one.gate is not None:
            notes.append(f"{one.where}: the array gate plays no part here")
    if _shared_rows(ours, theirs):
        raise DataError(
            f"{theirs.where}: found rows of {ours.where} again, expected other rows: a threshold must not be chosen on "
            "the rows that it is tested on"
        )
    if ours.class_names is None or theirs.class_names is None:
        return [*notes, UNCHECKED]
    seen = {theirs.class_names[c] for c in theirs.summary.seen}
    for c in np.concatenate([ours.summary.seen, ours.summary.unseen]):
        if ours.class_names[c] not in seen:
            raise DataError(
                f"{ours.where}: found class {ours.class_names[c]!r}, which is not seen in {theirs.where}, expected "
                "seen classes alone: validation must not touch the unseen ones"
            )
    return notes


def _shared_rows(ours: Scores, theirs: Scores) -> bool:
    """Whether a row of one file is a row of the other: by features, else the whole table of scores."""
    if ours.features is not None and theirs.features is not None:
        if ours.features.shape[1] != theirs.features.shape[1]:
            raise DataError(
                f"{ours.where}: features: found {ours.features.shape[1]} columns, expected "
                f"{theirs.features.shape[1]} as in {theirs.where}"
            )
        known = {row.tobytes() for row in theirs.features if row.any()}
        return any(row.tobytes() in known for row in ours.features)
    return ours.scores.shape == theirs.scores.shape and np.array_equal(ours.scores, theirs.scores)


def _lacking(calibrator: Calibrator, ours: Scores, theirs: Scores) -> str | None:
    """Why a calibrator cannot work with these files; None when it can."""
    if "vectors" in calibrator.needs:
        return "it needs class vectors, which files of scores do not hold"
    if "features" not in calibrator.needs:
        return None
    without = [one.where for one in (ours, theirs) if one.features is None]
    if without:
        return f"it needs features, and there are none in {' and '.join(dict.fromkeys(without))}"
    if ours.class_names is None or theirs.class_names is None:
        return "it needs class_names in both files, to know which validation rows are of which test class"
    rows = {ours.class_names[c] for c in ours.summary.labels}
    absent = [theirs.class_names[c] for c in theirs.summary.seen if theirs.class_names[c] not in rows]
    if absent:
        return f"it learns from validation rows of every seen class, and there is none of {absent[0]!r}"
    few = ours.summary.labels[ours.summary.is_seen]
    return None if np.bincount(few).max() > 1 else "it needs two validation rows of a seen class"


def _calibrated(section: Mapping[str, Any], ours: Scores, theirs: Scores, seed: int) -> Evaluation:
    """Fit one calibrator on the validation rows and decide the test rows.

    One that learns from features does so on every second seen-class row of the validation file, and its threshold is
    chosen on the others; for the test it learns from all rows of that file.
    """
    first, last = make_calibrator(section), make_calibrator(section)
    everything = np.arange(len(ours.summary))
    learnt = np.flatnonzero(ours.summary.is_seen)
    watched = everything
    if "features" in first.needs:
        learnt = _every_second(ours.summary.labels, ours.summary.is_seen)
        watched = np.setdiff1d(everything, learnt)
        first.prepare(_view(ours, learnt, ours), seed=seed)
        last.prepare(_view(ours, everything, theirs), seed=seed)
    else:
        first.prepare(_bare_view(ours), seed=seed)
        last.prepare(_bare_view(theirs), seed=seed)
    _take_scale(first, last, ours, theirs, learnt)
    last.fit([_observation(first, ours, watched)])
    decided = last.decide(_observation(last, theirs, np.arange(len(theirs.summary))))
    return theirs.evaluation().calibrated_by(decided, last.gamma_)


def _take_scale(first: Calibrator, last: Calibrator, ours: Scores, theirs: Scores, learnt: np.ndarray) -> None:
    """The scale of scores and margins: from training rows of each file, else of validation rows of seen classes alone.

    No test row says anything about it. Without training rows of the test file's model there is no yardstick to carry
    a threshold by, so ``last`` has none.
    """
    if "features" not in first.needs and ours.train_scores is not None and theirs.train_scores is not None:
        for calibrator, one in ((first, ours), (last, theirs)):
            assert one.train_scores is not None
            assert one.train_labels is not None
            X = np.zeros((len(one.train_labels), 1), dtype=np.float32)
            calibrator.attach_rows(X, one.train_scores, one.train_labels)
        return
    before = set(vars(first))
    first.attach_rows(_features(ours)[learnt], ours.scores[learnt], ours.summary.labels[learnt])
    for name in set(vars(first)) - before - {"reference_"}:
        setattr(last, name, getattr(first, name))


def _observation(calibrator: Calibrator, one: Scores, rows: np.ndarray) -> Observation:
    evidence = calibrator.observe(_features(one)[rows], one.scores[rows])
    return Observation(Observation(one.summary).rows(rows).summary, evidence, getattr(calibrator, "reference_", None))


def _features(one: Scores) -> np.ndarray:
    """Features of the rows; a column of zeros for calibrators that look at none."""
    return np.zeros((len(one.summary), 1), dtype=np.float32) if one.features is None else one.features


def _bare_view(one: Scores) -> TrainView:
    """The classes of a file, and nothing to learn from."""
    seen = one.summary.seen
    rows = FeatureRows(np.zeros((len(seen), 1), dtype=np.float32))
    return TrainView(rows, seen, _names_only(one), seen, one.summary.unseen)


def _view(ours: Scores, rows: np.ndarray, target: Scores) -> TrainView:
    """Rows of the validation file as training rows over the classes of ``target``."""
    assert ours.features is not None
    place = {name: c for c, name in enumerate(target.names)}
    labels = np.array([place[ours.names[c]] for c in ours.summary.labels[rows]])
    summary = target.summary
    return TrainView(FeatureRows(ours.features, rows), labels, _names_only(target), summary.seen, summary.unseen)


def _names_only(one: Scores) -> Semantics:
    """A table that says nothing but which class is which."""
    return Semantics(np.eye(len(one.names), dtype=np.float32), one.names, "none")


def _every_second(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Every second chosen row of each class, the first one among them."""
    rows = [np.flatnonzero(chosen & (labels == c))[::2] for c in np.unique(labels[chosen])]
    return np.sort(np.concatenate(rows))


def _label(section: Mapping[str, Any]) -> str:
    """Name and hyper-parameters, without how the threshold is carried."""
    return make_calibrator({key: value for key, value in section.items() if key != "transfer"}).label


def _row(name: str, found: Evaluation) -> dict[str, Any]:
    assert found.calibrated is not None
    assert found.calibrated_domain is not None
    point, domain, curve = found.calibrated, found.calibrated_domain, found.calibrated_curve
    return {
        "calibrator": name, "gamma": point.gamma, "U": point.U, "S": point.S, "H": point.H, "AUSUC": curve.area,
        "auroc": domain.auroc, "fpr95": domain.fpr95, "gap": curve.best_harmonic()[3] - point.H,
    }  # fmt: skip
