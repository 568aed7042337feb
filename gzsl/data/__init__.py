"""Datasets, splits, validation folds, and the view of them that a method may see."""

from gzsl.data.catalogue import Entry, available, load, present
from gzsl.data.classifier import SeenClassifier
from gzsl.data.dataset import DataCard, Dataset
from gzsl.data.features import FeatureRows
from gzsl.data.folds import Fold, validation_folds
from gzsl.data.image_free import image_free_view
from gzsl.data.prepare import Task, final_task, fold_task
from gzsl.data.preprocess import SCALINGS, Scaler
from gzsl.data.splits import Split
from gzsl.data.view import EvalRows, TestGate, TrainView

__all__ = [
    "SCALINGS", "DataCard", "Dataset", "Entry", "EvalRows", "FeatureRows", "Fold", "Scaler", "SeenClassifier",
    "Split", "Task", "TestGate", "TrainView", "available", "final_task", "fold_task", "image_free_view", "load",
    "present", "validation_folds",
]  # fmt: skip
