"""What unlabelled test rows are worth: ``python experiments/transductive.py STUDY OUT.csv [DATASET ...]``.

Studies: ``wrappers`` (the three wrappers around ESZSL and EXEM), ``methods`` (closed forms and small networks),
``trained`` (the two generators), ``imbalance`` (four fifths of the rows of every other unseen class are left out of the
pool and of the test). Settings are those of the recipes, those of ESZSL and EXEM fixed; nothing is chosen on test rows.
A line is written once it is known, and lines that the file has are not computed again. Everything is a fraction;
accuracies of pseudo-labels are looked up afterwards and used by nothing.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gzsl.data import Dataset, final_task
from gzsl.evaluation import evaluate
from gzsl.methods import Method
from gzsl.runs import load_recipe
from gzsl.runs.pooled import completed, pseudo_label_accuracy, shown_to
from gzsl.runs.recipe import Recipe, make_recipe
from gzsl.runs.run import open_dataset

DATASETS = ("CUB127", "FLO89", "letters")
WRAPPERS = ("sinkhorn", "propagate", "self-train")
BASES: dict[str, dict[str, Any]] = {
    "eszsl": {"gamma": 1.0, "lam": 1.0},
    "exem": {},
}
SETTINGS = [(pool, prior) for pool in ("unseen", "all") for prior in ("uniform", "estimated")]
PLACE = ("study", "dataset", "method", "pool", "class_prior", "seed")
VALUES = ("T1", "U", "S", "H", "AUSUC")
COLUMNS = (*PLACE, *VALUES, *(f"inductive.{name}" for name in VALUES), "first", "last", "seconds")


def recipe_of(dataset: str, method: str, pool: str, prior: str, wrapper: str = "") -> Recipe:
    """The recipe of a line: the shipped one, or that of ESZSL with another method where none is shipped."""
    if wrapper:
        shipped = load_recipe(f"eszsl/{dataset}")
        features = {"letters": "none"}.get(dataset, "centre-l2")
        values = {
            "dataset": shipped.model_dump()["dataset"], "preprocess": {"features": features},
            "method": {"name": method, **BASES[method]}, "transductive": wrapper, "selection": "last",
        }  # fmt: skip
        return make_recipe({**values, "pool": pool, "class_prior": prior})
    return load_recipe(f"{method}/{dataset}", {"pool": pool, "class_prior": prior, "selection": "last"})


def lines_of(study: str) -> Iterator[tuple[str, str, str, str, int]]:
    """Method, wrapper, pool, prior and seed of every line."""
    if study == "wrappers":
        yield from ((base, by, *how, 0) for base in BASES for how in SETTINGS for by in WRAPPERS)
    elif study == "imbalance":
        priors = ("uniform", "estimated", "given")
        yield from (("eszsl", by, "unseen", prior, 0) for by in WRAPPERS for prior in priors)
    elif study == "methods":
        yield from ((name, "", *how, 0) for how in SETTINGS for name in ("gfzsl-t", "tmv"))
        yield from ((name, "", *how, seed) for seed in range(3) for how in SETTINGS for name in ("qfsl", "pren"))
    else:
        yield from ((name, "", *how, seed) for seed in range(3) for how in SETTINGS for name in ("bi-vaegan", "sabr-t"))


def imbalanced(dataset: Dataset) -> Dataset:
    """Without four fifths of the rows of every other unseen class."""
    split, labels = dataset.split, dataset.labels[dataset.split.test_unseen]
    kept = np.ones(len(labels), dtype=bool)
    for c in split.unseen[::2]:
        rows = np.flatnonzero(labels == c)
        kept[rows[max(1, len(rows) // 5) :]] = False
    return replace(dataset, split=replace(split, test_unseen=split.test_unseen[kept]))


def line(recipe: Recipe, dataset: Dataset, seed: int, bases: dict[Any, Method]) -> dict[str, Any]:
    """Fit, score once, and look pseudo-labels up; a base is fitted once for all wrappers."""
    began = time.perf_counter()
    task = final_task(dataset, **recipe.preparation(seed))
    method = recipe.build_method()
    if recipe.transductive is None:
        method.fit(task.view, seed=seed)
        inner = method
    else:
        key = (dataset.card.content_hash, len(dataset.split.test_unseen), method.card.id)
        if key not in bases:
            bases[key] = method.fit(shown_to(recipe, task.view), seed=seed)
        inner = bases[key]
        method = completed(recipe, inner, task.view, seed=seed)
    found: dict[str, Any] = {name: getattr(evaluate(method, task), name) for name in VALUES}
    if method is not inner:
        found |= {f"inductive.{name}": value for name, value in evaluate(inner, task).fractions().items()}
    if rounds := pseudo_label_accuracy(method, task):
        found |= {"first": rounds[0]["accuracy"], "last": rounds[-1]["accuracy"]}
    return found | {"seconds": time.perf_counter() - began}


def main(study: str, out: Path, datasets: tuple[str, ...]) -> None:
    """Compute the lines that the file lacks."""
    torch.set_num_threads(1)
    done: list[dict[str, str]] = []
    if out.exists():
        with out.open() as stream:
            done = list(csv.DictReader(stream))
    known = {tuple(row[name] for name in PLACE) for row in done}
    bases: dict[Any, Method] = {}
    for name in datasets:
        for method, wrapper, pool, prior, seed in lines_of(study):
            label = f"{method}+{wrapper}" if wrapper else method
            place = dict(zip(PLACE, (study, name, label, pool, prior, str(seed)), strict=True))
            if tuple(place.values()) in known:
                continue
            recipe = recipe_of(name, method, pool, prior, wrapper)
            dataset = open_dataset(recipe)
            dataset = imbalanced(dataset) if study == "imbalance" else dataset
            done.append(place | {k: str(v) for k, v in line(recipe, dataset, seed, bases).items()})
            with out.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(done)


def picture(table: Path, out: Path) -> None:
    """T1 of every wrapper and prior in the imbalanced pool, beside the method without unlabelled rows."""
    from matplotlib.figure import Figure

    from gzsl.report.drawing import save

    with table.open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["study"] == "imbalance"]
    names = list(dict.fromkeys(row["dataset"] for row in rows))
    figure = Figure(figsize=(4 * len(names), 3), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names), sharey=True)), names, strict=True):
        own = [row for row in rows if row["dataset"] == name]
        for place, row in enumerate(own):
            colour = {"uniform": "C0", "estimated": "C1"}.get(row["class_prior"], "C2")
            axes.bar(place, 100 * float(row["T1"]), color=colour)
        axes.axhline(100 * float(own[0]["inductive.T1"]), color="black", linewidth=1)
        labels = [f"{row['method'].partition('+')[2]}, {row['class_prior']}" for row in own]
        axes.set_xticks(range(len(own)), labels, rotation=60, ha="right", fontsize=7)
        axes.set_title(f"{name}, imbalanced pool; line: inductive", fontsize=8)
        axes.set_ylabel("T1, percent", fontsize=7)
    save(figure, out)


if __name__ == "__main__":
    if sys.argv[1] == "picture":
        picture(Path(sys.argv[2]), Path(sys.argv[3]))
        raise SystemExit
    main(sys.argv[1], Path(sys.argv[2]), tuple(sys.argv[3:]) or DATASETS)
