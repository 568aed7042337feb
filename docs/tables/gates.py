"""The study of calibrators: every rule that carries a threshold from validation to test rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from gzsl.calibration.transfer import RULES
from tables.shared import PRETTY, Lines, Row, over_seeds, rows_of

GATES = {"U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "auroc": "AUROC", "fpr95": "FPR95",
         "best_h": "best H (not valid)", "gap": "gap"}  # fmt: skip
FORMS = ("stacking", "stacking(form=multiplicative)", "stacking(form=zscored)")
DEFAULT = "quantile"


def gate_means() -> Lines:
    """Every calibrator under the default rule, averaged over runs."""
    rows = _by_calibrator(DEFAULT)
    lines = [["calibrator", *GATES.values()]]
    return lines + [[f"`{name}`", *(_mean(own, key) for key in GATES)] for name, own in rows.items()]


def gate_runs() -> Lines:
    """H of every calibrator on every method and dataset, mean ± std over seeds."""
    rows = _by_calibrator(DEFAULT)
    places = sorted({(row["method"], row["dataset"]) for row in rows["none"]})
    lines = [["calibrator", *(f"{PRETTY[method]} {dataset}" for method, dataset in places)]]
    for name, own in rows.items():
        cells = []
        for place in places:
            cells.append(over_seeds([row for row in own if (row["method"], row["dataset"]) == place], "H"))
        lines.append([f"`{name}`", *cells])
    return lines


def gate_rules() -> Lines:
    """Mean gap of every calibrator under each transfer rule."""
    by_rule = {rule: _by_calibrator(rule) for rule in RULES}
    names = [name for name in by_rule[DEFAULT] if name != "none"]
    lines = [["calibrator", *(f"`{rule}`" for rule in RULES)]]
    lines += [[f"`{name}`", *(_mean(by_rule[rule][name], "gap", 2) for rule in RULES)] for name in names]
    for title, chosen in (("stacking, three forms", FORMS), ("all", names)):
        lines.append([title, *(_mean([r for n in chosen for r in by_rule[rule][n]], "gap", 2) for rule in RULES)])
    return lines


def _by_calibrator(rule: str) -> dict[str, list[Row]]:
    """Rows of the study by calibrator, in its order; scores without a calibrator have no threshold to carry."""
    found: dict[str, list[Row]] = {}
    for row in rows_of("calibration.csv"):
        if row["transfer"] == rule or row["calibrator"] == "none":
            found.setdefault(row["calibrator"], []).append(row)
    return found


def _mean(rows: Sequence[Row], key: str, digits: int = 1) -> str:
    return f"{100 * statistics.fmean(float(row[key]) for row in rows):.{digits}f}"
