"""Tabulate finished runs: ``python experiments/tabulate.py RUNS NAME`` writes experiments/results/NAME.csv.

Prints the same table as Markdown. The README's table is made from these commands, with DIR the folder that holds
CUB127 and FLO89::

    for recipe in eszsl/CUB127 eszsl/FLO89 f-clswgan/CUB127 f-clswgan/FLO89; do
        gzsl run $recipe --data DIR --out RUNS
    done
    python experiments/tabulate.py RUNS first_numbers
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from gzsl.report import as_rows, collect, markdown


def main() -> None:
    """Write the CSV file and print the table."""
    runs, name = sys.argv[1:]
    lines = collect(Path(runs))
    rows = as_rows(lines)
    target = Path(__file__).resolve().parent / "results" / f"{name}.csv"
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(markdown(lines))


if __name__ == "__main__":
    main()
