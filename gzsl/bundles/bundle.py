"""A trained classifier as one folder: method, scaler, classes, semantics, calibration; no training data."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gzsl.bundles.files import CALIBRATION, FORMAT, held, read_card, replace_files
from gzsl.bundles.prepared import arrays_of, facts_of, grown, scaler_of, table_of
from gzsl.calibration import Calibrator, load_calibrator, save_calibrator
from gzsl.data import Scaler
from gzsl.door.names import places, same_form
from gzsl.door.shown import shown
from gzsl.errors import MethodError, RunError
from gzsl.files import replacing, value_hash
from gzsl.methods import Method, load_method, save_method
from gzsl.semantics import Semantics
from gzsl.version import __version__


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

    def __repr__(self) -> str:
        gate = type(self.calibrator).__name__ if self.calibrator else None
        classes = f"{len(self.raw.class_names)} classes, {len(self.seen)} of them seen"
        return f"Bundle({type(self.method).__name__}: {classes}; rows of {self.n_features} features, calibrator {gate})"

    @property
    def semantics(self) -> Semantics:
        """Class table as the method sees it."""
        table = self.raw.normalised(self.normalise, statistics_from=self.raw.ids_of(self.seen))
        return table if self.scaler.align is None else replace(table, joint=True)

    @property
    def is_seen(self) -> np.ndarray:
        """Whether each class of `semantics` had training images, shape (C,), bool."""
        return np.isin(self.raw.class_names, self.seen)

    @property
    def n_features(self) -> int:
        """Dimension of a feature row, before anything is done to it."""
        return len(self.scaler.shift)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a row: ``(d,)``, or ``(R, d)`` where the method looks at regions."""
        regions = getattr(self.method, "n_regions_", None)
        return (self.n_features,) if regions is None else (regions, self.n_features)

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Scores (n, C) float32 of unscaled rows (n, d) or (n, R, d), as the run had them: before calibration.

        Their argmax is not the decision of a calibrated bundle, which `decide` gives.

        Raises
        ------
        MethodError
            For rows of another dimension, and for NaN or infinite values.
        """
        X = np.asarray(X, dtype=np.float32)
        if X.shape[1:] != self.row_shape or X.ndim != len(self.row_shape) + 1:
            wanted = ", ".join(map(str, ("images", *self.row_shape)))
            raise MethodError(f"features: found shape {X.shape}, expected ({wanted}), as the bundle's training data")
        return self.method.scores(self.scaler.transform(X), self.semantics)

    def calibrated_scores(self, X: np.ndarray) -> np.ndarray:
        """Scores (n, C) float32 whose argmax is the decision: those of `scores`, moved or replaced by the calibrator.

        Without a calibrator they are those of `scores`.
        """
        X = np.asarray(X, dtype=np.float32)
        scores = self.scores(X)
        return scores if self.calibrator is None else self.calibrator.adjusted(self.scaler.transform(X), scores)

    def decide(self, X: np.ndarray) -> np.ndarray:
        """Names (n,) of the classes that unscaled feature rows (n, d) are assigned to, as ``gzsl predict`` does."""
        return np.array(self.raw.class_names)[self.calibrated_scores(X).argmax(axis=1)]

    def with_class(self, name: str, vector: np.ndarray) -> Bundle:
        """The same classifier with one more class, described by its raw (unnormalised) vector.

        Most methods score any class table and need nothing else; generators refit their classifier on synthetic
        rows (`Method.refits_for_new_classes` tells which).

        Raises
        ------
        MethodError
            For a class that is there already, an empty name, or a vector of a wrong length or with NaN.
        """
        _check_name(name, self.raw.class_names)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused below
            vector = np.asarray(vector, dtype=np.float32).ravel()
        if len(vector) != self.raw.n_attributes or not np.isfinite(vector).all():
            raise MethodError(
                f"add-class: found a vector of {len(vector)} values, expected {self.raw.n_attributes} finite ones, "
                f"one a column of semantics {self.raw.name!r}"
            )
        added = [*self.card.get("added_classes", []), name]
        larger = replace(self, raw=grown(self.raw, name, vector), card={**self.card, "added_classes": added})
        larger.method.prepare(larger.semantics)
        return larger.rebased()

    def rebased(self) -> Bundle:
        """The same bundle with a calibrator that decides over this class table."""
        if self.calibrator is None:
            return self
        seen, unseen = np.flatnonzero(self.is_seen), np.flatnonzero(~self.is_seen)
        return replace(self, calibrator=copy.copy(self.calibrator).rebase(self.semantics, seen, unseen))

    def save(self, folder: Path | str) -> Path:
        """Write the bundle; a folder that holds one is replaced only when the new one is whole.

        Files that the old bundle does not name stay. Another process with the same folder is waited for.

        Raises
        ------
        RunError
            When the folder holds something else than a bundle, or cannot be written to.
        """
        folder = Path(folder)
        with held(folder):
            self._write(folder)
        return folder

    def _write(self, folder: Path) -> None:
        replace_files(folder, self._write_files, {**self.card, **self._facts()})

    def _write_files(self, folder: Path) -> dict[str, Path]:
        from safetensors.numpy import save_file

        arrays = arrays_of(self.scaler, self.raw)
        files = {"arrays": folder / "arrays", "method": save_method(self.method, folder / "method")}
        with replacing(files["arrays"]) as temporary:
            whole = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
            save_file(whole, temporary, metadata={"classes": value_hash(list(self.raw.class_names))})
        if self.calibrator is not None:
            for path in save_calibrator(self.calibrator, folder / CALIBRATION):
                files[path.stem] = path
        return files

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT, "gzsl_version": __version__,
            "classes": list(self.raw.class_names), "seen": list(self.seen),
            "gamma": None if self.calibrator is None else self.calibrator.gamma_,
            **facts_of(self.scaler, self.raw, self.normalise),
        }  # fmt: skip


def add_class(
    folder: Path | str, name: str, vector: Callable[[Bundle], np.ndarray], out: Path | str | None = None
) -> Bundle:
    """Put a class into the bundle of a folder, while no other process writes there: no class of theirs is lost.

    Parameters
    ----------
    folder : path
        Of the bundle.
    name : str
        Of the new class.
    vector : callable
        Gives the class's raw vector, shown the bundle.
    out : path, optional
        Where to write the new bundle, instead of over the old one.

    Returns
    -------
    Bundle
        The new one.

    Raises
    ------
    GzslError
        As `load_bundle`, `Bundle.with_class` and `Bundle.save`.
    """
    folder = Path(folder)
    target = Path(out) if out is not None else folder
    read_card(folder)  # nothing is made, not even a lock, where there is no bundle
    with held(target):
        trained = load_bundle(folder)
        grown = trained.with_class(name, vector(trained))
        grown._write(target)
    return grown


def load_bundle(folder: Path | str) -> Bundle:
    """Read a bundle, and try it on one row.

    Raises
    ------
    RunError
        When the folder holds none, one of another format, one whose files were changed, or one whose parts do not fit
        together.
    """
    folder = Path(folder)
    about, card, paths = read_card(folder)
    try:
        arrays = _arrays(paths["arrays"], about.classes)
        raw, scaler = table_of(about, arrays), scaler_of(about, arrays)
        calibrator = load_calibrator(paths[CALIBRATION].with_suffix("")) if CALIBRATION in paths else None
        method = load_method(paths["method"])
        bundle = Bundle(method, scaler, raw, about.semantics.normalise, tuple(about.seen), calibrator, card)
        _check_parts(bundle)
        bundle = bundle.rebased()
        _try(bundle)
    except Exception as error:  # whatever a method or a calibrator raises that was given other arrays than its own
        reason = f"found no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise RunError(f"{folder}: the parts of the bundle do not fit together ({reason[:300]})") from error
    return bundle


def _arrays(path: Path, classes: Sequence[str]) -> dict[str, np.ndarray]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as stream:
        written_for = (stream.metadata() or {}).get("classes")
        found = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    if written_for is not None and written_for != value_hash(list(classes)):
        raise RunError("the card names other classes, or in another order, than those that the class table is of")
    return found


def _check_parts(bundle: Bundle) -> None:
    method, scaler, d = bundle.method, bundle.scaler, bundle.n_features
    if scaler.shift.shape != (d,) or scaler.scale.shape != (d,) or scaler.width != method.n_features_:
        shapes = f"{scaler.shift.shape} and {scaler.scale.shape}"
        raise RunError(f"the scaler has shapes {shapes}, the method {method.n_features_} features")
    if not (np.isfinite(scaler.shift).all() and np.isfinite(scaler.scale).all() and (scaler.scale != 0).all()):
        raise RunError("the scaler has NaN, infinite or zero values")
    if bundle.raw.n_attributes != method.n_attributes_:
        raise RunError(f"the class table has {bundle.raw.n_attributes} columns, the method {method.n_attributes_}")
    if set(bundle.seen) != set(method.seen_classes_):
        raise RunError("the card names other seen classes than those that the method was trained on")


def _try(bundle: Bundle) -> None:
    """Score one row: a method that lacks an array, or has one of a wrong shape, fails here and not in use."""
    row = (bundle.scaler.shift + bundle.scaler.scale * 0.5)[None].astype(np.float32)
    row = np.broadcast_to(row, (1, *bundle.row_shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = bundle.calibrated_scores(row)
    if found.shape != (1, len(bundle.raw)):
        raise RunError(f"the method gives scores of shape {found.shape}, the card names {len(bundle.raw)} classes")


def _check_name(name: str, known: Sequence[str]) -> None:
    if same_form(name) in places(known):
        raise MethodError(f"add-class: the bundle has a class {name!r} already, expected a new name")
    if not name.strip() or shown(name) != name or set(name) & set("\t\n"):
        raise MethodError(f"add-class: found the name {name!r}, expected one that is not empty and can be printed")
