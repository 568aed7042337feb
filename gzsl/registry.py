"""Names to classes: a registry that finds its members by walking one package, without a list to edit."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import ClassVar, Generic, Protocol, TypeVar, cast

from gzsl import plugins
from gzsl.errors import GzslError, PluginError, suggest


class Part(Protocol):
    """A class that knows the id under which it is registered."""

    part_id: ClassVar[str]


T = TypeVar("T")
P = TypeVar("P", bound=type[Part])
IDENTIFIER = re.compile("[a-z0-9]+(-[a-z0-9]+)*")  # ids are names of files and folders too


class Registry(Generic[T]):
    """Members of one kind, keyed by lower-case hyphenated id.

    A file ``package/**/some_name.py`` registers the id ``some-name``; `get` imports that file alone, so
    that using one method does not pay for the imports of all. Outside packages join through an entry-point
    group of the same name as the package, files of a user's own as `gzsl.plugins`.

    Parameters
    ----------
    kind : str
        What a member is called in messages.
    package : str
        Package whose modules register members.
    error : type of GzslError
        Raised for unknown names.
    several_a_file : bool
        Whether files register ids that are not their own names.
    """

    def __init__(self, kind: str, package: str, error: type[GzslError], *, several_a_file: bool = False) -> None:
        self.kind, self.package, self.error = kind, package, error
        self._several_a_file = several_a_file
        self._members: dict[str, T] = {}
        self._walked = False

    def add(self, name: str, member: T) -> T:
        """Register ``member``; a second one of the same name is an error."""
        if not IDENTIFIER.fullmatch(name):
            raise TypeError(f"{self.kind} id {name!r} must be in lower case: letters, digits and hyphens")
        ours = _origin(member)[0].startswith("gzsl.")
        plugin = None if ours else plugins.current()
        if plugin is not None and name not in self._members:
            self._import_owner(name)  # a member of the package keeps its name, whoever is first
        known = self._members.get(name)
        if known is not None and _origin(known) != _origin(member):
            if plugin is not None:
                owner = plugins.place_of(_origin(known)[0])
                raise PluginError(f"{plugin.path}: the {self.kind} id {name!r} is taken by {owner}, expected a new one")
            raise TypeError(f"{self.kind} {name!r} is registered twice")
        self._members[name] = member
        if plugin is not None:
            plugins.note(self.kind, name, lambda: self._members.pop(name, None))
        return member

    def part(self, name: str) -> Callable[[P], P]:
        """Class decorator: register a class, which knows its id as ``part_id`` from then on."""

        def decorate(cls: P) -> P:
            cls.part_id = name
            self.add(name, cast(T, cls))
            return cls

        return decorate

    def get(self, name: str) -> T:
        """Return the member called ``name``, or raise with the nearest name."""
        plugins.loaded()
        if name not in self._members:
            self._import_file_of(name)
        if name not in self._members:
            self._walk()
        if name not in self._members:
            raise self.error(f"unknown {self.kind} {name!r}; {suggest(name, self._members)}")
        return self._members[name]

    def names(self) -> list[str]:
        """All ids, sorted; imports every module of the package, and every plugin."""
        plugins.loaded()
        self._walk()
        return sorted(self._members)

    def _modules(self) -> list[str]:
        package = importlib.import_module(self.package)
        return [info.name for info in pkgutil.walk_packages(package.__path__, self.package + ".")]

    def _import_file_of(self, name: str) -> None:
        wanted = name.replace("-", "_")
        for module in self._modules():
            if module.rsplit(".", 1)[-1] == wanted:
                importlib.import_module(module)

    def _import_owner(self, name: str) -> None:
        self._import_file_of(name)
        if self._several_a_file:
            self._import_all()

    def _import_all(self) -> None:
        for module in self._modules():
            importlib.import_module(module)

    def _walk(self) -> None:
        if self._walked:
            return
        self._import_all()
        for point in entry_points(group=self.package):
            point.load()
        self._walked = True


def _origin(member: object) -> tuple[str, str]:
    return getattr(member, "__module__", ""), getattr(member, "__qualname__", repr(member))
