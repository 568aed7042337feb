"""From runs to tables."""

from gzsl.report.aggregate import Aggregate, aggregate
from gzsl.report.collect import Line, as_rows, collect, markdown

__all__ = ["Aggregate", "Line", "aggregate", "as_rows", "collect", "markdown"]
