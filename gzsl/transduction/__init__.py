"""What makes any fitted method transductive: wrappers that learn from its scores of unlabelled rows."""

from gzsl.transduction.base import Pooled, Wrapper, make_wrapper, register_wrapper, wrapper_names

__all__ = ["Pooled", "Wrapper", "make_wrapper", "register_wrapper", "wrapper_names"]
