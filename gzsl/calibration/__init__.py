"""Calibrators: from scores to generalized decisions, fitted on validation rows only."""

from gzsl.calibration.base import Calibrator, calibrator_class, calibrator_names, make_calibrator, register_calibrator
from gzsl.calibration.fits import calibrate, fit_folds
from gzsl.calibration.observation import Observation
from gzsl.calibration.persistence import load_calibrator, save_calibrator
from gzsl.calibration.score_files import ScoreCalibration, calibrate_scores

__all__ = [
    "Calibrator",
    "Observation",
    "ScoreCalibration",
    "calibrate",
    "calibrate_scores",
    "calibrator_class",
    "calibrator_names",
    "fit_folds",
    "load_calibrator",
    "make_calibrator",
    "register_calibrator",
    "save_calibrator",
]
