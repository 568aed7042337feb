"""Curves of a run for TensorBoard; optional, and without influence on the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gzsl.door.documents import read_document
from gzsl.errors import RunError, install
from gzsl.files import make_folder
from gzsl.runs.documents import Metrics
from gzsl.runs.reporter import Reporter
from gzsl.runs.store import Records

METRICS = ("T1", "U", "S", "H", "AUSUC")


class TensorBoardReporter(Reporter):
    """Writes losses, validation metrics, final metrics and the recipe as events, and passes everything on.

    Every run has a folder of its own below ``folder``, named as the run. It is written anew whenever the run is
    opened, from the run's own records, so a resumed or a finished run ends with the same curves as a straight one.

    Parameters
    ----------
    folder : Path
        What ``tensorboard --logdir`` is pointed to.
    inner : Reporter
        Hears everything too.

    Raises
    ------
    RunError
        When TensorBoard is not installed.
    """

    def __init__(self, folder: Path, inner: Reporter) -> None:
        try:
            import tensorboard  # noqa: F401  (torch's writer fails later and less clearly without it)
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise RunError(
                "--track needs the package tensorboard, which is not installed; "
                f"install it with: {install('track')}"
            ) from None
        self._new_writer = SummaryWriter
        self._folder, self._inner = make_folder(folder), inner
        self._writers: dict[Path, Any] = {}  # several runs may be at work side by side

    def run(self, seeds: str) -> None:
        """Pass on."""
        self._inner.run(seeds)

    def stage(self, text: str) -> None:
        """Pass on."""
        self._inner.stage(text)

    def tick(self, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Pass on."""
        self._inner.tick(done, total, losses)

    def note(self, text: str) -> None:
        """Pass on."""
        self._inner.note(text)

    def waiting(self) -> None:
        """Pass on."""
        self._inner.waiting()

    def opened(self, folder: Path) -> None:
        """Begin a run's events with what is recorded already."""
        self._inner.opened(folder)
        own = self._folder / folder.name
        for old in own.glob("events.out.tfevents.*"):
            old.unlink()
        writer = self._writers[folder] = self._new_writer(str(own))
        for record in Records(folder / "records.jsonl").rows:
            _write(writer, record)

    def recorded(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write one record."""
        self._inner.recorded(folder, record)
        _write(self._writers[folder], record)
        self._writers[folder].flush()  # to be watched, and kept of a run that fails

    def closed(self, folder: Path) -> None:
        """Write the results and the recipe."""
        self._inner.closed(folder)
        writer = self._writers.pop(folder)
        metrics = read_document(folder / "metrics.json", Metrics).values
        for prefix, found in (("test", metrics), ("test calibrated", metrics.get("calibrated") or {})):
            for name in METRICS:
                if found.get(name) is not None:
                    writer.add_scalar(f"{prefix}/{name}", found[name], 0)
        recipe = (folder / "recipe.yaml").read_text(encoding="utf-8")
        writer.add_text("recipe", f"```yaml\n{recipe}```")
        writer.close()

    def finished(self, folder: Path) -> None:
        """Write the events of a run that was finished before, from its own files."""
        self.opened(folder)
        self.closed(folder)


def tracked(reporter: Reporter, track: Path | str | None) -> Reporter:
    """The reporter, heard by TensorBoard too where there is a folder for it."""
    return reporter if track is None else TensorBoardReporter(Path(track), reporter)


def _write(writer: Any, record: Mapping[str, Any]) -> None:
    if record["kind"] == "losses":
        for term, value in record["losses"].items():
            writer.add_scalar(f"losses {record['fit']}/{term}", value, record["epoch"])
    elif record["kind"] == "evaluation":
        place = f"{record['phase']} {record['fold']} candidate {record['index']}"
        for name in METRICS:
            if record[name] is not None:
                writer.add_scalar(f"{place}/{name}", record[name], record["epoch"])
