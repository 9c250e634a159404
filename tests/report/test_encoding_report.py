"""The report of brain scores: its sentences, its files, and names that try to be HTML."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest

from isomorph.errors import FileError, InputError
from isomorph.report import encoding_report
from isomorph.report._encoding_figures import cut, two_lines
from isomorph.report._encoding_joined import joined
from isomorph.report._encoding_page import _payload, bins
from isomorph.report._encoding_view import EncodingView

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("example_brain_scores", Path(__file__).with_name("example_brain_scores.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.example_scores


@pytest.fixture(scope="module")
def scores(make):
    return make(layers=5)


def view_of(scores, **more):
    return EncodingView(joined(scores), **more)


def test_the_headline_is_the_best_model_by_test_at_the_layer_that_train_chose(scores):
    said = encoding_report(scores).headlines["eReg", "OTC"]
    t = scores.table.query("metric == 'eReg' and region == 'OTC' and model == 'bundled/net0.imagenet'")
    tests = []
    for _, part in t.groupby("subject"):
        layer = part[part["split"] == "train"].nlargest(1, "score")["layer"].item()
        tests.append(part[(part["split"] == "test") & (part["layer"] == layer)]["score"].item())
    assert f"eReg = {np.mean(tests):.2f} [" in said
    assert said.startswith("net0 (")
    assert "predicts OTC best of 3 models" in said
    assert said.endswith("over 2 subjects, of a ceiling of 0.62.")
    assert "resembles EVC" in encoding_report(scores).headline


def test_a_layer_is_named_where_most_subjects_agree(make):
    table = make(1, layers=5, subjects=3).table
    train = (table["split"] == "train") & (table["region"] == "EVC") & (table["metric"] == "cRSA")

    def said(*layers: int) -> str:
        ours = table.copy()
        for subject, layer in zip("123", layers, strict=True):
            ours.loc[train & (ours["subject"] == subject), "score"] = 0.1
            ours.loc[train & (ours["subject"] == subject) & (ours["layer_index"] == layer), "score"] = 0.9
        return encoding_report(replace(make(1, layers=2), table=ours)).headline

    assert said(2, 2, 2).startswith("net0 (layer blocks.2.conv) resembles EVC")
    assert said(2, 1, 2).startswith("net0 (mostly layer blocks.2.conv) resembles EVC")
    assert said(1, 2, 3).startswith("net0 (layers about depth 0.50) resembles EVC")


def test_depths_of_the_chosen_layers_are_told_in_order(scores):
    (said,) = [
        each for each in str(encoding_report(scores)).split(". ") if each.startswith("Mean relative depth of the chosen layers (eReg")
    ]
    early, late = map(float, re.findall(r"(?:EVC|OTC) (\d\.\d+)", said))
    assert early < 0.45 < 0.65 < late
    flat = replace(scores, table=scores.table[scores.table["layer_index"] < 2])
    assert "Mean relative depth" not in str(encoding_report(flat))


def test_the_methods_state_every_convention(scores, tmp_path):
    text = encoding_report(scores, title="mine").save(tmp_path / "r", figures=False).read_text()
    for convention in ("the score: pearson", "normalised by: none", "over units: mean", "split: even/odd", "Ridge, 7 alphas, loo-pearson"):
        assert text.count(convention) == 3, convention
    assert "stimuli: 500 to train on and 500 to test on" in text
    assert "<b>mine</b>" in text
    assert "the recording is simulated" in text


def test_the_folder_holds_the_numbers_and_names_no_place_outside(scores, tmp_path):
    page = encoding_report(scores, notes=("one picture was black",)).save(tmp_path / "r", figures=False)
    text = page.read_text()
    assert "one picture was black" in text
    assert re.search(r'(src|href)="https?:', text) is None
    assert str(tmp_path) not in text
    data = page.parent / "data"
    kept = pandas.read_parquet(data / "table.parquet")
    np.testing.assert_array_equal(kept["score"], scores.table["score"])
    assert len(pandas.read_csv(data / "table.csv")) == len(kept)
    assert len(pandas.read_csv(data / "chosen.csv")) == 3 * 3 * 2
    assert json.loads((data / "headlines.json").read_text())["eReg × OTC"].startswith("net0")
    for name in re.findall(r'href="(data/[^"]+)"', text):
        assert (page.parent / name).is_file(), name


def test_names_are_never_html(make, tmp_path):
    text = encoding_report(make(1, layers=3, hostile=True), title=HOSTILE).save(tmp_path / "r", figures=False).read_text()
    assert "alert(1)" in text
    assert HOSTILE not in text


def test_figures_in_three_formats_with_captions(make, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it is in the plots extra")
    from isomorph.results import contrast

    scores = make(2, layers=3)
    about = pandas.DataFrame({"task": ["a", "b"]}, index=list(scores.models))
    made = contrast(scores.chosen(), about, "task", by=("region", "metric"), replicates=10, permutations=10)
    page = encoding_report(scores, contrasts={"task": made}).save(tmp_path / "r")
    drawn = {each.name for each in (page.parent / "figures").iterdir()}
    stems = {"heatmap", "penalties", "units-ereg", "contrast-task", "curves-bundled-net0-imagenet", "dimensionality-ereg"}
    assert {f"{stem}.{ending}" for stem in stems for ending in ("png", "svg", "pdf")} <= drawn
    assert all((page.parent / "figures" / name).stat().st_size > 2000 for name in drawn)
    text = page.read_text()
    assert all(f'src="figures/{stem}.png"' in text for stem in stems)
    assert (page.parent / "data" / "contrast-task.csv").is_file()
    assert made.notes
    assert all(note in text for note in made.notes)


def test_recordings_side_by_side_keep_their_regions_apart(make):
    both = joined({"first": make(1, layers=3), "second": make(1, layers=3, subjects=1)})
    view = EncodingView(both)
    assert view.regions == ("EVC (first)", "OTC (first)", "EVC (second)", "OTC (second)")
    assert view.subjects == {"EVC (first)": 2, "OTC (first)": 2, "EVC (second)": 1, "OTC (second)": 1}
    assert both.notes == ["first: the recording is simulated", "second: the recording is simulated"]
    assert [each.recording for each in view.unit_scores("eReg")] == ["first", "second"]
    assert two_lines("EVC (first)") == "EVC\nfirst"


def test_choices_average_subjects_and_count_who_agrees(scores):
    row = view_of(scores).ranked("cRSA", "OTC").iloc[0]
    part = scores.chosen()
    part = part[(part["model"] == row["model"]) & (part["metric"] == "cRSA") & (part["region"] == "OTC")]
    assert row["score"] == pytest.approx(part["score"].mean())
    assert row["agreed"] == part["layer"].value_counts().iloc[0]
    assert row["low"] < row["score"] < row["high"]
    assert row["n_units"] == 800


def test_the_line_through_dimensionality_is_that_of_least_squares(scores):
    part, slope, intercept, r = view_of(scores).dimensionality("eReg", "OTC")
    x, y = np.log10(part["effective_dimensionality"]), part["score"]
    assert r == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.sum((y - slope * x - intercept) ** 2) <= np.sum((y - slope * x - intercept - 0.01) ** 2)
    one = replace(scores, table=scores.table.assign(effective_dimensionality=np.nan))
    assert not view_of(one).has_dimensionality


def test_scores_above_the_ceiling_and_penalties_at_an_edge_are_told_of(scores):
    high = replace(scores, table=scores.table.assign(ceiling=0.1))
    assert re.search(r"\d+ scores lie above their ceiling, which is an estimate too", str(encoding_report(high)))
    edge = replace(scores, table=scores.table.assign(units_at_edge=0.3))
    assert "Up to 30% of a region's units have the smallest or largest penalty of the grid" in str(encoding_report(edge))
    assert "penalty of the grid" not in str(encoding_report(replace(scores, table=scores.table.assign(units_at_edge=0.01))))


def test_the_payload_has_every_layer_and_says_who_chose_it(scores):
    payload = _payload(view_of(scores))
    curve = next(each for each in payload["curves"] if (each["model"], each["metric"], each["region"]) == (1, 1, 0))
    assert len(curve["depth"]) == len(curve["test"]) == len(curve["train"]) == 5
    assert sum(count for _, count in curve["marks"]) == 2
    assert curve["ceiling"] == [0.62]
    assert len(payload["units"]) == 3
    assert sum(count for _, _, count in payload["units"][0]["bins"]) == 800
    json.dumps(payload, allow_nan=False)


def test_layers_without_a_score_leave_gaps_not_errors(scores, tmp_path):
    table = scores.table.copy()
    table.loc[table["layer"] == "blocks.4.conv", ["score", "low", "high"]] = np.nan
    table.loc[(table["model"] == "bundled/net2.imagenet") & (table["metric"] == "eRSA"), ["score", "low", "high"]] = np.nan
    page = encoding_report(replace(scores, table=table)).save(tmp_path / "r", figures=False)
    assert "NaN" not in page.read_text()
    assert len(view_of(replace(scores, table=table)).ranked("eRSA", "OTC")) == 2


def test_a_query_sheet_is_shown_with_its_null(scores, tmp_path):
    from isomorph.brains import Recording
    from isomorph.encoding import query_sheet
    from isomorph.features import Features

    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(80, 30)), tuple(map(str, range(80))), subject="clip")
    brain = Recording(ids=x.ids, responses=x.values[:, :3] @ rng.normal(size=(3, 12)) + rng.normal(size=(80, 12)))
    sheet = query_sheet(x, {name: np.eye(30)[at] for at, name in enumerate(("faces", HOSTILE, "hands"))}, brain, null=15, replicates=20)
    page = encoding_report(scores, query_sheet=sheet).save(tmp_path / "r", figures=False)
    text = page.read_text()
    assert "3 queries (10.0% of 30 dimensions) score" in text
    assert HOSTILE not in text
    assert (page.parent / "data" / "importances.csv").is_file()
    with pytest.raises(InputError, match=r"^these scores are the query sheet's own: sets of features, no layers to draw in a row\. Pass"):
        encoding_report(sheet.scores, query_sheet=sheet)
    shown = view_of(scores, query_sheet=sheet).queries
    values = [value for _, (value, _, _) in shown.importances["all"]]
    assert values == sorted(values, reverse=True)
    assert len(shown.null[0].values) == 15


def test_nothing_to_report_is_said(scores, tmp_path):
    with pytest.raises(InputError, match="there is no brain score to report"):
        encoding_report(replace(scores, table=scores.table.iloc[:0]))
    with pytest.raises(InputError, match="there is no brain score to report"):
        encoding_report({})
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the report cannot be written"):
        encoding_report(scores).save(tmp_path / "file", figures=False)


def test_long_names_lose_their_middle_and_bins_count_everything():
    assert cut("a" * 30 + "z", 20) == "a" * 10 + "…" + "a" * 8 + "z"
    assert cut("short") == "short"
    assert sum(count for *_, count in bins(np.linspace(-1, 1, 101))) == 101
