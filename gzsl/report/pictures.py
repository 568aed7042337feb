"""Pictures of a finished run, each with its data as CSV: losses, seen-unseen curve, real and synthetic features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gzsl.evaluation.curve import SeenUnseenCurve
from gzsl.files import make_folder
from gzsl.report.class_figures import read_classes
from gzsl.report.collect import finished_run
from gzsl.report.confusion import PAIRS, confusion_table, read_confusions
from gzsl.report.confusion_picture import confusion_picture
from gzsl.report.curve_figure import read_summary
from gzsl.report.drawing import epoch_axis, percent_axes, save, words
from gzsl.report.examples import examples_picture, find_examples
from gzsl.report.projection import project_features
from gzsl.report.tables import write_csv
from gzsl.report.training_figures import read_records

ISO_H = (0.2, 0.4, 0.6, 0.8)


def draw_run(folder: Path | str, out: Path | str, *, data: Path | str | None = None) -> list[Path]:
    """Draw what there is to see of a finished run.

    Parameters
    ----------
    folder : path
        Folder of a run.
    out : path
        Where pictures and CSV files go.
    data : path, optional
        Folder of datasets; ``GZSL_DATA`` when None. Needed for the picture of features alone.

    Returns
    -------
    list of Path
        Pictures that were written: ``curve.png`` (not without rows of seen classes), ``confusion.png``, for methods
        trained by steps ``losses.png``, for generators of features ``features.png``, for data with pictures at hand
        ``examples.png``.

    Raises
    ------
    RunError
        When the folder holds no finished run.
    """
    folder = Path(folder)
    finished_run(folder)  # before anything is written
    target = make_folder(Path(out))
    made = [] if _is_plain(folder) else [draw_curve(folder, target)]
    made.append(draw_confusion(folder, target))
    losses = draw_losses(folder, target)
    features = draw_features(folder, target, data)
    examples = draw_examples(folder, target)
    return made + [path for path in (losses, features, examples) if path is not None]


def draw_confusion(folder: Path, out: Path) -> Path:
    """Which classes were taken for which, calibrated where the run is; all decisions are in ``confusion.csv``."""
    run = finished_run(folder)
    names = {int(row["class_id"]): row["name"] for row in read_classes(run)}
    found = read_confusions(run, names)
    write_csv(out / "confusion.csv", *confusion_table(found))
    shown = list(found.values())[-1]
    header = ["class", "kind", "taken_for", "taken_for_kind", "rows", "share"]
    write_csv(out / "confused.csv", header, [[pair[key] for key in header] for pair in shown.most_confused(PAIRS)])
    title = f"{run.method} on {run.dataset}, seed {run.seed}"
    return save(confusion_picture(shown, title), out / "confusion.png")


def _is_plain(folder: Path) -> bool:
    """Whether nothing but unseen classes was tested."""
    return not finished_run(folder).protocol.generalized


def draw_curve(folder: Path, out: Path) -> Path:
    """Seen-unseen curve with lines of equal H, the point chosen on validation and the best one.

    A calibrator that is more than a shift of the scores has a curve of its own, which the chosen point lies on.
    """
    metrics = finished_run(folder).metrics
    curve = _read_curve(folder / "scores.npz")
    _write_curve(curve, out / "curve.csv")
    calibrator = metrics["protocol"]["calibration"]
    figure = Figure(figsize=(5, 5.4), layout="constrained")
    axes = figure.subplots()
    percent_axes(axes)
    draw_equal_h(axes)
    axes.plot(curve.unseen, curve.seen, color="C0", label=f"scores, AUSUC {curve.area:.1%}")
    oracle = curve
    if (folder / "gate.npz").is_file():
        gate = _read_curve(folder / "gate.npz")
        if not np.array_equal(gate.unseen, curve.unseen):
            _write_curve(gate, out / "gate_curve.csv")
            axes.plot(gate.unseen, gate.seen, color="C1", label=f"{calibrator}, AUSUC {gate.area:.1%}")
            oracle = gate
    points = [("as given", metrics["U"], metrics["S"], metrics["H"], True)]
    if metrics.get("calibrated"):
        points.append(("chosen on validation", *(metrics["calibrated"][key] for key in "USH"), True))
    points.append(("best on test (not valid)", *oracle.best_harmonic()[1:], False))
    for name, u, s, h, valid in points:
        marker = "*" if not valid else "o" if name == "as given" else "s"
        white = "white" if not valid else None
        axes.plot(u, s, marker, color="black", mfc=white, label=f"{name}: H {h:.1%}", clip_on=False, zorder=3)
    write_csv(out / "points.csv", ["point", "unseen", "seen", "H", "valid"], points)
    axes.set(xlabel="U, accuracy on unseen classes", ylabel="S, accuracy on seen classes")
    title = f"{metrics['method']} on {metrics['dataset']}, seed {metrics['seed']}"
    axes.set_title(words(title, 60), fontsize=10, pad=16)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)  # beside the curve, wherever it runs
    return save(figure, out / "curve.png")


def draw_equal_h(axes: Axes) -> None:
    """Grey lines of equal H, named at the upper edge."""
    for h in ISO_H:
        u = np.linspace(h / 2 + 1e-3, 1, 200)
        axes.plot(u, h * u / (2 * u - h), color="0.8", linewidth=0.8, zorder=0)
        axes.annotate(  # where the line leaves the picture at the top
            f"H {h:.0%}", (h / (2 - h), 1), (0, 2), textcoords="offset points", color="0.5", fontsize=7, ha="center",
            annotation_clip=False,
        )  # fmt: skip


def _read_curve(scores: Path) -> SeenUnseenCurve:
    return SeenUnseenCurve.of(read_summary(scores))


def _write_curve(curve: SeenUnseenCurve, path: Path) -> None:
    write_csv(path, ["gamma", "unseen", "seen"], np.column_stack([curve.gamma, curve.unseen, curve.seen]))


def draw_losses(folder: Path, out: Path) -> Path | None:
    """Every recorded term by epoch in the final fit, and the same of the validation fits in grey."""
    rows = [row for row in read_records(finished_run(folder)) if row["kind"] == "losses"]
    if not rows:
        return None
    names = sorted({name for row in rows for name in row["losses"]})
    table = [[row["fit"], row["epoch"], *(row["losses"].get(name, "") for name in names)] for row in rows]
    write_csv(out / "losses.csv", ["fit", "epoch", *names], table)
    fits = sorted({row["fit"] for row in rows}, key=lambda fit: fit == "final")
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(3 * columns, 2 * lines + 0.4), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, name in zip(grid, names, strict=False):
        for fit in fits:
            points = [
                (row["epoch"], row["losses"][name]) for row in rows if row["fit"] == fit and name in row["losses"]
            ]
            dots = "." if len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), color="C0" if fit == "final" else "0.7", marker=dots)
        axes.set_title(words(name.replace("_", " "), 40), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_ylabel("mean of the epoch", fontsize=7)
        epoch_axis(axes)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    shown = [("C0", "fit on all seen classes")] if "final" in fits else []
    shown += [("0.7", "fits on validation folds")] if set(fits) - {"final"} else []
    handles = [Line2D([], [], color=color, label=label) for color, label in shown]
    figure.legend(handles=handles, fontsize=8, loc="outside upper right", ncols=len(handles))
    return save(figure, out / "losses.png")


def draw_features(folder: Path, out: Path, data: Path | str | None = None) -> Path | None:
    """Real and synthetic rows of some unseen classes, where the method generates features (`project_features`)."""
    found = project_features(folder, data)
    if found is None:
        return None
    write_csv(out / "features.csv", ["kind", "class", "first", "second"], found.rows())
    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axes = figure.subplots()
    for k, (name, real, fake) in enumerate(zip(found.class_names, found.real, found.synthetic, strict=True)):
        axes.scatter(real[:, 0], real[:, 1], s=9, color=f"C{k}", alpha=0.6, linewidths=0, label=words(name))
        axes.scatter(fake[:, 0], fake[:, 1], s=14, color=f"C{k}", marker="x", linewidths=0.8)
    axes.set_title(words(f"{found.title}: rows of unseen classes", 60), fontsize=10)
    axes.set(xlabel="first main direction of the real rows", ylabel="second main direction")
    kinds = [
        Line2D([], [], color="0.3", linestyle="", marker=marker, markersize=4, label=kind)
        for marker, kind in ((".", "real"), ("x", "synthetic"))
    ]
    handles = [*axes.get_legend_handles_labels()[0], *kinds]
    figure.legend(handles=handles, fontsize=7, loc="outside right upper")
    return save(figure, out / "features.png")


def draw_examples(folder: Path, out: Path) -> Path | None:
    """Test pictures of unseen classes with what they were taken for, where the dataset has its pictures at hand."""
    run = finished_run(folder)
    found = find_examples(run)
    if found is None:
        return None
    write_csv(out / "examples.csv", ["row", "class", "taken_for", "right"], found.table())
    return save(examples_picture(found, f"{run.method} on {run.dataset}"), out / "examples.png")
