"""OntoZSL: features are generated from an embedding of the ontology that classes stand in."""

from __future__ import annotations

import numpy as np
import torch

from gzsl.data import TrainView
from gzsl.methods.generative.graph_conditions import GraphConditions
from gzsl.methods.generative.guided import GuidedGenerator
from gzsl.methods.graph.node_vectors import node_inputs
from gzsl.methods.registry import register
from gzsl.nn.ontology import embedded_graph
from gzsl.params import param


@register(
    "ontozsl",
    family="generative",
    settings=("inductive",),
    fidelity="replicated from code",
    cite="Geng, Chen, Chen, Pan, Ye, Yuan, Jia & Chen, OntoZSL: Ontology-enhanced Zero-shot Learning, WWW 2021, "
    "arXiv:2102.07339",
    year=2021,
    test_params=[
        {
            "n_epochs": 20,
            "batch_size": 32,
            "hidden_dim": 64,
            "lr": 5e-3,
            "n_synthetic": 40,
            "pretrain_epochs": 5,
            "structure_steps": 150,
            "structure_lr": 1e-2,
            "text_epochs": 30,
            "head": {"name": "softmax", "batch_size": 32, "n_epochs": 10},
        }
    ],
    needs=("graph",),
)
class OntoZSL(GraphConditions, GuidedGenerator):
    """f-CLSWGAN conditioned on translations between the triples of an ontology, joined with what its nodes mean.

    TransE finds vectors (m,) of nodes and relations with ``h + r`` near ``t`` for every edge (h, r, t) of the graph;
    then one tanh layer maps structure and relations, another the text vectors of nodes, so that triples hold between
    any of both (`gzsl.nn.ontology`). A class has both, [structure, text] (2m,), in the place of its class vector.
    ``gzsl semantics ontology`` makes the same vectors as a class table, for any other method.

    **Differences.** The released TransE takes 80,000 steps of 256 triples with 1,024 negatives at a rate of 5e-5;
    these defaults are smaller, at a higher rate, which the few triples of class graphs allow. Text is what ``inputs``
    says, where the paper has word vectors of names. Corrupted triples that are known do not count, instead of being
    drawn again; Adam goes on when the rate falls to a tenth, where theirs starts anew. An edge without direction is a
    triple both ways.
    """

    embedding_dim: int = param(default=100, low=1, high=100_000, symbol="m", doc="of structure, and of text")
    structure_steps: int = param(default=2000, low=1, high=1_000_000, doc="steps of TransE")
    structure_lr: float = param(default=1e-2, low=1e-7, high=1.0, log=True, doc="learning rate of TransE")
    n_negatives: int = param(default=64, low=1, high=100_000, doc="corrupted triples a triple in TransE")
    text_epochs: int = param(default=100, low=0, high=1_000_000, doc="passes over the triples with text; released 1000")
    text_lr: float = param(default=1e-3, low=1e-7, high=1.0, log=True, doc="learning rate of these")

    def embedded_classes(self, view: TrainView) -> np.ndarray:
        """Vectors (C, 2m) of all classes."""
        graph = view.graph
        text = torch.from_numpy(node_inputs(graph, view.semantics.table, self.inputs, self.card.id))
        found = embedded_graph(
            graph, text, size=self.embedding_dim, n_steps=self.structure_steps, lr=self.structure_lr,
            n_negatives=self.n_negatives, text_epochs=self.text_epochs, text_lr=self.text_lr,
            rng=self.streams.fresh("ontology", device="cpu"),
        )  # fmt: skip
        return found[graph.class_nodes]
