"""What unlabelled test rows are worth: ``python experiments/transductive.py STUDY OUT.csv RUNS [NAME ...]``.

Studies: ``wrappers`` (the three wrappers around ESZSL, EXEM and CADA-VAE), ``methods`` (closed forms and small
networks), ``trained`` (the two generators), ``imbalance`` (four fifths of the rows of every other unseen class are left
out of the pool and of the test). Names of datasets, methods, pools and priors, and seeds, narrow a study down. A
wrapper goes around the method of a finished run of that method's recipe in the folder RUNS, where it is made when it
is not there: its settings and passes were chosen once, on validation classes without a pool. Methods of the setting
itself have the settings of their recipes, `CHOOSING` those that their recipes choose (unlabelled rows of unseen
classes, uniform prior). Nothing is chosen on test rows. A line is written once it is known, and lines that the file has
are not computed again. Everything is a fraction, seconds are of the processor; accuracies of pseudo-labels are looked
up afterwards and used by nothing.
``inductive``: the method inside a wrapper, or the method with what weighs unlabelled rows at zero (`WITHOUT`).
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gzsl.data import Dataset, final_task
from gzsl.evaluation import evaluate
from gzsl.methods import Method, load_method
from gzsl.runs import load_recipe, run_recipe
from gzsl.runs.pooled import completed, pseudo_label_accuracy
from gzsl.runs.recipe import Recipe
from gzsl.runs.run import open_dataset

DATASETS = ("CUB127", "FLO89", "letters")
WRAPPERS = ("sinkhorn", "propagate", "self-train")
BASES = {"eszsl": 1, "exem": 1, "cada-vae": 3}  # seeds; the first two have no randomness but the folds'
SETTINGS = [(pool, prior) for pool in ("unseen", "all") for prior in ("uniform", "estimated")]
BY_CLUSTERS = "estimated (kmeans)"  # Bi-VAEGAN's own rule; elsewhere shares are frequencies of what is predicted
CHOOSING = ("gfzsl-t", "zlap")
WITHOUT: dict[str, dict[str, Any]] = {
    "qfsl": {"method.mass_weight": 0.0, "method.balance_weight": 0.0},
    "pren": {"method.pseudo_weight": 0.0},
    "zlap": {"setting": "inductive", "pool": None, "class_prior": None},
}
PLACE = ("study", "dataset", "method", "pool", "class_prior", "seed")
VALUES = ("T1", "U", "S", "H", "AUSUC")
COLUMNS = (*PLACE, *VALUES, *(f"inductive.{name}" for name in VALUES), "first", "last", "rounds", "seconds")
Line = tuple[str, str, str, str, int]


def lines_of(study: str) -> Iterator[Line]:
    """Method, wrapper, pool, prior and seed of every line."""
    if study == "wrappers":
        for base, seeds in BASES.items():
            yield from ((base, by, *how, seed) for seed in range(seeds) for how in SETTINGS for by in WRAPPERS)
    elif study == "imbalance":
        priors = ("uniform", "estimated", "given")
        yield from (("eszsl", by, "unseen", prior, 0) for by in WRAPPERS for prior in priors)
    elif study == "methods":
        yield from ((name, "", *how, 0) for how in SETTINGS for name in ("gfzsl-t", "tmv", "zlap"))
        yield from ((name, "", *how, seed) for seed in range(3) for how in SETTINGS for name in ("qfsl", "pren"))
    else:
        yield from ((name, "", *how, seed) for seed in range(3) for how in SETTINGS for name in ("bi-vaegan", "sabr-t"))
        yield from (("bi-vaegan", "", pool, BY_CLUSTERS, seed) for seed in range(3) for pool in ("unseen", "all"))


def recipe_of(dataset: str, one: Line, chosen: Mapping[str, Any]) -> Recipe:
    """The shipped recipe in the setting of a line, with settings that were chosen and no further search."""
    name, wrapper, pool, prior, _ = one
    stated = {"name": "estimated", "rule": "kmeans"} if prior == BY_CLUSTERS else prior
    values = {"pool": pool, "class_prior": stated, "selection": "last", "calibration": "none"}
    values |= {f"method.{key}": value for key, value in chosen.items()}
    return load_recipe(f"{name}/{dataset}", values | ({"transductive.name": wrapper} if wrapper else {}))


def finished(name: str, dataset: str, seed: int, runs: Path) -> Path:
    """The folder of a run of the shipped recipe: one that is there, or made now."""
    there = sorted(runs.glob(f"{name}-{dataset}-s{seed}-*/done"))
    if there:
        return there[0].parent
    return run_recipe(f"{name}/{dataset}", seeds=[seed], out=runs)[0].folder


def chosen_in(folder: Path) -> dict[str, Any]:
    """What validation chose in a run: settings, and passes where the method makes some."""
    chosen = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["chosen"]
    return dict(chosen["candidate"]) | ({"n_epochs": chosen["epoch"]} if chosen["epoch"] else {})


def imbalanced(dataset: Dataset) -> Dataset:
    """Without four fifths of the rows of every other unseen class."""
    split, labels = dataset.split, dataset.labels[dataset.split.test_unseen]
    kept = np.ones(len(labels), dtype=bool)
    for c in split.unseen[::2]:
        rows = np.flatnonzero(labels == c)
        kept[rows[max(1, len(rows) // 5) :]] = False
    return replace(dataset, split=replace(split, test_unseen=split.test_unseen[kept]))


def line(dataset: str, one: Line, runs: Path, data: Dataset | None = None) -> dict[str, Any]:
    """Fit, score once, and look pseudo-labels up."""
    began = time.process_time()
    name, wrapper, _, _, seed = one
    folder = finished(name, dataset, seed, runs) if wrapper or name in CHOOSING else None
    chosen = chosen_in(folder) if folder else {}
    recipe = recipe_of(dataset, one, chosen)
    task = final_task(data or open_dataset(recipe), **recipe.preparation(seed))
    if wrapper:
        assert folder is not None
        inner = load_method(folder / "weights.safetensors")
        method = completed(recipe, inner, task.view, seed=seed)
    else:
        method = recipe.build_method().fit(task.view, seed=seed)
        inner = without_pool(dataset, name, seed, tuple(chosen.items()))
    found: dict[str, Any] = {key: getattr(evaluate(method, task), key) for key in VALUES}
    if inner is not None:
        found |= {f"inductive.{key}": value for key, value in evaluate(inner, task).fractions().items()}
    if rounds := pseudo_label_accuracy(method, task):
        told = [one["accuracy"] for one in rounds if one["accuracy"] is not None]
        found |= {"first": told[0], "last": told[-1], "rounds": " ".join(f"{value:.4f}" for value in told)}
    return found | {"seconds": round(time.process_time() - began, 1)}


@cache
def without_pool(dataset: str, name: str, seed: int, chosen: tuple[tuple[str, Any], ...]) -> Method | None:
    """The method with what weighs unlabelled rows at zero, in the same settings; None where it cannot be."""
    if name not in WITHOUT:
        return None
    settings = {f"method.{key}": value for key, value in chosen}
    settings |= {"selection": "last", "calibration": "none", **WITHOUT[name]}
    recipe = load_recipe(f"{name}/{dataset}", settings)
    task = final_task(open_dataset(recipe), **recipe.preparation(seed))
    return recipe.build_method().fit(task.view, seed=seed)


def main(study: str, out: Path, runs: Path, names: tuple[str, ...]) -> None:
    """Compute the lines that the file lacks."""
    torch.set_num_threads(1)
    done: list[dict[str, str]] = []
    if out.exists():
        with out.open(encoding="utf-8") as stream:
            done = list(csv.DictReader(stream))
    known = {tuple(row[name] for name in PLACE) for row in done}
    wanted = [name for name in DATASETS if name in names] or list(DATASETS)
    kinds = (("unseen", "all"), ("uniform", "estimated", BY_CLUSTERS, "given"), ("0", "1", "2"))
    methods = set(names).difference(DATASETS, *kinds)
    if unknown := methods - {method for method, *_ in lines_of(study)}:
        told = ", ".join(sorted(unknown))
        raise SystemExit(f"{study}: found {told}, expected names of its datasets, methods, pools, priors or seeds")
    for name in wanted:
        for one in lines_of(study):
            method, wrapper, pool, prior, seed = one
            place = (study, name, f"{method}+{wrapper}" if wrapper else method, pool, prior, str(seed))
            asked = [set(kind).intersection(names) or kind for kind in kinds]
            left_out = any(told not in kept for told, kept in zip(place[3:], asked, strict=True))
            if place in known or (methods and method not in methods) or left_out:
                continue
            data = imbalanced(open_dataset(load_recipe(f"{method}/{name}"))) if study == "imbalance" else None
            told = line(name, one, runs, data)
            done.append(dict(zip(PLACE, place, strict=True)) | {key: str(value) for key, value in told.items()})
            with out.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(done)


def picture(table: Path, out: Path) -> None:
    """T1 of every wrapper and prior, with the imbalanced pool and with all of it, beside the method without a pool."""
    from matplotlib.figure import Figure

    from gzsl.report.drawing import save

    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [name for name in DATASETS if any((r["study"], r["dataset"]) == ("imbalance", name) for r in rows)]
    figure = Figure(figsize=(4 * len(names), 3.2), layout="constrained")
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names), sharey=True)), names, strict=True):
        for study, marker, fill, line in (("wrappers", "o", "none", ":"), ("imbalance", "o", "full", "-")):
            told = "imbalanced pool" if study == "imbalance" else "whole pool"
            own = [r for r in rows if (r["study"], r["dataset"], r["pool"]) == (study, name, "unseen")]
            own = [r for r in own if r["method"].startswith("eszsl+")]
            axes.axhline(
                100 * float(own[0]["inductive.T1"]), color="0.4", linestyle=line, linewidth=1,
                label=f"no unlabelled rows, {told}",
            )  # fmt: skip
            for shift, (prior, colour) in enumerate((("uniform", "C0"), ("estimated", "C1"), ("given", "C2"))):
                found = {r["method"].partition("+")[2]: 100 * float(r["T1"]) for r in own if r["class_prior"] == prior}
                places = [WRAPPERS.index(wrapper) + 0.22 * (shift - 1) for wrapper in found]
                values = list(found.values())
                label = f"{prior} prior, {told}" if found else None
                axes.plot(places, values, marker, fillstyle=fill, color=colour, linestyle="none", label=label)
        axes.set_xticks(range(len(WRAPPERS)), WRAPPERS, fontsize=8)
        axes.set_title(f"ESZSL on {name}", fontsize=9)
        axes.set_ylabel("T1, percent", fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=7)
    save(figure, out)


if __name__ == "__main__":
    if sys.argv[1] == "picture":
        picture(Path(sys.argv[2]), Path(sys.argv[3]))
        raise SystemExit
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), tuple(sys.argv[4:]))
