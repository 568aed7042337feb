from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gzsl.cli.app import app
from gzsl.errors import RunError
from gzsl.report.collect import collect
from gzsl.report.page import write_report

Fake = Callable[..., Path]


def embedded(page: str, name: str) -> Any:
    (text,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    return json.loads(text)


def test_one_command_writes_page_and_tables(tmp_path: Path, fake: Fake, records: list[dict[str, Any]]) -> None:
    for seed in (0, 1):
        fake(tmp_path / "runs", "eszsl", seed)
        fake(tmp_path / "runs", "f-clswgan", seed, strength=2.0, records=records)
    broken = fake(tmp_path / "runs", "sae", 0)
    (broken / "done").unlink()
    html = tmp_path / "out" / "r.html"
    command = ["report", str(tmp_path / "runs"), "--html", str(html), "--significance", "classes", "--json"]
    done = CliRunner().invoke(app, command, env={"GZSL_DATA": ""})
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["lines"] == 2
    assert told["not_in_table"][0]["state"] == "unfinished"
    folder = html.parent / "r_data"
    made = {str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file()}
    assert {"leaderboard.csv", "leaderboard.md", "leaderboard.tex", "significance.csv"} <= made
    assert {f"f-clswgan-AWA1-s1/{name}.csv" for name in ("curve", "classes", "sides", "confused", "losses")} <= made
    page = html.read_text()
    assert set(re.findall(r"https?://[^\s\"'`<]+", page)) == {"http://www.w3.org/2000/svg"}, "a name, not an address"
    assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"(?!data:)", page)
    assert "default-src 'none'" in page
    for target in re.findall(r'<a href="([^"#]+)"', page):
        assert (html.parent / target).is_file()
    data = embedded(page, "data")
    assert [len(group["runs"]) for group in data["groups"]] == [2, 2]
    blob = embedded(page, "run-0")
    assert blob["numbers"]["H"] == json.loads((html.parent / "../runs/f-clswgan-AWA1-s0/metrics.json").read_text())["H"]


def test_names_cannot_break_out_of_the_page(tmp_path: Path, fake: Fake) -> None:
    fake(tmp_path, "eszsl", 0, protocol={"dataset": "</script><b>"}, name="x")
    made = write_report(collect(tmp_path), tmp_path / "r.html")
    page = made.html.read_text()
    assert "</script><b>" not in page
    assert "&lt;/script&gt;&lt;b&gt;" in page
    assert embedded(page, "data")["groups"][0]["dataset"] == "</script><b>"


def test_figures_of_the_first_seed_alone_or_of_none(tmp_path: Path, fake: Fake) -> None:
    for seed in (0, 1):
        fake(tmp_path, "eszsl", seed)
    for figures, n in (("first", 1), ("none", 0)):
        made = write_report(collect(tmp_path), tmp_path / f"{figures}.html", figures=figures, tables=False)
        page = made.html.read_text()
        assert len(re.findall(r'id="run-\d+"', page)) == n
        assert made.folder is None
        assert not (tmp_path / f"{figures}_data").exists()
        assert re.findall(r'<a[^>]* href="([^"]+)"', page) == ["#board"]


def test_nothing_finished_or_a_bad_option_is_one_sentence(tmp_path: Path, fake: Fake) -> None:
    (fake(tmp_path, "eszsl", 0) / "done").unlink()
    with pytest.raises(RunError, match="no finished run"):
        write_report(collect(tmp_path), tmp_path / "r.html")
    for option, value in (("--figures", "some"), ("--significance", "years")):
        done = CliRunner().invoke(app, ["report", str(tmp_path), option, value])
        assert isinstance(done.exception, RunError)
        assert value in str(done.exception)


def test_a_hundred_runs_stay_light(tmp_path: Path, fake: Fake, records: list[dict[str, Any]]) -> None:
    """Ten with as many classes, rows and epochs as real runs have weigh less than a tenth of the limit."""
    for seed in range(10):
        fake(tmp_path, "f-clswgan", seed, strength=3.0, records=records, sizes=(150, 50))
    made = write_report(collect(tmp_path), tmp_path / "r.html")
    assert made.html.stat().st_size < 1_000_000
    assert made.folder is not None
    assert len((made.folder / "f-clswgan-AWA1-s0" / "curve.csv").read_text().splitlines()) > 500
