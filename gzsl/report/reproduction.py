"""Ours beside the published number: a verdict with a stated band, and what differs when the two do."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from gzsl.evaluation import Protocol
from gzsl.methods import get_method
from gzsl.report.aggregate import Aggregate
from gzsl.report.published import METRICS, Published, find_published
from gzsl.report.unlike import Difference, nearest_published, protocol_differences
from gzsl.runs import Recipe

TOLERANCE = 1.5  # percentage points on each side of the published value, beside the spread of our seeds
CONFIDENCE = 0.95
DECIDING = ("T1", "H")  # U and S trade against each other along one curve, so neither decides by itself
VERDICTS = ("below", "above", "within")
OWN_SOURCES = ("ours", "tuned")


@dataclass(frozen=True)
class Band:
    """One metric of ours and the band around the published value, in percent.

    Attributes
    ----------
    metric : str
        Name.
    ours : float
        Mean over seeds.
    spread : float
        Half width of the 95 % t-interval of that mean; 0 for a single seed, whose spread is unknown.
    published : float
        The published value.
    tolerance : float
        Stated tolerance; the band is ``published ± (spread + tolerance)``.
    """

    metric: str
    ours: float
    spread: float
    published: float
    tolerance: float

    @property
    def half_width(self) -> float:
        """Half of the band."""
        return self.spread + self.tolerance

    @property
    def difference(self) -> float:
        """Ours minus published."""
        return self.ours - self.published

    @property
    def verdict(self) -> str:
        """``within``, ``below`` or ``above`` the band; its ends belong to it."""
        if abs(self.difference) <= self.half_width + 1e-9:
            return "within"
        return "below" if self.difference < 0 else "above"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "difference": self.difference, "verdict": self.verdict}


@dataclass(frozen=True)
class Reproduction:
    """The outcome of reproducing one recipe.

    Attributes
    ----------
    published : Published or None
        The line that our numbers are held against; None when nothing comparable was published.
    nearest : Published or None
        Without a comparable line, the one of the same method that differs least.
    bands : tuple of Band
        One a published metric; empty without a comparable line.
    differences : tuple of Difference
        Between our protocol and the published (or nearest) line's, most likely cause first.
    own_values : tuple of str
        Recipe keys whose values are not the paper's or its released code's.
    fidelity : str
        How the method was rebuilt, from its card.
    """

    published: Published | None
    nearest: Published | None
    bands: tuple[Band, ...]
    differences: tuple[Difference, ...]
    own_values: tuple[str, ...]
    fidelity: str

    @property
    def verdict(self) -> str:
        """``below`` when T1 or H is below its band, else ``above`` when one is above, else ``within``."""
        if not self.bands:
            return "not comparable"
        found = {band.verdict for band in self.bands if band.metric in DECIDING}
        found = found or {band.verdict for band in self.bands}
        return next(verdict for verdict in VERDICTS if verdict in found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "verdict": self.verdict, "bands": [band.to_dict() for band in self.bands],
            "published": asdict(self.published) if self.published else None,
            "nearest": asdict(self.nearest) if self.nearest else None,
            "differences": [asdict(difference) for difference in self.differences],
            "own_values": list(self.own_values), "fidelity": self.fidelity,
        }  # fmt: skip


def reproduction(
    recipe: Recipe, protocol: Protocol, found: Aggregate, tolerance: float = TOLERANCE
) -> Reproduction:
    """Hold our mean over seeds against the published number of the same method and protocol.

    Parameters
    ----------
    recipe : Recipe
        What was run.
    protocol : Protocol
        Of the runs.
    found : Aggregate
        Our numbers, fractions.
    tolerance : float
        Percentage points beside the spread of the seeds.
    """
    method = recipe.method["name"]
    gate = recipe.calibration["name"]
    calibrated = None if gate == "none" else find_published(recipe.method_label, protocol, gate)
    published = calibrated or find_published(recipe.method_label, protocol)
    nearest = None if published else nearest_published(method, protocol)
    prefix = "calibrated." if calibrated else ""
    bands = () if published is None else tuple(
        Band(name, 100 * found.mean[prefix + name], _spread(found, prefix + name), published.values[name], tolerance)
        for name in METRICS
        if name in published.values and prefix + name in found.mean
    )  # fmt: skip
    line = published or nearest
    own = tuple(key for key, source in recipe.provenance.items() if source.startswith(OWN_SOURCES))
    differences = () if line is None else tuple(protocol_differences(protocol, line, gate if calibrated else "none"))
    return Reproduction(published, nearest, bands, differences, own, get_method(method).card.fidelity)


def _spread(found: Aggregate, name: str) -> float:
    if name not in found.std:
        return 0.0
    from scipy.stats import t

    return float(100 * t.ppf((1 + CONFIDENCE) / 2, found.n - 1) * found.std[name] / math.sqrt(found.n))
