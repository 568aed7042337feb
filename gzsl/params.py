"""Hyper-parameters: each is declared once, and checks, recipes, help and docs are derived from it."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, dataclass_transform

from sklearn.base import BaseEstimator

from gzsl.errors import GzslError, MethodError, suggest

_KEY = "gzsl"
C = TypeVar("C", bound="Configurable")


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What is known about one hyper-parameter.

    Attributes
    ----------
    name : str
        Name in code, recipes, logs and docs.
    annotation : Any
        Python type.
    default : Any
        Default value (the paper's, unless ``doc`` says otherwise).
    doc : str
        One line on its meaning.
    symbol : str
        Symbol in the paper, or empty.
    low, high : float or None
        Inclusive range of allowed values.
    log : bool
        Whether a search should be logarithmic.
    choices : tuple or None
        Allowed values of a categorical parameter.
    tune : tuple of float or None
        Range worth searching, where narrower than the allowed one.
    """

    name: str
    annotation: Any
    default: Any
    doc: str
    symbol: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None
    tune: tuple[float, float] | None = None

    @property
    def type_name(self) -> str:
        """Readable type, for help and error messages."""
        if isinstance(self.annotation, type) and not typing.get_args(self.annotation):
            return self.annotation.__name__
        return str(self.annotation).replace("typing.", "")

    @property
    def part(self) -> type[Configurable] | None:
        """The base class of the part that this parameter takes, such as a head; None for plain values."""
        options = typing.get_args(self.annotation) or (self.annotation,)
        return next((o for o in options if isinstance(o, type) and issubclass(o, Configurable)), None)

    @property
    def range_text(self) -> str:
        """Readable range, for help and error messages."""
        if self.choices is not None:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        if self.low is None and self.high is None:
            return ""
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"in [{low}, {high}]"


