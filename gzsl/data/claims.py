"""What a recipe says about a dataset, held against what the files show: the files decide.

A claim that the files contradict is an error that names both and the way on; one that they leave open, such as
which network made features of the right width, is taken over and said in a note. A protocol is made of the
result alone (`gzsl.runs.run.Run.protocol`), so no number can carry a name that its data refute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gzsl.data.dataset import Dataset
from gzsl.data.networks import is_known, network_of, same_network
from gzsl.data.regions import without_regions
from gzsl.errors import DataError

TUNED = {True: "fine-tuned", False: "not fine-tuned", None: "unknown"}


@dataclass(frozen=True)
class Claims:
    """What is said about a dataset before it is opened; None says nothing.

    Attributes
    ----------
    split : tuple of str or None
        Versions of which the split must have one.
    features : str or None
        Which network made the features.
    fine_tuned : bool or None
        Whether it was fine-tuned on the seen classes.
    """

    split: tuple[str, ...] | None = None
    features: str | None = None
    fine_tuned: bool | None = None

    def apply(self, dataset: Dataset) -> Dataset:
        """The dataset under the names that claims and files agree on.

        Raises
        ------
        DataError
            When the files contradict a claim; the sentence names both sides of every contradiction and the
            ``--set`` that takes the files at their word.
        """
        found = {
            "dataset.split": _split(self.split, dataset), "dataset.features": _features(self.features, dataset),
            "dataset.fine_tuned": _fine_tuned(self.fine_tuned, dataset),
        }  # fmt: skip
        wrong = {key: text for key, text in found.items() if text}
        if wrong:
            texts = "; ".join(f"{key}: {text}" for key, text in wrong.items())
            remedy = " ".join(f"--set {key}=null" for key in wrong)
            raise DataError(f"{dataset.name}: {texts}; to go by the files: {remedy}")
        return self._adopted(dataset)

    def _adopted(self, dataset: Dataset) -> Dataset:
        card = dataset.card
        features, tuned, notes = card.features, card.fine_tuned, []
        if self.features is not None and self.features != without_regions(features):
            features = self.features + features.removeprefix(without_regions(features))
            notes.append(f"features are called {features} as the recipe says, not {card.features}")
        if self.fine_tuned is not None and tuned is None:
            tuned = self.fine_tuned
            notes.append(f"the features are {TUNED[tuned]}, as the recipe says; the files do not tell")
        if not notes:
            return dataset
        return replace(dataset, card=replace(card, features=features, fine_tuned=tuned, notes=(*card.notes, *notes)))


def _split(claimed: Sequence[str] | None, dataset: Dataset) -> str:
    version = dataset.split.version
    if claimed is None or version in claimed:
        return ""
    return f"found {version} in the files, expected {' or '.join(claimed)} as the recipe says"


def _features(claimed: str | None, dataset: Dataset) -> str:
    if claimed is None:
        return ""
    shown, n_dims = without_regions(dataset.card.features), int(dataset.features.shape[1])
    network = network_of(claimed)
    if network is not None and n_dims not in network[1]:
        widths = " or ".join(map(str, network[1]))
        return f"found {n_dims} columns ({shown}) in the files, expected the {widths} of {claimed} as the recipe says"
    own_name = network is None and network_of(shown) is not None  # of a network known by its file: it claims nothing
    if is_known(shown, n_dims) and not same_network(claimed, shown) and not own_name:
        return f"found {shown} in the files, expected {claimed} as the recipe says"
    return ""


def _fine_tuned(claimed: bool | None, dataset: Dataset) -> str:
    shown = dataset.card.fine_tuned
    if claimed is None or shown is None or claimed == shown:
        return ""
    return f"found {TUNED[shown]} features in the files, expected {TUNED[claimed]} ones as the recipe says"
