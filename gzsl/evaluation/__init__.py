"""Metrics, the seen-unseen curve, the evaluation of a fitted method, and what makes numbers comparable."""

from gzsl.evaluation.confusion import Confusion
from gzsl.evaluation.curve import SeenUnseenCurve, best_common_gamma
from gzsl.evaluation.domain import DomainReport
from gzsl.evaluation.evaluator import Observer, Scorer, evaluate, observed_rows, score_rows
from gzsl.evaluation.metrics import OperatingPoint, harmonic_mean, operating_point, per_class_accuracy, predictions
from gzsl.evaluation.protocol import Protocol
from gzsl.evaluation.result import Evaluation
from gzsl.evaluation.scores_file import Scores, evaluate_scores_file, read_scores
from gzsl.evaluation.selection import Choice, make_selection
from gzsl.evaluation.summary import ScoreSummary, SummaryBuilder, concatenate, summarise, with_margin

__all__ = [
    "Choice", "Confusion", "DomainReport", "Evaluation", "Observer", "OperatingPoint", "Protocol", "ScoreSummary",
    "Scorer", "Scores", "SeenUnseenCurve", "SummaryBuilder", "best_common_gamma", "concatenate", "evaluate",
    "evaluate_scores_file", "harmonic_mean", "make_selection", "observed_rows", "operating_point",
    "per_class_accuracy", "predictions", "read_scores", "score_rows", "summarise", "with_margin",
]  # fmt: skip
