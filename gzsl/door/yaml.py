"""YAML from files and from the command line: plain values alone, of bounded size, depth and number."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as _SafeLoader  # libyaml's is ten times as fast
except ImportError:  # PyYAML was built without it
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

from gzsl.door.shown import short
from gzsl.door.text import read_text
from gzsl.errors import GzslError, RecipeError

LARGEST = 2**24  # bytes
DEEPEST = 50  # lists and mappings within one another
MOST_VALUES = 200_000  # with every alias written out
MOST_DIGITS = 30  # of an integer

_DATE, _MERGE, _VALUE = (f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value"))
_PLAIN = "expected text, numbers, true, false, null, lists and mappings"
_SCIENTIFIC = re.compile(r"^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)[eE][-+]?[0-9]+$")


class _Loader(_SafeLoader):
    """YAML 1.1 as people mean it: ``1e-4`` is a number, ``2020-01-01`` is text, a key is text and stands once."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in (_DATE, _VALUE)]
        for first, known in _SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        line = node.start_mark.line + 1
        known: set[str] = set()
        for key in (self.construct_object(key, deep=True) for key, _ in node.value if key.tag != _MERGE):
            _refuse_other_keys([key], line)
            if key in known:
                raise _Refused(f"the key {short(key)} stands twice in the block that starts at line {line}")
            known.add(key)
        values: dict[Any, Any] = super().construct_mapping(node, deep)  # which takes merged ones in
        _refuse_other_keys(values, line)
        return values

    def integer(self, node: yaml.ScalarNode) -> int:
        """An integer of a length that a person could have meant."""
        if len(node.value) > MOST_DIGITS:
            found = f"an integer of {len(node.value):,} characters"
            raise _Refused(f"line {node.start_mark.line + 1}: found {found}, expected at most {MOST_DIGITS}")
        return int(self.construct_yaml_int(node))

    def number(self, node: yaml.ScalarNode) -> float:
        """A finite number."""
        value = float(self.construct_yaml_float(node))
        if not math.isfinite(value):
            found = short(str(node.value)).strip("'")
            raise _Refused(f"line {node.start_mark.line + 1}: found {found}, expected a finite number")
        return value

    def anything_else(self, node: yaml.Node) -> None:
        """Dates, sets, bytes, objects of a language."""
        name = str(node.tag).removeprefix("tag:yaml.org,2002:")
        raise _Refused(f"line {node.start_mark.line + 1}: found a value of the kind {short(name)}, {_PLAIN}")


class _Refused(yaml.YAMLError):
    """What is YAML, but not what we take."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _SCIENTIFIC, list("-+.0123456789"))
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.number)
for _tag in (_DATE, _VALUE, *(f"tag:yaml.org,2002:{name}" for name in ("set", "binary", "omap", "pairs"))):
    _Loader.add_constructor(_tag, _Loader.anything_else)
_Loader.add_constructor(None, _Loader.anything_else)


def parse_yaml(text: str, where: str, error: type[GzslError] = RecipeError) -> Any:
    """Plain values of YAML text.

    Parameters
    ----------
    text : str
        One document.
    where : str
        File or option, for messages.
    error : type of GzslError
        What to raise.

    Raises
    ------
    GzslError
        ``error``, in one sentence with the line, for what is no YAML, is too large or too deep (also by its aliases),
        and for values that are not plain: dates, sets, bytes, objects, NaN, infinity, endless integers, keys that are
        no text or stand twice.
    """
    try:
        _bound(yaml.parse(text, Loader=_SafeLoader))
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader subclass
    except _Refused as found:
        raise error(f"{where}: {found}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as found:
        reason = " ".join(str(found).replace('in "<unicode string>", ', "in ").split())
        raise error(f"{where}: not valid YAML: {reason}") from None
    except (LookupError, AttributeError):  # of `!!bool x` and its like, which PyYAML does not check
        raise error(f"{where}: not valid YAML: found a value that is not what its !! says") from None


def read_yaml(path: Path, error: type[GzslError] = RecipeError) -> Any:
    """Plain values of a YAML file; raises as `parse_yaml`, and when it is missing or no text."""
    return parse_yaml(read_text(path, "a YAML file", error, LARGEST), str(path), error)


def dump_yaml(value: Any) -> str:
    """Dump plain values as YAML in the given key order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _refuse_other_keys(keys: Iterable[Any], line: int) -> None:
    for key in keys:
        if not isinstance(key, str):
            raise _Refused(f"line {line}: found {short(key)} as a key, expected text (write it in quotes)")


def _bound(events: Iterable[yaml.Event]) -> None:
    """Raise unless depth and number of values, with aliases written out, stay in bounds."""
    sizes: dict[str, int] = {}  # by anchor
    open_ones: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        anchor, before = getattr(event, "anchor", None), total
        if isinstance(event, yaml.AliasEvent):
            if anchor not in sizes:
                raise _Refused(f"{_line(event)}found an alias *{anchor} of nothing before it")
            total += sizes[anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_ones.append((anchor, before))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_ones.pop()
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
        if anchor and not isinstance(event, yaml.CollectionStartEvent):
            sizes[anchor] = total - before
        _refuse_many(event, len(open_ones), total)


def _refuse_many(event: yaml.Event, levels: int, values: int) -> None:
    if levels > DEEPEST:
        raise _Refused(f"{_line(event)}found more than {DEEPEST} levels, expected fewer")
    if values > MOST_VALUES:
        raise _Refused(f"found more than {MOST_VALUES:,} values (with aliases written out), expected fewer")


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}: " if event.start_mark else ""
