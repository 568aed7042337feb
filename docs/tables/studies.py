"""The main study, generators, heads, regions and letters."""

from __future__ import annotations

from gzsl.methods import get_method
from tables.shared import METRICS, PRETTY, Lines, measured, over_seeds, pretty, rows_of

HEAD_METRICS = {**{name: name for name in ("T1", "U", "S", "H", "AUSUC")}, "H calibrated": "H cal."}


def main_lines(dataset: str, *methods: str) -> Lines:
    """One dataset of the main study; all methods, or those named."""
    lines = [["method", *METRICS.values(), "seeds", "s a run"]]
    for row in rows_of("main.csv"):
        if row["dataset"] == dataset and (not methods or row["method"] in methods):
            lines.append([PRETTY[row["method"]], *measured(row), row["n"], f"{float(row['seconds']):.0f}"])
    return lines


def generative_lines(dataset: str, *leaders: str) -> Lines:
    """Generators of one dataset among closed forms of the main study, by AUSUC; minutes of processor time a seed."""
    minutes = {
        (row["method"], row["dataset"]): f"{float(row['minutes']):.1f}" for row in rows_of("generative_minutes.csv")
    }
    rows = [(row, PRETTY[row["method"]]) for row in rows_of("generative.csv") if row["dataset"] == dataset]
    rows += [
        (row, f"*{PRETTY[row['method']]}*")
        for row in rows_of("main.csv")
        if row["dataset"] == dataset and row["method"] in leaders
    ]
    lines = [["method", *METRICS.values(), "seeds", "minutes"]]
    for row, name in sorted(rows, key=lambda pair: -float(pair[0]["AUSUC.mean"])):
        lines.append([name, *measured(row), row["n"], minutes.get((row["method"], dataset), "-")])
    return lines


def region_lines() -> Lines:
    """The study of methods that look at regions, by AUSUC, with what each reads."""
    lines = [["method", "rows", *METRICS.values()]]
    for row in sorted(rows_of("regions.csv"), key=lambda row: -float(row["AUSUC.mean"])):
        values = measured(row)
        read = row["features"].rpartition("/")[2]
        kind = "regions" if read.startswith("grid7x7") and "/" in row["features"] else read
        kind = kind if kind in ("regions", "pooled") else "own"
        lines.append([pretty(row["method"]), kind, *values])
    return lines


def heads_lines(dataset: str, table: str, task: str) -> Lines:
    """Heads on one dataset and class table, with training rows or without (T1 alone); gains over the plain ensemble."""
    names = ("T1",) if task == "transfer" else ("T1", "U", "S", "H", "AUSUC")
    lines = [["head", "reads besides", *names, "gain in T1", "p", "classes better, worse"]]
    wanted = (dataset, table, task)
    found = [r for r in rows_of("heads.csv") if (r["dataset"], r["semantics"].split("+")[0], r["task"]) == wanted]
    for row in sorted(found, key=lambda r: -float(r["T1.mean"])):
        values = measured(row, names)
        gain = ["", "", ""]
        if row["gain"]:
            gain = [f"{100 * float(row['gain']):+.1f}", f"{float(row['p']):.2g}", f"{row['better']}, {row['worse']}"]
        lines.append([row["method"], row["reads"], *values, *gain])
    return lines


def letters_lines(*methods: str) -> Lines:
    """Methods on the letters, the best at the validated threshold first; all methods, or those named.

    Their seconds are left out: the study ran beside other work.
    """
    rows = [row for row in rows_of("letters_all.csv") if not methods or row["method"] in methods]
    rows.sort(key=lambda row: -float(row["calibrated.H.mean"]))
    families = [get_method(row["method"]).card.family for row in rows]
    lines = [["method", "family", *METRICS.values(), "seeds"]]
    both = zip(rows, families, strict=True)
    return lines + [[PRETTY[row["method"]], kind, *measured(row), row["n"]] for row, kind in both]


def head_lines() -> Lines:
    """One generator with several heads, mean ± std over seeds."""
    rows = rows_of("letters_heads.csv")
    lines = [["head", *HEAD_METRICS.values()]]
    for name in dict.fromkeys(row["head"] for row in rows):
        own = [row for row in rows if row["head"] == name]
        lines.append([name, *(over_seeds(own, key) for key in HEAD_METRICS)])
    return lines
