"""Finished classifiers: a fitted method with its classes, scaler and calibrator, and predictions with it."""

from gzsl.bundles.bundle import Bundle, bundle_of, load_bundle, save_bundle

__all__ = ["Bundle", "bundle_of", "load_bundle", "save_bundle"]
