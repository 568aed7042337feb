"""A study's table: our numbers beside published ones of the same protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gzsl.door.tables import csv_text
from gzsl.evaluation import Protocol
from gzsl.report.aggregate import Aggregate, aggregate, mean_and_spread
from gzsl.report.latex import BOOKTABS, latex, latex_table
from gzsl.report.published import METRICS, Published, find_published
from gzsl.report.unlike import differing_fields, differing_notes
from gzsl.studies.cells import CellResult

COLUMNS = (*METRICS, "AUSUC", "calibrated.H")
HEADINGS = (*METRICS, "AUSUC", "H cal.")


@dataclass(frozen=True)
class ComparedLine:
    """One cell of a study: ours and the published numbers that may stand beside it.

    Attributes
    ----------
    method, dataset : str
        Names.
    protocol : Protocol
        Under which our numbers were obtained.
    aggregate : Aggregate
        Mean and spread over seeds.
    seconds : float
        Mean wall time of a run, with validation.
    published : Published or None
        Same dataset, features, setting and kind of semantics; None when nothing of the kind was published.
    varied : str
        What the study varies, in brackets: `` [lr=0.01]``.
    """

    method: str
    dataset: str
    protocol: Protocol
    aggregate: Aggregate
    seconds: float
    published: Published | None
    varied: str = ""

    @property
    def differs(self) -> str:
        """The protocol fields in which the published number differs; empty where there is none or all agree."""
        return "" if self.published is None else differing_fields(self.protocol, self.published)

    @property
    def heading(self) -> str:
        """What the table with this line is headed by."""
        return self.protocol.heading(self.dataset)

    @property
    def label(self) -> str:
        """Method, with what tells it from the study's other lines of that method."""
        return self.method + self.varied

    def cells(self) -> list[str]:
        """Text of `HEADINGS`: ``mean ± std``, with the published value in brackets below the metrics that have one."""
        return [self._cell(name) for name in COLUMNS]

    def _cell(self, name: str) -> str:
        mean = self.aggregate.mean.get(name)
        if mean is None:
            return "-"
        return mean_and_spread(mean, self.aggregate.std.get(name)) + self._bracket(name)

    def _bracket(self, name: str) -> str:
        value = None if self.published is None else self.published.values.get(name)
        return "" if value is None else f" ({value:.1f})"

    def to_row(self) -> dict[str, Any]:
        """Plain values for a CSV file: ours as fractions, published ones in percent as printed there."""
        theirs = self.published
        return {
            "method": self.method, "varied": self.varied.strip(" []"), **self.protocol.to_dict(),
            "n": self.aggregate.n, "seconds": round(self.seconds, 1),
            **{f"{name}.mean": self.aggregate.mean.get(name) for name in COLUMNS},
            **{f"{name}.std": self.aggregate.std.get(name) for name in COLUMNS},
            **{f"published.{name}": theirs.values.get(name) if theirs else None for name in METRICS},
            "published.secondary": theirs.secondary if theirs else None,
            "published.source": theirs.source if theirs else None,
            "published.differs": self.differs or None,
        }  # fmt: skip


def compare(results: Iterable[CellResult]) -> list[ComparedLine]:
    """Lines of all cells that finished at least one seed."""
    return [_line(result) for result in results if result.results]


def by_heading(lines: Iterable[ComparedLine]) -> dict[str, list[ComparedLine]]:
    """Lines of one table each: of a dataset, and of what was seen of its test set where something was."""
    found: dict[str, list[ComparedLine]] = {}
    for line in lines:
        found.setdefault(line.heading, []).append(line)
    return found


def comparison_markdown(lines: Sequence[ComparedLine]) -> str:
    """One Markdown table a heading."""
    text = []
    for heading, chosen in by_heading(lines).items():
        rows = [[line.label, *line.cells(), str(line.aggregate.n), f"{line.seconds:.0f}"] for line in chosen]
        head = ["method", *HEADINGS, "seeds", "s a run"]
        text.append(f"### {heading}\n")
        text += ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]
        text += ["", *(f"{note}\n" for note in published_notes(chosen))]
    return "\n".join(text)


def comparison_latex(lines: Sequence[ComparedLine]) -> str:
    """One ``table`` with booktabs rules a heading; published values in brackets."""
    text = [BOOKTABS.rstrip()]
    for heading, chosen in by_heading(lines).items():
        rows = [[line.label, *("--" if cell == "-" else cell for cell in line.cells())] for line in chosen]
        body = [" & ".join(map(latex, row)) + r" \\" for row in rows]
        seeds = sorted({line.aggregate.n for line in chosen})
        caption = f"{heading}: class-averaged accuracy in percent, mean ± sample standard deviation over "
        caption += f"{' or '.join(map(str, seeds))} seed{'' if seeds == [1] else 's'}"
        caption += "; in brackets: published." if any(line.published for line in chosen) else "."
        text.append(latex_table(caption, ["Method", *HEADINGS], body))
    return "\n".join(text)


def published_notes(lines: Sequence[ComparedLine]) -> list[str]:
    """In which protocol fields the published numbers differ, one sentence a way; empty where all agree."""
    return differing_notes((line.label, line.differs) for line in lines)


def comparison_csv(lines: Sequence[ComparedLine]) -> str:
    """All lines as CSV."""
    return csv_text([line.to_row() for line in lines])


def _line(result: CellResult) -> ComparedLine:
    metrics = [run.metrics for run in result.results]
    protocol = Protocol(**metrics[0]["protocol"])
    method = result.cell.method
    seconds = sum(run.seconds for run in result.results) / len(result.results)
    return ComparedLine(
        method, result.cell.dataset, protocol, aggregate(metrics), seconds, find_published(method, protocol),
        result.cell.label.removeprefix(method),
    )  # fmt: skip
