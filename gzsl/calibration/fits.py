"""One method fitted on every validation fold and on the final task, and calibrators that decide over these fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from gzsl.calibration.base import Calibrator, make_calibrator
from gzsl.calibration.observation import Observation
from gzsl.data import Dataset, Task, final_task, fold_task, validation_folds
from gzsl.errors import MethodError
from gzsl.evaluation import Evaluation, evaluate
from gzsl.methods import Method

Fits = Sequence[tuple[Task, Method]]


def fit_folds(
    method: Method,
    dataset: Dataset,
    scaling: str = "none",
    *,
    n_folds: int = 3,
    holdout: float = 0.2,
    seed: int = 0,
    device: str = "cpu",
) -> list[tuple[Task, Method]]:
    """Fit copies of a method on the validation folds and on the final task.

    Parameters
    ----------
    method : Method
        Its hyper-parameters; it is left as it is.
    dataset : Dataset
        Folds are cut from its training rows.
    scaling : str
        One of `gzsl.data.SCALINGS`.
    n_folds, holdout, seed
        As in `gzsl.validation_folds`; the seed is that of every fit as well.
    device : str
        ``cpu`` or ``cuda``.

    Returns
    -------
    list of (Task, Method)
        One a fold, the final one last. No test row was touched.
    """
    folds = validation_folds(dataset, n_folds, holdout, seed)
    regions = method.card.regions
    tasks = [fold_task(dataset, fold, scaling, regions=regions) for fold in folds]
    tasks.append(final_task(dataset, scaling, regions=regions))
    return [(task, clone(method).fit(task.view, seed=seed, device=device)) for task in tasks]


def calibrate(
    fits: Fits, calibration: str | Mapping[str, Any] = "stacking", *, seed: int = 0
) -> tuple[Calibrator, Evaluation]:
    """Choose a calibrator's threshold on the validation folds, then score the test rows of the last fit once.

    Parameters
    ----------
    fits : sequence of (Task, Method)
        What `fit_folds` gave; many calibrators may share it.
    calibration : str or mapping
        Name of a calibrator, or ``{"name": ..., hyper-parameters}``.
    seed : int
        Seed of everything random in the calibrator.

    Returns
    -------
    calibrator : Calibrator
        Fitted.
    evaluation : Evaluation
        Of the test rows, with ``calibrated``, ``calibrated_curve`` and ``calibrated_domain``.

    Raises
    ------
    MethodError
        When there is no fit.
    RecipeError
        For an unknown calibrator or hyper-parameter, with the nearest one.
    """
    if not fits:
        raise MethodError("calibrate: found no fit, expected those of fit_folds, the final one last")
    chosen = make_calibrator({"name": calibration} if isinstance(calibration, str) else calibration)
    noted = []
    for task, method in fits:
        calibrator: Calibrator = clone(chosen).prepare(task.view, seed=seed).attach(method, task.view)
        evaluation = evaluate(method, task, observer=calibrator)
        noted.append(Observation.of(evaluation, calibrator.reference_))
    calibrator.fit(noted[:-1])
    return calibrator, evaluation.calibrated_by(calibrator.decide(noted[-1]), calibrator.gamma_)
