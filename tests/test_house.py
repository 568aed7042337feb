"""Rules of the house that no reviewer should have to repeat."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import grimp
import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gzsl.door.yaml import read_yaml
from gzsl.methods import get_method
from gzsl.params import parameters
from gzsl.runs import list_recipes, load_recipe

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "gzsl").rglob("*.py"))
SHARED = ("__init__.py", "base.py")
METHOD_FILES = [path for path in SOURCES if path.parent.parent.name == "methods" and path.name not in SHARED]


def test_sources_were_found() -> None:
    assert len(SOURCES) > 30
    assert len(METHOD_FILES) >= 2


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}, "pytest imports them by name alone"


def test_files_are_short() -> None:
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 300}
    assert not long


def test_method_files_are_shorter() -> None:
    long = {path.name: n for path in METHOD_FILES if (n := len(path.read_text().splitlines())) > 190}
    assert not long


def test_functions_are_short() -> None:
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                docstring = ast.get_docstring(node, clean=False) or ""
                lines = (node.end_lineno or 0) - node.lineno + 1 - len(docstring.splitlines())
                if lines > 50:
                    long.append(f"{path.name}:{node.name} ({lines})")
    assert not long


UNSAFE = [
    r"import pickle|pickle\.(load|dump)",
    r"torch\.load\((?![^\n]*weights_only=True)",
    r"allow_pickle=True",
    r"(?<!\.)\beval\(",
    r"\.cuda\(",
]


@pytest.mark.parametrize("forbidden", UNSAFE)
def test_nothing_unsafe_or_device_bound(forbidden: str) -> None:
    pattern = re.compile(forbidden)
    found = [p.name for p in SOURCES if pattern.search(p.read_text())]
    assert not found


def test_no_names_of_novel_or_target_classes() -> None:
    found = [p.name for p in SOURCES if re.search(r"\bnovel\b", p.read_text())]
    assert not found


def test_a_lower_layer_never_imports_a_higher_one() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_through_others() -> None:
    """Imports inside functions and for types alone count; packages import their modules, never the way back."""
    graph = grimp.build_graph("gzsl", cache_dir=None)
    modules = sorted(graph.modules)
    assert len(modules) > 200
    place = {module: i for i, module in enumerate(modules)}
    pairs = [(place[m], place[n]) for m in modules for n in graph.find_modules_directly_imported_by(m)]
    matrix = coo_matrix((np.ones(len(pairs)), np.array(pairs).T), shape=(len(modules), len(modules)))
    _, circle = connected_components(matrix, connection="strong")
    found = {c: [m for m, other in zip(modules, circle, strict=True) if other == c] for c in set(circle.tolist())}
    assert [group for group in found.values() if len(group) > 1] == []


def test_listing_methods_and_running_eszsl_need_no_optional_package(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['h5py'] = None\n"
        "import gzsl\n"
        "from gzsl.methods import method_names\n"
        "assert 'eszsl' in method_names()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


def test_a_closed_form_run_does_not_import_torch(tmp_path: Path) -> None:
    program = (
        "import sys, gzsl\n"
        "gzsl.run_recipe(gzsl.load_recipe('eszsl/simulated'), out=sys.argv[1], seeds=[0])\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=tmp_path)


@pytest.mark.parametrize("path", list_recipes(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_shipped_recipes_are_complete(path: Path) -> None:
    recipe = load_recipe(path)
    stated = set(read_yaml(path)["method"]) - {"name"}
    missing = set(parameters(get_method(recipe.method["name"]))) - stated
    assert not missing, "a changed default would silently change this recipe"
    assert recipe.method["name"] == path.parent.name
    assert recipe.paper is not None
    assert f"{{{recipe.paper}," in (ROOT / "docs" / "references.bib").read_text()
    assert recipe.provenance


def test_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_method_template_runs(tmp_path: Path) -> None:
    template = ROOT / "docs" / "method_template.py"
    program = (
        "import runpy, sys, gzsl\n"
        "from gzsl.evaluation import evaluate\n"
        "runpy.run_path(sys.argv[1])\n"
        "task = gzsl.final_task(gzsl.load('simulated'))\n"
        "result = evaluate(gzsl.create('my-method', ridge=1.0).fit(task.view), task)\n"
        "assert result.T1 > 2 / len(task.view.unseen), result.T1\n"
    )
    subprocess.run([sys.executable, "-c", program, str(template)], check=True, cwd=tmp_path)


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


def test_the_five_lines_of_the_readme_run(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.match(r"T1 \d+\.\d, U \d+\.\d, S", done.stdout)


def test_no_install_line_wants_gzsl_from_an_index_that_does_not_have_it() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *SOURCES, *(ROOT / "experiments").rglob("*.ipynb")]
    wrong = [str(page.relative_to(ROOT)) for page in pages if re.search(r"pip install '?gzsl", page.read_text())]
    assert not wrong
