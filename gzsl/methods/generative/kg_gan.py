"""KG-GAN: features are generated from two graph embeddings of a class, of its relatives and of its attributes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from gzsl.data import TrainView
from gzsl.methods.generative.graph_conditions import GraphConditions
from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.graph.node_vectors import node_inputs
from gzsl.methods.graph.targets import unit_rows
from gzsl.methods.registry import register
from gzsl.nn.graph_autoencoder import graph_codes
from gzsl.params import param
from gzsl.semantics.sparse_edges import normalised


@register(
    "kg-gan",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Geng, Chen, Chen, Ye, Yuan, Jia & Chen, Generative Adversarial Zero-shot Learning via Knowledge Graphs, "
    "arXiv:2004.03109",
    year=2020,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "class_epochs": 100,
            "attribute_epochs": 100,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],
    needs=("graph",),
)
class KGGAN(GraphConditions, GuidedGenerator):
    """f-CLSWGAN conditioned on the codes of two variational graph autoencoders, side by side.

    The class view is the class graph; the attribute view joins every class with the attributes that it has more of than
    the mean class. Each is encoded by two graph convolutions to means and deviations (n, k) under which inner products
    tell which nodes are joined (`gzsl.nn.graph_autoencoder`); a class's means of both views (2k,) take the place of its
    class vector in f-CLSWGAN. The autoencoders see names, edges and class vectors of unseen classes, and no image.

    **Differences.** The authors' working code, two months older than the arXiv version, is followed; the paper may
    differ. Its inputs are word vectors of class and attribute names; ours are ``inputs`` for the class view, and for
    the attribute view class vectors, with means of them for attributes. Codes are those after the last epoch; the
    authors chose epochs by hand. The real rows of their classifier head are not scaled as the others are; ours are.
    """

    class_dims: tuple[int, int] = param(default=(150, 50), doc="hidden units and code length of the class view")
    class_epochs: int = param(default=1500, low=1, high=1_000_000, doc="steps on the class view")
    class_lr: float = param(default=1e-2, low=1e-7, high=1.0, log=True, doc="learning rate on the class view")
    attribute_dims: tuple[int, int] = param(default=(100, 50), doc="hidden units and code length of the attribute view")
    attribute_epochs: int = param(default=3000, low=1, high=1_000_000, doc="steps on the attribute view")
    attribute_lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, doc="learning rate on the attribute view")

    def embedded_classes(self, view: TrainView) -> np.ndarray:
        """Codes (C, 2k) of both views."""
        graph, table = view.graph, view.semantics.table
        inputs = node_inputs(graph, table, self.inputs, self.card.id)
        of_classes = self._codes("class", graph.adjacency(), inputs)[graph.class_nodes]
        joined = attribute_edges(table)
        has = csr_array(joined[: len(table), len(table) :])
        means = (has.T @ table) / np.maximum(np.asarray(has.sum(axis=0)).ravel(), 1.0)[:, None]
        both = unit_rows(np.concatenate([table, means]), np.zeros(1))
        return np.concatenate([of_classes, self._codes("attribute", joined, both)[: len(table)]], axis=1)

    def _codes(self, name: str, adjacency: csr_array, inputs: np.ndarray) -> np.ndarray:
        hidden, latent = getattr(self, f"{name}_dims")
        return graph_codes(
            adjacency, normalised(adjacency, "symmetric"), inputs, hidden=hidden, latent=latent,
            lr=getattr(self, f"{name}_lr"), n_epochs=getattr(self, f"{name}_epochs"),
            rng=self.streams.fresh("codes", name, device="cpu"),
        )  # fmt: skip


def attribute_edges(table: np.ndarray) -> csr_array:
    """Adjacency (C + a, C + a), both ways, of classes and the attributes that they have more of than the mean class."""
    has = table > table.mean(axis=0)
    rows, columns = np.nonzero(has)
    n, ones = sum(table.shape), np.ones(2 * len(rows), dtype=np.float32)
    ends = np.concatenate([rows, columns + len(table)]), np.concatenate([columns + len(table), rows])
    return csr_array((ones, ends), shape=(n, n))
