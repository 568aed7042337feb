"""Why networks over class graphs do what they do: one change at a time on validation folds of ``CUB127``.

``GZSL_DATA=DIR python experiments/graph_trials.py OUT.csv [METHOD...]`` makes the trials of ``trials/graphs.yaml`` and
writes one line each, as `letters_trials` does; no test row is read. A graph ``wordnet`` is a folder beside the data.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from letters_trials import HEADER, trial, trials

from gzsl.report.tables import write_csv

BEFORE: dict[str, dict[str, Any]] = {  # where a trial says nothing else: the recipes before they followed from these
    "graph-ridge": {},
    "gcnz": {"lr": 1e-3, "weight_decay": 5e-4, "dropout": 0.5, "hidden_dims": [512], "self_weight": 30.0},
    "sgcn": {"lr": 1e-3, "weight_decay": 5e-4, "dropout": 0.5, "self_weight": 30.0},
    "dgp": {"lr": 1e-3, "weight_decay": 5e-4, "dropout": 0.2, "n_hops": 4},
    "zsl-kg": {"lr": 3e-3, "weight_decay": 0.0, "feature_dropout": 0.5, "dropouts": True},
}


def line(name: str, fold: int, changes: dict[str, Any]) -> list[Any]:
    """One trial, under the changes that were listed."""
    found = trial(name, fold, BEFORE[name] | changes, dataset_name="CUB127")
    return [*found[:2], json.dumps(changes), *found[3:]]


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_csv(Path(sys.argv[1]), HEADER, [line(*one) for one in trials(sys.argv[2:], "graphs")])
