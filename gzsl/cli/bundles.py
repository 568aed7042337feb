"""``gzsl predict`` and ``gzsl add-class``: a trained classifier after training."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable

from gzsl.cli.options import JsonOption, print_json
from gzsl.cli.terminal import Console
from gzsl.errors import MethodError

if TYPE_CHECKING:
    import numpy as np

    from gzsl.bundles.bundle import Bundle
    from gzsl.data.readers.plain import PlainFeatures

SHOWN = 20
SENTENCE_COLUMNS = tuple(f"d{j}" for j in range(384))  # as gzsl semantics text --encoder minilm names them
BundleArgument = Annotated[Path, typer.Argument(help="folder written by gzsl run --bundle")]


def predict(
    bundle: BundleArgument,
    features: Annotated[
        Path, typer.Argument(help="features folder, .npy, .npz or .csv of the same network; or a folder of pictures")
    ],
    out: Annotated[Path | None, typer.Option(help="write all predictions as CSV here")] = None,
    top: Annotated[int, typer.Option(min=1, help="classes an image")] = 1,
    json_output: JsonOption = False,
) -> None:
    """Classify new images among all classes of a bundle, seen and unseen, without its training data."""
    from gzsl.bundles.bundle import load_bundle

    trained = load_bundle(bundle)
    with _opened(trained, features) as source:
        _predict(trained, source, out, top, json_output)


def _predict(trained: Bundle, source: PlainFeatures, out: Path | None, top: int, json_output: bool) -> None:
    from gzsl.bundles.predict import predict as predictions_of
    from gzsl.bundles.predict import write_predictions

    if out is not None:
        count = write_predictions(predictions_of(trained, source, top_k=top), out)
        Console().print(f"{count} predictions of {len(source.images)} images in {out}")
        return
    if json_output:
        print_json([vars(p) for p in predictions_of(trained, source, top_k=top)])
        return
    table = RichTable("image", "class", "score", "side", "for", "against")
    for p in islice(predictions_of(trained, source, top_k=top), SHOWN * top):
        side = "seen" if p.seen else "unseen"
        table.add_row(p.image, p.name, f"{p.score:.4g}", side, ", ".join(p.reasons), ", ".join(p.doubts))
    Console().print(table)
    if len(source.images) > SHOWN:
        Console().print(f"the first {SHOWN} of {len(source.images)} images; --out FILE writes all")


@contextmanager
def _opened(bundle: Bundle, source: Path) -> Iterator[PlainFeatures]:
    """Features as they are, or of pictures through the network that the bundle's features came from."""
    from gzsl.data.readers.plain import open_features

    pictures = source.is_dir() and not (source / "features.npy").is_file()
    if not pictures:
        yield open_features(source)
        return
    from gzsl.images import BACKBONES, extract_features, list_images, open_backbone

    name = bundle.card.get("features", {}).get("name")
    if name not in BACKBONES:
        raise MethodError(
            f"{source}: found pictures, but the bundle's features {name!r} are of no network that is at hand, "
            "expected features made by gzsl features extract"
        )
    with tempfile.TemporaryDirectory() as folder:
        card = extract_features(list_images(source), open_backbone(name), folder)
        for skipped in card["skipped"]:
            text = f"left out: {skipped['image']} {skipped['reason']}"
            Console(stderr=True).print(text, soft_wrap=True)
        yield open_features(Path(folder))


def add_class(
    bundle: BundleArgument,
    name: Annotated[str, typer.Argument(help="name of the new class")],
    attributes: Annotated[
        str | None, typer.Option(help="class table (.csv) with a row of that name, or attribute=value,attribute=value")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="a description, where the class table was made by the sentence encoder")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write the new bundle here instead of over the old one")] = None,
) -> None:
    """Teach a bundle a class it has no image of, from its attributes, without the training data.

    Most methods score the new class at once; generators refit their classifier on synthetic features.
    """
    from gzsl.bundles.bundle import load_bundle

    trained = load_bundle(bundle)
    if (attributes is None) == (text is None):
        raise MethodError("add-class: expected either --attributes or --text")
    vector = _vector(trained, name, attributes) if attributes is not None else _encoded(trained, name, str(text))
    grown = trained.with_class(name, vector)
    folder = grown.save(out or bundle)
    refitted = grown.method.refits_for_new_classes
    how = "its classifier was refitted on synthetic features" if refitted else "no retraining"
    Console().print(f"{folder}: {len(grown.raw)} classes, with {name!r}; {how}", soft_wrap=True)


def _encoded(bundle: Bundle, name: str, text: str) -> np.ndarray:
    """Vector of a description, where the bundle's own table came from the sentence encoder."""
    from gzsl.semantics.sources import text_table

    if bundle.raw.attribute_names not in (None, SENTENCE_COLUMNS) or bundle.raw.n_attributes != len(SENTENCE_COLUMNS):
        raise MethodError(
            f"--text: the class table {bundle.raw.name!r} with {bundle.raw.n_attributes} columns was not made by "
            "gzsl semantics text --encoder minilm, so a description cannot be placed in it; expected --attributes"
        )
    if not text.strip():
        raise MethodError("--text: found an empty text, expected a description")
    return text_table({name: text}, "minilm").semantics.table[0]


def _vector(bundle: Bundle, name: str, text: str) -> np.ndarray:
    known = bundle.raw.attribute_names
    if Path(text).suffix == ".csv":
        return _from_table(Path(text), name, known)
    values = {}
    for part in text.split(","):
        attribute, equals, value = part.partition("=")
        try:
            values[attribute.strip()] = float(value)
        except ValueError:
            raise MethodError(
                f"--attributes {text!r}: found {part.strip()!r}, expected attribute=number, or a .csv file"
            ) from None
    return _arranged(values, known, "--attributes")


def _from_table(path: Path, name: str, known: tuple[str, ...] | None) -> np.ndarray:

    from gzsl.data.readers.table import Table

    table = Table(path, ("unseen",))
    rows = [k for k, found in enumerate(table.text()["class"]) if found == name]
    if len(rows) != 1:
        raise MethodError(f"{path}: found {len(rows)} rows of class {name!r}, expected one")
    vector: np.ndarray = table.values()[rows[0]]
    return vector if known is None else _arranged(dict(zip(table.numeric_names, vector, strict=True)), known, str(path))


def _arranged(values: dict[str, float], known: tuple[str, ...] | None, where: str) -> np.ndarray:
    import numpy as np

    if known is None:
        raise MethodError(f"{where}: the bundle's attributes have no names, expected a .csv with all columns in order")
    missing = [name for name in known if name not in values]
    unknown = [name for name in values if name not in known]
    if missing or unknown:
        which = f"no value for {missing[0]!r}" if missing else f"an unknown attribute {unknown[0]!r}"
        some = ", ".join(known[:8])
        raise MethodError(f"{where}: found {which}, expected the bundle's {len(known)} attributes: {some}, ...")
    return np.array([values[name] for name in known], dtype=np.float32)
