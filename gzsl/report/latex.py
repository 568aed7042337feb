"""Tables as LaTeX with booktabs rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

BOOKTABS = "% needs \\usepackage{booktabs}\n"
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "γ": r"$\gamma$",
    "†": r"\textsuperscript{\dag}", "‡": r"\textsuperscript{\ddag}",
}  # fmt: skip


def latex(text: str) -> str:
    """Escape what LaTeX would read as a command."""
    return re.sub("|".join(map(re.escape, _LATEX)), lambda match: _LATEX[match[0]], text)


def latex_table(caption: str, head: Sequence[str], body: Sequence[str], notes: Sequence[str] = ()) -> str:
    """One ``table``: the first column left, the others right.

    Parameters
    ----------
    caption : str
        Plain text.
    head : sequence of str
        Plain text, one a column.
    body : sequence of str
        Lines in LaTeX, each with its end.
    notes : sequence of str
        Plain text below the table.
    """
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{latex(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}", r"\toprule",
        " & ".join(latex(cell) for cell in head) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}",
        *(rf"\par\footnotesize {latex(note)}" for note in notes), r"\end{table}", "",
    ])  # fmt: skip
