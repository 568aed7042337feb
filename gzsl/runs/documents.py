"""What the files of a run hold."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model, model_validator

from gzsl.door.documents import Document
from gzsl.evaluation.domain import DomainReport
from gzsl.evaluation.protocol import Protocol

SCORES = ("U", "S", "H", "AUSUC")

Count = Annotated[int, Field(ge=0)]


def _model_of(cls: type, extra: Literal["allow", "forbid"]) -> Any:
    """A model with the fields of a dataclass, which is rebuilt from its plain values."""
    hints = typing.get_type_hints(cls)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], ... if field.default is dataclasses.MISSING else field.default)
        for field in dataclasses.fields(cls)
    }
    base = type(f"{cls.__name__}Base", (Document,), {"model_config": ConfigDict(extra=extra), "__module__": __name__})
    return create_model(cls.__name__, __base__=base, **fields)


class Point(Document):
    """U, S and H at a threshold."""

    gamma: float
    U: float
    S: float
    H: float


class Calibrated(Point):
    """What a calibrator reached."""

    AUSUC: float
    domain: _model_of(DomainReport, "allow") | None = None  # type: ignore[valid-type]


class Domain(_model_of(DomainReport, "allow")):  # type: ignore[misc]
    """How well seen and unseen rows are told apart by the scores."""

    advice: str | None = None


class Oracle(Document):
    """What the best threshold on the test rows would reach."""

    best_gamma: Point | None = None


class Chosen(Document):
    """What selection chose."""

    epoch: Count | None = None
    candidate: dict[str, Any] | None = None
    metric: str
    value: float | None = None


class Inductive(Document):
    """What the same method reached without unlabelled rows."""

    T1: float
    U: float | None
    S: float | None
    H: float | None
    AUSUC: float | None


class PseudoLabels(Document):
    """Pseudo-labels of a round, and how many were right."""

    round: Count
    labelled: float
    accuracy: float | None


class Diagnosis(Document):
    """What was looked up in test labels after the fit; nothing used it."""

    pseudo_labels: list[PseudoLabels] = []


class Metrics(Document):
    """``metrics.json``."""

    method: str
    dataset: str
    seed: Count
    T1: float
    U: float | None
    S: float | None
    H: float | None
    AUSUC: float | None
    top1: float | None = None
    calibrated: Calibrated | None = None
    domain: Domain | None = None
    oracle: Oracle = Oracle()
    inductive: Inductive | None = None
    diagnosis: Diagnosis | None = None
    notes: list[str] = []
    chosen: Chosen | None = None
    test_reads: Count | None = None
    protocol: _model_of(Protocol, "forbid")  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _complete(self) -> Metrics:
        for name in SCORES if self.protocol.generalized else ():
            if getattr(self, name) is None:
                raise ValueError(f"{name}: found None, expected a finite number")
        return self


class Timing(Document):
    """``timing.json``."""

    seconds: Annotated[float, Field(ge=0)]
    threads: Count | None = None


class Origin(Document):
    """Where a run's data came from."""

    in_memory: bool = False


class Environment(Document):
    """``environment.json``."""

    key: str
    gzsl: str
    device: str
    packages: dict[str, str] = {}
    data: Origin | None = None


class Named(Document):
    """A section with the name of a part."""

    name: str


class StoredRecipe(Document):
    """``recipe.yaml``, as far as it is read without being run again: old ones may know other keys."""

    dataset: Named
    method: Named
    selection: dict[str, Any] = {}
    seeds: list[Count] = []


class Losses(Document):
    """A line of ``records.jsonl``: losses of an epoch."""

    kind: Literal["losses"]
    fit: str
    epoch: Count
    losses: dict[str, float]


class Evaluated(Document):
    """A line of ``records.jsonl``: an evaluation."""

    kind: Literal["evaluation"]
    phase: str
    fold: str
    index: Count
    candidate: dict[str, Any]
    epoch: Count
    T1: float
    U: float | None
    S: float | None
    H: float | None
    AUSUC: float | None


class FileFacts(Document):
    """What a file of a finished run must be."""

    bytes: Count
    blake2b: str


class Manifest(Document):
    """``done``: the files of a finished run."""

    files: dict[str, FileFacts]

    @model_validator(mode="after")
    def _below_the_folder(self) -> Manifest:
        for name in self.files:
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"files: found {name!r}, expected names of files in the run's folder")
        return self


RECORDS: dict[str, type[Document]] = {"losses": Losses, "evaluation": Evaluated}
