"""Names in documents and docstrings lead somewhere: modules, functions, files of this repository."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOTTED = re.compile(r"\bgzsl(?:\.[A-Za-z_]\w*)+")
QUOTED = re.compile(r"`(gzsl(?:\.[A-Za-z_]\w*)+)`")
IMPORT = re.compile(r"^\s*from (gzsl[\w.]*) import \(?([\w, \n]+?)\)?$", re.MULTILINE)
MODULE = re.compile(r"python -m (benchmarks\.[a-z_]+)")
TOP = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
FILE = re.compile(rf"`((?:{TOP})/[\w./-]+)`")
MADE = {"build/site/index.html", "tests/methods/test_your_method.py"}  # by a command, or by the reader


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:k]))
        except ImportError:
            continue
        for name in parts[k:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def named(text: str) -> set[str]:
    """Dotted names of gzsl, in sentences and in programs; files such as ``gzsl.egg-info`` are none."""
    imported = {f"{home}.{name}" for home, names in IMPORT.findall(text) for name in re.findall(r"\w+", names)}
    return set(DOTTED.findall(text)) | imported


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_functions_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not {name for name in named(text) if not exists(name)}
    assert not {name for name in MODULE.findall(text) if not exists(name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page: Path) -> None:
    found = set(FILE.findall(page.read_text(encoding="utf-8"))) - MADE
    assert not {name for name in found if not (ROOT / name).exists()}


def test_what_docstrings_refer_to_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "gzsl").rglob("*.py")]
    found = {name for text in texts for name in QUOTED.findall(text)}
    assert len(found) > 50
    assert not {name for name in found if not exists(name)}


def test_the_checks_tell_wrong_from_right() -> None:
    assert exists("gzsl.data.load") and exists("gzsl.create") and exists("gzsl.evaluation.metrics")
    assert not exists("gzsl.runs.study") and not exists("gzsl.data.no_such")
    assert named("from gzsl.nn import a, b\n") == {"gzsl.nn", "gzsl.nn.a", "gzsl.nn.b"}
    assert sum(len(named(page.read_text(encoding="utf-8"))) for page in PAGES) > 20
