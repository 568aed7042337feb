"""A tiny dataset and writers of every layout that gzsl reads."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

N_CLASSES, PER_CLASS, DIMS, ATTRIBUTES = 6, 10, 5, 4


@dataclass
class Toy:
    """Six classes of ten images; classes 1 and 4 are unseen; two images of every seen class are held out."""

    names: list[str] = field(default_factory=lambda: ["ape", "bee", "cat", "doe", "eel", "fox"])

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self.y = rng.permutation(np.repeat(np.arange(N_CLASSES), PER_CLASS))
        self.X = rng.random((len(self.y), DIMS), dtype=np.float32)
        self.att = rng.random((N_CLASSES, ATTRIBUTES)).astype(np.float32)
        self.unseen = np.array([1, 4])
        seen_rows = [np.flatnonzero(self.y == c) for c in range(N_CLASSES) if c not in self.unseen]
        self.test_seen = np.concatenate([rows[:2] for rows in seen_rows])
        self.trainval = np.concatenate([rows[2:] for rows in seen_rows])
        self.test_unseen = np.flatnonzero(np.isin(self.y, self.unseen))

    def variables(self, base: int = 1, transposed: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
        """Variables of the features file and of att_splits.mat, as MATLAB would show them."""
        turn = np.transpose if transposed else np.asarray
        names = np.array(self.names, dtype=object)
        return (
            {"features": turn(self.X).astype(np.float64), "labels": (self.y + base)[:, None].astype(np.float64)},
            {
                "att": turn(self.att),
                "allclasses_names": names[:, None],
                **{f"{n}_loc": (getattr(self, n) + base)[:, None] for n in ("trainval", "test_seen", "test_unseen")},
            },
        )

    def released(self, folder: Path, *, v73: bool = False, base: int = 1, transposed: bool = True,
                 name: str = "res101.mat", drop: tuple[str, ...] = (), **changes: Any) -> Path:  # fmt: skip
        """Write the released layout; ``changes`` replace or add variables of either file."""
        folder.mkdir(parents=True, exist_ok=True)
        features, splits = self.variables(base, transposed)
        for key, value in changes.items():
            (features if key in features else splits)[key] = value
        save = save_v73 if v73 else scipy.io.savemat
        for file, values in ((name, features), ("att_splits.mat", splits)):
            save(folder / file, {k: v for k, v in values.items() if k not in drop})
        return folder

    def arrays(self, **changes: Any) -> dict[str, Any]:
        """Arrays of the npz and HDF5 layout."""
        values = {
            "features": self.X, "labels": self.y, "att": self.att, "class_names": np.array(self.names),
            "trainval": self.trainval, "test_seen": self.test_seen, "test_unseen": self.test_unseen, **changes,
        }  # fmt: skip
        return {key: value for key, value in values.items() if value is not None}

    def csv(self, folder: Path, *, split: bool = True, unseen: bool = False) -> Path:
        """Write the CSV layout."""
        folder.mkdir(parents=True, exist_ok=True)
        which = np.empty(len(self.y), dtype=object)
        for name in ("trainval", "test_seen", "test_unseen"):
            which[getattr(self, name)] = name
        with (folder / "features.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "class", *(["split"] if split else []), *(f"f{k}" for k in range(DIMS))])
            for i, row in enumerate(self.X):
                head = [f"{i}.jpg", self.names[self.y[i]], *([which[i]] if split else [])]
                writer.writerow([*head, *(repr(float(v)) for v in row)])
        with (folder / "classes.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["class", *(["unseen"] if unseen else []), "stripes", "wings", "fur", "size"])
            for c, row in enumerate(self.att):
                flag = [str(int(c in self.unseen))] if unseen else []
                writer.writerow([self.names[c], *flag, *(repr(float(v)) for v in row)])
        return folder


def save_v73(path: Path, values: dict[str, Any]) -> None:
    """Write HDF5 as MATLAB 7.3 does: arrays transposed, text as references to character codes, 512 bytes of header."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_group("#refs#")
        for name, value in values.items():
            array = np.asarray(value)
            if array.dtype != object:
                file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
                continue
            references = np.empty(array.T.shape, dtype=h5py.ref_dtype)
            for k, text in enumerate(array.T.ravel()):
                codes = np.frombuffer(str(text).encode("utf-16-le"), "<u2")[:, None]
                references.flat[k] = cells.create_dataset(f"{name}{k}", data=codes).ref
            file.create_dataset(name, data=references, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture(scope="session")
def make_toy() -> type[Toy]:
    return Toy
