"""Classifier heads: trained on real and synthetic features, they give scores for every class."""

from gzsl.heads.base import Head, HeadRows, get_head, head_names, register_head
from gzsl.heads.cascade import CascadeHead
from gzsl.heads.knn import KNNHead
from gzsl.heads.logit_adjusted import LogitAdjustedHead
from gzsl.heads.prototype import PrototypeHead
from gzsl.heads.relu_softmax import ReluSoftmaxHead
from gzsl.heads.softmax import SoftmaxHead

__all__ = [
    "CascadeHead",
    "Head",
    "HeadRows",
    "KNNHead",
    "LogitAdjustedHead",
    "PrototypeHead",
    "ReluSoftmaxHead",
    "SoftmaxHead",
    "get_head",
    "head_names",
    "register_head",
]
