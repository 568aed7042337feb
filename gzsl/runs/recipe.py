"""One YAML file that says everything about an experiment, as a typed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gzsl.calibration import make_calibrator
from gzsl.data import SCALINGS
from gzsl.data.splits import VERSIONS
from gzsl.door.documents import in_words, problem_of
from gzsl.door.yaml import read_yaml
from gzsl.errors import RecipeError, suggest
from gzsl.files import value_hash
from gzsl.methods import Method, get_method, method_names
from gzsl.params import configure, kinds, parameters, plain
from gzsl.runs.find import find_recipe
from gzsl.runs.overrides import combinations, overridden
from gzsl.semantics import NORMALISATIONS
from gzsl.semantics.graph_maker import check_spec

MOST_CANDIDATES = 10_000  # of a grid
MOST_SEEDS = 10_000
LARGEST_SEED = 2**32 - 1  # that every library takes

Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED)]  # strict: true is no seed 1
Seeds = Annotated[list[Seed], Field(min_length=1, max_length=MOST_SEEDS)]
RESERVED = ("name", "root", "semantics", "normalise", "features_name")  # what a loader is told apart from its options


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
    semantics: str = Field("att", description="class table to use: att, original_att, sent, ...")
    normalise: str = Field("none", description="what is done to the class table: none, l2, l2-sqrt-dim, zscore, minmax")
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


class SelectionSection(Section):
    """How hyper-parameters and the number of epochs are chosen."""

    rule: str = Field("validation", description="validation; last; test-oracle (not a valid result)")
    metric: str = Field("H", description="metric that the choice maximises: H, AUSUC, T1, ...")
    folds: int = Field(3, strict=True, ge=1, le=20, description="class-wise validation folds at most")
    holdout: float = Field(0.2, gt=0, lt=1, description="share of a training class's images held out in a fold")
    every: int | None = Field(None, strict=True, ge=1, description="epochs between evaluations; null: five")
    grid: dict[str, list[Any]] = Field(default_factory=dict, description="hyper-parameter values to choose from")

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


class Recipe(Section):
    """Dataset + preprocessing + method + selection + calibration + seeds, with the source of every value."""

    paper: str | None = Field(None, description="key of the paper in docs/references.bib")
    note: str | None = Field(None, description="what a reader should know")
    dataset: DatasetSection
    preprocess: PreprocessSection = PreprocessSection()
    method: dict[str, Any] = Field(description="name of the method and every hyper-parameter")
    provenance: dict[str, str] = Field(default_factory=dict, description="where each value comes from")
    setting: Literal["inductive", "transductive"] = Field("inductive", description="what the method may see")
    selection: SelectionSection = SelectionSection()
    calibration: dict[str, Any] = Field(default_factory=lambda: {"name": "none"}, description="calibrator and settings")
    seeds: Seeds = Field(default_factory=lambda: [0, 1, 2], description="one run a seed")
    expected: ExpectedSection | None = Field(None, description="published result to compare with")

    @field_validator("dataset", "method", "calibration", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("selection", mode="before")
    @classmethod
    def _rule_alone(cls, value: Any) -> Any:
        return {"rule": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_method_name(self) -> Recipe:
        if not isinstance(self.method.get("name"), str):
            raise ValueError("method.name: found nothing, expected the id of a method (see `gzsl methods`)")
        return self

    def __repr__(self) -> str:
        about = f"selection {self.selection.rule}, calibration {self.calibration.get('name')}, seeds {self.seeds[:9]}"
        return f"Recipe({self.title}; {about}; to see all of it: .model_dump() or gzsl explain)"

    __str__ = __repr__

    @property
    def title(self) -> str:
        """Method and dataset; of a path its last part."""
        return f"{self.method['name']} on {Path(self.dataset.name).name or self.dataset.name}"

    def build_method(self, **changes: Any) -> Method:
        """The method with the recipe's hyper-parameters, and ``changes`` on top."""
        cls = get_method(self.method["name"])
        given = {key: value for key, value in self.method.items() if key != "name"} | changes
        return configure(cls, given, where=f"recipe for {self.title}: method", error=RecipeError)

    def resolved(self) -> dict[str, Any]:
        """Plain values of everything that decides the numbers, with defaults filled in."""
        values = self.model_dump(exclude={"paper", "note", "provenance", "expected", "seeds"})
        values["method"] = {"name": self.method["name"], **plain(self.build_method())}
        values["calibration"] = {"name": self.calibration["name"], **plain(make_calibrator(self.calibration))}
        if self.dataset.graph is None:  # a run without one keeps the key that it had before there were graphs
            del values["dataset"]["graph"]
        return values

    def decided(self) -> dict[str, Any]:
        """`resolved` without what the data are called: they are known by their content, under any name or path."""
        values = self.resolved()
        del values["dataset"]["name"]
        values["dataset"].pop("graph", None)  # nor what its graph is called, which is a part of the content
        return values

    def parts(self) -> tuple[type, ...]:
        """Classes of the method, its parts and the calibrator: whose code decides the numbers."""
        return kinds(self.build_method(), make_calibrator(self.calibration))

    def changed(self, overrides: Mapping[str, Any]) -> Recipe:
        """A checked copy with other values, by dotted key such as ``method.head.lr``."""
        values = self.model_dump()
        return make_recipe(overridden(values, overrides), where=f"recipe for {self.title}")

    @property
    def fingerprint(self) -> str:
        """Digest of `resolved`."""
        return value_hash(self.resolved())

    def check(self) -> Recipe:
        """Check names and values that only the registries know; returns the recipe itself.

        Raises
        ------
        RecipeError, MethodError
            Naming the key, what was found and the nearest acceptable value.
        """
        from gzsl.evaluation.selection import make_selection

        _check_choice("preprocess.features", self.preprocess.features, SCALINGS)
        _check_choice("dataset.normalise", self.dataset.normalise, NORMALISATIONS)
        if self.dataset.graph is not None:
            check_spec(self.dataset.graph)
        method = self.build_method()
        method.check_parameters()
        if self.setting not in method.card.settings:
            able = [name for name in method_names() if self.setting in get_method(name).card.settings]
            raise RecipeError(
                f"setting: found {self.setting!r}, but {method.card.id} supports {' and '.join(method.card.settings)} "
                f"alone; methods that support {self.setting}: {', '.join(able) or 'none'}"
            )
        make_selection(self.selection.rule)
        make_calibrator(self.calibration)
        if self.selection.grid and self.selection.rule == "last":
            raise RecipeError("selection: found a grid with rule 'last', expected rule 'validation', which can choose")
        known = parameters(type(method))
        for name, values in self.selection.grid.items():
            if name not in known:
                raise RecipeError(f"selection.grid: unknown key {name!r}; {suggest(name, known)}")
            for value in values:
                self.build_method(**{name: value}).check_parameters()
        return self


