"""From runs to tables."""

from gzsl.report.aggregate import Aggregate, aggregate

__all__ = ["Aggregate", "aggregate"]
