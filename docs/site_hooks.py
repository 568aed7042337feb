"""What the documentation site has besides the pages here: MkDocs calls these functions while it builds.

Pages are written to be read on GitHub as well. So the README is the site's first page without being copied, links that
lead out of ``docs/`` lead to a page of the site or take the file along, and the reference is made of docstrings.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from commands import commands_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import gzsl

ROOT = Path(__file__).resolve().parents[1]
HOMES = {"README.md": "index.md", "benchmarks/README.md": "benchmarks.md"}  # files elsewhere that are pages
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)((?:#[^)]*)?\))")
COMMANDS = "gzsl.cli"  # its page is made of what its users see
GENERATED = ("api/", "commands.md")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference's pages into the navigation."""
    pages = [{name.removeprefix("gzsl."): f"api/{name}.md"} for name in packages()]
    for entry in config.nav or []:
        if "API reference" in entry:
            entry["API reference"] = ["api/index.md", *pages]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that live elsewhere, the reference, and every file that a page links outside of ``docs/``."""
    for source, page in HOMES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "commands.md", content=commands_page()))
    files.append(File.generated(config, "api/index.md", content=index_page()))
    for name in packages():
        files.append(File.generated(config, f"api/{name}.md", content=package_page(name)))
    linked = {path for file in files.documentation_pages() for path in _outside(file)}
    for path in sorted(linked):
        files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links as they are on the site."""
    return LINK.sub(lambda found: found[1] + _on_site(page.file.src_uri, found[2]) + found[3], markdown)


def _outside(file: File) -> Iterator[str]:
    """Files of the repository, not pages of the site, that a page links."""
    for _, target, _ in LINK.findall(file.content_string):
        path = _in_repository(file.src_uri, target)
        if path is not None and path not in HOMES and not path.startswith("docs/") and (ROOT / path).is_file():
            yield path


def _on_site(page: str, target: str) -> str:
    path = _in_repository(page, target)
    if path is None:
        return target
    if path in HOMES:
        place = HOMES[path]
    elif path.startswith("docs/"):
        place = path.removeprefix("docs/")
    else:
        place = f"files/{path}"
    return posixpath.relpath(place, posixpath.dirname(page) or ".")


def _in_repository(page: str, target: str) -> str | None:
    """Path from the repository's root of what a page links; None for addresses and generated pages."""
    if "://" in target or target.startswith("mailto:") or page.startswith(GENERATED):
        return None
    home = next((source for source, made in HOMES.items() if made == page), f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(home), target))


def packages() -> list[str]:
    """Dotted names of the packages below gzsl that have a page."""
    found = sorted(path.parent.relative_to(ROOT) for path in (ROOT / "gzsl").rglob("*/__init__.py"))
    return [name for name in (".".join(path.parts) for path in found) if name != COMMANDS]


def modules(package: str) -> list[str]:
    """Dotted names of a package's own modules, without private ones."""
    folder = ROOT.joinpath(*package.split("."))
    return [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]


def package_page(package: str) -> str:
    """A package's sentence, then the docstrings of each of its modules."""
    lines = [f"# {package}", "", _docstring(ROOT.joinpath(*package.split("."), "__init__.py")), ""]
    for module in modules(package):
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


def index_page() -> str:
    """What there is, a sentence each, then the modules that belong to no package."""
    lines = ["# API reference", "", "Made from the docstrings. What `import gzsl` offers:", ""]
    homes = {name: getattr(getattr(gzsl, name), "__module__", None) for name in gzsl.__all__}
    lines += [f"- `gzsl.{name}`: [{home}.{name}][]" for name, home in homes.items() if home]
    lines += ["", "| package | what it holds |", "| --- | --- |"]
    for name in packages():
        sentence = _docstring(ROOT.joinpath(*name.split("."), "__init__.py")).splitlines()[0]
        lines.append(f"| [{name}]({name}.md) | {sentence} |")
    lines.append("")
    for module in modules("gzsl"):
        lines += [f"::: {module}", ""]
    return "\n".join(lines)


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
