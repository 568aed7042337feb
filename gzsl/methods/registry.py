"""The registry of all methods: declaring one, finding it by name, making it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from gzsl.errors import MethodError
from gzsl.methods.base import METHODS, Method
from gzsl.methods.card import MethodCard
from gzsl.params import configure

M = TypeVar("M", bound=type[Method])


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
    needs: Sequence[str] = (),
) -> Callable[[M], M]:
    """Class decorator: declare a method and put it into the registry. See `MethodCard`."""

    def decorate(cls: M) -> M:
        if not (cls.__doc__ or "").strip():
            raise TypeError(f"method {name!r}: a docstring is required")
        cls.card = MethodCard(
            name, family, tuple(settings), fidelity, cite, year, tuple(test_params), dict(xfail or {}), tuple(needs)
        )
        return METHODS.part(name)(cls)

    return decorate


def get_method(name: str) -> type[Method]:
    """Class of the method called ``name``; an unknown name is a `MethodError` with the nearest one."""
    return METHODS.get(name)


def method_names() -> list[str]:
    """Ids of all registered methods, sorted."""
    return METHODS.names()


def create(name: str, **hyper_parameters: Any) -> Method:
    """Make the method called ``name``; what is not given keeps the paper's value.

    Raises
    ------
    MethodError
        For an unknown method, an unknown hyper-parameter (with the nearest one) or an unacceptable value.
    """
    cls = get_method(name)
    return configure(cls, hyper_parameters, where=name, error=MethodError)
