"""``gzsl predict`` and ``gzsl add-class``: a trained classifier after training."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable

from gzsl.cli.class_vectors import vector_of
from gzsl.cli.options import JsonOption, PluginOption, print_json, written_file
from gzsl.cli.terminal import Console
from gzsl.door.shown import counted
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
    out: Annotated[Path | None, written_file("write all predictions as CSV here")] = None,
    top: Annotated[int, typer.Option(min=1, help="classes an image")] = 1,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Classify new images among all classes of a bundle, seen and unseen, without its training data.

    Example: [bold]gzsl predict classifier new_pictures --out predictions.csv[/bold]
    """
    from gzsl.bundles.bundle import load_bundle
    from gzsl.bundles.sources import opened

    trained = load_bundle(bundle)
    left_out = Console(stderr=True)
    with opened(trained, features, lambda text: left_out.print(text, soft_wrap=True)) as source:
        _predict(trained, source, out, top, json_output)


def _predict(trained: Bundle, source: PlainFeatures, out: Path | None, top: int, json_output: bool) -> None:
    from gzsl.bundles.predict import predict as predictions_of
    from gzsl.bundles.predict import write_predictions

    if out is not None:
        count = write_predictions(predictions_of(trained, source, top_k=top), out)
        if json_output:
            print_json({"predictions": count, "images": len(source.images), "out": str(out)})
        else:
            Console().print(f"{counted(count, 'prediction')} of {counted(len(source.images), 'image')} in {out}")
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
    plugin: PluginOption = None,
) -> None:
    """Teach a bundle a class it has no image of, from its attributes, without the training data.

    Most methods score the new class at once; generators refit their classifier on synthetic features. Wrappers
    (transductive) and TMV are of one class table and take no further class.

    Example: [bold]gzsl add-class classifier okapi --attributes "hooves=1,stripes=0.5"[/bold]
    """
    from gzsl.bundles import bundle as bundles

    if (attributes is None) == (text is None):
        raise MethodError("add-class: expected either --attributes or --text")
    if text is not None and not text.strip():
        raise MethodError("--text: found an empty text, expected a description")
    name = name.strip()

    def vector(trained: Bundle) -> np.ndarray:
        if attributes is not None:
            return vector_of(attributes, name, trained.raw.attribute_names)
        return _encoded(trained, name, str(text))

    grown = bundles.add_class(bundle, name, vector, out)
    refitted = grown.method.refits_for_new_classes
    how = "its classifier was refitted on synthetic features" if refitted else "no retraining"
    Console().print(f"{out or bundle}: {len(grown.raw)} classes, with {name!r}; {how}", soft_wrap=True)


def _encoded(bundle: Bundle, name: str, text: str) -> np.ndarray:
    """Vector of a description, where the bundle's own table came from the sentence encoder."""
    from gzsl.semantics.sources import text_table

    if bundle.raw.attribute_names not in (None, SENTENCE_COLUMNS) or bundle.raw.n_attributes != len(SENTENCE_COLUMNS):
        raise MethodError(
            f"--text: the class table {bundle.raw.name!r} with {bundle.raw.n_attributes} columns was not made by "
            "gzsl semantics text --encoder minilm, so a description cannot be placed in it; expected --attributes"
        )
    return text_table({name: text}, "minilm").semantics.table[0]
