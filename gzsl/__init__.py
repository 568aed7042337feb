"""Generalized zero-shot learning: every method under one honest protocol.

In five lines::

    import gzsl
    task = gzsl.final_task(gzsl.load("letters").with_semantics("att", "l2"), "centre-l2")
    method = gzsl.create("eszsl", gamma=10.0, lam=1.0)
    result = gzsl.evaluate(method.fit(task.view), task)
    print(result)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gzsl.version import __version__

_HOMES = {
    "load": "gzsl.data",
    "final_task": "gzsl.data",
    "fold_task": "gzsl.data",
    "validation_folds": "gzsl.data",
    "Dataset": "gzsl.data",
    "Semantics": "gzsl.semantics",
    "Split": "gzsl.data",
    "Method": "gzsl.methods",
    "create": "gzsl.methods",
    "register": "gzsl.methods",
    "load_method": "gzsl.methods",
    "save_method": "gzsl.methods",
    "evaluate": "gzsl.evaluation",
    "evaluate_scores_file": "gzsl.evaluation",
    "fit_folds": "gzsl.calibration",
    "calibrate": "gzsl.calibration",
    "calibrate_scores": "gzsl.calibration",
    "load_recipe": "gzsl.runs",
    "run_recipe": "gzsl.runs",
    "to_frame": "gzsl.runs",
    "ZeroShotClassifier": "gzsl.sklearn",
    "load_bundle": "gzsl.bundles",
    "save_bundle": "gzsl.bundles",
    "predict": "gzsl.bundles.predict",
    "open_features": "gzsl.data.readers.plain",
}

if TYPE_CHECKING:
    from gzsl.bundles import load_bundle as load_bundle
    from gzsl.bundles import save_bundle as save_bundle
    from gzsl.bundles.predict import predict as predict
    from gzsl.calibration import calibrate as calibrate
    from gzsl.calibration import calibrate_scores as calibrate_scores
    from gzsl.calibration import fit_folds as fit_folds
    from gzsl.data import Dataset as Dataset
    from gzsl.data import Split as Split
    from gzsl.data import final_task as final_task
    from gzsl.data import fold_task as fold_task
    from gzsl.data import load as load
    from gzsl.data import validation_folds as validation_folds
    from gzsl.data.readers.plain import open_features as open_features
    from gzsl.evaluation import evaluate as evaluate
    from gzsl.evaluation import evaluate_scores_file as evaluate_scores_file
    from gzsl.methods import Method as Method
    from gzsl.methods import create as create
    from gzsl.methods import load_method as load_method
    from gzsl.methods import register as register
    from gzsl.methods import save_method as save_method
    from gzsl.runs import load_recipe as load_recipe
    from gzsl.runs import run_recipe as run_recipe
    from gzsl.runs import to_frame as to_frame
    from gzsl.semantics import Semantics as Semantics
    from gzsl.sklearn import ZeroShotClassifier as ZeroShotClassifier

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name from its layer at first use, so that ``import gzsl`` stays light."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gzsl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
