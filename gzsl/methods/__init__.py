"""Zero-shot methods: one file each, found by the registry."""

from gzsl.methods.base import Method
from gzsl.methods.card import MethodCard, create, get_method, method_names, register
from gzsl.methods.monitor import Monitor
from gzsl.methods.persistence import load_method, save_method

__all__ = [
    "Method", "MethodCard", "Monitor", "create", "get_method", "load_method", "method_names", "register", "save_method",
]  # fmt: skip
