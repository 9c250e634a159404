"""The report of brain scores in a real browser, opened from its folder."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium in the PATH; install Debian's chromium")]


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    from isomorph.brains import Recording
    from isomorph.encoding import query_sheet
    from isomorph.features import Features
    from isomorph.report import encoding_report
    from isomorph.results import contrast

    spec = importlib.util.spec_from_file_location("example_brain_scores", Path(__file__).parents[1] / "report" / "example_brain_scores.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    scores = example.example_scores(2, layers=5, hostile=True)
    about = pandas.DataFrame({"task": [example.HOSTILE, "b"]}, index=list(scores.models))
    made = contrast(scores.chosen(), about, "task", replicates=10, permutations=10)
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(80, 30)), tuple(map(str, range(80))), subject="clip")
    brain = Recording(ids=x.ids, responses=x.values[:, :3] @ rng.normal(size=(3, 12)) + rng.normal(size=(80, 12)))
    sheet = query_sheet(x, {name: np.eye(30)[at] for at, name in enumerate(("faces", example.HOSTILE))}, brain, null=15, replicates=20)
    report = encoding_report(scores, title=example.HOSTILE, contrasts={example.HOSTILE: made}, query_sheet=sheet)
    return report.save(tmp_path_factory.mktemp("page"), figures=False)


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
    kinds = set(page.locator("[data-chart]").evaluate_all("(all) => all.map((each) => each.dataset.chart)"))
    assert kinds == {"curve", "heat", "dimensionality", "units", "penalties", "pairs", "importances", "null"}
    assert page.locator('[data-chart="heat"] .mark-text text').all_inner_texts() != []
    assert page.locator('[data-chart="heat"] .mark-rect path[role="graphics-symbol"]').count() == 4
    assert page.locator('[data-chart="curve"] svg').count() == 2
    assert page.locator("script").count() == 5  # no name became one
    assert complaints == []


def test_choices_redraw_what_they_govern(opened):
    page, complaints = opened

    def drawn(chart):
        return page.locator(f'[data-chart="{chart}"] svg').first.inner_html()

    for choice, value, chart in (("model", "1", "curve"), ("metric", "1", "heat")):
        before = drawn(chart)
        page.select_option(f'#layers [data-choice="{choice}"]', value)
        page.wait_for_function(
            "([chart, before]) => document.querySelector(`[data-chart='${chart}'] svg`)?.innerHTML !== before", arg=[chart, before]
        )
    page.wait_for_function("document.querySelectorAll('[data-chart=units] svg').length === 2")  # eReg has units, cRSA none
    assert set(page.locator('[data-choice="metric"]').evaluate_all("(all) => all.map((each) => each.value)")) == {"1"}
    assert set(page.locator("#models tbody tr:not([hidden])").evaluate_all("(rows) => rows.map((row) => row.dataset.metric)")) == {"1"}
    assert complaints == []


def test_in_the_dark_and_on_a_phone(opened, index):
    page = opened[0].context.browser.new_page(viewport={"width": 400, "height": 900}, color_scheme="dark")
    page.goto(index.as_uri())
    page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((each) => each.dataset.drawn)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    blue = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--model').trim()")
    strokes = page.locator('[data-chart="curve"] g.mark-line path').evaluate_all("(all) => all.map((each) => each.getAttribute('stroke'))")
    assert blue in strokes
    page.close()
