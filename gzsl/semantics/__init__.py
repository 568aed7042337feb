"""Class semantics: named tables of class vectors with an explicit normalisation."""

from gzsl.semantics.checks import TableFaults, table_faults
from gzsl.semantics.members import Members
from gzsl.semantics.table import NORMALISATIONS, Semantics

__all__ = ["NORMALISATIONS", "Members", "Semantics", "TableFaults", "table_faults"]
