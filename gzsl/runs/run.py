"""One recipe with one seed, executed once into its folder; several seeds in a row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gzsl.brief import brief
from gzsl.calibration import Calibrator, Observation, make_calibrator, save_calibrator
from gzsl.data import Dataset
from gzsl.data.catalogue import load_plain
from gzsl.data.claims import Claims
from gzsl.data.class_tables import read_class_table, with_table
from gzsl.data.dataset import IN_MEMORY
from gzsl.data.grids import with_pooled_regions
from gzsl.door.tables import csv_text
from gzsl.door.yaml import dump_yaml
from gzsl.errors import GzslError
from gzsl.evaluation import Evaluation
from gzsl.evaluation.protocol import Protocol
from gzsl.evaluation.selection import Choice, make_selection
from gzsl.files import make_folder
from gzsl.methods import Method, get_method, save_method
from gzsl.methods.stacked import can_stack, pays
from gzsl.runs.documents import Metrics, Timing
from gzsl.runs.environment import environment, resolve_device, threads
from gzsl.runs.experiment import Experiment, is_generalized, metric_for
from gzsl.runs.given import on_dataset
from gzsl.runs.lockstep import Fits, carry_out
from gzsl.runs.pooled import check_pool
from gzsl.runs.recipe import Recipe, load_recipe
from gzsl.runs.reporter import Reporter
from gzsl.runs.result import RunResult
from gzsl.runs.store import RunFolder, run_key
from gzsl.semantics.graph_maker import place_of


@dataclass(frozen=True)
class Run:
    """One recipe, one seed, one dataset, one device, and the folder that they name.

    Attributes
    ----------
    recipe : Recipe
        What to do.
    seed : int
        Seed of everything random.
    dataset : Dataset
        With the recipe's semantics.
    out : Path
        Folder of all runs.
    device : str
        ``cpu`` or ``cuda``.
    reporter : Reporter
        Hears progress.
    """

    recipe: Recipe
    seed: int
    dataset: Dataset
    out: Path
    device: str = "cpu"
    reporter: Reporter = Reporter()

    __repr__ = brief

    @cached_property
    def key(self) -> str:
        """Digest of all that decides the numbers."""
        return run_key(self.recipe.decided(), self.dataset.content_hash, self.seed, self.device, self.recipe.parts())

    @cached_property
    def folder(self) -> RunFolder:
        """Folder of this run."""
        name = f"{self.recipe.method['name']}-{self.dataset.name}-s{self.seed}-{self.key[:12]}"
        return RunFolder(self.out / name)

    def execute(self) -> RunResult:
        """Run, resume, or read the finished result; other processes wait for the one at work."""
        return _executed([self], stack=False)[0]

    def steps(self) -> Fits[RunResult]:
        """Do what `execute` does, but ask for the fits; see `gzsl.runs.lockstep`."""
        with self.folder.locked(self.reporter.waiting):
            damage = self.folder.damage() if self.folder.done else None
            if damage:
                self.reporter.note(f"a finished run was damaged and is made again: {damage}")
                self.folder.log(f"damaged: {damage}")
                self.folder.reopen()
            self.reporter.opened(self.folder.path)
            if self.folder.done:
                self.folder.drop_checkpoints()  # of a process that was killed when all else was done
                self.reporter.closed(self.folder.path)
                self.reporter.note(f"already finished: {self.folder.path}")
                return self._result(fresh=False)
            try:
                yield from self._work()
            except GzslError as error:
                self.folder.log(f"failed: {error}")
                raise
            self.reporter.closed(self.folder.path)
            return self._result(fresh=True)

    def found(self) -> RunResult | None:
        """The finished result on disk, without waiting for anybody; None when there is none yet, or a damaged one."""
        return self._result(fresh=False) if self.folder.done and not self.folder.damage() else None

    def _work(self) -> Fits[None]:
        began = time.perf_counter()
        folder = self.folder
        folder.log(f"start {self.recipe.title}, seed {self.seed}, key {self.key}")
        about = self.recipe.model_dump(include={"paper", "note", "provenance"}, exclude_none=True)
        folder.write_text("recipe.yaml", dump_yaml({**about, **self.recipe.resolved(), "seeds": [self.seed]}))
        data = {"content_hash": self.dataset.content_hash, "in_memory": self.dataset.card.source == IN_MEMORY}
        folder.write_json("environment.json", {"key": self.key, "data": data, **environment(self.device)})
        experiment = Experiment(self.recipe, self.dataset, self.seed, self.device, folder, self.reporter)
        choice = yield from experiment.choose()
        if choice is not None:
            folder.log(f"chosen by {self.recipe.selection.rule}: epoch {choice.epoch}, {choice.candidate}")
        method, calibrator, evaluation = yield from experiment.final(choice)
        folder.write_arrays("scaler.npz", experiment.scaler.to_arrays())
        self._write(method, calibrator, evaluation, choice, experiment)
        seconds = time.perf_counter() - began - experiment.waited
        folder.write_json("timing.json", {"seconds": seconds, "threads": threads()})
        folder.log(f"done in {seconds:.1f} s")
        folder.finish()
        folder.drop_checkpoints()

    def _write(
        self,
        method: Method,
        calibrator: Calibrator | None,
        evaluation: Evaluation,
        choice: Choice | None,
        experiment: Experiment,
    ) -> None:
        folder = self.folder
        chosen = None
        if choice is not None:
            chosen = {"epoch": choice.epoch, "candidate": choice.candidate,
                      "metric": metric_for(self.recipe, self.dataset), "value": choice.value}  # fmt: skip
        results = evaluation.to_dict()
        if calibrator is not None:
            results["calibrated"]["fallback"] = calibrator.fallback_
        metrics = {
            "method": self.recipe.method_label, "dataset": self.dataset.name, "seed": self.seed,
            **results, **experiment.beside, "chosen": chosen, "test_reads": experiment.test_reads,
            "protocol": self.protocol(experiment.pool_reads).to_dict(),
        }  # fmt: skip
        folder.write_text("per_class.csv", csv_text(evaluation.per_class_rows()))
        arrays = evaluation.summary.to_arrays()
        folder.write_arrays("scores.npz", {**arrays, "zsl_predictions": evaluation.zsl_predictions})
        save_method(method, folder.path / "weights.safetensors")
        if calibrator is not None:
            folder.write_arrays("gate.npz", calibrator.decide(Observation.of(evaluation)).to_arrays())
            save_calibrator(calibrator, folder.path / "calibration")
        folder.write_json("metrics.json", metrics)

    def protocol(self, pool_reads: int = 0) -> Protocol:
        """What a number of this run may be compared with, after so many reads of unlabelled rows."""
        rule = make_selection(self.recipe.selection.rule)
        card, recipe, generalized = self.dataset.card, self.recipe, is_generalized(self.recipe, self.dataset)
        pool, kept_apart = recipe.pool_choice, bool(len(self.dataset.split.reserve)) or recipe.setting == "transfer"
        return Protocol(
            dataset=card.name, split=self.dataset.split.version, setting=recipe.setting,
            features=self.dataset.features_label(get_method(recipe.method["name"]).card.regions),
            fine_tuned=card.fine_tuned,
            semantics=self.dataset.semantics_label, normalisation=self.dataset.semantics.normalisation,
            preprocessing=recipe.preprocess.label, selection=recipe.selection.rule,
            calibration=make_calibrator(recipe.calibration).label if generalized else "none",
            generalized=generalized, valid=rule.valid and (pool is None or pool.prior != "given"),
            pool="none" if pool is None else pool.rows, class_prior="none" if pool is None else pool.label,
            pool_reads=pool_reads, shots=recipe.shot_plan.label(kept_apart),
        )  # fmt: skip

    def _result(self, fresh: bool) -> RunResult:
        seconds = self.folder.read("timing.json", Timing)["seconds"]
        return RunResult(self.folder.path, self.folder.read("metrics.json", Metrics), seconds, fresh)


def open_dataset(recipe: Recipe, root: Path | str | None = None) -> Dataset:
    """Load the data of a recipe, with its semantics.

    Raises
    ------
    DataError
        When the data are missing or inconsistent, or contradict what the recipe says about them.
    """
    section = recipe.dataset
    return prepared(recipe, load_plain(section.name, root=root, regions=section.regions, **section.options))


def prepared(recipe: Recipe, dataset: Dataset) -> Dataset:
    """A dataset as a recipe wants it: what it says held against the files (`gzsl.data.claims`), semantics and graph.

    Raises
    ------
    DataError
        When a claim of the recipe is contradicted, the dataset has no such class table, or its graph cannot be made.
    """
    section = recipe.dataset
    if section.pooled_regions:
        dataset = with_pooled_regions(dataset)
    claims = Claims(section.split_versions, section.features, section.fine_tuned)
    for name, file in section.tables.items():
        path = place_of(file, dataset.folder)
        dataset = with_table(dataset, read_class_table(path, name), str(path))
    chosen = dataset.with_semantics(section.semantics, section.normalise)
    found = claims.apply(chosen if section.joint is None else chosen.with_joint(section.joint))
    return found if section.graph is None else found.with_graph(section.graph)


def run_recipe(
    recipe: Recipe | str | Path,
    *,
    dataset: Dataset | None = None,
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
    seeds: Sequence[int] | None = None,
    reporter: Reporter | None = None,
    stack: bool | None = None,
) -> list[RunResult]:
    """Execute a recipe for each of its seeds; finished runs are read, unfinished ones resumed.

    Parameters
    ----------
    recipe : Recipe, str or path
        What to do: a recipe, the name of a shipped one such as ``eszsl/CUB``, or a file.
    dataset : Dataset, optional
        Data in memory, instead of those that the recipe names; see `gzsl.runs.given.on_dataset`.
    out : path
        Folder of all runs.
    data : path, optional
        Folder of datasets; ``GZSL_DATA`` when None.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    seeds : sequence of int, optional
        Instead of the recipe's.
    reporter : Reporter, optional
        Hears progress.
    stack : bool, optional
        Whether seeds are trained as one model where the method allows it (`gzsl.methods.stacked`); where it is
        faster when None.
    """
    chosen = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    runs = iterate_runs(
        chosen, dataset=dataset, out=out, data=data, device=device, seeds=seeds, reporter=reporter, stack=stack
    )
    return list(runs)


def iterate_runs(
    recipe: Recipe,
    *,
    out: Path | str,
    data: Path | str | None,
    device: str,
    seeds: Sequence[int] | None,
    reporter: Reporter | None,
    stack: bool | None = None,
    dataset: Dataset | None = None,
) -> Iterator[RunResult]:
    """The runs of `run_recipe`, one after the other, or all at the end when they are trained as one model."""
    method = get_method(recipe.method["name"])
    resolved = resolve_device(device, needed=method.iterative)
    if dataset is None:
        dataset = open_dataset(recipe, data)
    else:
        recipe, dataset = on_dataset(recipe, dataset)
    check_pool(recipe.pool_choice, dataset)
    folder = make_folder(Path(out))
    teller = reporter or Reporter()
    runs = [Run(recipe, seed, dataset, folder, resolved, teller) for seed in dict.fromkeys(seeds or recipe.seeds)]
    together = len(runs) > 1 and stack is not False and _stacks(recipe, dataset, resolved, stack)
    for group in [runs] if together else [[run] for run in runs]:
        teller.run(", ".join(str(run.seed) for run in group))
        yield from _executed(group, stack=stack)


def _stacks(recipe: Recipe, dataset: Dataset, device: str, stack: bool | None) -> bool:
    method = recipe.build_method()
    return can_stack(method) and (stack or pays(method, dataset.features.shape[1], device))


def _executed(runs: Sequence[Run], stack: bool | None) -> list[RunResult]:
    """Results of runs that are carried through side by side; the first failure is raised when all have ended."""
    asking = {run.folder.path: run.steps() for run in runs}
    in_order = sorted(asking)  # every process locks folders in the same order
    ends = dict(zip(in_order, carry_out([asking[path] for path in in_order], stack), strict=True))
    results = []
    for run in runs:
        end = ends[run.folder.path]
        if isinstance(end, GzslError):
            raise end
        results.append(end)
    return results
