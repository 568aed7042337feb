"""The report in a real browser, from a file, with no network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gzsl
from gzsl.evaluation import harmonic_mean, operating_point
from gzsl.report.collect import collect
from gzsl.report.curve_figure import read_summary
from gzsl.report.page import write_report

pytest.importorskip("selenium")
from selenium.webdriver import Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not BROWSER or not DRIVER, reason="no browser with a driver is installed")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1300,1000",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, fake: Callable[..., Path], records: list[dict[str, Any]]) -> Path:
    """Five methods on two datasets, one of them not valid, with its report."""
    out = tmp_path_factory.mktemp("browser")
    for seed in (0, 1):
        fake(out / "runs", "eszsl", seed, strength=1.0)
        fake(out / "runs", "sae", seed, strength=1.6, protocol={"semantics": "sent"})
        fake(out / "runs", "f-clswgan", seed, strength=2.0, records=records, protocol={"preprocessing": "minmax"})
        fake(out / "runs", "ale", seed, strength=3.0, protocol={"selection": "test-oracle", "valid": False})
        fake(out / "runs", "eszsl", seed, protocol={"dataset": "CUB"})
    write_report(collect(out / "runs"), out / "r.html", test="classes")
    return out


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = Chrome(options=options, service=Service(str(DRIVER)))
    yield made
    made.quit()


@pytest.fixture
def page(driver: Chrome, folder: Path) -> Iterator[Chrome]:
    """The report, freshly opened on a desk; afterwards the console must be empty."""
    screen(driver, 1280)
    driver.get("about:blank")
    driver.get((folder / "r.html").as_uri())
    yield driver
    assert driver.get_log("browser") == []


def screen(driver: Chrome, width: int, scheme: str = "light") -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
    ]  # fmt: skip
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def texts(page: Chrome, selector: str) -> list[str]:
    return [found.text for found in page.find_elements(By.CSS_SELECTOR, selector) if found.is_displayed()]


def methods(page: Chrome) -> list[str]:
    return texts(page, ".board tr.line .open")


def readout(page: Chrome) -> tuple[str, str, str]:
    U, S, H = (page.find_element(By.ID, f"at-{name}").text for name in "USH")
    return U, S, H


def press(page: Chrome, by: str, selector: str) -> None:
    found = page.find_element(by, selector)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
    found.click()


def open_run(page: Chrome, method: str) -> None:
    press(page, By.XPATH, f"//button[@class='open'][text()='{method}']")


def test_the_slider_shows_gzsls_own_numbers(page: Chrome, folder: Path) -> None:
    open_run(page, "f-clswgan")
    assert page.find_element(By.ID, "detail-title").text == "f-clswgan on AWA1, seed 0"
    run = folder / "runs" / "f-clswgan-AWA1-s0"
    metrics = json.loads((run / "metrics.json").read_text())
    for name, point in (("as given", metrics), ("chosen on validation", metrics["calibrated"]),
                        ("best on test", metrics["oracle"]["best_gamma"])):  # fmt: skip
        press(page, By.XPATH, f"//div[@id='jump']/button[starts-with(text(), '{name}')]")
        assert readout(page) == tuple(f"{100 * point[key]:.1f}" for key in "USH")
    summary = read_summary(run / "scores.npz")
    slider = page.find_element(By.ID, "gamma")
    seen = set()
    for key in (Keys.HOME, *[Keys.ARROW_RIGHT] * 6, Keys.END, Keys.ARROW_LEFT, Keys.PAGE_DOWN):
        slider.send_keys(key)
        place = int(slider.get_attribute("value") or 0)
        gamma = page.execute_script("return shown.run.figures.curve.gamma[arguments[0]]", place)
        point = operating_point(summary, -1e9 if gamma is None else gamma)
        H = harmonic_mean(point.U, point.S)
        assert readout(page) == tuple(f"{100 * value:.1f}" for value in (point.U, point.S, H))
        assert f"H {100 * H:.1f}" in (slider.get_attribute("aria-valuetext") or "")
        seen.add(readout(page))
    assert len(seen) > 4, "the slider moves the numbers"


def test_percent_rounds_as_python_does(page: Chrome) -> None:
    values = [k / 1600 for k in range(1601)] + [k / 777 for k in range(778)]
    shown = page.execute_script("return arguments[0].map(pct)", values)
    assert shown == [f"{100 * value:.1f}" for value in values]


def test_filters_hide_rows_and_heads_sort(page: Chrome) -> None:
    assert sorted(methods(page)) == ["ale", "eszsl", "eszsl", "f-clswgan", "sae"]
    Select(page.find_element(By.ID, "filter-dataset")).select_by_visible_text("AWA1")
    assert sorted(methods(page)) == ["ale", "eszsl", "f-clswgan", "sae"]
    assert page.find_element(By.ID, "shown").text == "4 of 5 rows"
    Select(page.find_element(By.ID, "filter-selection")).select_by_visible_text("validation")
    assert sorted(methods(page)) == ["eszsl", "f-clswgan", "sae"]
    page.find_element(By.ID, "filter-text").send_keys("GAN")
    assert methods(page) == ["f-clswgan"]
    page.find_element(By.ID, "filter-text").clear()
    page.find_element(By.ID, "filter-text").send_keys("e")
    head = page.find_element(By.CSS_SELECTOR, '[data-sort="0"]')
    head.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert methods(page) == ["sae", "eszsl"]
    head.find_element(By.TAG_NAME, "button").click()
    assert methods(page) == ["eszsl", "sae"]


def test_daggers_follow_the_chosen_row_and_name_fields(page: Chrome) -> None:
    def marks() -> dict[str, str]:
        rows = page.find_elements(By.CSS_SELECTOR, "tbody[data-dataset='AWA1'] tr.line th")
        return {
            row.find_element(By.CSS_SELECTOR, ".open").text: row.find_element(By.CSS_SELECTOR, ".mark").text
            for row in rows
        }  # noqa: E501

    open_run(page, "eszsl")
    assert marks() == {"eszsl": "", "sae": "†", "f-clswgan": "‡", "ale": "†"}
    notes = page.find_element(By.ID, "marks").text
    assert "semantics: sent against att (sae)" in notes
    assert "selection: test-oracle against validation (ale)" in notes
    open_run(page, "sae")
    assert marks() == {"eszsl": "†", "sae": "", "f-clswgan": "†", "ale": "†"}
    assert "semantics: att against sent" in page.find_element(By.ID, "marks").text
    row = page.find_element(By.XPATH, "//tr[.//button[text()='ale']]")
    assert "not a valid result" in row.text
    assert not row.find_elements(By.TAG_NAME, "b")
    assert "58.2" in page.find_element(By.XPATH, "//tbody[@data-dataset='AWA1']//tr[.//button[text()='eszsl']]").text


def test_states_seeds_and_figures_change_together(page: Chrome) -> None:
    open_run(page, "f-clswgan")
    assert texts(page, "#fig-losses h4") == ["validation H", "critic"]
    given = page.find_element(By.CSS_SELECTOR, "#fig-sides table").text
    press(page, By.CSS_SELECTOR, '#state [value="calibrated"]')
    assert page.find_element(By.CSS_SELECTOR, "#fig-sides table").text != given
    bars = page.find_elements(By.CSS_SELECTOR, "#fig-classes svg rect")
    heights = [float(bar.get_attribute("height") or 0) for bar in bars]
    assert len(heights) == 10
    assert heights == sorted(heights)
    Select(page.find_element(By.ID, "pick-seed")).select_by_visible_text("1")
    assert page.find_element(By.ID, "detail-title").text.endswith("seed 1")
    press(page, By.CSS_SELECTOR, "#class-list summary")
    rows = WebDriverWait(page, 30).until(lambda _: page.find_elements(By.CSS_SELECTOR, "#class-list tbody tr"))
    assert len(rows) == 10
    assert "class 0<b>" in page.find_element(By.ID, "class-list").text, "names are text, never markup"


def test_all_is_reached_by_keyboard_with_a_visible_focus(page: Chrome) -> None:
    reached: list[str] = []
    for _ in range(60):
        page.switch_to.active_element.send_keys(Keys.TAB)
        active = page.switch_to.active_element
        reached.append(active.get_attribute("id") or active.get_attribute("class") or active.tag_name)
        if reached[-1] == "gamma":
            break
        if reached[-1] == "filter-dataset":
            outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
    assert {"skip", "filter-dataset", "filter-text", "sort", "open", "pick-group", "pick-seed", "gamma"} <= set(reached)
    before = readout(page)
    for _ in range(5):
        page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert readout(page) != before
    button = page.find_element(By.XPATH, "//button[@class='open'][text()='sae']")
    page.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    assert page.find_element(By.ID, "detail-title").text.startswith("sae")


def test_every_control_has_a_name_and_tables_their_heads(page: Chrome) -> None:
    unnamed = page.execute_script("""
        return [...document.querySelectorAll("select, input, button, svg[role=img]")].filter((e) =>
          !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute("aria-label")).map((e) => e.outerHTML);
    """)  # noqa: E501
    assert unnamed == []
    assert page.execute_script("return document.documentElement.lang") == "en"
    bare = "return [...document.querySelectorAll('main th')].filter((e) => !e.scope).map((e) => e.outerHTML)"
    assert page.execute_script(bare) == []


def test_a_phone_shows_it_without_sideways_scrolling(page: Chrome) -> None:
    screen(page, 375)
    page.refresh()
    for method in ("eszsl", "f-clswgan"):
        open_run(page, method)
        assert page.execute_script("return document.documentElement.scrollWidth") <= 375
        assert page.execute_script("return document.querySelector('#fig-curve svg').clientWidth") <= 343
    sizes = page.execute_script("""
        return [...document.querySelectorAll("main *")].filter((e) => e.offsetParent && [...e.childNodes].some(
          (n) => n.nodeType === 3 && n.textContent.trim())).map((e) => parseFloat(getComputedStyle(e).fontSize));
    """)
    assert min(sizes) >= 12
    assert page.execute_script("return parseFloat(getComputedStyle(document.body).fontSize)") == 16


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG contrast of two sRGB colours."""

    def luminance(rgb: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_are_readable(page: Chrome, scheme: str) -> None:
    screen(page, 1280, scheme)
    names = ["paper", "panel", "ink", "soft", "seen", "unseen", "accent", "mark", *(f"c{k}" for k in range(8))]
    found = page.execute_script(
        """const style = getComputedStyle(document.documentElement);
        return Object.fromEntries(arguments[0].map((n) => [n, style.getPropertyValue("--" + n).trim()]));""",
        names,
    )
    colours = {name: [int(part, 16) for part in re.findall("..", value[1:])] for name, value in found.items()}
    assert (sum(colours["paper"]) < 200) == (scheme == "dark")
    for name in ("ink", "soft", "accent", "mark", "unseen"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["panel"]) >= 4.5, name
    for name in ("seen", *(f"c{k}" for k in range(8))):
        assert contrast(colours[name], colours["paper"]) >= 3, name


def test_the_confusion_of_classes_is_drawn_and_follows_the_decision(page: Chrome, folder: Path) -> None:
    page.find_element(By.CSS_SELECTOR, "[value='given']").click()
    card = page.find_element(By.ID, "fig-confusion")
    given = [cell.get_attribute("textContent") for cell in card.find_elements(By.TAG_NAME, "rect")]
    assert len(given) > 10
    assert any(re.search(r"class 0<b> as class 0<b>: \d+ \(\d+\.\d %\)", text or "") for text in given)
    assert "as unseen" in card.text
    page.find_element(By.CSS_SELECTOR, "[value='calibrated']").click()
    calibrated = [cell.get_attribute("textContent") for cell in card.find_elements(By.TAG_NAME, "rect")]
    assert calibrated != given
    assert card.find_element(By.LINK_TEXT, "CSV").get_attribute("href").endswith("/confusion.csv")


def test_a_run_of_plain_zero_shot_data_has_no_curve_and_no_zeros(driver: Chrome, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(6), 8)
    X = (rng.random((6, 5)) * 3)[ids] + 0.1 * rng.random((48, 5))
    dataset = gzsl.Dataset.from_arrays(X, ids, rng.random((6, 4)), unseen=[4, 5], test_seen=None)
    recipe = gzsl.load_recipe("eszsl/simulated", {"selection.grid": {"gamma": [1.0]}, "selection.folds": 1})
    gzsl.run_recipe(recipe, dataset=dataset, out=tmp_path / "runs", seeds=[0])
    write_report(collect(tmp_path / "runs"), tmp_path / "r.html")
    screen(driver, 1280)
    driver.get((tmp_path / "r.html").as_uri())
    cards = ("curve", "confusion", "classes")
    shown = {name: driver.find_element(By.ID, f"fig-{name}").is_displayed() for name in cards}
    assert shown == {"curve": False, "confusion": True, "classes": True}
    assert not driver.find_element(By.ID, "no-figures").is_displayed()
    assert "T1 alone" in driver.find_element(By.ID, "advice").text
    cells = [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, "#numbers td")]
    assert cells[2:6] == ["–"] * 4
    assert "T1 " in driver.find_element(By.CSS_SELECTOR, "#fig-classes .plot").text
    assert driver.get_log("browser") == []
