"""The documentation site: built strictly, whole, and asking no other host for anything."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("mkdocstrings")
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).resolve().parents[1]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


class References(HTMLParser):
    """What a page makes a browser fetch, and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.fetched.append(found["src"])
        if tag == "link" and found.get("rel") != "canonical" and "href" in found:
            self.fetched.append(found["href"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))  # a warning aborts
    return folder


@pytest.fixture(scope="module")
def references(site: Path) -> dict[Path, References]:
    return {page: References(page) for page in site.rglob("*.html") if page.name != "404.html"}


def test_every_page_and_every_package_is_on_the_site(site: Path) -> None:
    pages = {path.stem for path in site.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= pages
    assert {"index", "benchmarks", "commands"} <= pages
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "gzsl").rglob("*/__init__.py")}
    assert {path.stem for path in (site / "api").glob("*.html")} == packages - {"gzsl.cli"} | {"index"}


def test_docstrings_are_in_the_reference(site: Path) -> None:
    page = (site / "api" / "gzsl.evaluation.html").read_text(encoding="utf-8")
    assert 'id="gzsl.evaluation.metrics.harmonic_mean"' in page
    index = (site / "api" / "index.html").read_text(encoding="utf-8")
    assert 'href="gzsl.evaluation.html#gzsl.evaluation.evaluator.evaluate"' in index


def test_no_page_fetches_anything_from_elsewhere(references: dict[Path, References]) -> None:
    foreign = {(page.name, url) for page, found in references.items() for url in found.fetched if "//" in url}
    assert not foreign


def test_links_between_pages_lead_somewhere(site: Path, references: dict[Path, References]) -> None:
    broken = []
    for page, found in references.items():
        for link in found.links:
            if re.match(r"[a-z]+:", link):
                continue
            path, _, name = unquote(link).partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (name and target in references and name not in references[target].names):
                broken.append(f"{page.relative_to(site)}: {link}")
    assert not broken


def test_a_file_outside_of_the_documents_comes_along(site: Path) -> None:
    assert (site / "files" / "experiments" / "cluster" / "slurm.py").is_file()
    assert 'href="files/experiments/cluster/slurm.py"' in (site / "cluster.html").read_text(encoding="utf-8")


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[object]:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path}")
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    yield made
    made.quit()


@pytest.mark.skipif(not BROWSER or not DRIVER, reason="no browser with a driver is installed")
def test_search_finds_pages_from_a_disk(site: Path, driver: object) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get(f"{(site / 'protocol.html').as_uri()}?q=harmonic")
    found = "return [...document.querySelectorAll('.md-search-result__item')].map(item => item.innerText)"
    results = WebDriverWait(driver, 30).until(lambda d: d.execute_script(found))
    assert any("harmonic_mean" in text for text in results)
