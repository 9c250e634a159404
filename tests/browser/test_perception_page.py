"""The page of perception in a real browser, opened from its folder."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium in the PATH; install Debian's chromium")]
READY = "[...document.querySelectorAll('[data-chart]')].every((each) => each.dataset.drawn)"


def loaded(path: Path):
    spec = importlib.util.spec_from_file_location(f"{path.stem}_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    import pandas as pd

    from isomorph.report import perception_report

    example = loaded(Path(__file__).parents[1] / "report" / "test_perception_report.py")
    table = pd.DataFrame({"method": ["odin", "knn"] * 2, "category": ["1", "1", "8", "8"], "value": [0.1, 0.4, 0.6, 0.9]})
    return perception_report(example.example(hostile=True), abstention=table).save(tmp_path_factory.mktemp("page"), figures=False)


def test_charts_are_drawn_choices_work_and_nothing_complains(index):
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
        page.goto(index.as_uri())
        page.wait_for_function(READY)
        assert page.locator("[data-chart] svg").count() == 2 + 3 + 1 + 1 + 1
        before = page.locator('[data-chart="confusion"]').first.inner_html()
        page.select_option('[data-choice="confusion"]', "edge")
        page.wait_for_function("(before) => document.querySelector('[data-chart=confusion]').innerHTML !== before", arg=before)
        phone = browser.new_page(viewport={"width": 400, "height": 900}, color_scheme="dark")
        phone.goto(index.as_uri())
        phone.wait_for_function(READY)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 400
        browser.close()
    assert complaints == []


def test_the_page_of_a_visalign_set(tmp_path):
    from isomorph.benchmarks import load_benchmark
    from isomorph.report import visalign_report
    from isomorph.visalign import visalign_results

    example = loaded(Path(__file__).parents[1] / "visalign" / "example_answers.py")
    bench = load_benchmark("visalign", folder=example.example_set(tmp_path / "visalign"))
    runs = [example.run(f"net/{method}/{seed}", seed) for seed, method in enumerate(["msp", "odin", "<i>", "knn"])]
    index = visalign_report(visalign_results(runs, bench, replicates=20)).save(tmp_path / "page", figures=False)
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        page = browser.new_page(viewport={"width": 400, "height": 900}, color_scheme="dark")
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(index.as_uri())
        page.wait_for_function(READY)
        assert page.locator("[data-chart] svg").count() == 4
        assert page.locator('[data-chart="abstaining"] svg text', has_text="<i>").count() == 1
        assert page.locator(".images img").count() == 6
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        browser.close()
    assert complaints == []
