"""What the tables of all pages share: the results files, names of methods and how numbers are written."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path

from gzsl.report.aggregate import mean_and_spread

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "experiments" / "results"
METRICS = {"T1": "T1", "U": "U", "S": "S", "H": "H", "AUSUC": "AUSUC", "calibrated.H": "H cal."}
PRETTY = {
    "ale": "ALE", "bias-aware": "Bias-aware", "bucher": "Bucher", "cada-vae": "CADA-VAE", "ce-gzsl": "CE-GZSL",
    "cizsl": "CIZSL", "cmt": "CMT", "cmt-star": "CMT*", "cnzsl": "CNZSL", "conse": "ConSE", "cycle-wgan": "cycle-WGAN",
    "dap": "DAP", "dascn": "DASCN", "dem": "DEM", "devise": "DeViSE", "dsp": "DSP, f-VAEGAN",
    "dsp-f-clswgan": "DSP, f-CLSWGAN", "dsp-tf-vaegan": "DSP, TF-VAEGAN", "eszsl": "ESZSL", "exem": "EXEM",
    "f-clswgan": "f-CLSWGAN", "f-vaegan": "f-VAEGAN", "free": "FREE", "gdan": "GDAN", "gfzsl": "GFZSL", "iap": "IAP",
    "latem": "LATEM", "lisgan": "LisGAN", "lsrgan": "LsrGAN", "mtl": "MTL", "protonet": "ProtoNet", "psr": "PSR",
    "sabr": "SABR", "sae": "SAE", "sdgzsl": "SDGZSL", "sje": "SJE", "sse": "SSE", "sync": "SynC",
    "tf-vaegan": "TF-VAEGAN", "vse": "VSE", "zla": "ZLA",
}  # fmt: skip

Row = dict[str, str]
Lines = list[list[str]]


def rows_of(name: str) -> list[Row]:
    """Lines of a results file."""
    with (RESULTS / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pretty(method: str) -> str:
    """A method as pages write it."""
    return PRETTY.get(method, f"`{method}`")


def measured(row: Row, names: Sequence[str] = tuple(METRICS)) -> list[str]:
    """Means and spreads that a study's CSV holds, in percent."""
    return [mean_and_spread(float(row[f"{name}.mean"]), float(row[f"{name}.std"] or 0)) for name in names]


def over_seeds(rows: Sequence[Row], key: str) -> str:
    """Mean and sample standard deviation of lines that differ in their seed."""
    values = [float(row[key]) for row in rows]
    return mean_and_spread(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)
