"""Where a method looked: heat maps of the attributes that speak most for its decision, over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gzsl.data import Dataset, Scaler
from gzsl.data.catalogue import layout_of
from gzsl.data.readers.card import FeaturesCard, read_card
from gzsl.data.readers.names import image_names
from gzsl.errors import MethodError, RunError, suggest
from gzsl.files import make_folder
from gzsl.methods import Method, load_method
from gzsl.report.collect import StoredRun, finished_run
from gzsl.report.drawing import save, words
from gzsl.report.tables import write_csv
from gzsl.runs import load_recipe
from gzsl.runs.manifest import intact
from gzsl.runs.run import open_dataset

STRONGEST = 4
HEADER = ["image", "class", "decided", "rank", "map", "evidence", "row", "column", "weight"]
SHOWN = 3  # pictures in a report


@dataclass(frozen=True, eq=False)
class Looked:
    """Where a method looked in one picture.

    Attributes
    ----------
    image, true, decided : str
        The picture, its class, and the best class by the scores as they are.
    names : tuple of str
        What each map is of: attributes, or parts; the strongest first.
    evidence : ndarray, shape (k,)
        How much each attribute adds to the decided class, beside the mean class; NaN of parts.
    maps : ndarray, shape (k, h, w)
        Weights over the grid; each sums to 1.
    pixels : ndarray, shape (size, size, 3), uint8, or None
        What the network saw; None where the picture is not at hand.
    """

    image: str
    true: str
    decided: str
    names: tuple[str, ...]
    evidence: np.ndarray
    maps: np.ndarray
    pixels: np.ndarray | None

    def table(self) -> list[list[Any]]:
        """One line a cell of every map."""
        lines: list[list[Any]] = []
        for rank, (name, evidence, values) in enumerate(zip(self.names, self.evidence, self.maps, strict=True), 1):
            shown = "" if np.isnan(evidence) else f"{evidence:.5g}"
            lines += [
                [self.image, self.true, self.decided, rank, name, shown, r, c, f"{values[r, c]:.5g}"]
                for r in range(values.shape[0]) for c in range(values.shape[1])
            ]  # fmt: skip
        return lines


def draw_attention(
    folder: Path | str, images: Sequence[Path | str], out: Path | str, *, data: Path | str | None = None
) -> Path:
    """Draw heat maps for some pictures of a run's dataset; the numbers are beside them as ``attention.csv``.

    Parameters
    ----------
    folder : path
        Folder of a run.
    images : sequence of path
        Pictures: files, or names as the dataset has them.
    out : path
        Where ``attention.png`` goes.
    data : path, optional
        Folder of datasets; ``GZSL_DATA`` when None.

    Raises
    ------
    MethodError
        For a method that does not look at regions.
    RunError
        For a picture that is not in the dataset.
    """
    run = finished_run(Path(folder))
    found = Looking.of(run, data)
    looked = [found.at(found.row_of(image), Path(image)) for image in images]
    target = make_folder(Path(out))
    write_csv(target / "attention.csv", HEADER, [line for one in looked for line in one.table()])
    return save(attention_picture(looked, f"{run.method} on {run.dataset}, seed {run.seed}"), target / "attention.png")


def attention_of_tests(run: StoredRun, data: Path | str | None) -> list[Looked]:
    """Where a run's method looked in the first test picture of some unseen classes; nothing where it tells nothing."""
    found = Looking.of(run, data)
    if type(found.method).attention is Method.attention:
        return []
    split, labels = found.dataset.split, found.dataset.labels
    rows = [int(split.test_unseen[labels[split.test_unseen] == c][0]) for c in split.unseen[:SHOWN]]
    return [found.at(row) for row in rows]


