"""A trained classifier as one folder: method, scaler, classes, semantics, calibration; no training data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.brief import brief
from gzsl.calibration import Calibrator, load_calibrator, save_calibrator
from gzsl.data import FeatureRows, Scaler
from gzsl.errors import MethodError, RunError
from gzsl.files import file_hash, make_folder, replacing, value_hash, write_json
from gzsl.methods import Method, get_method, load_method, save_method
from gzsl.runs.environment import resolve_device
from gzsl.runs.recipe import Recipe
from gzsl.runs.run import Run, RunResult, open_dataset
from gzsl.semantics import Semantics
from gzsl.version import __version__

FORMAT = 2
CARD = "bundle.json"
CALIBRATION = "calibration"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A fitted method with everything that turns features into class names.

    Attributes
    ----------
    method : Method
        Fitted.
    scaler : Scaler
        Fitted on the training rows.
    raw : Semantics
        Class table as it came with the data, one row a class that can be predicted.
    normalise : str
        What is done to the table, with statistics of the seen classes.
    seen : tuple of str
        Names of the classes that had training images.
    calibrator : Calibrator or None
        Fitted on validation classes; None without calibration.
    card : dict
        Where the bundle comes from: protocol, features, hyper-parameters, metrics.
    """

    method: Method
    scaler: Scaler
    raw: Semantics
    normalise: str
    seen: tuple[str, ...]
    calibrator: Calibrator | None
    card: dict[str, Any]

    __repr__ = brief

    @property
    def semantics(self) -> Semantics:
        """Class table as the method sees it."""
        return self.raw.normalised(self.normalise, statistics_from=self.raw.ids_of(self.seen))

    @property
    def is_seen(self) -> np.ndarray:
        """Whether each class of `semantics` had training images, shape (C,), bool."""
        return np.isin(self.raw.class_names, self.seen)

    @property
    def n_features(self) -> int:
        """Dimension of a feature row."""
        return self.method.n_features_

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Scores (n, C) float32 of unscaled feature rows (n, d), as the run had them: before calibration.

        Raises
        ------
        MethodError
            For rows of another dimension, and for NaN or infinite values.
        """
        X = np.asarray(X, dtype=np.float32)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise MethodError(
                f"features: found shape {X.shape}, expected (images, {self.n_features}), as the bundle's training data"
            )
        return self.method.scores(self.scaler.transform(X), self.semantics)

    def calibrated_scores(self, rows: FeatureRows) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield ``(positions, block, scores)`` block by block; the largest score is the calibrated decision."""
        for where, block in rows.blocks():
            scores = self.scores(block)
            if self.calibrator is not None:
                scores = self.calibrator.adjusted(self.scaler.transform(block), scores)
            yield where, block, scores

    def with_class(self, name: str, vector: np.ndarray) -> Bundle:
        """The same classifier with one more class, described by its raw (unnormalised) vector.

        Most methods score any class table and need nothing else; generators refit their classifier on synthetic
        rows (`Method.refits_for_new_classes` tells which).

        Raises
        ------
        MethodError
            For a class that is there already, or a vector of a wrong length or with NaN.
        """
        if name in self.raw.class_names:
            raise MethodError(f"add-class: the bundle has a class {name!r} already, expected a new name")
        vector = np.asarray(vector, dtype=np.float32).ravel()
        if len(vector) != self.raw.n_attributes or not np.isfinite(vector).all():
            raise MethodError(
                f"add-class: found a vector of {len(vector)} values, expected {self.raw.n_attributes} finite ones, "
                f"one a column of semantics {self.raw.name!r}"
            )
        raw = replace(self.raw, table=np.vstack([self.raw.table, vector]), class_names=(*self.raw.class_names, name))
        added = [*self.card.get("added_classes", []), name]
        grown = replace(self, raw=raw, card={**self.card, "added_classes": added})
        grown.method.prepare(grown.semantics)
        return grown._rebased()

    def _rebased(self) -> Bundle:
        """The same bundle with a calibrator that decides over this class table."""
        if self.calibrator is None:
            return self
        seen, unseen = np.flatnonzero(self.is_seen), np.flatnonzero(~self.is_seen)
        return replace(self, calibrator=copy.copy(self.calibrator).rebase(self.semantics, seen, unseen))

    def save(self, folder: Path | str) -> Path:
        """Write the bundle; a folder that holds one is replaced only when the new one is whole.

        Raises
        ------
        RunError
            When the folder cannot be written to.
        """
        from safetensors.numpy import save_file

        folder = make_folder(Path(folder))
        files = {}
        arrays = {"shift": self.scaler.shift, "scale": self.scaler.scale, "table": self.raw.table}
        with replacing(folder / "arrays.new") as temporary:
            save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, temporary)
        files["arrays"] = _settle(folder / "arrays.new", "arrays")
        files["method"] = _settle(save_method(self.method, folder / "method.new"), "method")
        if self.calibrator is not None:
            files |= _settle_calibrator(self.calibrator, folder)
        about = {**self.card, **self._facts(), "files": files}
        write_json(folder / CARD, {**about, "seal": value_hash(about)})
        for leftover in folder.glob("*.safetensors"):
            if leftover.name not in {entry["name"] for entry in files.values()}:
                leftover.unlink()
        return folder

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT, "gzsl_version": __version__, "scaling": self.scaler.kind,
            "classes": list(self.raw.class_names), "seen": list(self.seen),
            "gamma": None if self.calibrator is None else self.calibrator.gamma_,
            "semantics": {
                "name": self.raw.name, "normalise": self.normalise,
                "attributes": None if self.raw.attribute_names is None else list(self.raw.attribute_names),
            },
        }  # fmt: skip


