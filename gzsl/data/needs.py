"""What a method may need besides features, labels and class vectors, and how whoever lacks it comes by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gzsl.data.dataset import Dataset
from gzsl.data.view import TrainView
from gzsl.errors import MethodError
from gzsl.semantics import Semantics


@dataclass(frozen=True)
class Need:
    """Something that not every view carries.

    Attributes
    ----------
    what : str
        What it is, as a sentence names it.
    remedy : str
        How a user comes by it, as the end of a sentence.
    carried : callable
        Whether a view carries it.
    offered : callable
        Whether a dataset can give it to a view.
    """

    what: str
    remedy: str
    carried: Callable[[TrainView], bool]
    offered: Callable[[Dataset], bool]


NEEDS: dict[str, Need] = {
    "unlabelled": Need(
        "unlabelled rows of the test classes", "run it in the transductive setting (setting: transductive)",
        lambda view: view.unlabelled_features is not None, lambda dataset: len(dataset.split.test_unseen) > 0,
    ),
    "graph": Need(
        "a class graph", "name one in the recipe (dataset.graph), such as attributes-knn, or use Dataset.with_graph",
        lambda view: view.class_graph is not None, lambda dataset: True,  # neighbours by class vectors, at least
    ),
    "classifier": Need(
        "a trained classifier of the seen classes",
        "give the view one (gzsl.data.image_free_view), or rows to train it on",
        lambda view: view.classifier is not None or len(view.features) > 0, lambda dataset: True,  # trained in the fit
    ),
    "regions": Need(
        "features of regions (n, R, d)",
        "gzsl features extract PICTURES --pooling grid --out FEATURES makes them, gzsl data make a dataset of those; "
        "beside features that are here already, name them in the recipe (dataset.regions)",
        lambda view: len(view.features.shape) == 3, lambda dataset: dataset.regions is not None,
    ),
    "joint": Need(
        "class vectors in the space of the features",
        "say so where it is true (dataset.joint: true, with preprocess.features none or l2), or learn a map to it "
        "(preprocess.align: ridge)",
        lambda view: view.semantics.joint, lambda dataset: any(table.joint for table in dataset.tables.values()),
    ),
    "members": Need(
        "several vectors a class", "make a class table of several texts a class (gzsl semantics text --members)",
        lambda view: view.semantics.members is not None,
        lambda dataset: any(table.members is not None for table in dataset.tables.values()),
    ),
    "templates": Need(
        "prompts of the same templates for every class", "make them with gzsl semantics prompts",
        lambda view: _templates(view.semantics), lambda dataset: any(map(_templates, dataset.tables.values())),
    ),
    "shots": Need(
        "a few labelled rows of the unseen classes", "ask for some in the recipe (shots: 4)",
        lambda view: view.shots is not None, lambda dataset: len(dataset.split.test_unseen) > 0,
    ),
}  # fmt: skip


def _templates(table: Semantics) -> bool:
    return table.members is not None and table.members.templates is not None


def refuse_unmet(view: TrainView, needs: Iterable[str], who: str) -> None:
    """Refuse a view that lacks something, in one sentence that says how to come by it.

    Raises
    ------
    MethodError
        For the first of ``needs`` that the view does not carry.
    """
    if view.classifier is not None and not len(view.labels) and "classifier" not in needs:
        raise MethodError(f"{who}: found a view of a classifier without training rows, expected rows (icis needs none)")
    for name in needs:
        need = NEEDS[name]
        if not need.carried(view):
            raise MethodError(f"{who}: needs {need.what}, found none; {need.remedy}")


def lacking(dataset: Dataset, needs: Iterable[str]) -> list[str]:
    """Which of ``needs`` a dataset cannot give to a view."""
    return [name for name in needs if not NEEDS[name].offered(dataset)]
