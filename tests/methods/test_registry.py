from __future__ import annotations

import pytest

from gzsl.errors import MethodError
from gzsl.methods import Method, create, get_method, method_names, register
from gzsl.registry import Registry


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(MethodError, match="unknown method 'eszl'; did you mean 'eszsl'"):
        create("eszl")


def test_names_are_found_by_walking() -> None:
    assert {"eszsl", "f-clswgan"} <= set(method_names())


@pytest.mark.parametrize(
    "wrong", [{"family": "magic"}, {"fidelity": "sure"}, {"settings": ("daily",)}, {"cite": ""}, {"settings": ()}]
)
def test_a_card_with_a_fault_is_an_error_at_import(wrong: dict[str, object]) -> None:
    good = {"family": "embedding", "settings": ("inductive",), "fidelity": "from paper", "cite": "A", "year": 2020}
    with pytest.raises(TypeError):

        @register("faulty", **(good | wrong))  # type: ignore[arg-type]
        class Faulty(Method):
            """Has a docstring."""


def test_a_method_without_a_docstring_is_an_error() -> None:
    class Bare(Method):
        pass

    Bare.__doc__ = None
    with pytest.raises(TypeError, match="docstring"):
        register("bare", family="embedding", settings=("inductive",), fidelity="from paper", cite="A", year=1)(Bare)


def test_names_are_unique_and_well_formed() -> None:
    registry: Registry[type] = Registry("thing", "gzsl.heads", MethodError)
    registry.add("one", int)
    registry.add("one", int)
    with pytest.raises(TypeError, match="twice"):
        registry.add("one", str)
    with pytest.raises(TypeError, match="lower case"):
        registry.add("One_Two", str)


def test_getting_one_method_imports_its_file_alone() -> None:
    assert get_method("eszsl").__module__ == "gzsl.methods.embedding.eszsl"
