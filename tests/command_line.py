"""The command line in this process: what ``gzsl ...`` prints and ends with, without starting Python anew each time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from gzsl.cli import main


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def gzsl(*arguments: str, cwd: Path, **environment: str) -> Done:
    """Run a command in a folder, from `main`, where a process would begin.

    What needs a process of its own (signals, kills, imports, start-up time) is not tested with it.
    """
    out, err = _stream(), _stream()
    with (
        _as_a_process(cwd, {"COLUMNS": "100", "TERM": "dumb", **environment}, arguments),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = _exit_code()
    return Done(code, _text(out), _text(err))


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextlib.contextmanager
def _as_a_process(cwd: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> Iterator[None]:
    """Folder, environment, arguments and warnings as a new process has them, and as they were afterwards."""
    before = Path.cwd()
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["gzsl", *arguments]),
        warnings.catch_warnings(),
    ):
        warnings.onceregistry.clear()  # type: ignore[attr-defined]
        os.chdir(cwd)
        try:
            yield
        finally:
            os.chdir(before)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
