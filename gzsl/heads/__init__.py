"""Classifier heads: trained on real and synthetic features, they give scores for every class."""

from gzsl.heads.base import Head, get_head, head_names, register_head
from gzsl.heads.prototype import PrototypeHead
from gzsl.heads.softmax import SoftmaxHead

__all__ = ["Head", "PrototypeHead", "SoftmaxHead", "get_head", "head_names", "register_head"]