def load_recipe(source: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read, override and check a recipe.

    Parameters
    ----------
    source : str or Path
        A path, or ``method/dataset`` of a shipped recipe (``method/dataset.variant`` of one of its variants).
    overrides : mapping, optional
        Values by dotted key, such as ``{"method.lr": 1e-3}``.

    Raises
    ------
    RecipeError
        For a missing file, bad YAML, an unknown key (with the nearest one) or a value of a wrong type.
    """
    path = find_recipe(source)
    values = overridden(read_recipe(path), overrides or {})
    return make_recipe(values, where=str(path), changed=tuple(overrides or ()))


def read_recipe(path: Path) -> dict[str, Any]:
    """Plain values of a recipe's file, unchecked."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: found {in_words(values)}, expected a mapping of recipe keys")
    return values


def make_recipe(values: Mapping[str, Any], where: str = "recipe", changed: Sequence[str] = ()) -> Recipe:
    """Check plain values and make a `Recipe` of them.

    Parameters
    ----------
    values : mapping
        As a file holds them.
    where : str
        Where they come from, for messages.
    changed : sequence of str
        Dotted keys that came from ``--set`` instead, which a message then names.
    """
    return typed_recipe(values, where, changed).check()


def typed_recipe(values: Mapping[str, Any], where: str = "recipe", changed: Sequence[str] = ()) -> Recipe:
    """What `make_recipe` makes, before names of methods and their parts are looked up."""
    try:
        return Recipe.model_validate(dict(values))
    except ValidationError as error:
        place = ".".join(str(part) for part in problem_of(error)[0]) + "."
        blamed = [key for key in changed if place.startswith(f"{key}.") or f"{key}.".startswith(place)]
        sentence = _sentence(error)
        if blamed:  # the key once, where it is the place
            raise RecipeError(f"--set {blamed[0]}: {sentence.removeprefix(f'{blamed[0]}: ')}") from None
        raise RecipeError(f"{where}: {sentence}") from None


def _check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise RecipeError(f"{key}: found {value!r}; {suggest(value, choices)}")


def _sentence(error: ValidationError) -> str:
    """The first problem as one sentence, with the nearest key where a key is not known."""
    problem = error.errors()[0]
    loc, message = problem_of(error)
    place = ".".join(str(part) for part in loc)
    if problem["type"] == "extra_forbidden":
        section = _section(problem["loc"][:-1])
        return f"unknown key {place!r}; {suggest(str(problem['loc'][-1]), section.model_fields)}"
    return f"{place}: {message}" if place else message


def _section(place: tuple[int | str, ...]) -> type[Section]:
    section: type[Section] = Recipe
    for part in place:
        inner = section.model_fields[str(part)].annotation
        options = getattr(inner, "__args__", (inner,))
        section = next(o for o in options if isinstance(o, type) and issubclass(o, Section))
    return section
