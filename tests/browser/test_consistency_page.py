"""The consistency report in a real browser, opened from its folder."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium in the PATH; install Debian's chromium")]


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    from isomorph.consistency import Consistency
    from isomorph.report import consistency_report

    path = Path(__file__).parents[1] / "report" / "test_consistency_report.py"
    spec = importlib.util.spec_from_file_location("consistency_example", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    s = example.example(hostile=True)
    ask = Consistency(replicates=20, permutations=19)
    return consistency_report(s, {"objective": ask(s, by="objective"), "all models": ask(s)}).save(
        tmp_path_factory.mktemp("page"), figures=False
    )


@pytest.fixture(scope="module")
def opened(index):
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
        page.goto(index.as_uri())
        page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((each) => each.dataset.drawn)")
        yield page, complaints
        browser.close()


def test_every_chart_is_drawn_without_network_or_complaints(opened):
    page, complaints = opened
    assert page.locator("[data-chart] svg").count() == 7
    assert page.locator('[data-chart="matrix"] .mark-rect path[role="graphics-symbol"]').count() == 144
    assert page.locator('[data-chart="consistency"] .mark-rect path[role="graphics-symbol"]').count() == 9
    assert page.locator('[data-chart="map"] .mark-symbol path').count() >= 12
    assert complaints == []


def test_choices_redraw_what_they_govern(opened):
    page, complaints = opened

    def drawn(chart):
        return page.locator(f'[data-chart="{chart}"] svg').inner_html()

    for choice, value, chart in (
        ("matrix", "faces", "matrix"),
        ("set", "SSL – Sup", "consistency"),
        ("other", "faces", "against"),
        ("map", "faces", "map"),
        ("measure", "rsa", "sets"),
    ):
        before = drawn(chart)
        page.select_option(f'[data-choice="{choice}"]', value)
        page.wait_for_function(
            "([chart, before]) => document.querySelector(`[data-chart='${chart}'] svg`)?.innerHTML !== before", arg=[chart, before]
        )
    shown = page.locator("[data-summary]:not([hidden]) tbody tr:not([hidden])")
    assert shown.count() == 4
    assert set(shown.evaluate_all("(rows) => rows.map((row) => row.dataset.measure)")) == {"1"}
    gaps = page.locator("#gap tbody tr:not([hidden]) th")
    assert set(gaps.all_inner_texts()) == {"rsa"}
    page.select_option('[data-choice="grouping"]', "all models")
    assert page.locator("[data-summary]:not([hidden]) tbody tr:not([hidden])").count() == 1
    assert complaints == []


def test_in_the_dark_and_on_a_phone(opened, index):
    page = opened[0].context.browser.new_page(viewport={"width": 400, "height": 900}, color_scheme="dark")
    page.goto(index.as_uri())
    page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((each) => each.dataset.drawn)")
    ink = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()")
    for chart, mark, attribute in (("map", "g.mark-text.role-mark text", "fill"), ("sets", "g.mark-rule.role-mark line", "stroke")):
        drawn = page.locator(f'[data-chart="{chart}"] {mark}')
        assert drawn.count() > 0
        assert set(drawn.evaluate_all(f"(all) => all.map((each) => each.getAttribute('{attribute}'))")) == {ink}, chart
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator('[data-choice="set"]').input_value() == "all models"
    page.close()