@dataclass(frozen=True, eq=False)
class Looking:
    """A fitted method with the regions of its dataset, and what their files tell of pictures."""

    method: Method
    dataset: Dataset
    scaler: Scaler
    names: tuple[str, ...] | None
    card: FeaturesCard

    @classmethod
    def of(cls, run: StoredRun, data: Path | str | None) -> Looking:
        """Load what a run learnt, and its data."""
        method = load_method(intact(run.folder / "weights.safetensors"))
        if not method.card.regions:
            raise MethodError(
                f"{run.folder}: {run.method} sees one vector a picture and looks nowhere, expected a run of a method "
                "that looks at regions (gzsl methods tells which)"
            )
        recipe = load_recipe(run.folder / "recipe.yaml")
        dataset = open_dataset(recipe, data)
        layout = layout_of(recipe.dataset.name, data)
        names = None if layout is None else image_names(layout)
        card = FeaturesCard() if layout is None else read_card(layout.folder)
        return cls(method, dataset, Scaler.load(run.folder / "scaler.npz"), names, card)

    def row_of(self, image: Path | str) -> int:
        """Row of a picture, by the end of its path."""
        wanted = _parts(str(image))
        if self.names is None:
            raise RunError(f"{self.dataset.name}: its files name no pictures, so {str(image)!r} cannot be found there")
        parts = [_parts(name) for name in self.names]
        hits = [k for k, own in enumerate(parts) if wanted[-len(own) :] == own or own[-len(wanted) :] == wanted]
        if len(hits) == 1:
            return hits[0]
        hint = suggest(str(image), self.names)
        found = "names several pictures" if hits else "is no picture"
        raise RunError(f"{image}: {found} of {self.dataset.name}, expected one of its {len(self.names)}; {hint}")

    def at(self, row: int, path: Path | None = None) -> Looked:
        """Where the method looked in a row."""
        regions, table = self.dataset.regions, self.dataset.semantics
        assert regions is not None
        X = self.dataset.rows(np.array([row]), regions=True).scaled(self.scaler).to_array()
        maps, evidence = self.method.attention(X), self.method.attribute_evidence(X)
        if maps is None:
            raise MethodError(f"{self.method.card.id}: tells no place of an attribute, expected a method that does")
        c = int(self.method.prepare(table).scores(X, table)[0].argmax())
        name = self.names[row] if self.names is not None else f"row {row}"
        if evidence is None or maps.shape[1] != table.n_attributes:
            order, gains = np.arange(maps.shape[1]), np.full(maps.shape[1], np.nan)
            said = [f"part {k + 1}" for k in order]
        else:
            gains = evidence[0] * (table.table[c] - table.table.mean(axis=0))
            order = np.argsort(-gains, kind="stable")[:STRONGEST]
            said = [table.attribute_names[k] if table.attribute_names else f"attribute {k}" for k in order]
        return Looked(
            name, table.class_names[self.dataset.labels[row]], table.class_names[c], tuple(said), gains[order],
            maps[0][order].reshape(len(order), *regions.grid), self._pixels(name, path),
        )  # fmt: skip

    def _pixels(self, name: str, path: Path | None) -> np.ndarray | None:
        """The square that the network saw, where the picture is at hand."""
        places = [path] if path is not None else []
        if self.card.pictures:
            places.append(Path(self.card.pictures) / name)
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            return None
        from gzsl.images.pictures import Crop, read_square

        crop = Crop(self.card.crop or 224, self.card.resize or 256)
        square = read_square(found, crop)
        return None if isinstance(square, str) else square


def attention_picture(looked: Sequence[Looked], title: str) -> Figure:
    """A line a picture: what the network saw, then the strongest maps over it."""
    columns = 1 + max(len(one.names) for one in looked)
    figure = Figure(figsize=(2.0 * columns, 2.35 * len(looked) + 0.4), layout="constrained")
    grid = figure.subplots(len(looked), columns, squeeze=False)
    for line, one in zip(grid, looked, strict=True):
        for axes in line:
            axes.set_axis_off()
        size = 224 if one.pixels is None else len(one.pixels)
        whole = (0, size, size, 0)
        seen = np.full((size, size, 3), 235, np.uint8) if one.pixels is None else one.pixels
        line[0].imshow(seen, extent=whole)
        line[0].set_title(f"{words(one.true)}\ntaken for {words(one.decided)}", fontsize=8)
        for axes, name, evidence, values in zip(line[1:], one.names, one.evidence, one.maps, strict=False):
            grey = seen.mean(axis=2) * 0.6 + 90
            axes.imshow(grey, extent=whole, cmap="gray", vmin=0, vmax=255)
            heat = _smooth(values / max(float(values.max()), 1e-12), size)
            axes.imshow(heat, extent=whole, cmap="inferno", vmin=0, vmax=1, alpha=0.2 + 0.6 * heat)
            said = "" if np.isnan(evidence) else f"\n{evidence:+.2g}"
            axes.set_title(f"{words(name)}{said}", fontsize=8)
    figure.suptitle(words(title, 70), fontsize=9)
    return figure


def _smooth(values: np.ndarray, size: int) -> np.ndarray:
    """A grid (h, w) brought to the size of the picture, straight between the middles of cells."""
    height, width = values.shape
    at = [np.clip((np.arange(n) + 0.5) * side / n - 0.5, 0, side - 1) for n, side in ((size, height), (size, width))]
    rows = np.stack([np.interp(at[0], np.arange(height), values[:, k]) for k in range(width)], axis=1)
    return np.stack([np.interp(at[1], np.arange(width), row) for row in rows])


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
