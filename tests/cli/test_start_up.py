"""The command line answers at once: nothing that computes is imported before a command needs it."""

from __future__ import annotations

import inspect
import resource
import subprocess
import sys

import typer

from gzsl.cli.app import app
from gzsl.cli.reproduce import reproduce
from gzsl.cli.semantics import fuse
from gzsl.report.reproduction import TOLERANCE
from gzsl.semantics import NORMALISATIONS

HEAVY = ("torch", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "jinja2", "optuna", "gzsl.params", "gzsl.data")
MOST_MODULES = 560  # 475 today, of which typer's help takes 200; 2,000 with everything that computes
MOST_SECONDS = 4.0  # for the help of every command in one process: about 1 on a quiet machine


def commands() -> list[str]:
    """Every command, subcommands as ``data doctor``."""
    found = []
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        found += [f"{name} {inner}" for inner in getattr(command, "commands", {})] or [name]
    return found


def test_help_and_version_import_nothing_that_computes() -> None:
    """One process asks for the help of every command; what it has imported afterwards is light."""
    program = (
        "import contextlib, io, sys\n"
        "from gzsl.cli import main\n"
        "for words in sys.argv[1:]:\n"
        "    sys.argv = ['gzsl', *words.split()]\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as shown:\n"
        "        try:\n"
        "            main()\n"
        "        except SystemExit as over:\n"
        "            assert not over.code, (words, over.code)\n"
        "    assert shown.getvalue(), words\n"
        "print(*sys.modules)\n"
    )
    asked = ["--help", "--version", *(f"{command} --help" for command in commands())]
    assert len(asked) > 20
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", program, *asked], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = done.stdout.split()
    assert not set(imported) & set(HEAVY)
    assert len(imported) < MOST_MODULES
    assert after.ru_utime - before.ru_utime < MOST_SECONDS


def test_values_written_into_options_are_those_of_the_library() -> None:
    """They stand there as text, because their modules are not imported for help."""
    assert inspect.signature(reproduce).parameters["tolerance"].default == TOLERANCE
    (option,) = inspect.signature(fuse, eval_str=True).parameters["normalise"].annotation.__metadata__
    assert option.help == f"of each table first: {', '.join(NORMALISATIONS)}"
