"""The leaderboard of groups: mean ± std, bold best, daggers, and its export as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gzsl.brief import brief
from gzsl.door.tables import csv_text
from gzsl.evaluation import Protocol
from gzsl.report.aggregate import mean_and_spread, shown_spread
from gzsl.report.groups import Group, differing, reference_protocol
from gzsl.report.latex import BOOKTABS, latex, latex_table
from gzsl.report.unlike import differing_notes

COLUMNS = ("T1", "U", "S", "H", "AUSUC", "calibrated.U", "calibrated.S", "calibrated.H")
HEADINGS = ("T1", "U", "S", "H", "AUSUC", "U cal.", "S cal.", "H cal.")
NOT_VALID = "not a valid result"


@dataclass(frozen=True)
class Cell:
    """One number.

    Attributes
    ----------
    mean, std : float or None
        Fractions; no std with one seed, no mean where there is nothing.
    best : bool
        Whether none of the lines that it may be compared with shows a larger one.
    published : float or None
        Percent.
    """

    mean: float | None
    std: float | None
    best: bool
    published: float | None

    @property
    def text(self) -> str:
        """Percent, ``mean ± std``."""
        if self.mean is None:
            return "-"
        return mean_and_spread(self.mean, self.std)


@dataclass(frozen=True)
class Line:
    """One group in the table.

    Attributes
    ----------
    group : Group
        Which.
    cells : tuple of Cell
        One a column of `COLUMNS`.
    mark : str
        See `gzsl.report.groups.differing`.
    differences : list of str
        Protocol fields in which it differs from the reference.
    """

    group: Group
    cells: tuple[Cell, ...]
    mark: str
    differences: list[str]

    @property
    def valid(self) -> bool:
        """False when test data took part in a choice."""
        return self.group.protocol.valid


@dataclass(frozen=True)
class Board:
    """The lines of one dataset, and the protocol that the marks refer to."""

    dataset: str
    reference: Protocol
    lines: tuple[Line, ...]

    __repr__ = brief

    @property
    def notes(self) -> list[str]:
        """Footnotes: what each mark means, with the fields that differ."""
        found = []
        for mark, meaning in (("†", "not comparable"), ("‡", "other preparation")):
            fields = {text: None for line in self.lines if line.mark == mark for text in line.differences}
            if fields:
                found.append(f"{mark} {meaning}: {'; '.join(fields)}")
        reasons = dict.fromkeys(line.group.protocol.reason for line in self.lines if not line.valid)
        found += [f"{NOT_VALID}: {reason}" for reason in reasons]
        return found + differing_notes((line.group.label, line.group.published_differs) for line in self.lines)


def make_boards(groups: Sequence[Group]) -> list[Board]:
    """One board a dataset, in the order of the groups."""
    boards = []
    for dataset in dict.fromkeys(group.dataset for group in groups):
        own = [group for group in groups if group.dataset == dataset]
        reference = reference_protocol(own)
        lines = [Line(g, _cells(g, own), *differing(g.protocol, reference)) for g in own]
        boards.append(Board(dataset, reference, tuple(lines)))
    return boards


def percent(value: float) -> str:
    """One decimal."""
    return f"{100 * value:.1f}"


def board_csv(boards: Sequence[Board]) -> str:
    """All lines: ours as fractions, published ones in percent as they are printed there."""
    return csv_text([_row(line) for board in boards for line in board.lines])


def board_markdown(boards: Sequence[Board]) -> str:
    """One table a dataset."""
    text = []
    for board in boards:
        head = ["method", *HEADINGS, "seeds"]
        rows = [[_name(line), *map(_markdown_cell, line.cells), str(line.group.aggregate.n)] for line in board.lines]
        table = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
        text += [f"### {board.dataset}, percent", ""]
        text += ["| " + " | ".join(cells) + " |" for cells in table]
        text += ["", f"Reference: {board.reference.key()}", *[f"\n{note}" for note in board.notes], ""]
    return "\n".join(text)


def board_latex(boards: Sequence[Board]) -> str:
    """One ``table`` with booktabs rules a dataset."""
    return BOOKTABS + "\n".join(_latex_table(board) for board in boards)


def _latex_table(board: Board) -> str:
    head = ["Method", *HEADINGS]
    body = [" & ".join([latex(_name(line)), *map(_latex_cell, line.cells)]) + r" \\" for line in board.lines]
    seeds = sorted({line.group.aggregate.n for line in board.lines})
    caption = f"{board.dataset}: class-averaged accuracy in percent, mean ± sample standard deviation over "
    caption += f"{' or '.join(map(str, seeds))} seed{'' if seeds == [1] else 's'}."
    return latex_table(caption, head, body, board.notes)


def _latex_cell(cell: Cell) -> str:
    if cell.mean is None:
        return "--"
    mean = rf"\textbf{{{percent(cell.mean)}}}" if cell.best else percent(cell.mean)
    spread = shown_spread(cell.std)
    published = "" if cell.published is None else f" ({cell.published:.1f})"
    return mean + (rf" $\pm$ {spread}" if spread else "") + published


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else cell.text
    return text + ("" if cell.published is None else f" ({cell.published:.1f})")


def _name(line: Line) -> str:
    return f"{line.group.label}{line.mark}" + ("" if line.valid else f" ({NOT_VALID})")


def _cells(group: Group, own: Sequence[Group]) -> tuple[Cell, ...]:
    return tuple(_cell(group, own, column) for column in COLUMNS)


def _cell(group: Group, own: Sequence[Group], column: str) -> Cell:
    mean = group.aggregate.mean.get(column)
    published = group.published.values.get(column) if group.published else None
    peers = [g for g in own if comparable(g, group, column) and column in g.aggregate.mean]
    best = False
    if mean is not None and group.protocol.valid and len(peers) > 1:
        best = round(100 * mean, 1) >= max(round(100 * g.aggregate.mean[column], 1) for g in peers)
    return Cell(mean, group.aggregate.std.get(column), best, published)


def comparable(one: Group, other: Group, column: str) -> bool:
    """Whether a column of two groups may be compared; the calibrator matters to calibrated columns only."""
    if column.startswith("calibrated."):
        return one.calibrated_key == other.calibrated_key
    return one.key == other.key


def _row(line: Line) -> dict[str, Any]:
    group, published = line.group, line.group.published
    return {
        "method": group.method, "variant": group.variant, **group.protocol.to_dict(), "n": group.aggregate.n,
        "seeds": " ".join(str(run.seed) for run in group.runs), "seconds": round(group.seconds, 1), "mark": line.mark,
        "differs": "; ".join(line.differences), "note": "" if line.valid else NOT_VALID,
        **{f"{name}.mean": cell.mean for name, cell in zip(COLUMNS, line.cells, strict=True)},
        **{f"{name}.std": cell.std for name, cell in zip(COLUMNS, line.cells, strict=True)},
        **{f"published.{name}": cell.published for name, cell in zip(COLUMNS[:4], line.cells, strict=False)},
        "published.source": published.source if published else None,
        "published.secondary": published.secondary if published else None,
        "published.differs": group.published_differs or None,
    }  # fmt: skip
