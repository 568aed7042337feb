"""What unlabelled rows gave a run: the same method without them beside it, and how right its pseudo-labels were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = ("T1", "U", "S", "H", "AUSUC")


def gains(metrics: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Fractions by name, without unlabelled rows and with them; empty where a run has no such pair."""
    before = metrics.get("inductive") or {}
    pairs = {name: (before.get(name), metrics.get(name)) for name in NAMES}
    return {name: (old, new) for name, (old, new) in pairs.items() if old is not None and new is not None}


def pooled_sentences(metrics: Mapping[str, Any]) -> list[str]:
    """One sentence on what was gained, and one on pseudo-labels; none for an inductive run."""
    found = []
    if pairs := gains(metrics):
        told = ", ".join(
            f"{name} {100 * a:.1f} -> {100 * b:.1f} ({100 * (b - a):+.1f})" for name, (a, b) in pairs.items()
        )
        found.append(f"inductive -> transductive: {told}")
    rounds = (metrics.get("diagnosis") or {}).get("pseudo_labels", [])
    told = ", ".join(
        f"{100 * one['accuracy']:.1f} of {100 * one['labelled']:.0f} %" for one in rounds if one["accuracy"] is not None
    )
    if told:
        found.append(f"pseudo-labels that were right, by round (looked up after the fit, used by nothing): {told}")
    return found
