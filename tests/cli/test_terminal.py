"""Text from outside reaches the terminal as it is: it is no markup, and it steers nothing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from typer.testing import CliRunner

import gzsl.cli
from gzsl.cli import main
from gzsl.cli.app import app
from gzsl.cli.terminal import Column, Console, say, strong
from gzsl.door.shown import short, shown

MARKUP = ("crane [bird]", "a [/b]", "[bold]x", ":dog:", "[link=http://x]y")
NASTY = (*MARKUP, "\x1b[31mred\x1b[0m", "\x9b2J", "a\rb", "\ud800")


def test_control_characters_are_written_out_and_letters_stay() -> None:
    assert shown("\x1b]0;title\x07") == r"\x1b]0;title\x07"
    assert shown("a\u202eb\ud83d\x7f") == r"a\u202eb\ud83d\x7f"
    assert shown("Öl, 鳥, שלום\tü\n") == "Öl, 鳥, שלום\tü\n"


def test_a_value_in_a_sentence_is_short() -> None:
    assert short(10**5000).startswith("an integer of 16610 bits")
    assert short(list(range(100))) == "a list of 100 entries"
    assert len(short("x" * 1000)) == 60
    assert short(None) == "None"


@pytest.mark.parametrize("name", NASTY)
def test_every_way_to_print_shows_names_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    table = Table(name, title=name, title_justify="left")
    table.add_row(name)
    for what in (name, strong(name, name), Padding(name, (0, 1)), table):
        console.print(what, style="dim", soft_wrap=True)
    say(name)
    printed = capsys.readouterr().out
    assert printed.count(shown(name)) == 8
    assert not set("\x1b\x9b\r") & set(printed)


@pytest.mark.parametrize("name", NASTY)
def test_progress_shows_names_as_they_are(name: str) -> None:
    bar = Progress(Column("{task.description}"))
    bar.add_task(name)
    assert Column("{task.description}").render(bar.tasks[0]).plain == shown(name)


def test_an_error_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gzsl", "run", "\x1b[31m[/x]"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(r"gzsl: \x1b[31m[/x]: no such recipe")


def test_class_names_with_brackets_are_shown_whole(tmp_path: Path) -> None:
    names = ["crane [bird]", "crane [machine]", "a [/b]", ":cat:"]
    labels = np.repeat(np.arange(4), 3)
    arrays = {"scores": np.eye(4)[labels], "labels": labels, "seen": np.arange(2), "unseen": np.array([2, 3])}
    np.savez(tmp_path / "[x].npz", class_names=np.array(names), **arrays)
    done = CliRunner().invoke(app, ["evaluate", str(tmp_path / "[x].npz"), "--per-class"])
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in (*names, "[x].npz"))


def test_nothing_else_writes_to_the_terminal() -> None:
    """One place escapes; whoever goes round it would have to remember to."""
    ways = re.compile(r"rich\.(?:console|markup|text)|TextColumn|typer\.s?echo|sys\.std(?:out|err)\.write")
    sources = {path.name: path.read_text() for path in Path(gzsl.cli.__file__).parent.glob("*.py")}
    found = {name: ways.findall(text) for name, text in sources.items() if name != "terminal.py" and ways.search(text)}
    assert found == {"app.py": ["typer.echo"], "options.py": ["typer.echo"]}  # the version, and JSON in ASCII


@pytest.mark.parametrize(
    ("arguments", "place"), [(["run", "eszsl/digits"], "gzsl.runs.run.run_recipe"), (["datasets"], "gzsl.cli.app.app")]
)
def test_an_interrupt_says_how_to_go_on(
    arguments: list[str], place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, stop)  # inside a command, where typer meets it first, and outside of any
    monkeypatch.setattr(sys, "argv", ["gzsl", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err.strip() == "gzsl: interrupted; the same command again continues"
