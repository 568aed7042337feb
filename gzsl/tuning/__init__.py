"""Hyper-parameters tuned on validation classes: a search space, a list of trials, and a recipe as the result."""

from gzsl.tuning.plan import SAMPLERS
from gzsl.tuning.result import best_trial, tuned_recipe
from gzsl.tuning.space import Dimension, search_space
from gzsl.tuning.tuner import Trial, Tuner
from gzsl.tuning.workers import helpers

__all__ = ["SAMPLERS", "Dimension", "Trial", "Tuner", "best_trial", "helpers", "search_space", "tuned_recipe"]
