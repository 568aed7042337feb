"""Graphs by name: neighbours, taxonomies, folders; what a user may get wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gzsl.data import final_task, fold_task, load, validation_folds
from gzsl.errors import DataError, RecipeError
from gzsl.runs.recipe import Recipe, make_recipe
from gzsl.runs.run import Run, prepared
from gzsl.semantics import Semantics
from gzsl.semantics.graph import IS_A, ClassGraph
from gzsl.semantics.graph_folder import read_graph, write_graph
from gzsl.semantics.graph_maker import check_spec, make_graph

TABLE = Semantics(
    np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.8, 0.3], [0, 0, 1]]),
    ("Red_fox", "grey fox", "House Cat", "lynx", "Carp"),
)
LINES = """class,parent,order
Red_fox,dogs,mammals
grey fox,dogs,mammals
House Cat,cats,mammals
lynx,cats
Carp,fish
"""


def saved(folder: Path, text: str, name: str = "tree.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_nearest_classes_are_linked_both_ways() -> None:
    graph = make_graph({"name": "attributes-knn", "k": 1}, TABLE)
    graph = graph.permuted(graph.class_nodes)
    A = graph.relations["similar"].toarray()
    np.testing.assert_array_equal(A, A.T)
    links = {frozenset((i, j)) for i, j in np.argwhere(A)}
    assert links == {frozenset((0, 1)), frozenset((2, 3)), frozenset((3, 4))}
    cosine = 0.9 / np.hypot(0.9, 0.1)
    assert A[0, 1] == pytest.approx((1 + cosine) / 2)
    np.testing.assert_array_equal(graph.vectors, TABLE.table)
    assert graph.name == "attributes-knn(k=1)"
    assert make_graph("attributes-knn", TABLE).name == "attributes-knn"


@pytest.mark.parametrize("metric", ["cosine", "correlation", "euclidean"])
def test_neighbours_do_not_depend_on_class_order(metric: str) -> None:
    rng = np.random.default_rng(0)
    table = Semantics(rng.random((30, 6)).round(1), tuple(f"c{k}" for k in range(30)))
    spec, order = {"name": "attributes-knn", "k": 3, "metric": metric}, rng.permutation(30)
    graph, other = make_graph(spec, table), make_graph(spec, table.take(order))
    assert other.for_classes(table.class_names).content_hash == graph.content_hash
    weights = graph.relations["similar"]
    assert (np.diff(weights.indptr) >= 3).all()
    assert weights.data.max() <= 1


def test_a_spreadsheet_of_classes_and_what_is_above_them_is_a_hierarchy(tmp_path: Path) -> None:
    saved(tmp_path, LINES + "cats,carnivores\ncarnivores,mammals\nfish,animals\nmammals,animals\n")
    graph = make_graph({"name": "taxonomy", "file": "tree.csv"}, TABLE, tmp_path)
    assert graph.name == "taxonomy(file=tree.csv)"
    above = [{graph.nodes[i] for i in graph.hierarchy.ancestors(c)} for c in graph.class_nodes]
    assert above[3] == {"cats", "carnivores", "mammals", "animals"}
    assert above[0] == {"dogs", "mammals", "animals"}
    dogs = graph.vectors[graph.nodes.index("dogs")]  # type: ignore[index]
    np.testing.assert_allclose(dogs, TABLE.table[:2].mean(axis=0), rtol=1e-6)
    spec = {"name": "taxonomy", "file": str(tmp_path / "tree.csv"), "columns": ["order"]}
    only = make_graph(spec, TABLE.take([0, 1, 2]))
    assert set(only.nodes) >= {"mammals"}
    assert "dogs" not in only.nodes


def test_the_last_word_of_a_name_is_its_genus() -> None:
    names = ("001.Brewer_Sparrow", "Song Sparrow", "Sooty-Tern", "Mallard")
    graph = make_graph("genus", Semantics(np.eye(4), names))
    assert sorted(graph.nodes) == sorted(
        [*names, "sparrow (genus)", "tern (genus)", "mallard (genus)", "everything"]
    )
    np.testing.assert_array_equal(graph.distances()[0], [0, 2, 4, 4])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("class,parent\nRed_fox,dogs\n", r"found no node of class 'Carp', expected one a class \(add a row"),
        (LINES.replace("lynx,cats", "lynx,Cats"), "the nodes 'cats' and 'Cats' differ in case or punctuation alone"),
        (LINES + "mammals,dogs\n", r"found a circle \('dogs' is below 'mammals' is below 'dogs'\)"),
        ("name,parent\na,b\n", "found no column class, expected class, parent"),
        ("class\nRed_fox\n", "found no column to the right of class"),
        ("class,parent\n,dogs\n", "line 2: found no class, expected a name"),
        ("class,parent\n", "found no line below the header"),
        ("class,parent\nRed_fox,a,b\n", "line 2: found more cells than the header has names"),
        ("class,parent\nRed_fox,a\ngrey fox,b\nHouse Cat,c\nlynx,d\nCarp,e\n", "found one component a class"),
        ("class,parent\nred fox,a\nred-fox,a\n", "the nodes 'red fox' and 'red-fox' differ in case or punctuation"),
    ],
)
def test_a_bad_taxonomy_ends_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    saved(tmp_path, text)
    with pytest.raises(DataError, match=sentence) as refusal:
        make_graph({"name": "taxonomy", "file": "tree.csv"}, TABLE, tmp_path)
    assert "\n" not in str(refusal.value)
    assert "tree.csv" in str(refusal.value)


def test_names_written_otherwise_are_found_with_a_note(tmp_path: Path) -> None:
    saved(tmp_path, LINES.replace("Red_fox", "red fox") + "fish,mammals\n")
    graph = make_graph({"name": "taxonomy", "file": "tree.csv"}, TABLE, tmp_path)
    assert graph.class_names[0] == "Red_fox"
    assert "1 classes are written otherwise in the graph: 'Red_fox' as 'red fox'" in graph.notes[0]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("attributes-kn", "is called 'attributes-kn'; did you mean 'attributes-knn'"),
        ({"k": 3}, "dataset.graph: found no name, expected one of arrays, attributes-knn, bipartite"),
        ({"name": "attributes-knn", "kk": 3}, r"dataset.graph: attributes-knn: unknown key 'kk'; did you mean 'k'"),
        ({"name": "attributes-knn", "k": "many"}, r"attributes-knn.k: found 'many', expected int"),
        ({"name": "attributes-knn", "metric": "angle"}, "metric: found 'angle', expected one of 'cosine'"),
        ("taxonomy", "taxonomy: file: found none"),
        ({"name": "genus", "vectors": "own"}, "found no vectors of its own, expected some or vectors: attributes"),
    ],
)
def test_a_bad_name_or_option_is_refused(spec: str | dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        make_graph(spec, TABLE)


def test_a_folder_is_written_and_read_again(tmp_path: Path) -> None:
    saved(tmp_path, LINES + "fish,animals\nmammals,animals\n")
    made = make_graph({"name": "taxonomy", "file": "tree.csv"}, TABLE, tmp_path)
    write_graph(made, tmp_path / "graphs" / "mine")
    assert read_graph(tmp_path / "graphs" / "mine").for_classes(TABLE.class_names).content_hash == made.content_hash
    found = make_graph("mine", TABLE, tmp_path)
    assert found.name == "mine"
    assert found.content_hash == made.content_hash
    (tmp_path / "graphs" / "mine" / "vectors.npy").unlink()
    filled = make_graph(str(tmp_path / "graphs" / "mine"), TABLE)
    np.testing.assert_allclose(filled.vectors, made.vectors, rtol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("edges.csv", "source,target\na,zebra\n", r"line 2: found an edge to 'zebra', which is no node of nodes.csv"),
        ("edges.csv", "source,target,weight\na,b,-1\n", "line 2: weight: found '-1', expected a number over 0"),
        ("edges.csv", "source,target,weight\na,b,x\n", "column 'weight': found 'x', expected a number"),
        ("edges.csv", "from,to\na,b\n", "found no column source"),
        ("edges.csv", "source,target\na\n", "line 2: found 1 cells, expected 2"),
        ("edges.csv", "source,target\n", "found no edge"),
        ("nodes.csv", "node\nred fox\nRed Fox\n", "the nodes 'red fox' and 'Red Fox' differ in case"),
        ("nodes.csv", "node,class\na,Red_fox\nb,grey fox\n", "class: found no node of class 'Carp'"),
        ("vectors.npy", "none", r"vectors.npy: found a text file, expected an .npy array"),
    ],
)
def test_a_bad_folder_ends_in_one_sentence(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    rows = zip("abcde", TABLE.class_names, strict=True)
    saved(tmp_path, "node,class\n" + "".join(f"{node},{c}\n" for node, c in rows), "nodes.csv")
    saved(tmp_path, "source,target,relation,weight\na,b,near,0.5\nb,c,,1\nc,d,near,2\nd,e,is_a,1\n", "edges.csv")
    good = make_graph(str(tmp_path), TABLE)
    assert {name: weights.nnz for name, weights in good.relations.items()} == {"near": 2, "edge": 1, IS_A: 1}
    saved(tmp_path, text, name)
    with pytest.raises(DataError, match=sentence):
        make_graph(str(tmp_path), TABLE)


def recipe(**changes: object) -> Recipe:
    values = {"dataset": {"name": "simulated", "options": {"preset": "easy"}, **changes}, "method": "eszsl"}
    return make_recipe(values)


def test_a_recipe_names_its_graph_and_the_views_carry_it() -> None:
    given = recipe(graph={"name": "attributes-knn", "k": 3})
    plain, data = (prepared(r, load("simulated", preset="easy")) for r in (recipe(), given))
    assert plain.graph is None
    assert data.content_hash != plain.content_hash == data.card.content_hash
    view = final_task(data).view
    assert view.graph.class_names == view.semantics.class_names
    fold = fold_task(data, validation_folds(data)[0]).view
    assert fold.graph.class_names == fold.semantics.class_names
    assert len(fold.graph) == len(data.class_names), "nodes of other classes stay"
    assert len(data.training_part().graph.class_names) == len(data.class_names)  # type: ignore[union-attr]
    run, other = (Run(r, 0, d, Path()) for r, d in ((given, data), (recipe(), plain)))
    assert run.key != other.key
    assert "/att+attributes-knn(k=3)/" in run.protocol().key()
    assert other.protocol().semantics == "att"
    with pytest.raises(DataError, match="classes differ from those of the dataset"):
        replace(data, graph=data.graph.take([0, 1]))  # type: ignore[union-attr]


def test_a_run_without_a_graph_keeps_its_key_and_bad_options_are_refused_early() -> None:
    assert "graph" not in recipe().resolved()["dataset"]
    check_spec({"name": "attributes-knn", "k": 7})
    with pytest.raises(DataError, match="attributes-knn: unknown key 'neighbours'"):
        recipe(graph={"name": "attributes-knn", "neighbours": 7})
    with pytest.raises(RecipeError, match="graph"):
        recipe(graph=3)


def test_a_graph_that_is_made_already_is_put_into_class_order() -> None:
    data = load("simulated", preset="easy")
    made = make_graph("attributes-knn", data.semantics.take(np.arange(len(data.semantics))[::-1]))
    assert isinstance(made, ClassGraph)
    given = data.with_graph(made)
    assert given.graph is not None
    assert given.graph.class_names == data.class_names
    assert given.with_graph(None).graph is None
