"""What a method may need besides features, labels and class vectors, and how whoever lacks it comes by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gzsl.data.dataset import Dataset
from gzsl.data.view import TrainView
from gzsl.errors import MethodError


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
        "a trained classifier of the seen classes", "give the view one (TrainView.image_free), or rows to train it on",
        lambda view: view.classifier is not None or len(view.features) > 0, lambda dataset: True,  # trained in the fit
    ),
}  # fmt: skip


def refuse_unmet(view: TrainView, needs: Iterable[str], who: str) -> None:
    """Refuse a view that lacks something, in one sentence that says how to come by it.

    Raises
    ------
    MethodError
        For the first of ``needs`` that the view does not carry.
    """
    for name in needs:
        need = NEEDS[name]
        if not need.carried(view):
            raise MethodError(f"{who}: needs {need.what}, found none; {need.remedy}")


def lacking(dataset: Dataset, needs: Iterable[str]) -> list[str]:
    """Which of ``needs`` a dataset cannot give to a view."""
    return [name for name in needs if not NEEDS[name].offered(dataset)]
