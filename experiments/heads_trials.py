"""How features are aligned to sentences, tried on validation folds of the ``...TEXT`` datasets; no test row is read.

``python experiments/heads_trials.py DATA OUT.csv [DATASET ...]`` makes each scaling and alignment of the first folds
and scores two heads, with and without ``centred``: the plain ensemble, and GDA, which reads rows. Class-averaged
fractions with seed 0; the processor seconds are those of the alignment. DATA has what ``make_text_sets.py`` writes,
and LITE0HEAD for ``conse``, which wants features as the network gives them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gzsl
from gzsl.data.posterior import read_posterior
from gzsl.report.tables import write_csv

HEADER = [
    "dataset", "fold", "features", "align", "head", "centred", "T1", "U", "S", "H", "AUSUC", "processor seconds",
]  # fmt: skip
DATASETS = {"AWA20TEXT": 3, "FLO89TEXT": 3, "CUB127TEXT": 1}  # and of how many folds; the last is the largest
WAYS = (
    ("none", "ridge"), ("l2", "ridge"), ("centre-l2", "ridge"), ("centre-l2", "contrastive"), ("centre-l2", "cwcl"),
    ("none", "conse"),
)  # fmt: skip
HEADS = ("prompt-ensemble", "gda")


def lines(data: Path, name: str) -> Iterator[list[Any]]:
    """All trials on one dataset."""
    dataset = gzsl.load(name, root=data, semantics="cupl", array="features")
    for number, fold in enumerate(gzsl.validation_folds(dataset)[: DATASETS[name]]):
        for scaling, align in WAYS:
            began = time.process_time()
            how: Any = read_posterior(str(data / "LITE0HEAD" / "lite0_head.npz")) if align == "conse" else align
            task = gzsl.fold_task(dataset, fold, scaling, align=how)
            seconds = time.process_time() - began
            for head in HEADS:
                for centred in (True, False):
                    found = gzsl.evaluate(gzsl.create(head, centred=centred).fit(task.view, seed=0), task)
                    numbers = [f"{value:.4f}" for value in (found.T1, found.U, found.S, found.H, found.AUSUC)]
                    yield [name, number, scaling, align, head, centred, *numbers, f"{seconds:.0f}"]


if __name__ == "__main__":
    made = [line for name in sys.argv[3:] or DATASETS for line in lines(Path(sys.argv[1]), name)]
    write_csv(Path(sys.argv[2]), HEADER, made)
