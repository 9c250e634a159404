"""The report in a real browser, opened from its folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import isomorph

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed; it is in the dev extra")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium in the PATH; install Debian's chromium")]


@dataclass
class Watched:
    """A page, and what it should not have done."""

    page: sync_api.Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda asked: self.requests.append(asked.url))

    def open(self, index: Path) -> sync_api.Page:
        self.page.goto(index.as_uri())
        self.page.wait_for_selector(".question:not([hidden]) .chart[data-drawn]")
        return self.page

    @property
    def strayed(self) -> list[str]:
        return [each for each in self.requests if not each.startswith(("file:", "data:"))]


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def watched(browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    yield Watched(page)
    page.close()


@pytest.fixture(scope="module")
def index(examples, tmp_path_factory) -> Path:
    return isomorph.report(examples.made_up()).save(tmp_path_factory.mktemp("page"), figures=False)


def models(page) -> list[str]:
    return page.locator(".question:not([hidden]) table.ranking tbody th b").all_text_contents()


def test_it_opens_without_a_network_and_without_complaints(watched, index):
    page = watched.open(index)
    assert page.title().startswith("Of 3 models, model0")
    assert page.locator("h1").inner_text().startswith("Of 3 models, model0")
    assert page.locator(".question:not([hidden]) .chart svg").count() == 3
    assert page.locator(".map svg g.point").count() == 5
    assert watched.errors == []
    assert watched.strayed == []


def test_the_table_sorts_by_click_and_by_keyboard(watched, index):
    page = watched.open(index)
    ranked = models(page)
    header = page.locator(".question:not([hidden]) thead th").nth(2)
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert models(page) == ranked[::-1]
    header.locator("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert models(page) == ranked
    page.locator(".question:not([hidden]) thead th").nth(1).locator("button").click()
    assert models(page) == sorted(ranked)
    assert page.locator(".question:not([hidden]) th[aria-sort]").count() == 1


def test_choosing_a_target_changes_sentence_table_and_curves(watched, index):
    page = watched.open(index)
    before = page.locator(".question:not([hidden]) .headline").inner_text()
    path = ".question:not([hidden]) .chart svg .mark-line path"
    curve = page.locator(path).last.get_attribute("d")
    page.get_by_role("radio", name="cortex").check()
    page.wait_for_selector(".question:not([hidden]) .chart[data-drawn=cortex]")
    assert "cortex" in page.locator(".question:not([hidden]) .headline").inner_text() != before
    assert page.locator(path).last.get_attribute("d") != curve
    assert page.locator(".strip").is_visible()
    assert watched.errors == []


def test_a_pair_shows_its_pictures_and_lights_up_everywhere(watched, index):
    page = watched.open(index)
    overlay = page.locator(".overlay").first
    overlay.scroll_into_view_if_needed()
    box = overlay.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 2.5 / 18, box["y"] + box["height"] * 7.5 / 18)
    captions = page.locator(".pair figcaption b").all_text_contents()
    assert captions == ["thing 07", "thing 02"]
    pictures = page.locator(".pair img")
    assert pictures.count() == 2
    assert all(pictures.nth(place).evaluate("each => each.naturalWidth") == 32 for place in (0, 1))
    readings = page.locator(".heatmap:not([hidden]) .reading").all_text_contents()
    assert len(readings) >= 5
    assert all("more unlike than" in each for each in readings)
    overlay.focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".pair figcaption b").all_text_contents() == ["thing 08", "thing 02"]


def test_a_pointed_layer_says_its_name_and_score(watched, index):
    page = watched.open(index)
    chart = page.locator(".question:not([hidden]) .chart svg").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.4)
    page.mouse.move(box["x"] + box["width"] * 0.8 + 2, box["y"] + box["height"] * 0.4 + 2)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "blocks." in page.locator("#vg-tooltip-element").inner_text()


def test_a_pointed_system_says_its_correlations(watched, index):
    page = watched.open(index)
    page.locator(".map g.point path").first.hover()
    names = page.locator(".map text.name").all_text_contents()
    assert sum(each.rstrip()[-3:-2] == "." for each in names) == 4


def test_words_stand_where_pictures_would(watched, examples, tmp_path):
    page = watched.open(isomorph.report(examples.made_up(texts=True)).save(tmp_path, figures=False))
    assert page.locator(".strip li").first.inner_text().startswith("word-")
    page.locator(".overlay").first.hover()
    assert page.locator(".pair .word").count() == 2
    assert page.locator(".pair .word").first.inner_text().startswith("word-")
    assert watched.errors == []


@pytest.mark.parametrize("texts", [False, True])
def test_hostile_names_are_inert(watched, examples, tmp_path, texts):
    page = watched.open(isomorph.report(examples.made_up(texts=texts, hostile=True)).save(tmp_path, figures=False))
    page.locator(".overlay").first.hover()
    page.locator(".map g.point path").first.hover()
    chart = page.locator(".question:not([hidden]) .chart svg").first
    chart.hover()
    page.locator(".targets input").nth(1).check()
    assert page.title() != "owned"
    assert page.locator("img[onerror]").count() == 0
    assert page.locator("script").count() == 8
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
    assert watched.errors == []
    assert watched.strayed == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_need_no_sideways_scrolling(watched, index, width):
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = watched.open(index)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.locator(".map text.name").nth(place).bounding_box() for place in range(5)]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            beside = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
            assert beside or a["y"] + a["height"] <= b["y"] + 5 or b["y"] + b["height"] <= a["y"] + 5


def test_names_stay_on_a_crowded_map(watched, index):
    page = watched.open(index)
    points = [[190 + 20 * place, 60 + 3 * place] for place in range(7)]
    boxes = page.evaluate("points => placeLabels(points, points.map(() => ({ w: 170, h: 20 })), 358, 130)", points)
    assert all(0 <= each["x"] <= 358 - 170 and 0 <= each["y"] <= 130 - 20 for each in boxes)


def luminance(colour: str) -> float:
    channels = [int(each) / 255 for each in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_in_light_and_dark(watched, index, scheme):
    watched.page.emulate_media(color_scheme=scheme)
    page = watched.open(index)
    paper = luminance(page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor"))
    assert (paper > 0.8) == (scheme == "light")
    for selector in ("h1", ".note", "caption", ".caveats p", "small", "summary", ".map text.name"):
        ink = luminance(page.locator(selector).first.evaluate("each => getComputedStyle(each).color"))
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, selector


def test_changing_the_theme_redraws_the_curves(watched, index):
    watched.page.emulate_media(color_scheme="light")
    page = watched.open(index)
    line = ".question:not([hidden]) .chart svg .mark-line path[stroke='#6bb8ec']"
    assert page.locator(line).count() == 0
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector(line, state="attached")


def test_without_scripts_every_table_can_be_read(browser, index):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(index.as_uri())
    assert page.locator("table.ranking:visible").count() == 2
    context.close()


def test_paper_holds_the_whole_width(watched, index):
    watched.page.set_viewport_size({"width": 680, "height": 1000})  # A4 within its margins
    page = watched.open(index)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert not page.locator(".overlay").first.is_visible()
    assert not page.locator(".reading").first.is_visible()  # the share of a pair that nobody can point at on paper
    sizes = page.locator(".ranking tbody th").first.evaluate(
        "each => [each, each.querySelector('small')].map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert sizes[1] < sizes[0]
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_92_photographs(watched, examples, data_path, tmp_path):
    index = isomorph.report(examples.photographs(data_path)).save(tmp_path, figures=False)
    assert index.stat().st_size < 2_000_000
    page = watched.open(index)
    assert page.locator(".question:not([hidden]) tbody tr").count() == 7
    overlay = page.locator(".overlay").first
    overlay.scroll_into_view_if_needed()
    box = overlay.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 13.5 / 92, box["y"] + box["height"] * 40.5 / 92)
    assert page.locator(".pair figcaption b").all_text_contents() == ["41-nonhuman-face", "14-human-face"]
    assert watched.errors == []
