"""Python files of a user's own with methods, heads and calibrators: named by ``--plugin`` or ``GZSL_PLUGINS``.

A plugin is an ordinary file that registers something (`gzsl.methods.register`, `gzsl.heads.register_head`,
`gzsl.calibration.register_calibrator`). It may import files beside it. Its recipes lie beside it too, as
``METHOD/DATASET.yaml``. Plugins are loaded when a name is first looked up, here and in every process of a sweep.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gzsl.door.paths import regular_file, user_path
from gzsl.errors import PluginError

VARIABLE = "GZSL_PLUGINS"
EXPECTED = "a Python file (.py) that registers a method, a head or a calibrator"


@dataclass
class Plugin:
    """One loaded file.

    Attributes
    ----------
    path : Path
        The file, absolute.
    members : list of (str, str)
        Kind and id of all that it registered.
    sources : tuple of Path
        The file and those beside it that it imported: the code that its results depend on.
    """

    path: Path
    members: list[tuple[str, str]] = field(default_factory=list)
    sources: tuple[Path, ...] = ()

    def ids(self, kind: str) -> list[str]:
        """Ids of one kind, such as ``method``."""
        return [name for found, name in self.members if found == kind]


_loaded: dict[Path, Plugin] = {}
_loading: list[tuple[Plugin, list[Callable[[], object]]]] = []  # at its import, with what undoes it


def use(paths: Iterable[Path | str]) -> None:
    """Name plugins for this process and all that it starts; they are loaded at the first look-up of a name."""
    named = [*asked(), *(user_path(path, EXPECTED, PluginError).absolute() for path in paths)]
    if named:
        os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys(str(path) for path in named))


def asked() -> list[Path]:
    """Absolute paths of the plugins that were named."""
    named = [text for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]
    return [user_path(text, EXPECTED, PluginError).absolute() for text in named]


def loaded() -> list[Plugin]:
    """All plugins that were named, loaded.

    Raises
    ------
    PluginError
        For the first file that is missing, is no Python, fails at import, or registers nothing or a taken id.
    """
    return [_load(path) for path in asked()]


def sources(file: Path) -> tuple[Path, ...]:
    """The code of the plugin that ``file`` is; nothing for other files."""
    plugin = _loaded.get(file)
    return () if plugin is None else plugin.sources


def current() -> Plugin | None:
    """The plugin that is being imported."""
    return _loading[-1][0] if _loading else None


def place_of(module: str) -> str:
    """A module of the package by its name, one of a plugin by its file."""
    return module if module.startswith("gzsl.") else str(getattr(sys.modules.get(module), "__file__", module))


def note(kind: str, name: str, forget: Callable[[], object]) -> None:
    """Take note that the plugin at its import registers something; ``forget`` undoes that should the import fail."""
    if _loading:
        plugin, undo = _loading[-1]
        plugin.members.append((kind, name))
        undo.append(forget)


def line_at_fault(error: BaseException) -> str | None:
    """File and line of a plugin, or of a file that it imported, where something was raised; None where in none."""
    own = {str(path) for plugin in _loaded.values() for path in (plugin.path, *plugin.sources)}
    frames = traceback.extract_tb(error.__traceback__)
    return next((f"{f.filename}, line {f.lineno}" for f in reversed(frames) if f.filename in own), None)


def _load(path: Path) -> Plugin:
    if path in _loaded:
        return _loaded[path]
    if any(plugin.path == path for plugin, _ in _loading):
        return Plugin(path)  # it looks up a name itself, while it is imported
    regular_file(path, EXPECTED, PluginError)
    if path.suffix != ".py":
        raise PluginError(f"{path}: found a name that does not end in .py, expected {EXPECTED}")
    plugin = Plugin(path)
    with _importing(plugin):
        _execute(plugin)
        if not plugin.members:
            raise PluginError(f"{path}: registers nothing, expected a class with @register(...) on it, or another part")
    _loaded[path] = plugin
    return plugin


@contextmanager
def _importing(plugin: Plugin) -> Iterator[None]:
    """Know what a file registers and which of its neighbours it imports; nothing of it stays when it fails."""
    folder, before = str(plugin.path.parent), set(sys.modules)
    undo: list[Callable[[], object]] = []
    _loading.append((plugin, undo))
    sys.path.append(folder)  # last: a neighbour must not stand in for a library
    try:
        yield
        plugin.sources = (plugin.path, *_neighbours(plugin, before))
    except BaseException:
        for forget in undo:
            forget()
        sys.modules.pop(_module_name(plugin.path), None)
        raise
    finally:
        sys.path.remove(folder)
        _loading.pop()


def _execute(plugin: Plugin) -> None:
    name = _module_name(plugin.path)
    spec = importlib.util.spec_from_file_location(name, plugin.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except PluginError:
        raise
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise PluginError(f"{error.filename or plugin.path}{line}: is no Python: {error.msg}") from None
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(plugin.path)]
        place = f", line {lines[-1]}" if lines else ""
        text = str(error).strip().split("\n")[0]
        raise PluginError(f"{plugin.path}{place}: cannot be imported: {type(error).__name__}: {text}") from error


def _neighbours(plugin: Plugin, before: set[str]) -> list[Path]:
    files = [getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before]
    paths = {Path(file).resolve() for file in files if file}
    return sorted(p for p in paths if p.is_relative_to(plugin.path.parent.resolve()) and p != plugin.path.resolve())


def _module_name(path: Path) -> str:
    digest = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
    return f"gzsl_plugin_{path.stem.replace('.', '_')}_{digest}"
