"""The seen-unseen curve of a run, thinned for a page without changing the value of any point that is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gzsl.errors import GzslError, RunError
from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.evaluation.metrics import harmonic_mean
from gzsl.evaluation.summary import ScoreSummary
from gzsl.report.collect import StoredRun
from gzsl.report.tables import Figure
from gzsl.runs.manifest import intact

POINTS = 240


def read_summary(path: Path) -> ScoreSummary:
    """Read a stored summary of scores; errors are those of `read_arrays`."""
    return ScoreSummary.from_arrays(read_arrays(path))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a stored summary of scores.

    Raises
    ------
    RunError
        When the file is missing, damaged or not a summary.
    """
    try:
        with np.load(intact(path), allow_pickle=False) as stored:
            arrays = dict(stored)
        ScoreSummary.from_arrays(arrays)
        return arrays
    except RunError:
        raise
    except (OSError, ValueError, KeyError, EOFError, GzslError) as error:
        raise RunError(f"{path.name}: cannot be read ({error})") from None
    except Exception as error:  # zipfile and zlib have errors of their own for a damaged archive
        raise RunError(f"{path.name}: damaged ({error})") from None


def curve_figures(run: StoredRun) -> list[Figure]:
    """Curve over the scores, and over the margins of the calibrator where they are others.

    Every kept point is a gamma with the exact U and S there: the start of a step, or one of the marked gammas
    (0 as given, chosen on validation, best on test).
    """
    plain = read_summary(run.folder / "scores.npz")
    if not plain.is_seen.any():
        return []  # plain zero-shot learning: there is no curve
    point, best = run.metrics.get("calibrated"), _oracle(run)
    gated = _gate(run, plain)
    marks = {"given": 0.0}
    if best is not None:
        marks["oracle"] = best
    if point is not None and gated is None:
        marks["chosen"] = float(point["gamma"])
    found = [_figure("curve", SeenUnseenCurve.of(plain), marks)]
    if gated is not None and point is not None:
        found.append(_figure("gate_curve", SeenUnseenCurve.of(gated), {"chosen": float(point["gamma"])}))
    return found


def calibrated_summary(run: StoredRun) -> ScoreSummary | None:
    """Classes and margins to which the calibrated gamma belongs; None without calibration."""
    if run.metrics.get("calibrated") is None:
        return None
    name = "gate.npz" if (run.folder / "gate.npz").is_file() else "scores.npz"
    return read_summary(run.folder / name)


def thinned(curve: SeenUnseenCurve, points: int = POINTS) -> np.ndarray:
    """Indices of at most ``points`` steps, both ends among them, evenly spread along the curve."""
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(curve.unseen)) + np.abs(np.diff(curve.seen)))])
    if len(length) <= points:
        return np.arange(len(length))
    wanted = np.linspace(0.0, length[-1], points)
    return np.unique(np.append(np.searchsorted(length, wanted), [0, len(length) - 1]).clip(0, len(length) - 1))


def _figure(name: str, curve: SeenUnseenCurve, marks: dict[str, float]) -> Figure:
    kept = thinned(curve)
    gammas = np.unique(np.concatenate([curve.gamma[kept][1:], list(marks.values())]))
    unseen, seen = curve.at(gammas)
    data: dict[str, Any] = {
        "gamma": [None, *gammas.tolist()],  # the first step begins at minus infinity, which JSON cannot say
        "U": [float(curve.unseen[0]), *unseen.tolist()],
        "S": [float(curve.seen[0]), *seen.tolist()],
        "marks": {mark: int(np.searchsorted(gammas, gamma)) + 1 for mark, gamma in marks.items()},
        "AUSUC": curve.area,
        "steps": len(curve.gamma),
    }
    h = harmonic_mean(curve.unseen, curve.seen)
    rows = np.column_stack([curve.gamma, curve.unseen, curve.seen, h])
    return Figure(name, data, ["gamma", "U", "S", "H"], rows.tolist())


def _gate(run: StoredRun, plain: ScoreSummary) -> ScoreSummary | None:
    """Summary of a calibrator that does more than shift scores, else None."""
    summary = calibrated_summary(run)
    if summary is None:
        return None
    same_classes = np.array_equal(summary.seen_class, plain.seen_class) and np.array_equal(
        summary.unseen_class, plain.unseen_class
    )
    return None if same_classes and np.array_equal(summary.margin, plain.margin) else summary


def _oracle(run: StoredRun) -> float | None:
    value = (run.metrics.get("oracle", {}).get("best_gamma") or {}).get("gamma")
    return None if value is None else float(value)
