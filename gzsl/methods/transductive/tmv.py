"""TMV: unlabelled rows in several views, brought into one space, where labels spread over graphs and hyper-graphs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from gzsl.data import TrainView
from gzsl.linalg import SymmetricEigen, gram
from gzsl.methods.registry import register
from gzsl.methods.transductive.base import PooledTables, candidates_in, seen_in
from gzsl.nn.class_shares import best_candidates
from gzsl.nn.neighbour_graph import adjacency, averaging, nearest, refuse_unreached, spread, unit_rows
from gzsl.nn.pseudo_labels import as_rounds
from gzsl.nn.views import CommonSpace, HyperGraph, common_space, neighbours_between, neighbours_within
from gzsl.params import param
from gzsl.semantics import Semantics
from gzsl.transduction.base import State
from gzsl.transduction.propagate import some_rows

Views = list[np.ndarray]


@register(
    "tmv",
    family="transductive",
    settings=("transductive",),
    fidelity="replicated from code",
    cite="Fu, Hospedales, Xiang & Gong, Transductive Multi-View Zero-Shot Learning, ECCV 2014 and TPAMI 2015, "
    "arXiv:1501.04560",
    year=2014,
    needs=("unlabelled",),
    test_params=[{}, {"hyper_share": 0.0, "n_sweeps": 3}],
)
class TMV(PooledTables):
    """Views of a row are its features, predicted class vectors, and predicted likeness to seen classes.

    Multi-view canonical correlation on unlabelled rows brings the views into one space. Class prototypes, first the
    class vectors themselves, become means of the rows most like them. In every view a graph of nearest neighbours
    joins rows and prototypes, between views hyper-edges do; ``(I - α L)^-1`` spreads +1 from a class's prototype and -1
    from the others. A row is scored by what its nearest nodes in all views got.

    **Differences.** The paper's second view are predicted word vectors; a class table has one kind of vector, so it is
    the likeness to seen classes here (ridge scores, prototypes from the classes' vectors). Support vector regression is
    ridge here; features are reduced by PCA. Statistics of similarities come from samples, prototypes have as many
    neighbours as rows, and similarities between views are standardised once, not twice: no N x N matrix is made. The
    paper knows no seen classes: here training rows of each are nodes with their label. The released code keeps the
    sweep that is best on test labels; here ``n_sweeps`` is fixed.
    """

    ridge: float = param(default=10.0, low=1e-6, high=1e6, log=True, tune=(0.1, 1e3), doc="ridge of predicted views")
    components: int = param(default=200, low=1, high=100_000, doc="dimensions of the view of features")
    n_neighbours: int = param(default=30, low=1, high=10_000, symbol="k", tune=(5, 60), doc="neighbours of a node")
    alpha: float = param(default=0.5, low=0.0, high=0.99, symbol="α", tune=(0.2, 0.9), doc="share of neighbours")
    hyper_share: float = param(default=0.75, low=0.0, high=1.0, doc="of hyper-edges beside edges")
    members: float = param(default=0.8, low=0.0, high=1.0, doc="rows that a prototype averages, of m / classes")
    n_sweeps: int = param(default=1, low=1, high=100, doc="times that labels spread")
    seen_rows: int = param(default=20, low=0, high=100_000, doc="training rows a seen class in the graph")

    def _fit(self, view: TrainView) -> None:
        X = view.unlabelled.to_array()
        self.mean_, self.spread_ = X.mean(axis=0), np.maximum(X.std(axis=0), 1e-6)
        _, _, basis = np.linalg.svd((X - self.mean_) / self.spread_, full_matrices=False)
        self.basis_ = np.ascontiguousarray(basis[: self.components].T)  # (d, p)
        train = view.features.to_array().astype(np.float64)
        self.centre_ = train.mean(axis=0)
        inverse = SymmetricEigen.of_gram(gram(view.features) - len(train) * np.outer(self.centre_, self.centre_))
        targets = np.concatenate([np.eye(len(view.seen)), view.seen_semantics.table], axis=1)
        own = targets[view.seen_labels]
        self.offset_ = own.mean(axis=0)
        self.weights_ = inverse.ridge_solve((train - self.centre_).T @ own, self.ridge)  # (d, s + a)
        self.seen_vectors_ = view.seen_semantics.table.astype(np.float64)
        self._learn_tables(view)

    def views(self, X: np.ndarray) -> Views:
        """Features, likeness to seen classes, and predicted class vectors of rows (n, d)."""
        predicted = (X - self.centre_) @ self.weights_ + self.offset_
        s = len(self.seen_vectors_)
        return [(X - self.mean_) / self.spread_ @ self.basis_, predicted[:, :s], predicted[:, s:]]

    def prototypes(self, semantics: Semantics) -> Views:
        """Likeness to seen classes and class vectors of the classes of a table."""
        A = self.seen_vectors_ - self.seen_vectors_.mean(axis=0)
        found = SymmetricEigen.of_gram(A.T @ A).ridge_solve(A.T, 1e-2 * float((A**2).sum()) / len(A) + 1e-9)
        table = semantics.table.astype(np.float64)
        return [(table - self.seen_vectors_.mean(axis=0)) @ found + 1 / len(A), table]

    def learn_table(self, view: TrainView, semantics: Semantics, seed: int) -> tuple[State, np.ndarray]:
        """Bring views together, build the graphs of rows and prototypes, and let labels spread."""
        pool = self.views(view.unlabelled.to_array())
        space = common_space(pool)
        candidates, prior = candidates_in(view, semantics)
        rows, columns = seen_in(view, semantics)
        few = some_rows(columns, self.seen_rows)
        extra = self.views(view.features.take(rows[few]).to_array())
        classes = self._prototypes_in(space, pool, semantics, candidates)
        nodes = [
            unit_rows(np.concatenate([space.project(v, pool[v]), space.project(v, extra[v]), classes[v]]))
            for v in range(len(pool))
        ]
        m, total, n_classes = len(pool[0]), len(nodes[0]), len(semantics)
        known = np.concatenate([columns[few], candidates])  # classes of the nodes that have one
        Y = np.zeros((total, n_classes))
        Y[m:] = -1 / max(1, n_classes - 1)
        Y[np.arange(m, total), known] = 1
        Y[m:] /= np.bincount(known, minlength=n_classes)[known, None]  # what all nodes of a class send is the same
        graph = self._graph(nodes)
        first = classes_by_cosine(nodes, m, candidates)
        reach = graph.reach  # rows, then training rows and prototypes with their labels, then hyper-edges
        refuse_unreached(reach, np.isin(np.arange(reach.shape[0]), np.arange(m, total)), self.card.id, n_rows=m)
        for _ in range(self.n_sweeps):
            Y = (1 - self.alpha) * spread(graph, Y, self.alpha)  # type: ignore[arg-type]
        found = Y.astype(np.float32) / max(1e-12, float(np.abs(Y).max()))
        best = best_candidates(found[:m, candidates], candidates, semantics.class_names, self.card.id, prior)
        state = {"spread": found} | {f"nodes{v}": rows for v, rows in enumerate(nodes)}
        state |= {f"map{v}": matrix.astype(np.float32) for v, matrix in enumerate(space.maps)}
        state |= {f"middle{v}": centre.astype(np.float32) for v, centre in enumerate(space.centres)}
        return state, as_rounds([candidates[first], candidates[best]])

    def table_scores(self, state: Mapping[str, np.ndarray], X: np.ndarray, semantics: Semantics) -> np.ndarray:
        """Means of what the nearest nodes got, over all views."""
        found = np.zeros((len(X), len(semantics)), dtype=np.float32)
        for v, own in enumerate(self.views(X)):
            space = CommonSpace([state[f"middle{v}"]], [state[f"map{v}"]])
            similar, place = nearest(unit_rows(space.project(0, own)), state[f"nodes{v}"], self.n_neighbours)
            near = averaging(adjacency(place, np.maximum(similar, 0) + 1e-6, len(state["spread"])))
            found += np.asarray(near @ state["spread"], dtype=np.float32)
        return found

    def _prototypes_in(self, space: CommonSpace, pool: Views, semantics: Semantics, candidates: np.ndarray) -> Views:
        """Prototypes of the candidates in every view: means of the rows most like them, and the features' from both."""
        count = max(1, round(self.members * len(pool[0]) / len(candidates)))
        found = []
        for v, classes in enumerate(self.prototypes(semantics.take(candidates)), start=1):
            like = centred(classes) @ centred(pool[v]).T
            own = np.stack([pool[v][np.argsort(-row, kind="stable")[:count]].mean(axis=0) for row in like])
            found.append(space.project(v, own))
        return [(found[0] + found[1]) / 2, *found]

    def _graph(self, nodes: Views) -> HyperGraph:
        """Graphs of the views, weighed by how far each agrees with the others, and hyper-edges between views."""
        k, total = self.n_neighbours, len(nodes[0])
        pairs = [(i, j) for i in range(len(nodes)) for j in range(len(nodes)) if i != j]
        agreement = np.zeros(len(nodes))
        for i, j in pairs:
            agreement[i] += (1 / np.maximum(np.linalg.norm(nodes[i] - nodes[j], axis=1), 1e-6)).clip(0, 1e3).sum()
        plain = sparse.csr_matrix((total, total))
        for weight, rows in zip(agreement / agreement.sum(), nodes, strict=True):
            own = neighbours_within(rows, k)
            plain = plain + weight * own / max(float(own.sum()), 1e-12)
        edges = sparse.vstack([neighbours_between(nodes[i], nodes[j], k) for i, j in pairs], format="csr")
        return HyperGraph.of(sparse.csr_matrix(plain), edges, self.hyper_share)


def centred(X: np.ndarray) -> np.ndarray:
    """Rows less their own mean, at unit length: products of such rows are correlations."""
    return unit_rows(X - X.mean(axis=1, keepdims=True))


def classes_by_cosine(nodes: Views, m: int, candidates: np.ndarray) -> np.ndarray:
    """Nearest prototype of the first ``m`` nodes before labels spread, positions among the candidates."""
    return np.asarray(np.sum([rows[:m] @ rows[-len(candidates) :].T for rows in nodes], axis=0).argmax(axis=1))
