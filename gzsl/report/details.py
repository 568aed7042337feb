"""Everything that a page shows of one run, as plain values; a damaged file costs its figure alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gzsl.brief import brief
from gzsl.errors import GzslError
from gzsl.files import value_hash
from gzsl.report.aggregate import METRICS
from gzsl.report.class_figures import class_figure, decision_figures
from gzsl.report.collect import StoredRun
from gzsl.report.curve_figure import curve_figures
from gzsl.report.drawing import data_uri
from gzsl.report.tables import Figure
from gzsl.report.training_figures import training_figures

_SHARED = ("id", "name", "unseen", "images")  # of the classes: the same in every run on a dataset


@dataclass(frozen=True)
class Details:
    """Figures of one run.

    Attributes
    ----------
    run : StoredRun
        Which.
    figures : list of Figure
        Those that could be made.
    missing : list of str
        Why others could not.
    """

    run: StoredRun
    figures: list[Figure]
    missing: list[str]

    __repr__ = brief

    def blob(self, classes: dict[str, Any]) -> dict[str, Any]:
        """Plain values for the page; what runs share about their classes is added to ``classes``."""
        metrics = self.run.metrics
        data = {figure.name: figure.data for figure in self.figures}
        if "classes" in data:
            shared = {name: data["classes"][name] for name in _SHARED}
            key = value_hash(shared)[:10]
            classes[key] = shared
            rest = {name: values for name, values in data["classes"].items() if name not in _SHARED}
            data["classes"] = {"key": key, **rest}
        domain = dict(metrics.get("domain") or {})
        advice = domain.pop("advice", None)
        chosen = metrics.get("chosen")
        return {
            "figures": data, "csv": [figure.name for figure in self.figures], "missing": self.missing,
            "numbers": {
                **{name: metrics.get(name) for name in METRICS},
                "calibrated": metrics.get("calibrated"), "oracle": metrics.get("oracle", {}).get("best_gamma"),
                "domain": domain or None,
            },
            "advice": " ".join(text for text in (advice, *(metrics.get("notes") or [])) if text) or None,
            "chosen": None if chosen is None else _chosen(chosen),
            "test_reads": metrics.get("test_reads"),
        }  # fmt: skip


def make_details(run: StoredRun, data: Path | str | None = None, *, features: bool = False) -> Details:
    """Make the figures of a run; with ``features`` also that of synthetic features, for which data are read."""
    parts: list[Callable[[StoredRun], list[Figure]]] = [
        curve_figures, lambda run: [class_figure(run)], decision_figures, training_figures,
    ]  # fmt: skip
    if features:
        parts += [lambda run: _features(run, data), lambda run: _attention(run, data)]
    figures, missing = [], []
    for part in parts:
        try:
            figures += part(run)
        except GzslError as error:
            missing.append(str(error))
    return Details(run, figures, list(dict.fromkeys(missing)))


def _features(run: StoredRun, data: Path | str | None) -> list[Figure]:
    from gzsl.methods import get_method
    from gzsl.methods.generative.base import Generator

    if not issubclass(get_method(run.method_id), Generator):
        return []
    from gzsl.report.projection import project_features

    found = project_features(run.folder, data)
    if found is None:
        return []
    place = {name: k for k, name in enumerate(found.class_names)}
    rows = found.rows()
    points = [[int(kind == "synthetic"), place[name], round(x, 4), round(y, 4)] for kind, name, x, y in rows]
    values = {"names": list(found.class_names), "points": points}
    return [Figure("features", values, ["kind", "class", "first", "second"], rows)]


def _attention(run: StoredRun, data: Path | str | None) -> list[Figure]:
    """Heat maps of a few test pictures, as the page shows them, for methods that look at regions."""
    from gzsl.methods import get_method

    if not get_method(run.method_id).card.regions:
        return []
    from gzsl.report.attention import HEADER, attention_of_tests, attention_picture

    looked = attention_of_tests(run, data)
    if not looked:
        return []
    picture = attention_picture(looked, f"{run.method} on {run.dataset}, seed {run.seed}")
    values = {"image": data_uri(picture), "names": [one.image for one in looked]}
    return [Figure("attention", values, HEADER, [line for one in looked for line in one.table()])]


def _chosen(chosen: dict[str, Any]) -> str:
    parts = [f"epoch {chosen['epoch']}"] if chosen.get("epoch") else []
    parts += [f"{key} {value}" for key, value in (chosen.get("candidate") or {}).items()]
    value = chosen.get("value")
    reached = "" if value is None else f" ({chosen.get('metric')} {100 * value:.1f} on validation)"
    return f"{', '.join(parts)}{reached}"
