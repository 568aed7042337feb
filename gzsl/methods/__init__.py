"""Zero-shot methods: one file each, found by the registry."""

from gzsl.methods.base import Method, Monitor
from gzsl.methods.card import MethodCard
from gzsl.methods.persistence import load_method, save_method
from gzsl.methods.registry import create, get_method, method_names, register

__all__ = [
    "Method", "MethodCard", "Monitor", "create", "get_method", "load_method", "method_names", "register", "save_method",
]  # fmt: skip
