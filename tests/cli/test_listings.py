"""What the commands that list and explain print: whole words, numbers with their nouns, lines that fit."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.door.shown import counted
from gzsl.errors import suggest
from gzsl.methods import get_method, method_names
from gzsl.report.leaderboard import Cell
from gzsl.runs import list_recipes


def gzsl(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80"})
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return done.stdout


def test_methods_are_listed_in_whole_words_and_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    both = replace(get_method("eszsl").card, settings=("inductive", "transductive"))
    monkeypatch.setattr(get_method("eszsl"), "card", both)
    lines = gzsl("methods").splitlines()
    assert max(map(len, lines)) <= 80
    for name in method_names():
        card = get_method(name).card
        (line,) = [line.split() for line in lines if line.split()[:1] == [name] and not line.startswith(" ")]
        assert line == [name, card.family, *", ".join(card.settings).split()]


def test_one_method_says_how_its_needs_are_met_and_which_recipes_it_has() -> None:
    text = gzsl("methods", "chils")
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert words.startswith("chils zero_shot_heads inductive, transfer needs joint")
    assert "ICML 2023" in words
    assert "learn a map to it (preprocess.align: ridge)" in words
    assert words.count("chils/") == len([path for path in list_recipes() if path.parent.name == "chils"]) > 0
    (found,) = json.loads(gzsl("methods", "eszsl", "--json"))
    assert found["id"] == "eszsl"
    assert "needed" not in found
    assert "eszsl/CUB" in found["recipes"]
    wrong = CliRunner().invoke(app, ["methods", "chlis"])
    assert "did you mean 'chils'" in str(wrong.exception)


def every_command() -> dict[str, Any]:
    """Commands by what is typed, such as ``gzsl data doctor``."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        found |= {f"gzsl {name} {below}": one for below, one in inner.items()} or {f"gzsl {name}": command}
    return found


def test_every_help_has_an_example_whose_options_exist() -> None:
    for name, command in every_command().items():
        examples = re.findall(r"Example: \[bold\](gzsl .*?)\[/bold\]", command.help)
        assert len(examples) == 1, name
        assert examples[0].startswith(name) or name == "gzsl calibrators", name
        known = {option for part in command.params for option in part.opts}
        used = {word for word in shlex.split(examples[0]) if word.startswith("--")}
        assert used <= known or name == "gzsl calibrators", name
        assert all("\n" not in part for part in command.help.split("\n\n")), name


def test_studies_are_listed_as_json_too() -> None:
    studies = {study["name"]: study for study in json.loads(gzsl("sweep", "--list", "--json"))}
    assert studies["main"]["datasets"] == ["CUB127", "FLO89"]


def test_recipes_are_listed_with_their_published_numbers() -> None:
    assert len(json.loads(gzsl("recipes", "--json"))) == len(list_recipes())
    text = gzsl("recipes", "eszsl/CUB")
    assert "21.0" in text
    assert max(map(len, text.splitlines())) <= 80
    none = CliRunner().invoke(app, ["recipes", "no-such-recipe"])
    assert "found none with 'no-such-recipe' in its name" in str(none.exception)


def test_explain_shows_the_published_numbers_and_their_source() -> None:
    text = " ".join(gzsl("explain", "eszsl/CUB").split())
    assert "published T1 53.9, U 12.6, S 63.8, H 21.0 (percent): Xian et al., CVPR 2017" in text


def test_numbers_stand_with_their_nouns() -> None:
    assert [counted(n, "row") for n in (0, 1, 2, 12_000)] == ["0 rows", "1 row", "2 rows", "12000 rows"]
    assert counted(3, "class", "classes") == "3 classes"


def test_a_spread_that_no_digit_shows_is_left_out_in_reports_as_in_sweeps() -> None:
    assert Cell(0.5, 0.0, best=False, published=None).text == "50.0"
    assert Cell(0.5, 0.0004, best=False, published=None).text == "50.0"
    assert Cell(0.5, 0.01, best=False, published=None).text == "50.0 ± 1.0"


def test_a_sentence_lists_a_few_of_many_names() -> None:
    assert suggest("zzz", ["a", "b"]) == "expected one of: a, b"
    text = suggest("zzzz", [f"name-{k}" for k in range(60)])
    assert text.startswith("expected one of 60 names, such as name-") and len(text) < 100
