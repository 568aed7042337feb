"""What is declared about a method besides its hyper-parameters, and the registry of all methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from gzsl.data.view import SETTINGS
from gzsl.errors import MethodError
from gzsl.params import configure
from gzsl.registry import Registry

if TYPE_CHECKING:
    from gzsl.methods.base import Method

FIDELITIES = ("replicated from code", "from paper", "partly from memory: unverified")
FAMILIES = ("embedding", "generative", "probabilistic", "transductive", "graph", "attention", "zero_shot_heads")

M = TypeVar("M", bound="type[Method]")


@dataclass(frozen=True)
class MethodCard:
    """Declaration of one method.

    Attributes
    ----------
    id : str
        Lower-case name with hyphens; also the file name (with underscores) and the recipe folder.
    family : str
        One of `FAMILIES`; also the folder of the file.
    settings : tuple of str
        ``inductive``, ``transductive`` or both.
    fidelity : str
        One of `FIDELITIES`.
    cite : str
        Authors, venue, year, and arXiv id where there is one.
    year : int
        Year of publication.
    test_params : tuple of dict
        Hyper-parameter sets that the conformance tests run, small enough for a second on one core.
    xfail : mapping of str to str
        Conformance checks that the method cannot meet, with the reason.
    """

    id: str
    family: str
    settings: tuple[str, ...]
    fidelity: str
    cite: str
    year: int
    test_params: tuple[Mapping[str, Any], ...] = ({},)
    xfail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise TypeError(f"method {self.id!r}: family {self.family!r} is not one of {FAMILIES}")
        if self.fidelity not in FIDELITIES:
            raise TypeError(f"method {self.id!r}: fidelity {self.fidelity!r} is not one of {FIDELITIES}")
        if not self.settings or not set(self.settings) <= set(SETTINGS):
            raise TypeError(f"method {self.id!r}: settings {self.settings!r} are not among {SETTINGS}")
        if not self.cite:
            raise TypeError(f"method {self.id!r}: a citation is required")


_METHODS: Registry[type[Method]] = Registry("method", "gzsl.methods", MethodError)


def register(
    name: str,
    *,
    family: str,
    settings: Sequence[str],
    fidelity: str,
    cite: str,
    year: int,
    test_params: Sequence[Mapping[str, Any]] = ({},),
    xfail: Mapping[str, str] | None = None,
) -> Callable[[M], M]:
    """Class decorator: declare a method and put it into the registry. See `MethodCard`."""

    def decorate(cls: M) -> M:
        if not (cls.__doc__ or "").strip():
            raise TypeError(f"method {name!r}: a docstring is required")
        cls.card = MethodCard(
            name, family, tuple(settings), fidelity, cite, year, tuple(test_params), dict(xfail or {})
        )
        cls.part_id = name
        _METHODS.add(name, cls)
        return cls

    return decorate


def get_method(name: str) -> type[Method]:
    """Class of the method called ``name``; an unknown name is a `MethodError` with the nearest one."""
    return _METHODS.get(name)


def method_names() -> list[str]:
    """Ids of all registered methods, sorted."""
    return _METHODS.names()


def create(name: str, **hyper_parameters: Any) -> Method:
    """Make the method called ``name``; what is not given keeps the paper's value.

    Raises
    ------
    MethodError
        For an unknown method, an unknown hyper-parameter (with the nearest one) or an unacceptable value.
    """
    cls = get_method(name)
    return configure(cls, hyper_parameters, where=name, error=MethodError)
