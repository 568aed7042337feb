"""Why networks over class graphs do what they do: settings tried on validation folds of ``CUB127``, one change at a time.

``GZSL_DATA=DIR python experiments/graph_trials.py OUT.csv [METHOD...]`` makes the trials of ``trials/graphs.yaml`` and
writes one line each, as `letters_trials` does; no test row is read. A graph ``wordnet`` is a folder beside the data.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from letters_trials import HEADER, trial, trials

from gzsl.report.tables import write_csv

if __name__ == "__main__":
    torch.set_num_threads(1)
    made = [trial(*one, dataset_name="CUB127") for one in trials(sys.argv[2:], "graphs")]
    write_csv(Path(sys.argv[1]), HEADER, made)
