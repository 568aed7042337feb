"""Commands that the documents print are commands: names, options, recipes and keys, without running any."""

from __future__ import annotations

import configparser
import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gzsl.runs import list_recipes, load_recipe
from gzsl.runs.overrides import parse_override

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`(gzsl [^`]+)`(?!`)")
SHIPPED = {f"{path.parent.name}/{path.stem}" for path in list_recipes()}


@cache
def commands() -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("commands", ROOT / "docs" / "commands.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.walk())


def in_blocks(text: str) -> list[str]:
    """Whole command lines: those of code blocks, without comments and what stands before them."""
    lines = [line.split(" #")[0]
             for language, block in FENCE.findall(text) if language in ("", "sh", "bash")
             for line in block.splitlines()]  # fmt: skip
    parts = [part.strip() for line in lines for part in re.split(r";|&&|\|", line)]
    return [part for part in parts if re.match(r"gzsl( |$)", part)]


def problem(line: str, *, whole: bool = True) -> str | None:
    """What is wrong with a command line; of one that is mentioned in a sentence arguments may be missing."""
    words = shlex.split(line)
    name, rest = words[0], words[1:]
    while rest and f"{name} {rest[0]}" in commands():
        name, rest = f"{name} {rest[0]}", rest[1:]
    command = commands()[name]
    if hasattr(command, "list_commands") and rest and not rest[0].startswith("-"):
        return f"no command {rest[0]!r} of {name}"
    context = command.context_class(command, info_name=name)
    try:
        values, extra, _ = command.make_parser(context).parse_args(list(rest))
    except Exception as error:  # click's own, from wherever typer has it
        return getattr(error, "message", None) or str(error)
    if extra:
        return f"unexpected {extra}"
    missing = [p.name for p in command.params if p.required and values.get(p.name) in (None, ())]
    return f"missing {missing}" if whole and missing else _wrong_recipe(name, values)


def _wrong_recipe(name: str, values: dict[str, Any]) -> str | None:
    if name not in ("gzsl run", "gzsl explain", "gzsl tune") or values.get("plugin"):  # a reader's own file
        return None
    recipe = values.get("recipe") or ""
    if re.fullmatch(r"[a-z0-9-]+/[A-Za-z0-9.]+", recipe) and recipe not in SHIPPED:
        return f"no recipe {recipe}"
    if recipe in SHIPPED:
        load_recipe(recipe, dict(parse_override(text) for text in values.get("override") or ()))
    return None


def test_the_checker_tells_wrong_from_right() -> None:
    right = ["gzsl run eszsl/digits --seeds 5", "gzsl data doctor DIR/CUB", "gzsl run FILE --no-stack", "gzsl"]
    assert [problem(line) for line in right] == [None] * len(right)
    wrong = ["gzsl run eszsl/digits --seed 5", "gzsl doctor DIR", "gzsl data docter DIR", "gzsl run", "gzsl run a b",
             "gzsl run no-such/CUB", "gzsl run eszsl/digits --out"]  # fmt: skip
    assert all(problem(line) for line in wrong)
    page = "```python\n1\n```\ngzsl no\n```\nVAR=1\ngzsl methods; gzsl recipes  # gzsl no\n```\n`gzsl no`"
    assert in_blocks(page) == ["gzsl methods", "gzsl recipes"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_printed_commands_are_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {line: found for line in in_blocks(text) if (found := problem(line))}
    mentioned = (line for line in INLINE.findall(FENCE.sub("", text)) if "|" not in line)
    wrong |= {line: found for line in mentioned if (found := problem(line, whole=False))}
    assert not wrong


def test_commands_were_found() -> None:
    assert sum(len(in_blocks(page.read_text(encoding="utf-8"))) for page in PAGES) > 60


def test_no_page_installs_what_is_on_no_index() -> None:
    wrong = [f"{page.name}: {line}" for page in PAGES for line in re.findall(r"pip install.*", page.read_text())
             if re.search(r"\bgzsl\b", line)]  # fmt: skip
    assert not wrong


def test_every_extra_that_a_page_installs_is_declared() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = set(config["options.extras_require"])
    found = {extra.strip() for page in PAGES for listed in re.findall(r"'\.\[([^\]]+)\]'", page.read_text())
             for extra in listed.split(",")}  # fmt: skip
    assert found and found <= declared
