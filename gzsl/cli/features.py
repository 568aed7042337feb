"""``gzsl features``: pictures to features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gzsl.cli.options import JsonOption, print_json
from gzsl.cli.terminal import Console
from gzsl.door.shown import counted
from gzsl.errors import DataError

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
    json_output: JsonOption = False,
) -> None:
    """Extract features of pictures; interrupted, the same command continues.

    Pictures are read as a viewer shows them (turned by EXIF, on white where transparent); unreadable and tiny ones, and
    those with 32-bit or floating-point numbers, are named and left out. Features of pictures whose content changed
    are extracted anew. Fine-tuning sees the training pictures of seen classes of a dataset folder (gzsl data make)
    alone; the card, and with it every protocol key, says that it was done.

    Example: [bold]gzsl features extract pictures --out features[/bold]
    """
    from gzsl.cli.progress import TerminalReporter
    from gzsl.images import extract_features, fine_tune, list_images, open_backbone, training_pictures

    found, network = list_images(images), open_backbone(backbone, weights)
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
    if json_output:
        print_json(card)
        return
    console = Console()
    for skipped in card["skipped"][:SHOWN]:
        console.print(f"left out: {skipped['image']} {skipped['reason']}", soft_wrap=True)
    if len(card["skipped"]) > SHOWN:
        console.print(f"... and {len(card['skipped']) - SHOWN} more, all in {out / 'card.json'}")
    grid = f" for each of {card['grid'][0]} x {card['grid'][1]} regions" if "grid" in card else " each"
    console.print(f"{counted(card['images'], 'picture')}, {card['dimensions']} numbers{grid}, in {out}", soft_wrap=True)


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
