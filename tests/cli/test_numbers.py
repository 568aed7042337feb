"""Numbers on the command line are refused at the door; what stands under a table of means says whose it is."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gzsl.cli import progress
from gzsl.cli.app import app

RUN = ["run", "eszsl/simulated", "--set", "selection.folds=1", "--set", "selection.grid={gamma: [1.0], lam: [1.0]}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "s.npz", "--gamma", "nan"],
        ["evaluate", "s.npz", "--gamma", "inf"],
        ["evaluate", "s.npz", "--gamma", "-inf"],
        ["reproduce", "eszsl", "CUB", "--tolerance", "nan"],
        ["reproduce", "eszsl", "CUB", "--tolerance", "inf"],
        ["sweep", "main", "--scheduler", "tcp://x:1", "--resources", "GPU=nan"],
        ["tune", "eszsl/simulated", "--space", "gamma=nan:1"],
        ["tune", "eszsl/simulated", "--space", "gamma=1:inf"],
        *(["run", "eszsl/simulated", "--seeds", n] for n in ("-3", "0", "1000000000")),
        ["calibrate", "eszsl/simulated", "--seeds", "1000000000"],
        ["tune", "eszsl/simulated", "--seed", "-1"],
        ["tune", "eszsl/simulated", "--seed", str(2**40)],
        ["tune", "eszsl/simulated", "--trials", "1000000000"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_numbers_that_nobody_can_mean(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = np.repeat(np.arange(4), 2)
    np.savez("s.npz", scores=np.eye(4)[labels], labels=labels, seen=[0, 1], unseen=[2, 3])
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code in (1, 2)
    if done.exit_code == 1:  # a GzslError, which gzsl.cli.main makes a sentence and exit code 2 of
        assert "expected" in str(done.exception)
    assert not (tmp_path / "runs").exists()


def test_what_stands_below_the_means_says_whose_it_is(tmp_path: Path) -> None:
    several = CliRunner().invoke(app, [*RUN, "--seeds", "2", "--out", str(tmp_path)])
    assert "seed 0: seen against unseen by scores" in several.output
    one = CliRunner().invoke(app, [*RUN, "--seeds", "1", "--out", str(tmp_path)])
    assert "\nseen against unseen by scores" in one.output


def test_without_a_terminal_the_stage_is_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.TerminalReporter("x") as reporter:
        reporter.stage("first")
        reporter._told_at = time.monotonic() - progress.SECONDS_BETWEEN_LINES
        reporter.stage("second")
        reporter.tick(1, 2, {})
        reporter._told_at -= progress.SECONDS_BETWEEN_LINES
        reporter.tick(3, 4, {})
    assert capsys.readouterr().err == "x: second\nx: second, 75 %\n"
