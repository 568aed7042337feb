"""Finished classifiers: a fitted method with its classes, scaler and calibrator, and predictions with it."""

from gzsl.bundles.bundle import Bundle, add_class, load_bundle
from gzsl.bundles.trained import bundle_of, save_bundle

__all__ = ["Bundle", "add_class", "bundle_of", "load_bundle", "save_bundle"]
