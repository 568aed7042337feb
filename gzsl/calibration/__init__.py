"""Calibrators: from scores to generalized decisions, fitted on validation rows only."""

from gzsl.calibration.base import Calibrator, calibrator_names, make_calibrator, register_calibrator

__all__ = ["Calibrator", "calibrator_names", "make_calibrator", "register_calibrator"]
