"""In which fields of the protocol a published number differs from ours, and what stands beside a run.

Every place that shows a published number beside ours (``run``, ``reproduce``, ``sweep``, ``report``) asks here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from gzsl.evaluation import Protocol
from gzsl.report.published import (
    KINDS,
    UNKNOWN,
    Published,
    find_published,
    published_numbers,
    semantics_kind,
)
from gzsl.runs.recipe import Recipe

EFFECTS = {
    "dataset": "other images and classes",
    "setting": "transductive methods see the unlabelled test images, transfer trains on none",
    "semantics": "CE-GZSL on CUB: H 65.3 with sentences, 56.4 with attributes, by its authors",
    "features": "another network or preprocessing",
    "fine-tuned": "f-VAEGAN-D2 on CUB: H 53.6 with frozen features, 68.9 with fine-tuned ones",
    "split": "train and val rows of the first release contain test images of seen classes",
    "selection": "test-oracle takes the best epoch on the test data, which is not a valid result",
    "calibration": "calibrated stacking on IGSC, CUB: H 39.3 without, 48.7 with it",
}


@dataclass(frozen=True)
class Difference:
    """A protocol field that differs between our number and a published one.

    Attributes
    ----------
    field, ours, theirs : str
        Name and values; ``unknown`` where the source does not say it.
    effect : str
        What such a difference has done to published numbers.
    """

    field: str
    ours: str
    theirs: str
    effect: str

    @property
    def sentence(self) -> str:
        """One line."""
        return f"{self.field}: {self.ours} here, {self.theirs} there ({self.effect})"


@dataclass(frozen=True)
class Beside:
    """What to show of published numbers beside a run.

    Attributes
    ----------
    values : dict of str to float
        T1, U, S, H in percent; empty where no published number may stand beside the run.
    source : str
        Where the number was read.
    differs : str
        The fields of the protocol that differ, in one clause; empty when all agree.
    """

    values: dict[str, float]
    source: str
    differs: str


def beside_run(recipe: Recipe, protocol: Protocol) -> Beside | None:
    """The published number to stand beside a run; None when nothing is known of one.

    The reference file decides where it has lines of this method on this dataset; what a recipe of one's own expects is
    shown otherwise. Nothing was published of a method inside a wrapper: of the method alone a line can be the nearest.
    """
    method, expected = recipe.method["name"], recipe.expected
    line = find_published(recipe.method_label, protocol)
    if line is not None:
        return Beside(line.values, line.source, differing_fields(protocol, line))
    if expected is None:
        return None
    if not any((known.method, known.dataset) == (method, recipe.dataset.name) for known in published_numbers()):
        stated = {name: getattr(expected, name) for name in ("T1", "U", "S", "H")}
        values = {name: value for name, value in stated.items() if value is not None}
        return Beside(values, expected.source, f"selection there: {expected.selection or UNKNOWN}")
    nearest = nearest_published(method, protocol)
    return None if nearest is None else Beside({}, nearest.source, differing_fields(protocol, nearest))


def differing_fields(protocol: Protocol, line: Published) -> str:
    """The fields that differ, such as ``split: PS2 here, PS1 there; selection: ...``; empty when all agree."""
    found = protocol_differences(protocol, line)
    return "; ".join(f"{one.field}: {one.ours} here, {one.theirs} there" for one in found)


def differing_notes(lines: Iterable[tuple[str, str]]) -> list[str]:
    """One sentence a way in which published numbers differ, from (label, `differing_fields`) of every line."""
    found: dict[str, list[str]] = {}
    for label, differs in lines:
        if differs:
            found.setdefault(differs, []).append(label)
    return [f"published differs ({', '.join(labels)}): {differs}" for differs, labels in found.items()]


def nearest_published(method: str, protocol: Protocol) -> Published | None:
    """The line of a method whose protocol differs in the fewest fields; one of a dataset of the same kind first."""
    lines = [line for line in published_numbers() if line.method == method]
    return min(lines, key=lambda line: (_far(line, protocol), KINDS.index(line.kind), line.secondary), default=None)


def protocol_differences(protocol: Protocol, line: Published, calibration: str = "none") -> list[Difference]:
    """Fields that differ, most likely cause first; unknown ones after those that are known to differ."""
    ours = {
        "dataset": protocol.dataset, "setting": protocol.setting, "semantics": semantics_kind(protocol),
        "features": protocol.features, "fine-tuned": _yes(protocol.fine_tuned), "split": protocol.split,
        "selection": protocol.selection, "calibration": calibration,
    }  # fmt: skip
    theirs = {field.name.replace("_", "-"): getattr(line, field.name) for field in fields(line)}
    theirs["fine-tuned"] = _yes(line.fine_tuned)
    found = [
        Difference(name, ours[name], theirs[name], effect)
        for name, effect in EFFECTS.items()
        if ours[name] != theirs[name]
    ]
    return sorted(found, key=lambda difference: UNKNOWN in (difference.ours, difference.theirs))


def _far(line: Published, protocol: Protocol) -> tuple[bool, int]:
    kin = protocol.dataset.rstrip("0123456789") == line.dataset.rstrip("0123456789")
    return not (line.dataset == protocol.dataset or kin), len(protocol_differences(protocol, line))


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: UNKNOWN}[value]
