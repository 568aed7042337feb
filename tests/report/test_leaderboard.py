from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from gzsl.report.collect import collect
from gzsl.report.groups import make_groups
from gzsl.report.latex import latex
from gzsl.report.leaderboard import (
    COLUMNS,
    Board,
    Line,
    board_csv,
    board_latex,
    board_markdown,
    make_boards,
    percent,
)

Fake = Callable[..., Path]


@pytest.fixture
def board(tmp_path: Path, fake: Fake) -> Board:
    for seed in (0, 1):
        fake(tmp_path, "eszsl", seed, strength=1.0)
        fake(tmp_path, "sae", seed, strength=1.6, protocol={"preprocessing": "l2"})
        fake(tmp_path, "ale", seed, strength=2.5, protocol={"semantics": "sent"})
        fake(tmp_path, "f-clswgan", seed, strength=4.0, protocol={"selection": "test-oracle", "valid": False})
    (made,) = make_boards(make_groups(collect(tmp_path).runs)[0])
    return made


def line(board: Board, method: str) -> Line:
    return next(one for one in board.lines if one.group.method == method)


def test_best_is_bold_among_comparable_rows_only(board: Board) -> None:
    best = {one.group.method: [cell.best for cell in one.cells] for one in board.lines}
    h = COLUMNS.index("calibrated.H")
    assert best["sae"][h]
    assert not best["eszsl"][h]
    assert not any(best["ale"]), "it has no row to be better than"
    assert not any(best["f-clswgan"]), "not a valid result, though the largest number"
    assert line(board, "f-clswgan").cells[h].mean > line(board, "sae").cells[h].mean


def test_equal_numbers_as_printed_are_both_best(tmp_path: Path, fake: Fake) -> None:
    for method in ("eszsl", "sae"):
        fake(tmp_path, method, 0)
    (board,) = make_boards(make_groups(collect(tmp_path).runs)[0])
    assert all(cell.best for one in board.lines for cell in one.cells)
    assert all(cell.std is None for one in board.lines for cell in one.cells)


def test_calibrators_divide_calibrated_columns_alone(tmp_path: Path, fake: Fake) -> None:
    fake(tmp_path, "eszsl", 0, strength=2.0)
    fake(tmp_path, "sae", 0, strength=1.0, protocol={"calibration": "cosmo"})
    (board,) = make_boards(make_groups(collect(tmp_path).runs)[0])
    best = dict(zip(COLUMNS, [cell.best for cell in line(board, "eszsl").cells], strict=True))
    assert best["T1"]
    assert not best["calibrated.H"]
    assert {one.mark for one in board.lines} == {"", "†"}


def test_marks_name_the_fields_that_differ(board: Board) -> None:
    marks = {one.group.method: (one.mark, one.differences) for one in board.lines}
    reference = "eszsl" if board.reference.preprocessing == "none" else "sae"
    other = {"eszsl": "sae", "sae": "eszsl"}[reference]
    assert marks[reference] == ("", [])
    assert marks[other][0] == "‡"
    assert marks["ale"][0] == "†"
    assert "semantics: sent against att" in marks["ale"][1]
    assert any(note.startswith("not a valid result") for note in board.notes)
    assert any("semantics: sent against att" in note for note in board.notes)


def test_exports_carry_spread_bold_mark_published_and_warning(board: Board) -> None:
    eszsl = line(board, "eszsl")
    mean, std = eszsl.cells[0].mean, eszsl.cells[0].std
    assert mean is not None
    assert std is not None
    assert eszsl.cells[0].text == f"{percent(mean)} ± {percent(std)}"
    markdown = board_markdown([board])
    assert f"| {percent(mean)} ± {percent(std)} (58.2) |" in markdown  # published T1 of ESZSL on AWA1
    assert "f-clswgan† (not a valid result)" in markdown
    text = board_latex([board])
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\textbf{", r"$\pm$", r"\textsuperscript{\dag}"):
        assert part in text
    assert text.count("{") == text.count("}")
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(board_csv([board])))}
    assert float(rows["eszsl"]["T1.mean"]) == mean
    assert rows["eszsl"]["published.T1"] == "58.2"
    assert rows["eszsl"]["published.source"]
    assert rows["f-clswgan"]["note"] == "not a valid result"
    assert rows["ale"]["mark"] == "†"


def test_latex_escapes() -> None:
    assert latex("a_b & 5 % {x}") == r"a\_b \& 5 \% \{x\}"
