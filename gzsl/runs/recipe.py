"""One YAML file that says everything about an experiment, as a typed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from gzsl.calibration import make_calibrator
from gzsl.data import SCALINGS
from gzsl.data.alignment import ALIGNMENTS, LEARNT
from gzsl.data.posterior import classifier_path, read_posterior
from gzsl.data.shots import ShotPlan
from gzsl.door.documents import in_words, problem_of
from gzsl.door.yaml import read_yaml
from gzsl.errors import RecipeError, suggest
from gzsl.files import file_hash, value_hash
from gzsl.methods import Method, get_method
from gzsl.params import configure, kinds, parameters, plain
from gzsl.runs.find import find_recipe
from gzsl.runs.overrides import overridden
from gzsl.runs.pooled import check_setting
from gzsl.runs.sections import (
    DatasetSection,
    ExpectedSection,
    PoolSection,
    PreprocessSection,
    Section,
    Seeds,
    SelectionSection,
    ShotsSection,
    pool_as_meant,
)
from gzsl.semantics import NORMALISATIONS
from gzsl.semantics.graph_maker import check_spec


class Recipe(PoolSection):
    """Dataset + preprocessing + method + selection + calibration + seeds, with the source of every value."""

    paper: str | None = Field(None, description="key of the paper in docs/references.bib")
    note: str | None = Field(None, description="what a reader should know")
    dataset: DatasetSection
    preprocess: PreprocessSection = PreprocessSection()
    provenance: dict[str, str] = Field(default_factory=dict, description="where each value comes from")
    shots: ShotsSection = ShotsSection()
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

    @field_validator("shots", mode="before")
    @classmethod
    def _k_alone(cls, value: Any) -> Any:
        return {"k": value} if isinstance(value, int) else value

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
        return f"{self.method_label} on {Path(self.dataset.name).name or self.dataset.name}"

    def build_method(self, **changes: Any) -> Method:
        """The method with the recipe's hyper-parameters and ``changes`` on top, a part's own as ``head.lr``."""
        cls = get_method(self.method["name"])
        given = {key: value for key, value in self.method.items() if key != "name"}
        given = overridden(given, changes) if any("." in key for key in changes) else given | changes
        return configure(cls, given, where=f"recipe for {self.title}: method", error=RecipeError)

    def resolved(self) -> dict[str, Any]:
        """Plain values of everything that decides the numbers, with defaults filled in."""
        values = self.model_dump(exclude={"paper", "note", "provenance", "expected", "seeds", *self.pool_keys})
        values["method"] = {"name": self.method["name"], **plain(self.build_method())}
        values["calibration"] = {"name": self.calibration["name"], **plain(make_calibrator(self.calibration))}
        values |= pool_as_meant(values)
        if (wrapper := self.build_wrapper()) is not None:
            values["transductive"] = {"name": wrapper.part_id, **plain(wrapper)}
        if self.dataset.graph is None:  # a run without one keeps the key that it had before there were graphs
            del values["dataset"]["graph"]
        return values

    def decided(self) -> dict[str, Any]:
        """`resolved` without what the data are called: they are known by their content, under any name or path."""
        values = self.resolved()
        del values["dataset"]["name"], values["dataset"]["regions"]
        if not values["dataset"]["pooled_regions"]:
            del values["dataset"]["pooled_regions"]  # so that keys of runs without it are those of earlier versions
        del values["dataset"]["tables"]  # a part of the content
        if values["dataset"]["joint"] is None:
            del values["dataset"]["joint"]
        if self.preprocess.align == "none":
            del values["preprocess"]["align"], values["preprocess"]["classifier"]
        elif self.preprocess.classifier is not None:
            values["preprocess"]["classifier"] = file_hash(classifier_path(self.preprocess.classifier))
        if not self.shot_plan.asked:
            del values["shots"]
        values["dataset"].pop("graph", None)  # nor what its graph is called, which is a part of the content
        return values

    @property
    def shot_plan(self) -> ShotPlan:
        """How many labelled rows of unseen classes are shown."""
        return ShotPlan(self.shots.k, self.shots.apart)

    def preparation(self, seed: int) -> dict[str, Any]:
        """Arguments of `gzsl.data.final_task` and `gzsl.data.fold_task` besides the data, for a run with ``seed``."""
        return {
            "scaling": self.preprocess.features, "setting": self.setting, "pool": self.pool_choice,
            "shots": self.shot_plan, "seed": seed, "regions": get_method(self.method["name"]).card.regions,
            "align": self.preprocess.align if self.preprocess.classifier is None else read_posterior(
                self.preprocess.classifier
            ),
        }  # fmt: skip

    def parts(self) -> tuple[type, ...]:
        """Classes of the method, its parts and the calibrator: whose code decides the numbers."""
        wrapper = self.build_wrapper()
        return kinds(self.build_method(), make_calibrator(self.calibration), *([] if wrapper is None else [wrapper]))

    def changed(self, overrides: Mapping[str, Any]) -> Recipe:
        """A checked copy with other values, by dotted key such as ``method.head.lr``."""
        values = self.model_dump(exclude_unset=True)
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
        _check_choice("preprocess.align", self.preprocess.align, ALIGNMENTS)
        _check_choice("dataset.normalise", self.dataset.normalise, NORMALISATIONS)
        if self.dataset.graph is not None:
            check_spec(self.dataset.graph)
        method = self.build_method()
        method.check_parameters()
        check_setting(self.setting, self.transductive, method.card)
        _ = self.pool_choice  # refuses parts of a prior that do not go together
        self._check_setting(type(method))
        make_selection(self.selection.rule)
        make_calibrator(self.calibration)
        if self.selection.grid and self.selection.rule == "last":
            raise RecipeError("selection: found a grid with rule 'last', expected rule 'validation', which can choose")
        known = parameters(type(method))
        for name, values in self.selection.grid.items():
            owner, dot, _ = name.partition(".")
            if owner == "transductive":
                raise RecipeError(f"selection.grid: {name}: found a setting of a wrapper, expected one of the method")
            if owner not in known or (dot and known[owner].part is None):
                raise RecipeError(f"selection.grid: unknown key {name!r}; {suggest(owner, known)}")
            for value in values:
                self.build_method(**{name: value}).check_parameters()
        return self

    def _check_setting(self, method: type[Method]) -> None:
        """What the setting, and shots, leave no room for."""
        if self.shot_plan.k and not method.few_shot():
            raise RecipeError(
                f"shots: found {self.shots.k}, but {method.card.id} learns from rows of seen classes alone and would "
                "not use them; generators and the heads that read shots do (gzsl methods)"
            )
        if self.setting != "transfer":
            return
        if self.preprocess.align in LEARNT:
            raise RecipeError(
                f"preprocess.align: found {self.preprocess.align!r} in the transfer setting, without rows to learn "
                "a map on, expected none or conse"
            )
        if self.selection.rule != "last":
            raise RecipeError(
                f"selection: found rule {self.selection.rule!r} in the transfer setting, which has no training rows to "
                "choose on, expected rule 'last'"
            )
        if self.calibration["name"] != "none":
            raise RecipeError(
                f"calibration: found {self.calibration['name']!r} in the transfer setting, where no class is seen, "
                "expected none"
            )


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
