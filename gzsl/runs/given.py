"""A recipe on a dataset that is in memory already: what the dataset shows takes the place of the recipe's words."""

from __future__ import annotations

from gzsl.data import Dataset
from gzsl.runs.recipe import DatasetSection, Recipe


def on_dataset(recipe: Recipe, dataset: Dataset) -> tuple[Recipe, Dataset]:
    """The recipe as it applies to this dataset, and the dataset with the class table as the method wants it.

    Name, split, features, class table and graph are the dataset's; a graph that the recipe names is made where the
    dataset has none. The recipe's normalisation of the class table is applied
    unless the dataset's table is normalised already. A published result belongs to other data and is dropped.
    """
    table = dataset.semantics
    if table.normalisation == "none":
        dataset = dataset.with_semantics(table.name, recipe.dataset.normalise)
    graph = recipe.dataset.graph
    if dataset.graph is None and graph is not None:
        dataset = dataset.with_graph(graph)
    facts = DatasetSection(
        name=dataset.name, semantics=table.name, normalise=dataset.semantics.normalisation,
        graph=graph or (dataset.graph.name if dataset.graph else None),
    )  # fmt: skip
    return recipe.model_copy(update={"dataset": facts, "expected": None}), dataset
