"""The report of a consistency study: its sentences, its files, and names that try to be HTML."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas
import pytest

from isomorph.consistency import Consistency, ConsistencyResult, ModelSet, Similarities
from isomorph.errors import FileError, InputError
from isomorph.report import consistency_report
from isomorph.report._consistency_figures import _cut
from isomorph.report._consistency_page import _payload, _summary_row
from isomorph.report._consistency_view import View

HOSTILE = "<script>alert(1)</script>"


def example(models: int = 12, *, noise: float = 0.15, hostile: bool = False) -> Similarities:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(models, 5))
    values = np.stack([[np.corrcoef(points + noise * rng.normal(size=points.shape)) for _ in range(2)] for _ in range(3)])
    names = tuple(f"timm/net{number}.a" for number in range(models))
    names = (HOSTILE, *names[1:]) if hostile else names
    table = pandas.DataFrame({"objective": ["SSL", "Sup"] * (models // 2), "size": range(models)}, index=names)
    return Similarities(
        values, ("birds", HOSTILE if hostile else "tools", "faces"), ("cka", "rsa"), names, metadata=table,
        performance=rng.uniform(0.2, 0.9, (3, models)), n=(90, 80, 70), widths=tuple(range(100, 100 + models)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def analysed():
    s = example()
    return s, Consistency(replicates=50, permutations=49)(s, by="objective")


def test_the_headline_is_that_of_all_models(analysed):
    s, result = analysed
    row = result.summary.query("measure == 'cka' and set_a == 'all models'").iloc[0]
    said = consistency_report(s, result).headline
    assert said.startswith("Which of 12 models are alike carries over strongly from one data set to another: median correlation ")
    assert f"{row['median']:.2f}" in said
    assert said.endswith("over 3 pairs of data sets.")
    weak = example(noise=40.0)
    assert "carries over hardly" in consistency_report(weak, Consistency(replicates=0, permutations=0)(weak)).headline


def test_the_folder_holds_the_page_the_numbers_and_the_figures(analysed, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it is in the plots extra")
    s, result = analysed
    page = consistency_report(s, result, title="Mine", notes=("one picture was black",)).save(tmp_path / "r")
    text = page.read_text()
    assert "one picture was black" in text
    assert re.search(r'(src|href)="https?:', text) is None
    np.testing.assert_array_equal(Similarities.load(tmp_path / "r" / "data" / "similarities").values, s.values)
    assert len(ConsistencyResult.load(tmp_path / "r" / "data" / "objective").pairs) == len(result.pairs)
    assert len(pandas.read_csv(tmp_path / "r" / "data" / "similarities.csv")) == 3 * 2 * 66
    drawn = {path.stem for path in (tmp_path / "r" / "figures").glob("*.pdf")}
    kinds = ("heatmaps", "spread", "against", "sets-objective", "datasets", "map-objective", "gap")
    assert drawn == {f"{kind}-{measure}" for kind in kinds for measure in ("cka", "rsa")} | {"measures"}
    for stem in drawn:
        assert f"figures/{stem}.png" in text


def test_names_are_never_html(tmp_path):
    s = example(hostile=True)
    report = consistency_report(s, Consistency(replicates=0, permutations=0)(s, by="objective"), title=HOSTILE, notes=(HOSTILE,))
    text = report.save(tmp_path, figures=False).read_text()
    assert HOSTILE not in text
    data = json.loads(text.partition('id="report-data">')[2].partition("</script>")[0])
    assert data["models"][0] == HOSTILE


def test_models_stand_in_the_order_of_the_tree_and_distances_may_be_similarities(analysed):
    view = View(analysed[0], {"objective": analysed[1]})
    assert sorted(view.order) == list(range(12))
    assert list(view.attributes) == ["objective"]  # another size for each model groups nothing
    similar = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])
    np.testing.assert_allclose(View.distances(similar), 1 - similar)
    np.testing.assert_allclose(View.distances(1 - similar), 1 - similar)


def test_a_missing_model_leaves_its_row_out(tmp_path):
    s = example()
    values = s.values.copy()
    values[1, :, 3], values[1, :, :, 3] = np.nan, np.nan
    s = Similarities(values, s.datasets, s.measures, s.models, metadata=s.metadata)
    result = Consistency(replicates=0, permutations=0, missing="drop")(s)
    view = View(s, {"all": result})
    assert len(view.map(0, 1)[1]) == 11
    assert np.isfinite(view.mean).all()
    consistency_report(s, result).save(tmp_path, figures=False)


def test_what_it_refuses(analysed, tmp_path):
    with pytest.raises(InputError, match="there is no consistency to report"):
        consistency_report(analysed[0], {})
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the report cannot be written into"):
        consistency_report(*analysed).save(tmp_path / "file" / "r", figures=False)


def test_models_are_coloured_by_what_groups_them(analysed):
    s = analysed[0]
    table = s.table.assign(
        same=["x", "y"] * 6, parameters=[5, 5, 7, 7, 9, 9] * 2, kind=list("aabbcc") * 2, trained=[True, False, False] * 4
    )
    s = Similarities(s.values, s.datasets, s.measures, s.models, metadata=table)
    assert list(View(s, {"objective": analysed[1]}).attributes) == ["objective", "kind", "trained"]  # `same` groups as `objective` does
    assert list(View(s, {"parameters": analysed[1]}).attributes) == ["parameters", "objective", "trained"]


def test_colours_of_correlations_begin_at_zero_or_below(analysed):
    s, result = analysed
    assert _payload(View(s, {"objective": result}))["charts"]["consistency"]["layer"][0]["encoding"]["color"]["scale"]["domain"] == [0, 1]
    weak = example(noise=40.0)
    lowest = Consistency(replicates=0, permutations=0)(weak)
    domain = _payload(View(weak, {"all": lowest}))["charts"]["consistency"]["layer"][0]["encoding"]["color"]["scale"]["domain"]
    assert domain == [round(lowest.pairs["r"].min(), 2), 1]
    assert domain[0] < 0


def test_the_headline_of_sets_alone_names_them(analysed):
    s = analysed[0]
    one = ModelSet("first six", include={"size": "<6"})
    result = Consistency(replicates=0, permutations=0)(s, pairs=[(one, one)])
    assert consistency_report(s, {"sets": result}).headline.startswith("Which models of first six are alike carries over ")


def test_what_is_not_known_is_a_dash(analysed):
    s = analysed[0]
    bare = Similarities(s.values, s.datasets, s.measures, s.models)
    row = _summary_row(Consistency(replicates=0, permutations=0)(bare).summary.iloc[0])
    assert (row["disattenuated"], row["partial"]) == ("–", "–")
    assert row["left_out"] != "–"


def test_long_names_keep_both_ends():
    assert _cut("test_resnet.random-1") == "test_resnet.random-1"
    names = [f"a_very_long_architecture_name.random-{seed}" for seed in (0, 1)]
    assert [len(_cut(name)) for name in names] == [28, 28]
    assert _cut(names[0]) != _cut(names[1])
