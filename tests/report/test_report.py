from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

import isomorph
from isomorph.report import Report
from isomorph.report._payload import as_script, picture
from isomorph.results import Results

VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """Elements, and whether every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def saved(examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    results = examples.made_up()
    return results, isomorph.report(results).save(folder / "new" / "folder").parent


def test_one_folder_with_page_figures_and_data(saved):
    results, folder = saved
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"index.html", "data/results.csv", "data/results.parquet", "data/second-order.json", "assets/vega.min.js"} <= names
    for stem in ("ranking-people", "ranking-cortex", "curves-people", "curves-cortex", "rdms", "map"):
        assert {f"figures/people-benchmark-{stem}.{ending}" for ending in ("png", "svg", "pdf")} <= names
    assert len(pd.read_csv(folder / "data/results.csv")) == len(pd.read_parquet(folder / "data/results.parquet")) == len(results)
    again = Results.load(folder / "data" / "saved")
    assert again.geometry[0].rdm.tolist() == results.geometry[0].rdm.tolist()
    assert json.loads((folder / "data/second-order.json").read_text())["people-benchmark"]["names"][0] == "people"


def test_everything_the_page_names_is_in_the_folder(saved):
    _, folder = saved
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert page.open == []
    links = [value for _, given in page.elements for key, value in given.items() if key in ("src", "href") and value]
    local = [each for each in links if not each.startswith(("data:", "#"))]
    assert len(local) > 20
    for each in local:
        assert "//" not in each
        assert (folder / each).is_file(), each
    ids = {given["id"] for _, given in page.elements if "id" in given}
    assert {each[1:] for each in links if each.startswith("#")} <= ids
    assert len([tag for tag, _ in page.elements if tag == "h1"]) == 1
    assert all("alt" in given for tag, given in page.elements if tag == "img")
    assert not [given for _, given in page.elements if any(key == "style" or key.startswith("on") for key in given)]


def test_the_page_says_what_a_reader_needs(saved):
    _, folder = saved
    text = (folder / "index.html").read_text(encoding="utf-8")
    for words in (
        "Of 3 models, model0",
        "chosen on the same data",
        "200 replicates",
        "seed 0",
        "No stimulus was left out.",
        "stress",
        "Nobody, 2026",
    ):
        assert words in text


def test_equal_results_give_equal_bytes(saved, examples, tmp_path):
    first, second = saved[1], isomorph.report(examples.made_up()).save(tmp_path).parent
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    different = [str(each) for each in files if (first / each).read_bytes() != (second / each).read_bytes()]
    assert different == []


def test_hostile_names_are_text_everywhere(examples, tmp_path):
    folder = isomorph.report(examples.made_up(texts=True, hostile=True, count=9, models=2)).save(tmp_path).parent
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    scripts = [given for tag, given in page.elements if tag == "script"]
    assert [given.get("src", given.get("type")) for given in scripts].count("application/json") == 1
    assert len(scripts) == 8
    assert not [given for _, given in page.elements if "onerror" in given]
    data = json.loads(re.search(r'id="report-data">(.*?)</script>', text, re.DOTALL).group(1))
    assert "</script>" in next(iter(data.values()))["stimuli"]["ids"][0]
    for path in (folder / "figures").glob("*.svg"):
        tree = ElementTree.parse(path)
        assert not [each for each in tree.iter() if each.tag.endswith("script") or "onerror" in each.attrib]
    assert all(re.fullmatch(r"[a-z0-9.-]+", path.name) for path in (folder / "figures").iterdir())


def test_left_out_stimuli_stand_in_the_report(examples, tmp_path):
    from dataclasses import replace

    results = examples.made_up(count=9)
    record = results.benchmarks[0]
    record = replace(record, stimuli=replace(record.stimuli, skipped=(("broken.png", "cannot be decoded"),)))
    text = isomorph.report(replace(results, benchmarks=(record,))).save(tmp_path, figures=False).read_text(encoding="utf-8")
    assert "1 left out" in text
    assert "<code>broken.png</code>: cannot be decoded" in text
    assert not (tmp_path / "figures").exists()


def test_the_words_below_every_panel_of_the_curves_stay_within_it(examples):
    from isomorph.report._figure_curves import curves_figure
    from isomorph.report._question import questions

    results = examples.made_up(models=5)  # two rows: the last panel of the first has its own words
    figure = curves_figure(questions(results, results.benchmarks[0])[0])
    figure.canvas.draw()
    words = [[(each.get_text(), each.get_horizontalalignment()) for each in axes.get_xticklabels()] for axes in figure.axes if axes.axison]
    assert [each for each in words if each] == [[("input", "left"), ("output", "right")]] * (len(words) - words.count([]))
    assert words.count([]) < len(words)


def test_figures_leave_the_callers_settings_alone():
    import matplotlib as mpl

    from isomorph.report._figures import paper_style

    with mpl.rc_context({"font.size": 31, "text.parse_math": True}):
        with paper_style():
            assert not mpl.rcParams["text.parse_math"]
        assert mpl.rcParams["font.size"] == 31
        assert mpl.rcParams["text.parse_math"]


def test_scripts_and_pictures_cannot_carry_markup():
    assert as_script({"a": "</script><!--&\u2028"}) == '{"a":"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028"}'
    assert picture("data:image/jpeg;base64,AAAA") == "data:image/jpeg;base64,AAAA"
    assert (
        picture("data:image/svg+xml;base64,AAAA")
        == picture('data:image/png;base64,AA" onerror="x')
        == picture("https://example.org/x.png")
        == ""
    )


def test_as_text_it_is_headline_and_caveats(examples):
    made = isomorph.report(examples.made_up())
    assert isinstance(made, Report)
    assert str(made).startswith(made.headlines["people-benchmark", "people"])
    assert "slightly optimistic" in str(made)


def test_the_wheel_holds_scripts_with_their_licences():
    vendor = Path(isomorph.__file__).parent / "report" / "vendor"
    for name in ("vega", "vega-lite", "vega-embed"):
        assert (vendor / f"{name}.min.js").is_file()
        assert "Redistribution" in (vendor / f"LICENSE.{name}.txt").read_text()


def test_the_verb_works_before_and_after_the_package_is_imported():
    code = (
        "import isomorph\ntry:\n    isomorph.report(None)\nexcept AttributeError: pass\n"
        "import isomorph.report\nassert callable(isomorph.report) and isomorph.report.Report and callable(isomorph.report.report)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
