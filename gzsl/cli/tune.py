"""``gzsl tune``: hyper-parameters chosen on validation classes, as a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gzsl.brief import percent
from gzsl.cli.options import (
    LARGEST_SEED,
    DataOption,
    DeviceOption,
    JsonOption,
    PluginOption,
    RecipeArgument,
    SetOption,
    print_json,
    written_file,
)
from gzsl.cli.terminal import Console
from gzsl.door.shown import counted
from gzsl.door.yaml import dump_yaml
from gzsl.errors import RecipeError, suggest
from gzsl.files import write_text

if TYPE_CHECKING:
    from gzsl.cli.progress import TerminalReporter
    from gzsl.tuning import Trial, Tuner

SHOWN = 10  # trials in the table


def tune(
    recipe: RecipeArgument,
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="length of the list; a longer one continues it")] = 20,
    only: Annotated[str | None, typer.Option(metavar="KEY,KEY", help="search these hyper-parameters only")] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=RANGE", help="LOW:HIGH, LOW:HIGH:log, LOW:HIGH:linear or A,B,C; may be repeated"),
    ] = None,
    sampler: Annotated[str, typer.Option(help="sobol, random (drawn beforehand) or tpe (depends on order)")] = "sobol",
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="of the list of trials, folds and fits")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="processes side by side; they share the cores")] = 1,
    save: Annotated[Path | None, written_file("where to write the tuned recipe; else below --out")] = None,
    storage: Annotated[str | None, typer.Option(metavar="URL", help="Optuna storage; else SQLite below --out")] = None,
    override: SetOption = None,
    out: Annotated[Path, typer.Option(help="folder of all runs; the search is kept below tune/")] = Path("runs"),
    device: DeviceOption = "auto",
    data: DataOption = None,
    plugin: PluginOption = None,
    json_output: JsonOption = False,
) -> None:
    """Tune hyper-parameters on validation classes with Optuna, and write a recipe that gzsl run accepts.

    Without --only and --space, every hyper-parameter of the method that declares a range worth searching is
    searched; those of a calibrator or of a wrapper (transductive) are not. The first trial is the recipe as it
    stands. Each trial is the validation search of a run: same folds, same metric, number of epochs from the
    validation curve. The test rows are taken away before the first trial. The same command again continues;
    --workers N runs N trials at a time, and so does the command started in N terminals.

    Example: [bold]gzsl tune eszsl/letters --trials 20 --save mine.yaml[/bold]
    """
    from gzsl.cli.progress import TerminalReporter
    from gzsl.runs.environment import resolve_device
    from gzsl.runs.overrides import parse_override
    from gzsl.runs.own_data import open_recipe
    from gzsl.runs.run import open_dataset
    from gzsl.tuning import SAMPLERS, Tuner, helpers, search_space, tuned_recipe

    if sampler not in SAMPLERS:
        raise RecipeError(f"--sampler: found {sampler!r}; {suggest(sampler, SAMPLERS)}")
    chosen, data = open_recipe(recipe, data, dict(parse_override(text) for text in override or []))
    ranges = dict(_range(text) for text in space or [])
    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    tuned = search_space(chosen, names, ranges)
    resolved = resolve_device(device, needed=chosen.build_method().iterative)
    with TerminalReporter("tune") as reporter:
        tuner = Tuner(
            chosen, open_dataset(chosen, data).training_part(), tuned, trials, out, sampler, seed, resolved, storage,
            reporter,
        )  # fmt: skip
        with helpers(tuner, workers, data):
            _work(tuner, reporter, workers)
    finished = tuner.trials()
    place = save or tuner.folder / "recipe.yaml"
    write_text(place, dump_yaml(tuned_recipe(tuner, finished)))
    importance = tuner.book.importance(seed)
    if json_output:
        print_json(_as_json(tuner, finished, importance, place))
    else:
        _print(tuner, finished, importance, place)


def _range(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--space {text}: found no key=range, expected for example --space lr=1e-4:1e-2:log")
    return key.strip(), value.strip()


def _work(tuner: Tuner, reporter: TerminalReporter, workers: int) -> None:
    """Run what is missing; a line a trial of this process, with its best so far and the time left."""
    before = tuner.trials()
    if before:
        reporter.note(f"{len(before)} of {tuner.n_trials} trials are finished already: {tuner.folder}")
    values = [trial.value for trial in before if trial.value is not None]
    seconds: list[float] = []

    def starting(place: int, tried: dict[str, Any]) -> None:
        reporter.title = f"trial {place + 1}/{tuner.n_trials}"

    for trial in tuner.run(starting):
        seconds.append(trial.notes["seconds"])
        left = (tuner.n_trials - len(tuner.book.finished())) * sum(seconds) / len(seconds) / workers
        shown = ", ".join(f"{key} {_short(value)}" for key, value in trial.values.items())
        if trial.value is None:
            reporter.note(f"{shown}: failed: {trial.notes['error']}")
            continue
        values.append(trial.value)
        reporter.note(
            f"{shown}: {tuner.metric} {100 * trial.value:.2f}, best {100 * max(values):.2f}; "
            f"{seconds[-1]:.1f} s, about {_duration(left)} left"
        )


def _print(tuner: Tuner, trials: list[Trial], importance: dict[str, float], place: Path) -> None:
    from gzsl.evaluation.result import METRICS
    from gzsl.tuning import best_trial

    console = Console()
    failed = sum(trial.value is None for trial in trials)
    best = best_trial(trials)
    metric = tuner.metric
    folds = f"{best.notes['folds']} validation fold{'s' if best.notes['folds'] > 1 else ''}"
    title = f"{tuner.recipe.title}: best of {len(trials)} trials by {metric} on {folds}"
    table = Table(title=f"{title}, percent", title_justify="left")
    searched = [dimension.key for dimension in tuner.space]
    for name in ["trial", *searched, *(["epoch"] if tuner.recipe.build_method().iterative else []), *METRICS]:
        table.add_column(name, justify="right")
    ranked = sorted((t for t in trials if t.value is not None), key=lambda t: (-(t.value or 0), t.place))
    for trial in ranked[:SHOWN]:
        epoch = [str(trial.notes["epoch"])] if tuner.recipe.build_method().iterative else []
        found = [percent(trial.notes["metrics"].get(name)) for name in METRICS]
        table.add_row(str(trial.place + 1), *(_short(trial.values[key]) for key in searched), *epoch, *found)
    console.print(table)
    if failed:
        console.print(f"{counted(failed, 'trial')} failed; --json says why")
    if importance:
        shares = ", ".join(f"{key} {100 * share:.0f} %" for key, share in importance.items())
        console.print(f"importance (fANOVA): {shares}", soft_wrap=True)
    console.print(
        "validation numbers of the best of many trials are too good; the test has not been looked at",
        style="dim",
    )  # fmt: skip
    console.print(f"trials: {tuner.folder}", soft_wrap=True)
    console.print(f"next: gzsl run {place}", soft_wrap=True)


def _as_json(tuner: Tuner, trials: list[Trial], importance: dict[str, float], place: Path) -> dict[str, Any]:
    from gzsl.tuning import best_trial

    return {
        "study": tuner.name, "storage": tuner.book.url, "metric": tuner.metric,
        "sampler": tuner.sampler, "seed": tuner.seed, "space": [dimension.to_dict() for dimension in tuner.space],
        "best": best_trial(trials).to_dict(), "trials": [trial.to_dict() for trial in trials],
        "importance": importance, "recipe": str(place),
    }  # fmt: skip


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