def param(
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Callable[[], Any] | Any = dataclasses.MISSING,
    doc: str,
    symbol: str = "",
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    choices: tuple[Any, ...] | None = None,
    tune: tuple[float, float] | None = None,
) -> Any:
    """Declare a hyper-parameter in the body of a `Configurable` class.

    See `Parameter` for the meaning of the arguments; ``default_factory`` serves parts such as heads.
    """
    extra = {
        "doc": doc, "symbol": symbol, "low": low, "high": high, "log": log, "choices": choices, "tune": tune,
    }  # fmt: skip
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata={_KEY: extra})
    return dataclasses.field(default=default, metadata={_KEY: extra})


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(param,))
class Configurable(BaseEstimator):
    """Something with hyper-parameters only in its constructor (scikit-learn's contract).

    Subclasses list their hyper-parameters as annotated class attributes made by `param`; a keyword-only
    constructor that stores them untouched is generated. Values are checked when used, not when stored, so
    that ``clone`` and tuners may pass through intermediate values.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = inspect.get_annotations(cls)
        again = _declared_again(cls, own)
        cls.__annotations__ = own | {name: field.type for name, field in again.items()}
        for name, field in again.items():
            setattr(cls, name, field)
        dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
        cls.__annotations__ = own  # types are looked up in the module that wrote them

    part_id: ClassVar[str] = ""

    @classmethod
    def part_class(cls, name: str) -> type[Configurable]:
        """Class of the part called ``name``; overridden by the base class of each kind of part."""
        raise TypeError(f"{cls.__name__} is not a kind of part (asked for {name!r})")

    def check_parameters(self) -> None:
        """Raise a one-sentence error for the first value of a wrong type or out of range.

        Raises
        ------
        MethodError
            Names the class, the parameter, the value found and what is allowed.
        """
        for name, parameter in parameters(type(self)).items():
            value = getattr(self, name)
            problem = _problem(parameter, value)
            if problem:
                raise MethodError(f"{type(self).__name__}.{name}: found {value!r}, expected {problem}")
            if isinstance(value, Configurable):
                value.check_parameters()


def _declared_again(cls: type, own: Mapping[str, Any]) -> dict[str, dataclasses.Field[Any]]:
    """Hyper-parameters that a class with several bases must declare again, to have them as Python would find them.

    Dataclasses let the first base class win with all that it has. A mixin before its host would so undo what the
    host declares, by what it merely inherits from a class below both.
    """
    taken: dict[str, dataclasses.Field[Any]] = {}
    for base in reversed(cls.__mro__[1:]):
        taken |= getattr(base, "__dataclass_fields__", {})
    found: dict[str, dataclasses.Field[Any]] = {}
    for name, field in taken.items():
        if _KEY in field.metadata and name not in own:
            home = next(base for base in cls.__mro__[1:] if name in inspect.get_annotations(base))
            declared = home.__dataclass_fields__[name]  # type: ignore[attr-defined]
            if declared is not field:
                found[name] = declared
    return found


def parameters(cls: type) -> dict[str, Parameter]:
    """List the hyper-parameters of a `Configurable` class, in order of declaration."""
    return _parameters(cls)


@functools.cache
def _parameters(cls: Any) -> dict[str, Parameter]:
    hints = typing.get_type_hints(cls)
    found = {}
    for field in dataclasses.fields(cls):
        extra = field.metadata.get(_KEY)
        if extra is None:
            raise TypeError(f"{cls.__name__}.{field.name} must be declared with param(...)")
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        found[field.name] = Parameter(name=field.name, annotation=hints[field.name], default=default, **extra)
    return found


def parse_value(parameter: Parameter, value: Any) -> Any:
    """Convert a YAML value to the declared type, or raise ``ValueError`` with what was expected."""
    problem = _problem(parameter, value)
    if problem:
        raise ValueError(problem)
    return value if parameter.part else _adapter(parameter.annotation).validate_python(value)


def check_keys(given: Mapping[str, Any], cls: type, *, where: str, error: type[GzslError]) -> None:
    """Raise ``error`` when a key is not a hyper-parameter of ``cls``, naming the nearest one."""
    known = parameters(cls)
    for key in given:
        if key not in known:
            raise error(f"{where}: unknown key {key!r}; {suggest(key, known)}")


def plain(configured: Configurable) -> dict[str, Any]:
    """Hyper-parameters as values that YAML and JSON can hold; a part becomes ``{name: id, ...}``."""
    values: dict[str, Any] = {}
    for name in parameters(type(configured)):
        value = getattr(configured, name)
        if isinstance(value, Configurable):
            value = {"name": value.part_id, **plain(value)}
        values[name] = list(value) if isinstance(value, tuple) else value
    return values


def kinds(*configured: Configurable) -> tuple[type[Configurable], ...]:
    """Classes of configured objects and of their parts, whose code decides what they do."""
    found: dict[type[Configurable], None] = {}
    for one in configured:
        found[type(one)] = None
        values = (getattr(one, name) for name in parameters(type(one)))
        found.update(dict.fromkeys(kinds(*(value for value in values if isinstance(value, Configurable)))))
    return tuple(found)


def configure(cls: type[C], given: Mapping[str, Any], *, where: str, error: type[GzslError]) -> C:
    """Build a `Configurable` from plain values; what is not given keeps its default.

    Parameters
    ----------
    cls : type
        Class to build.
    given : mapping
        Values as a recipe holds them; a part is a mapping with its id under ``name``.
    where : str
        File and field, for messages.
    error : type of GzslError
        What to raise for unknown keys and unacceptable values.
    """
    check_keys(given, cls, where=where, error=error)
    known = parameters(cls)
    values = {key: _configured(known[key], value, f"{where}.{key}", error) for key, value in given.items()}
    return cls(**values)


def _configured(parameter: Parameter, value: Any, where: str, error: type[GzslError]) -> Any:
    part = parameter.part
    if part is not None and isinstance(value, Mapping):
        rest = {key: inner for key, inner in value.items() if key != "name"}
        default = getattr(parameter.default, "part_id", "")
        return configure(part.part_class(str(value.get("name", default))), rest, where=where, error=error)
    if part is not None and isinstance(value, str):
        return part.part_class(value)()
    try:
        return parse_value(parameter, value)
    except ValueError as problem:
        raise error(f"{where}: found {value!r}, expected {problem}") from None


def _problem(parameter: Parameter, value: Any) -> str | None:
    """Say what was expected when ``value`` is not acceptable, else None."""
    if parameter.part is not None:
        left_out = value is None and type(None) in typing.get_args(parameter.annotation)
        return None if left_out or isinstance(value, parameter.part) else _part_text(parameter.part)
    if isinstance(value, bool) and "bool" not in parameter.type_name:
        return parameter.type_name
    try:
        _adapter(parameter.annotation).validate_python(value)
    except ValueError:
        return parameter.type_name
    if parameter.choices is not None:
        return None if value in parameter.choices else parameter.range_text
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    below = parameter.low is not None and not value >= parameter.low
    above = parameter.high is not None and not value <= parameter.high
    return parameter.range_text if below or above else None


def _part_text(part: type[Configurable]) -> str:
    kind = part.__name__
    return f"a {kind} object, its name, or a mapping with its name under 'name' and its own values beside it"


@functools.cache
def _adapter(annotation: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)
