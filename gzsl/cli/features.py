"""``gzsl features``: pictures to features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gzsl.cli.options import JsonOption, print_json
from gzsl.cli.terminal import Console
from gzsl.door.shown import counted
from gzsl.errors import DataError

if TYPE_CHECKING:
    from gzsl.semantics import Semantics

app = typer.Typer(no_args_is_help=True, help="Turn pictures into features, with a card that says how.")
SHOWN = 5


@app.command()
def extract(
    images: Annotated[Path, typer.Argument(help="a folder with a sub-folder a class, or a CSV with image,class")],
    out: Annotated[Path, typer.Option(help="features folder to write")],
    backbone: Annotated[
        str, typer.Option(help="efficientnet_lite0, efficientnet_lite2, or torchvision:, timm:, open_clip:NAME")
    ] = "efficientnet_lite0",
    weights: Annotated[Path | None, typer.Option(help="your own state dict (.safetensors)")] = None,
    pooling: Annotated[
        str, typer.Option(help="global: d numbers a picture; grid: those of every cell of the map besides")
    ] = "global",
    precision: Annotated[str, typer.Option(help="of a grid on disk: float16 or float32")] = "float16",
    batch_size: Annotated[int, typer.Option(min=1, help="pictures at once")] = 32,
    fine_tune_on: Annotated[
        Path | None, typer.Option(help="dataset folder: fine-tune on its training pictures, all of seen classes, first")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="of fine-tuning")] = 3,
    text: Annotated[
        Path | None,
        typer.Option(help="CSV with class,text, a line a prompt: their vectors too, in OUT-text.npz (open_clip:NAME)"),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Extract features of pictures; interrupted, the same command continues.

    Pictures are read as a viewer shows them (turned by EXIF, on white where transparent); unreadable and tiny ones, and
    those with 32-bit or floating-point numbers, are named and left out. Features of pictures whose content changed
    are extracted anew. Fine-tuning sees the training pictures of seen classes of a dataset folder (gzsl data make)
    alone; the card, and with it every protocol key, says that it was done. With --text the prompts of every class go
    through the text tower of the same model: a class table in the space of the features, for dataset.tables of a
    recipe.

    Example: [bold]gzsl features extract pictures --out features[/bold]
    """
    from gzsl.cli.progress import TerminalReporter
    from gzsl.images import extract_features, fine_tune, list_images, open_backbone, training_pictures

    found, network = list_images(images), open_backbone(backbone, weights)
    prompts = None if text is None else _prompts(text, backbone, weights)
    with TerminalReporter("features") as reporter:
        if fine_tune_on is not None:
            reporter.stage("fine-tuning")
            network = fine_tune(
                network, training_pictures(found, fine_tune_on), n_epochs=epochs,
                on_progress=lambda done, total: reporter.tick(done, total, {}),
            )  # fmt: skip
        reporter.stage(f"{len(found.images)} pictures")
        card = extract_features(
            found, network, out, batch_size=batch_size, pooling=pooling, precision=precision,
            on_progress=lambda done, total: reporter.tick(done, total, {}), on_note=reporter.note,
        )  # fmt: skip
    if prompts is not None:
        from gzsl.data.class_tables import write_class_table

        write_class_table(prompts, out.with_name(f"{out.name}-text.npz"))
    if json_output:
        print_json(card)
        return
    _say(card, out, Console())


def _say(card: dict[str, Any], out: Path, console: Console) -> None:
    for skipped in card["skipped"][:SHOWN]:
        console.print(f"left out: {skipped['image']} {skipped['reason']}", soft_wrap=True)
    if len(card["skipped"]) > SHOWN:
        console.print(f"... and {len(card['skipped']) - SHOWN} more, all in {out / 'card.json'}")
    grid = f" for each of {card['grid'][0]} x {card['grid'][1]} regions" if "grid" in card else " each"
    console.print(f"{counted(card['images'], 'picture')}, {card['dimensions']} numbers{grid}, in {out}", soft_wrap=True)


def _prompts(text: Path, backbone: str, weights: Path | None) -> Semantics:
    """Vectors of prompts, made before any picture is read: what is wrong with them is said at once."""
    from gzsl.images.texts import text_encoder
    from gzsl.semantics.prompts import member_table, read_members

    if not text.is_file():
        raise DataError(f"--text {text}: found no file, expected a CSV with class,text, a line a prompt")
    said = read_members(text)
    return member_table(said, encode=text_encoder(backbone, weights), name="text").semantics


@app.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(help="an .npy, .npz, .parquet (extra frames) or .csv of numbers")],
    out: Annotated[Path, typer.Option(help="features folder to write")],
    name: Annotated[str, typer.Option(help="what the features are called in every protocol, e.g. clip-vit-b-32")],
    array: Annotated[str | None, typer.Option(help="which array of an .npz, or column of a .parquet")] = None,
    images: Annotated[Path | None, typer.Option(help="CSV with image,class, a line a row of features")] = None,
    fine_tuned: Annotated[
        bool | None, typer.Option("--fine-tuned/--frozen", help="whether the network was trained on these classes")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Take features that were made elsewhere, with a card that says what they are.

    Names of images and classes come from the file (labels, class_names and images of an .npz; columns image and class)
    or from --images. gzsl data make turns the folder into a dataset.

    Example: [bold]gzsl features import embeddings.npz --name clip-vit-b-32 --out features[/bold]
    """
    from gzsl.data.imports import import_features

    card = import_features(source, out, name, array=array, listing=images, fine_tuned=fine_tuned)
    if json_output:
        print_json(card)
        return
    rows = counted(card["images"], "row")
    Console().print(f"{rows}, {card['dimensions']} numbers each, called {name}, in {out}", soft_wrap=True)


@app.command()
def show(
    features: Annotated[Path, typer.Argument(help="features folder")],
    json_output: JsonOption = False,
) -> None:
    """Show the card of a features folder: network, weights, preprocessing, pictures left out.

    Example: [bold]gzsl features show features[/bold]
    """
    from gzsl.door.documents import Document, read_document

    path = features / "card.json"
    if not path.is_file():
        raise DataError(f"{features}: found no card.json, expected a folder written by gzsl features extract")
    card = read_document(path, Document, DataError).values
    if json_output:
        print_json(card)
        return
    console = Console()
    for key, value in card.items():
        text = f"{len(value)} pictures" if key == "skipped" and isinstance(value, list) else value
        console.print(f"{key:<14}{text}", soft_wrap=True)
