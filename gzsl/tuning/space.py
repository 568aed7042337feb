"""Which hyper-parameters are searched, and where: from their declarations, or as the user says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gzsl.door.yaml import parse_yaml
from gzsl.errors import RecipeError, suggest
from gzsl.methods import Method
from gzsl.params import Configurable, Parameter, parameters, plain
from gzsl.runs.recipe import Recipe

DIGITS = 4  # significant digits of a drawn value, so that recipes stay readable
FACTOR = 10.0  # a parameter without a range worth searching is searched so far to each side of the recipe's value
SCALES = ("log", "linear")


@dataclass(frozen=True)
class Dimension:
    """One hyper-parameter of the search.

    Attributes
    ----------
    key : str
        Name below ``method`` in a recipe; a part's own parameter as ``head.lr``.
    low, high : float or None
        Inclusive range; None for a choice.
    log : bool
        Whether values are spread evenly over the logarithm.
    integer : bool
        Whether values are whole numbers.
    choices : tuple or None
        Values to choose from, instead of a range.
    """

    key: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] | None = None

    def at(self, share: float) -> Any:
        """Value at a place of the unit interval."""
        if self.choices is not None:
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        low, high = self._bounds
        if self.integer:
            low, high = low - 0.5, high + 0.5
        if self.log:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        low, high = self._bounds
        if self.integer:
            return int(min(max(round(value), low), high))
        return min(max(float(f"{value:.{DIGITS}g}"), low), high)

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range or among the choices."""
        if self.choices is not None:
            return value in self.choices
        low, high = self._bounds
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    @property
    def text(self) -> str:
        """Readable range."""
        if self.choices is not None:
            return ", ".join(str(choice) for choice in self.choices)
        return f"{self.low:g} to {self.high:g}{', log' if self.log else ''}"

    @property
    def _bounds(self) -> tuple[float, float]:
        assert self.low is not None and self.high is not None
        return self.low, self.high

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> Dimension:
        """What `to_dict` told, after its way through JSON."""
        choices = values["choices"]
        return cls(**{**values, "choices": None if choices is None else tuple(choices)})


def search_space(
    recipe: Recipe, only: Sequence[str] = (), ranges: Mapping[str, str] | None = None
) -> tuple[Dimension, ...]:
    """Dimensions of the search of a recipe's method.

    Parameters
    ----------
    recipe : Recipe
        Whose method is tuned; its values are the middle of ranges that no declaration gives.
    only : sequence of str
        Keys to search; when neither these nor ``ranges`` are given, all that declare a range worth searching.
    ranges : mapping of str to str, optional
        ``low:high``, ``low:high:log`` or ``low:high:linear`` for numbers, ``a,b,c`` for choices, by key.

    Raises
    ------
    RecipeError
        For an unknown key, a range that cannot be read or is not allowed, or nothing to search.
    """
    method = recipe.build_method()
    given = dict(ranges or {})
    keys = list(dict.fromkeys([*only, *given]))
    if not keys:
        keys = [name for name, known in parameters(type(method)).items() if known.tune is not None]
    if not keys:
        raise RecipeError(
            f"{recipe.title}: no hyper-parameter declares a range worth searching; name some with --only or --space"
        )
    found = tuple(_dimension(method, key, given.get(key)) for key in keys)
    for dimension in found:
        for end in dimension.choices or (dimension.low, dimension.high):
            recipe.changed({f"method.{dimension.key}": end})  # refuses what the method does not allow
    return found


def value_at(method: Method, key: str) -> Any:
    """The present value of a hyper-parameter by its dotted key."""
    value: Any = plain(method)
    for part in key.split("."):
        value = value[part]
    return value


def _dimension(method: Method, key: str, text: str | None) -> Dimension:
    parameter = _parameter(method, key)
    if key == "n_epochs" and method.iterative:
        raise RecipeError("n_epochs: it is chosen by the validation curve inside every trial, so it is not searched")
    if text is not None:
        return _parsed(parameter, key, text)
    if parameter.choices is not None:
        return Dimension(key, choices=parameter.choices)
    if parameter.annotation is bool:
        return Dimension(key, choices=(False, True))
    integer = _is_integer(parameter)
    if parameter.tune is not None:
        return Dimension(key, *parameter.tune, log=parameter.log and parameter.tune[0] > 0, integer=integer)
    return _around(parameter, key, value_at(method, key), integer)


def _parameter(method: Method, key: str) -> Parameter:
    *parts, last = key.split(".")
    if parts[:1] == ["transductive"]:
        raise RecipeError(f"{key}: found a setting of a wrapper, expected one of the method; wrappers are not searched")
    owner: Configurable = method
    for part in parts:
        inner = getattr(owner, part, None)
        if not isinstance(inner, Configurable):
            raise RecipeError(f"unknown hyper-parameter {key!r}: {part} is not a part of {method.card.id}")
        owner = inner
    known = parameters(type(owner))
    if last not in known:
        raise RecipeError(f"unknown hyper-parameter {key!r} of {method.card.id}; {suggest(last, known)}")
    if known[last].part is not None:
        raise RecipeError(f"{key}: it is a part; search its own values, such as {key}.lr")
    return known[last]


def _is_integer(parameter: Parameter) -> bool:
    return parameter.type_name.split(" ")[0] == "int"


def _around(parameter: Parameter, key: str, value: Any, integer: bool) -> Dimension:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise RecipeError(
            f"{key}: no range worth searching is declared and the recipe's value is {value!r}; "
            f"give one with --space {key}=LOW:HIGH"
        )
    low, high = value / FACTOR, value * FACTOR
    low = low if parameter.low is None else max(low, parameter.low)
    high = high if parameter.high is None else min(high, parameter.high)
    return Dimension(key, math.ceil(low) if integer else low, math.floor(high) if integer else high, True, integer)


def _parsed(parameter: Parameter, key: str, text: str) -> Dimension:
    expected = "expected LOW:HIGH, LOW:HIGH:log, LOW:HIGH:linear or A,B,..."
    if ":" not in text:
        choices = tuple(parse_yaml(part, f"--space {key}={text}") for part in text.split(","))
        if not all(choice is None or isinstance(choice, bool | int | float | str) for choice in choices):
            raise RecipeError(f"--space {key}={text}: found a value that is not plain; {expected}")
        return Dimension(key, choices=choices)
    low, high, *scale = text.split(":")
    try:
        bounds = float(low), float(high)
        if not all(map(math.isfinite, bounds)):
            raise ValueError
    except ValueError:
        raise RecipeError(f"--space {key}={text}: found no two numbers; {expected}") from None
    if len(scale) > 1 or (scale and scale[0] not in SCALES):
        raise RecipeError(f"--space {key}={text}: found {':'.join(scale)!r}; {expected}")
    if not bounds[0] < bounds[1]:
        raise RecipeError(f"--space {key}={text}: found {low} not below {high}, expected LOW below HIGH")
    log = scale == ["log"] if scale else parameter.log and bounds[0] > 0
    if log and bounds[0] <= 0:
        raise RecipeError(f"--space {key}={text}: found {low} with log, expected a number above 0")
    if not _is_integer(parameter):
        return Dimension(key, *bounds, log)
    if not all(bound.is_integer() for bound in bounds):
        raise RecipeError(f"--space {key}={text}: found a fraction, expected whole numbers")
    return Dimension(key, int(bounds[0]), int(bounds[1]), log, True)
