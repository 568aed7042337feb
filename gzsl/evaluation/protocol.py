"""What makes two numbers comparable: the protocol under which each was obtained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Everything besides the method that decides a number.

    Attributes
    ----------
    dataset : str
        Dataset name.
    split : str
        Version of the split: ``PS1``, ``PS2`` or ``custom``.
    setting : str
        ``inductive``, ``transductive``, or ``transfer`` (no training rows, all classes are candidates).
    generalized : bool
        Whether test images may be of seen classes too.
    features : str
        Which image features.
    fine_tuned : bool or None
        Whether the feature network was fine-tuned on the seen classes; None when unknown.
    semantics, normalisation : str
        Which class table, and what was done to it.
    preprocessing : str
        What was done to the features.
    selection : str
        How hyper-parameters and epochs were chosen.
    calibration : str
        Which calibrator the calibrated numbers used.
    pool : str
        In the transductive setting of which classes the unlabelled rows are: ``unseen`` or ``all``; else ``none``.
    class_prior : str
        What was known of their classes' shares: ``uniform``, ``estimated (RULE)`` or ``given``; else ``none``.
    pool_reads : int
        How often fits read unlabelled test rows, or shares in their labels.
    valid : bool
        False when test data took part in a choice.
    shots : str
        How many labelled rows of each unseen class were shown, and where from; ``none``.
    """

    dataset: str
    split: str
    setting: str
    features: str
    fine_tuned: bool | None
    semantics: str
    normalisation: str
    preprocessing: str
    selection: str
    calibration: str
    generalized: bool = True
    pool: str = "none"
    class_prior: str = "none"
    pool_reads: int = 0
    valid: bool = True
    shots: str = "none"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``Protocol(**values)`` rebuilds it."""
        return asdict(self)

    @property
    def seen_by_method(self) -> str:
        """The setting in words: ``inductive``, or transductive with pool, prior and reads."""
        if (self.pool, self.class_prior, self.pool_reads) == ("none", "none", 0):
            return self.setting
        reads = f"{self.pool_reads} read{'' if self.pool_reads == 1 else 's'}"
        return f"{self.setting} (pool {self.pool}, prior {self.class_prior}, {reads})"

    def heading(self, dataset: str) -> str:
        """What a table of such numbers is headed by: runs that saw unlabelled test rows stand apart."""
        return dataset if self.pool == "none" else f"{dataset}, transductive (pool {self.pool})"

    @property
    def reason(self) -> str:
        """Why the number is not valid; empty where it is."""
        given = self.class_prior == "given"
        found = ["the shares of classes among the test images were given"] if given else []
        if not self.valid and (not given or self.selection.startswith("test")):
            found.append("hyper-parameters or epoch were chosen on test data")
        return "; ".join(found)

    def key(self) -> str:
        """One line for a table; two protocols have the same key only when all fields are equal."""
        tuned = {True: "fine-tuned", False: "frozen", None: "tuning-unknown"}[self.fine_tuned]
        parts = [
            self.dataset, self.split, self.features, tuned, self.semantics, self.normalisation, self.preprocessing,
            self.seen_by_method, "gzsl" if self.generalized else "zsl", self.selection, self.calibration,
        ]  # fmt: skip
        parts += [f"shots {self.shots}"] if self.shots != "none" else []
        line = "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
        return line if self.valid else f"{line} (not a valid result)"

    def differences(self, other: Protocol) -> list[str]:
        """One sentence a field that differs, in the order of declaration; empty when comparable."""
        found = []
        for field in fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            if ours != theirs:
                name = field.name.replace("_", "-")
                found.append(f"{name}: {_readable(ours)} against {_readable(theirs)}")
        return found


def _readable(value: str | int | None) -> str:
    if value is None:
        return "unknown"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