def bundle_of(run: Run, result: RunResult) -> Bundle:
    """Bundle of a finished run: its weights and calibrator, with scaler and class table from its data."""
    from gzsl.data import final_task

    recipe, dataset = run.recipe, run.dataset
    task = final_task(dataset, recipe.preprocess.features, recipe.setting)
    names = task.view.semantics.class_names
    raw = dataset.tables[recipe.dataset.semantics]
    raw = raw.take(raw.ids_of(names))
    calibrator = load_calibrator(result.folder / CALIBRATION) if result.metrics.get("calibrated") else None
    card = {
        "method": recipe.method["name"], "recipe": recipe.resolved(), "seed": run.seed,
        "protocol": result.metrics["protocol"], "dataset": dataset.card.to_dict(),
        "features": {"name": result.metrics["protocol"]["features"], "dimensions": task.view.n_features},
        "metrics": {name: result.metrics[name] for name in ("T1", "U", "S", "H", "AUSUC", "calibrated")},
        "run": run.key,
    }  # fmt: skip
    return Bundle(
        load_method(result.folder / "weights.safetensors"), task.scaler, raw, recipe.dataset.normalise,
        tuple(names[i] for i in task.view.seen), calibrator, card,
    )._rebased()  # fmt: skip


def save_bundle(
    recipe: Recipe,
    result: RunResult,
    folder: Path | str,
    *,
    out: Path | str = "runs",
    data: Path | str | None = None,
    device: str = "auto",
) -> Path:
    """Save the bundle of a finished run of `gzsl.runs.run_recipe`, given the same arguments."""
    resolved = resolve_device(device, needed=get_method(recipe.method["name"]).iterative)
    run = Run(recipe, result.metrics["seed"], open_dataset(recipe, data), Path(out), resolved)
    return bundle_of(run, result).save(folder)


def load_bundle(folder: Path | str) -> Bundle:
    """Read a bundle.

    Raises
    ------
    RunError
        When the folder holds none, one of a newer format, or one whose files were changed.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    about = _read_card(folder)
    paths = {key: _checked(folder, entry) for key, entry in about["files"].items()}
    arrays = load_file(paths["arrays"])
    semantics = about["semantics"]
    raw = Semantics(
        arrays["table"], tuple(about["classes"]), semantics["name"], "none",
        None if semantics["attributes"] is None else tuple(semantics["attributes"]),
    )  # fmt: skip
    scaler = Scaler(about["scaling"], arrays["shift"], arrays["scale"])
    card = {key: value for key, value in about.items() if key not in ("files", "seal")}
    calibrator = load_calibrator(paths[CALIBRATION].with_suffix("")) if CALIBRATION in paths else None
    return Bundle(
        load_method(paths["method"]), scaler, raw, semantics["normalise"], tuple(about["seen"]), calibrator, card
    )._rebased()


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        seal = about.pop("seal")
    except FileNotFoundError:
        raise RunError(f"{folder}: found no {CARD}, expected a folder written by gzsl run --bundle") from None
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise RunError(f"{path}: cannot be read as a bundle's card ({error}), expected JSON by gzsl") from None
    if about.get("format") != FORMAT:
        raise RunError(
            f"{path}: found format {about.get('format')}, expected {FORMAT}; another version of gzsl wrote it"
        )
    if value_hash(about) != seal:
        raise RunError(f"{path}: its content does not match its seal, so it was changed; expected it as it was written")
    return about


def _settle(path: Path, kind: str) -> dict[str, str]:
    """Give a file the name of its content, so that a bundle is replaced in one step by its card."""
    digest = file_hash(path)
    name = f"{kind}-{digest[:12]}.safetensors"
    path.replace(path.with_name(name))
    return {"name": name, "blake2b": digest}


def _settle_calibrator(calibrator: Calibrator, folder: Path) -> dict[str, dict[str, str]]:
    """Write a calibrator and its experts under names that come from their content; entries of the card."""
    written = save_calibrator(calibrator, folder / f"{CALIBRATION}.new")
    digests = [file_hash(path) for path in written]
    stem = f"{CALIBRATION}-{value_hash(digests)[:12]}"
    files = {}
    for path, digest in zip(written, digests, strict=True):
        part = path.name.removeprefix(f"{CALIBRATION}.new")
        path.replace(path.with_name(stem + part))
        files[CALIBRATION + part.removesuffix(".safetensors")] = {"name": stem + part, "blake2b": digest}
    return files


def _checked(folder: Path, entry: dict[str, str]) -> Path:
    path = folder / Path(entry["name"]).name
    if not path.is_file():
        raise RunError(f"{folder}: the file {path.name} of the bundle is missing")
    if file_hash(path) != entry["blake2b"]:
        raise RunError(f"{path}: its hash is not the one in {CARD}, so it was changed; expected it as it was written")
    return path
