"""Remake the generated pages, and tables in others: ``python docs/generate.py``; ``--check`` fails for stale ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

import tables

from gzsl.methods import get_method, method_names
from gzsl.params import parameters
from gzsl.report.published import Published, published_numbers
from gzsl.resources import configs_dir

HERE = Path(__file__).resolve().parent


def methods_page() -> str:
    """Table of all methods, and of each what is known about it and its hyper-parameters."""
    lines = [
        "# Methods", "", "Made by `docs/generate.py` from the code; do not edit by hand. *Fidelity* is how a method",
        "was rebuilt: from released code, from its paper alone, or partly from memory (then unverified).", "",
        "| method | what it does | family | fidelity | year |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in method_names():
        card = get_method(name).card
        cells = [f"[{name}](#{name})", _summary(name), card.family, card.fidelity, str(card.year)]
        lines.append("| " + " | ".join(cells) + " |")
    for name in method_names():
        lines += ["", *_section(name)]
    return "\n".join(lines) + "\n"


def _summary(name: str) -> str:
    return (get_method(name).__doc__ or "").strip().splitlines()[0]


def _recipes(names: Iterable[str]) -> str:
    """Datasets, each with the variants of its recipe in brackets."""
    variants: dict[str, list[str]] = {}
    for name in sorted(names):
        dataset, _, variant = name.partition(".")
        variants.setdefault(dataset, []).extend([variant] if variant else [])
    return ", ".join(f"{name} ({', '.join(found)})" if found else name for name, found in sorted(variants.items()))


def _section(name: str) -> list[str]:
    card = get_method(name).card
    recipes = _recipes(path.stem for path in (configs_dir() / name).glob("*.yaml"))
    variants = f" (variants in brackets, as `{name}/AWA2.budget`)" if "(" in recipes else ""
    lines = [
        f"## {name}", "", _summary(name), "",
        f"- Source: {card.cite}; {card.fidelity}", f"- Setting: {', '.join(card.settings)}",
        f"- Recipes{variants}: {recipes}", "",
        "| key | default | range | symbol | meaning |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for parameter in parameters(get_method(name)).values():
        default = getattr(parameter.default, "part_id", "") or parameter.default
        cells = [f"`{parameter.name}`", str(default), parameter.range_text, parameter.symbol, parameter.doc]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def published_page() -> str:
    """Published numbers that ship with the package, with their sources."""
    lines = [
        "# Published numbers", "",
        "Made by `docs/generate.py` from `gzsl/report/published.csv`; do not edit by hand. Percent, class-averaged,",
        "proposed splits, ResNet-101 features (`res101-epgn`: normalised by the authors of E-PGN). `gzsl sweep` and",
        "`gzsl reproduce` set a number beside ours where dataset, features, fine-tuning, setting and kind of semantics",
        "are known and agree. *Secondary*: read in somebody else's table. Re-implementations and re-runs are other",
        "people's. *Protocol*: kind of semantics, split release, how the number was selected (`test-oracle`: the best",
        "on test data in the released code), and what differs from inductive, frozen ResNet-101 features without",
        "calibration; `?` is unknown. Left out: ablations, other splits, and cells for which nothing was found.",
        "The last column is the number of the source in the [list](#sources) below.",
    ]  # fmt: skip
    sources: dict[str, int] = {}
    for method, found in groupby(published_numbers(), key=lambda line: line.method):
        lines += ["", f"## {method}", "", "| dataset | protocol | T1 | U | S | H | whose | source |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [_published_row(line, sources) for line in found]
    lines += ["", "## Sources", "", *(f"{number}. {source}" for source, number in sources.items())]
    return "\n".join(lines) + "\n"


def _published_row(line: Published, sources: dict[str, int]) -> str:
    values = [f"{line.values[name]:.1f}" if name in line.values else "-" for name in ("T1", "U", "S", "H")]
    number = sources.setdefault(line.source, len(sources) + 1)
    whose = f"{line.kind}{', secondary' if line.secondary else ''}"
    return "| " + " | ".join([line.dataset, _protocol(line), *values, whose, f"[{number}](#sources)"]) + " |"


def _with_tables(page: Path) -> str:
    return tables.filled(page.read_text(encoding="utf-8"))


def _protocol(line: Published) -> str:
    tuned = {True: "fine-tuned", False: "", None: "fine-tuned?"}[line.fine_tuned]
    unusual = [line.setting, line.features, line.calibration]
    usual = ["inductive", "res101", "none"]
    odd = [found for found, expected in zip(unusual, usual, strict=True) if found != expected]
    parts = [line.semantics, line.split, line.selection, tuned, *odd]
    return ", ".join(part.replace("unknown", "?") for part in parts if part)


PAGES: dict[Path, Callable[[], str]] = {
    HERE / "methods.md": methods_page,
    HERE / "published.md": published_page,
    **{page: partial(_with_tables, page) for page in tables.PAGES},
}


def main() -> int:
    """Write the pages, or compare them with ``--check``."""
    stale = []
    for path, make in PAGES.items():
        text = make()
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python docs/generate.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
