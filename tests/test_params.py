from __future__ import annotations

import pytest
from sklearn.base import clone

from gzsl.errors import MethodError, RecipeError
from gzsl.params import Configurable, configure, param, parameters, parse_value, plain


class Part(Configurable):
    size: int = param(default=3, low=1, high=9, doc="size")

    @classmethod
    def part_class(cls, name: str) -> type[Configurable]:
        return {"part": Part, "other": Other}[name]


class Other(Part):
    depth: int = param(default=1, doc="depth")


Part.part_id, Other.part_id = "part", "other"


class Thing(Configurable):
    rate: float = param(default=0.5, low=0.0, high=1.0, log=True, symbol="η", doc="learning rate")
    kind: str = param(default="a", choices=("a", "b"), doc="which kind")
    count: int | None = param(default=None, low=1, doc="how many; null: all")
    part: Part = param(default_factory=Part, doc="a part")


def test_declared_once_known_everywhere() -> None:
    known = parameters(Thing)
    assert list(known) == ["rate", "kind", "count", "part"]
    assert known["rate"].symbol == "η"
    assert known["rate"].range_text == "in [0, 1]"
    assert known["kind"].range_text == "one of 'a', 'b'"
    assert known["count"].type_name == "int | None"
    assert known["part"].part is Part


def test_a_subclass_adds_its_own() -> None:
    assert list(parameters(Other)) == ["size", "depth"]


def test_scikit_learn_contract() -> None:
    thing = Thing(rate=0.1, part=Other(size=2))
    copy = clone(thing)
    assert plain(copy) == plain(thing)
    assert copy.part is not thing.part
    assert thing.set_params(rate=0.2, part__size=5).part.size == 5


def test_values_are_checked_when_used_not_when_stored() -> None:
    thing = Thing(rate=7.0)
    with pytest.raises(MethodError, match=r"Thing.rate: found 7.0, expected in \[0, 1\]"):
        thing.check_parameters()
    with pytest.raises(MethodError, match="Part.size"):
        Thing(part=Part(size=99)).check_parameters()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rate", "x", "float"),
        ("rate", True, "float"),
        ("kind", "c", "one of 'a', 'b'"),
        ("count", 0, "in"),
        ("count", 1.5, "int"),
    ],
)
def test_bad_values_say_what_was_expected(name: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse_value(parameters(Thing)[name], value)


def test_good_values_are_converted() -> None:
    assert parse_value(parameters(Thing)["rate"], 1) == 1.0
    assert parse_value(parameters(Thing)["count"], None) is None


def test_plain_values_and_back() -> None:
    thing = Thing(rate=0.25, count=4, part=Other(size=2, depth=7))
    values = plain(thing)
    assert values == {"rate": 0.25, "kind": "a", "count": 4, "part": {"name": "other", "size": 2, "depth": 7}}
    back = configure(Thing, values, where="here", error=RecipeError)
    assert isinstance(back.part, Other)
    assert plain(back) == values


def test_a_part_by_its_name_alone_or_with_changes_to_the_default() -> None:
    assert isinstance(configure(Thing, {"part": "other"}, where="here", error=RecipeError).part, Other)
    assert configure(Thing, {"part": {"size": 4}}, where="here", error=RecipeError).part.size == 4


def test_misspelt_keys_are_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="here: unknown key 'rat'; did you mean 'rate'"):
        configure(Thing, {"rat": 1}, where="here", error=RecipeError)
    with pytest.raises(RecipeError, match=r"here.part: unknown key 'siz'; did you mean 'size'"):
        configure(Thing, {"part": {"siz": 1}}, where="here", error=RecipeError)


class Base(Configurable):
    size: int = param(default=1, low=1, doc="size")
    rate: float = param(default=0.1, doc="rate")


class Host(Base):
    size: int = param(default=2, low=1, doc="size of the host")


class Mixin(Base):
    share: float = param(default=0.5, doc="share")


class Both(Mixin, Host):
    pass


class Own(Mixin, Host):
    size: int = param(default=3, low=1, doc="size of its own")


class Louder(Base):
    size: int = param(default=9, low=1, doc="size of the mixin")


def test_a_mixin_does_not_undo_what_its_host_declares() -> None:
    assert parameters(Both)["size"].default == Both().size == Both.size == 2
    assert parameters(Both)["size"].doc == "size of the host"
    assert list(parameters(Both)) == ["size", "rate", "share"]
    assert type("Below", (Both,), {})().size == 2
    assert type("Further", (type("Second", (Base,), {}), Both), {})().size == 2
    assert Own().size == 3
    assert type("Declared", (Louder, Host), {})().size == 9
    assert (Host().size, Mixin().size, clone(Both(size=5)).size) == (2, 1, 5)


@pytest.mark.parametrize("part", [Part(size=2), Other(size=2), {"size": 2}, {"name": "part", "size": 2}])
def test_a_part_is_taken_as_an_object_or_as_plain_values(part: Part | dict[str, int]) -> None:
    thing = configure(Thing, {"part": part}, where="recipe", error=RecipeError)
    thing.check_parameters()
    assert thing.part.size == 2
    if isinstance(part, Part):
        assert thing.part is part


@pytest.mark.parametrize("part", [42, None, [1], Part, Thing(), True])
def test_what_is_no_part_of_that_kind_is_refused_in_a_sentence(part: object) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.part: found .*, expected a Part object, its name, or a mapping"):
        configure(Thing, {"part": part}, where="recipe", error=RecipeError)
    with pytest.raises(MethodError, match=r"Thing\.part: found .*, expected a Part object"):
        Thing(part=part).check_parameters()
