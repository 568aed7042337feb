"""What the pictures of a run have in common: names as plain text, and how a picture is written."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gzsl.door.shown import shown
from gzsl.files import write_bytes

LONGEST = 22


def words(name: str, longest: int = LONGEST) -> str:
    """A name as matplotlib prints it unchanged: no formula between dollars, and no label that a legend hides."""
    name = " ".join(shown(name).split("\n"))
    text = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return (f" {text}" if text.startswith("_") else text).replace("$", r"\$")


def percent_axes(axes: Axes) -> None:
    """Fractions from 0 to 1 along both axes, written as percent."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set(xlim=(0, 1), ylim=(0, 1))


def epoch_axis(axes: Axes) -> None:
    """Whole epochs along the x axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlabel("epoch", fontsize=7)


def save(figure: Figure, path: Path) -> Path:
    """Write a picture as a whole, with the same bytes for the same picture."""
    write_bytes(path, _png(figure, 120))
    return path


def data_uri(figure: Figure) -> str:
    """A picture as a page holds it."""
    return "data:image/png;base64," + base64.b64encode(_png(figure, 80)).decode("ascii")


def _png(figure: Figure, dpi: int) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
