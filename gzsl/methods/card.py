"""What is declared about a method besides its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gzsl.data.needs import NEEDS
from gzsl.data.view import SETTINGS

FIDELITIES = ("replicated from code", "from paper", "partly from memory: unverified")
FAMILIES = ("embedding", "generative", "probabilistic", "transductive", "graph", "attention", "zero_shot_heads")


@dataclass(frozen=True)
class MethodCard:
    """Declaration of one method.

    Attributes
    ----------
    id : str
        Lower-case name with hyphens; also the file name (with underscores) and the recipe folder.
    family : str
        One of `FAMILIES`; also the folder of the file.
    settings : tuple of str
        Those of ``inductive``, ``transductive`` and ``transfer`` that it supports.
    fidelity : str
        One of `FIDELITIES`.
    cite : str
        Authors, venue, year, and arXiv id where there is one.
    year : int
        Year of publication.
    test_params : tuple of dict
        Hyper-parameter sets that the conformance tests run, small enough for a second on one core.
    xfail : mapping of str to str
        Conformance checks that the method cannot meet, with the reason.
    needs : tuple of str
        What a view must carry besides features, labels and class vectors, each a key of `gzsl.data.needs.NEEDS`.
    """

    id: str
    family: str
    settings: tuple[str, ...]
    fidelity: str
    cite: str
    year: int
    test_params: tuple[Mapping[str, Any], ...] = ({},)
    xfail: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def regions(self) -> bool:
        """Whether rows are read with their regions (n, R, d); otherwise a row is one vector."""
        return "regions" in self.needs

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise TypeError(f"method {self.id!r}: family {self.family!r} is not one of {FAMILIES}")
        if self.fidelity not in FIDELITIES:
            raise TypeError(f"method {self.id!r}: fidelity {self.fidelity!r} is not one of {FIDELITIES}")
        if not self.settings or not set(self.settings) <= set(SETTINGS):
            raise TypeError(f"method {self.id!r}: settings {self.settings!r} are not among {SETTINGS}")
        unknown = set(self.needs) - NEEDS.keys()
        if unknown:
            raise TypeError(f"method {self.id!r}: needs {min(unknown)!r} is not one of {', '.join(NEEDS)}")
        if not self.cite:
            raise TypeError(f"method {self.id!r}: a citation is required")
