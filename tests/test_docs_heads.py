"""The page of heads: its blocks and its commands run, in the order in which a reader meets them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_documents_run import DOCS, run_blocks
from typer.testing import CliRunner

from gzsl.cli.app import app


def test_from_two_arrays_to_a_table_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    names = run_blocks("heads.md", tmp_path, monkeypatch)
    shown = capsys.readouterr().out
    assert (tmp_path / "heads.png").stat().st_size > 5000
    rows = re.findall(r"^\| ([a-z-]+) \| ", shown, flags=re.MULTILINE)
    assert rows == ["head", *names["heads"]]
    assert names["transfer"]["prompt-ensemble"] > 2 / 8, "well above chance, without a training row"
    assert names["results"]["gda"].AUSUC > 0.3
    page = (DOCS / "heads.md").read_text(encoding="utf-8")
    commands = [line for line in page.splitlines() if line.startswith("gzsl ")]
    assert len(commands) == 2
    for line in commands:
        done = CliRunner().invoke(app, line.split()[1:])
        assert done.exit_code == 0, done.output
    assert list((tmp_path / "runs").glob("gda-*/metrics.json"))
    assert "prompt-ensemble" in done.output
