"""Blocks of a recipe, as typed models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gzsl.data.pool import PoolChoice
from gzsl.data.splits import VERSIONS
from gzsl.errors import suggest
from gzsl.runs.overrides import combinations

if TYPE_CHECKING:
    from gzsl.transduction import Wrapper

MOST_CANDIDATES = 10_000  # of a grid
MOST_SEEDS = 10_000
LARGEST_SEED = 2**32 - 1  # that every library takes

Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED)]  # strict: true is no seed 1
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=MOST_SEEDS)]
RESERVED = ("name", "root", "semantics", "normalise", "features_name", "regions")  # no options, but a loader's own


class Section(BaseModel):
    """A block of a recipe; a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class DatasetSection(Section):
    """Which data."""

    name: str = Field(description="dataset: an embedded one, a benchmark's name, or a path")
    split: str | list[str] | None = Field(
        None, description="split version that the data must have, or several: PS1, PS2, custom; null: any"
    )
    features: str | None = Field(None, description="which features these are; checked; null: as the files show")
    fine_tuned: bool | None = Field(
        None, description="whether the feature network saw the seen classes; checked; null: as the files show"
    )
    regions: str | None = Field(None, description="file or folder of features of regions; null: the dataset's own")
    pooled_regions: bool = Field(
        False, description="true: other methods' rows are means of regions, not the features beside"
    )
    semantics: str = Field("att", description="class table to use: att, original_att, sent, ...")
    normalise: str = Field("none", description="what is done to the class table: none, l2, l2-sqrt-dim, zscore, minmax")
    tables: dict[str, str] = Field(
        default_factory=dict, description="further class tables by name: a file (.csv, .npz) beside the data or a path"
    )
    joint: bool | None = Field(
        None, description="whether class vectors and features share one space; null: as the files show"
    )
    graph: str | dict[str, Any] | None = Field(
        None, description="class graph: a kind by name (attributes-knn, taxonomy, ...), a folder, or a mapping with "
        "such a name and its options; null: none",
    )  # fmt: skip
    options: dict[str, Any] = Field(default_factory=dict, description="options of an embedded dataset")

    @field_validator("split")
    @classmethod
    def _known_versions(cls, value: str | list[str] | None) -> str | list[str] | None:
        for version in [value] if isinstance(value, str) else value or []:
            if version not in VERSIONS:
                raise ValueError(f"found {version!r}; {suggest(version, VERSIONS)}")
        return value

    @property
    def split_versions(self) -> tuple[str, ...] | None:
        """The split versions that will do; None: any."""
        return (self.split,) if isinstance(self.split, str) else tuple(self.split) if self.split else None

    @field_validator("options")
    @classmethod
    def _options_alone(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key in options:
            if key in RESERVED:
                raise ValueError(f"found {key!r}, expected options of an embedded dataset alone")
        return options


class PreprocessSection(Section):
    """What is done to features before any method sees them; statistics come from training rows only."""

    features: str = Field("none", description="none, l2, minmax, standard, max, centre-l2")
    align: str = Field(
        "none", description="map from features to the space of class vectors: none; learnt on seen rows: ridge, "
        "contrastive, cwcl; through a classifier of named classes: conse",
    )  # fmt: skip
    classifier: str | None = Field(
        None, description="of conse: .npz with weight, bias and the vectors of its classes; a path, or below GZSL_DATA"
    )

    @model_validator(mode="after")
    def _classifier_of_conse(self) -> PreprocessSection:
        if (self.align == "conse") != (self.classifier is not None):
            found = "none for align: conse" if self.classifier is None else f"one for align: {self.align}"
            raise ValueError(f"classifier: found {found}, expected the file of a classifier for conse alone")
        if self.align == "conse" and self.features != "none":
            raise ValueError(f"features: found {self.features!r}, expected none: the classifier takes them as they are")
        return self

    @property
    def label(self) -> str:
        """What the protocol calls it: ``centre-l2``, or ``centre-l2+ridge`` with a map."""
        if self.classifier is not None:
            return f"{self.align}({Path(self.classifier).stem})"
        return self.features if self.align == "none" else f"{self.features}+{self.align}"


class ShotsSection(Section):
    """Few-shot learning: labelled rows of unseen classes that a method gets besides; none of them is ever scored."""

    k: int = Field(0, strict=True, ge=0, le=10_000, description="labelled rows of each unseen class")
    apart: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=10_000,
        description="test rows a class that leave the scored ones where there is no pool; k of them are shown; null: k",
    )

    @model_validator(mode="after")
    def _enough(self) -> ShotsSection:
        if self.apart is not None and self.apart < self.k:
            raise ValueError(f"apart: found {self.apart} for {self.k} shots, expected at least as many")
        return self


