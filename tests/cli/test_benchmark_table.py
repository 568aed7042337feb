"""The benchmark paper's table from files in the released layout: tiny ones, with AWA1's real classes and split."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import gzsl

from gzsl.data import load
from gzsl.runs.reporter import Reporter
from gzsl.studies.jobs import Job
from gzsl.studies.launch import Launch
from gzsl.studies.pool import Pool
from gzsl.studies.preflight import estimate


def test_published_numbers_stand_beside_ours_for_the_same_protocol(
    awa1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Launch.run
    monkeypatch.setattr(Launch, "run", lambda self, **options: run(self, **{**options, "workers": 0}))
    assert load("AWA1", root=awa1).split.version == "PS2"
    study = "title: part of the table\nmethods: [dap, conse, sje, eszsl]\ndatasets: [SUN, AWA1]\nseeds: [0]\n"
    (tmp_path / "part.yaml").write_text(study + "set: {selection.folds: 1}\n")
    done = gzsl("sweep", "part.yaml", "--data", str(awa1), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer["left_out"]) == {f"{method}/SUN" for method in ("dap", "conse", "sje", "eszsl")}
    lines = {line["method"]: line for line in answer["lines"]}
    assert lines["eszsl"]["published.T1"] == 58.2
    assert lines["dap"]["published.S"] == 88.7
    assert "CVPR 2017" in lines["sje"]["published.source"]
    assert lines["eszsl"]["T1.mean"] > 0.2  # ten unseen classes that follow from attributes
    shown = gzsl("sweep", "part.yaml", "--data", str(awa1), cwd=tmp_path).stdout
    assert "(58.2)" in shown
    assert "in brackets: published for the same dataset, features" in shown
    assert "split: PS2 here, PS1 there" in shown


def test_the_whole_table_is_one_command(awa1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gzsl.cli.dry_run._measure", lambda launch, workers: ({}, 1))
    the_whole_table(awa1, tmp_path)


@pytest.mark.slow
def test_the_whole_table_can_be_estimated(awa1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "answers", estimates_of_this_process)
    the_whole_table(awa1, tmp_path)


def estimates_of_this_process(pool: Pool, jobs: Sequence[Job], **extra: Any) -> Iterator[tuple[Job, dict[str, Any]]]:
    """As the workers' answers; another process would know the benchmark in its real size, which the files have not."""
    for job in jobs:
        answer = estimate({**job.to_values(patient=False), **extra}, Reporter())
        assert answer["state"] == "estimated", answer
        yield job, answer


def the_whole_table(data: Path, folder: Path) -> None:
    done = gzsl("sweep", "benchmark-paper", "--data", str(data), "--dry-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    cells = [line for line in done.stdout.splitlines() if "/AWA1" in line]
    assert len(cells) == 14
    assert not any("no recipe" in line for line in done.stdout.splitlines())