class SelectionSection(Section):
    """How hyper-parameters and the number of epochs are chosen."""

    rule: str = Field("validation", description="validation; last; test-oracle (not a valid result)")
    metric: str = Field("H", description="metric that the choice maximises: H, AUSUC, T1, ...")
    folds: int = Field(3, strict=True, ge=1, le=20, description="class-wise validation folds at most")
    holdout: float = Field(0.2, gt=0, lt=1, description="share of a training class's images held out in a fold")
    every: int | None = Field(None, strict=True, ge=1, description="epochs between evaluations; null: five")
    grid: dict[str, list[Any]] = Field(default_factory=dict, description="hyper-parameter values to choose from")

    @field_validator("grid", mode="before")
    @classmethod
    def _flat(cls, grid: Any) -> Any:
        """Values of a part below its name, ``{head: {lr: [...]}}``, are those of ``head.lr``."""
        if not isinstance(grid, dict):
            return grid
        flat: dict[Any, Any] = {}
        for key, value in grid.items():
            own = {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
            flat |= own
        return flat

    @field_validator("grid")
    @classmethod
    def _bounded(cls, grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
        if (count := combinations(grid)) > MOST_CANDIDATES:
            raise ValueError(f"found {count:,} candidates, expected at most {MOST_CANDIDATES:,}")
        return grid


class ExpectedSection(Section):
    """A published result to stand beside ours, with its protocol."""

    T1: float | None = Field(None, description="published T1, percent")
    U: float | None = Field(None, description="published U, percent")
    S: float | None = Field(None, description="published S, percent")
    H: float | None = Field(None, description="published H, percent")
    source: str = Field(description="table or file the numbers come from")
    selection: str | None = Field(None, description="how the published number was selected")
    note: str | None = Field(None, description="what to know before comparing")


class PriorSection(Section):
    """What a transductive method may know of the shares of classes among unlabelled rows."""

    name: Literal["uniform", "estimated", "given"] = Field(
        "uniform", description="uniform; estimated; given (not a valid result)"
    )
    rule: Literal["classifier", "kmeans", "bbse"] = Field(
        "classifier", description="how an estimated prior is found: classifier, kmeans or bbse"
    )
    shares: dict[str, float] | None = Field(
        None, description="of a given prior: share by class; null: counted in the labels of the test rows"
    )


def pool_as_meant(values: Mapping[str, Any]) -> dict[str, Any]:
    """Pool and prior of a recipe's plain values as they are meant where nothing, or what has no effect, was written."""
    if values.get("setting") != "transductive":
        return {}
    prior = PriorSection().model_dump() | (values.get("class_prior") or {})
    if prior["name"] != "estimated":
        prior["rule"] = PriorSection().rule
    return {"pool": values.get("pool") or "unseen", "class_prior": prior}


class PoolSection(Section):
    """The keys of a recipe that only the transductive setting has; `Recipe` derives from it."""

    setting: Literal["inductive", "transductive", "transfer"] = Field(
        "inductive", description="what the method may see; transfer: no training rows, all classes are candidates"
    )
    pool: Literal["unseen", "all"] | None = Field(
        None, description="unlabelled rows of the transductive setting: of unseen classes alone, or the whole test set"
    )
    class_prior: PriorSection | None = Field(
        None, description="what is known of their classes' shares: uniform, estimated or given; null: uniform"
    )
    method: dict[str, Any] = Field(description="name of the method and every hyper-parameter")
    transductive: dict[str, Any] | None = Field(
        None, description="what makes an inductive method transductive: propagate, self-train or sinkhorn"
    )

    @model_validator(mode="before")
    @classmethod
    def _setting_of_the_wrapper(cls, values: Any) -> Any:
        """A wrapper is transductive by what it is: nobody has to say it a second time."""
        if isinstance(values, dict) and values.get("transductive") is not None and "setting" not in values:
            return {**values, "setting": "transductive"}
        return values

    @field_validator("class_prior", "transductive", mode="before")
    @classmethod
    def _part_by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _pool_in_its_setting(self) -> PoolSection:
        for name in ("pool", "class_prior", "transductive"):
            if self.setting != "transductive" and getattr(self, name) is not None:
                raise ValueError(
                    f"{name}: found one in the {self.setting} setting, expected none there; say setting: transductive"
                )
        return self

    @property
    def pool_choice(self) -> PoolChoice | None:
        """What is asked of the transductive setting; None in another one."""
        if self.setting != "transductive":
            return None
        prior = self.class_prior or PriorSection()
        return PoolChoice(self.pool or "unseen", prior.name, prior.rule, prior.shares)

    @property
    def method_label(self) -> str:
        """Id of the method, with the wrapper's where there is one."""
        around = "" if self.transductive is None else f"+{self.transductive.get('name')}"
        return f"{self.method['name']}{around}"

    def build_wrapper(self) -> Wrapper | None:
        """What makes the method transductive; None where nothing has to."""
        if self.transductive is None:
            return None
        from gzsl.transduction import make_wrapper

        return make_wrapper(self.transductive)

    @property
    def pool_keys(self) -> set[str]:
        """The keys here that decide nothing in the present setting."""
        return set() if self.setting == "transductive" else {"pool", "class_prior", "transductive"}
