"""The page of perception: its files, its numbers, and names that are never HTML."""

import json

import numpy as np
import pandas as pd
import pytest

from isomorph.benchmarks import BehaviourMatch
from isomorph.errors import FileError
from isomorph.perception import Answers, Trials
from isomorph.report import perception_report
from isomorph.report._perception_view import PerceptionView
from isomorph.results import behaviour_results
from isomorph.stimuli import Stimuli

HOSTILE = "<img src=x onerror=alert(1)>"
CATEGORIES = ("bear", "cat", "dog")


def example(*, hostile=False, replicates=20):
    """Three people and two models on 12 cue conflicts and 9 drawings."""
    rng = np.random.default_rng(0)
    conflicts = [f"{shape}{at}-{texture}{at}.png" for at in range(2) for shape in CATEGORIES for texture in CATEGORIES if shape != texture]
    drawings = [f"{each}{at}.png" for each in CATEGORIES for at in range(3)]
    outcomes = (*CATEGORIES, "na")

    def said(names, sure):
        truth = [each.partition(".")[0].split("-")[0].rstrip("0123456789") for each in names]
        return truth, [each if rng.random() < sure else outcomes[rng.integers(4)] for each in truth]

    people, given = [], {}
    for dataset, names in (("cue-conflict", conflicts), ("edge", drawings)):
        for at in range(3):
            truth, answers = said(names, 0.8)
            own = Answers.from_decisions(names, outcomes, answers, truth=truth, abstain="na", subject=f"subject-0{at + 1}")
            people.append(Trials.from_answers(own, dataset=dataset))
        models = (HOSTILE.replace("/", ""), "net") if hostile else ("first", "net")
        given[dataset] = [
            Answers(ids=names, outcomes=CATEGORIES, probabilities=rng.dirichlet(np.ones(3), len(names)), subject=each) for each in models
        ]
    pictures = {"edge": Stimuli.from_arrays(rng.integers(0, 256, (9, 16, 16, 3), dtype=np.uint8), drawings)}
    benchmark = BehaviourMatch(name=HOSTILE if hostile else "pets", people=Trials.joined(people), dropped="none", citation="A et al., 2020")
    return behaviour_results(benchmark, given, stimuli=pictures, replicates=replicates)


def test_the_folder_holds_the_page_the_numbers_and_figures(tmp_path):
    results = example()
    table = pd.DataFrame({"method": ["odin", "odin"], "category": ["1", "8"], "value": [0.25, 0.75]})
    index = perception_report(results, abstention=table, notes=("mind the gap",)).save(tmp_path / "r")
    text = index.read_text()
    for part in (
        "mind the gap",
        "people among themselves",
        "Hellinger",
        "Hard for people",
        "A et al., 2020",
        "data:image/jpeg;base64,",
        "odin",
    ):
        assert part in text
    board = pd.read_csv(tmp_path / "r" / "data" / "leaderboard.csv")
    assert list(board["model"])[-1] == "humans"
    rows = json.loads((tmp_path / "r" / "data" / "scores.json").read_text())
    assert len(rows) == len(results.rows)
    assert {path.stem for path in (tmp_path / "r" / "figures").glob("*.pdf")} == {"kappa", "confusion", "shape-bias"}
    from isomorph.perception import read_trials

    again = read_trials(tmp_path / "r" / "data" / "trials")
    assert again.subject.names == ("first", "net")
    assert len(again) == 2 * (12 + 9)


def test_names_are_never_html(tmp_path):
    report = perception_report(example(hostile=True), notes=(HOSTILE,))
    text = report.save(tmp_path, figures=False).read_text()
    assert HOSTILE not in text
    data = json.loads(text.partition('id="report-data">')[2].partition("</script>")[0])
    assert HOSTILE in data["series"]


def test_the_numbers_of_the_charts():
    results = example(replicates=0)
    view = PerceptionView(results)
    assert view.series[0] == "people"
    people = [each for each in view.points if each["dataset"] == "edge" and each["observer"] == "people"]
    assert len(people) == 3
    band = next(each for each in view.bands if each["dataset"] == "edge")
    assert np.mean([each["kappa"] for each in people]) == pytest.approx(band["value"], abs=1e-3)
    confusion = np.array(view.confusions["sets"]["edge"]["people"])
    np.testing.assert_allclose(confusion.sum(axis=1), 1, atol=2e-3)
    trials = results.joined.trials.take(datasets=["edge"], subjects=results.joined.trials.humans)
    assert confusion.diagonal().mean() == pytest.approx(trials.correct.mean(), abs=1e-3)
    shape = [each for each in view.shape if each["observer"] == "people"]
    votes = {name: sum(each[name] for each in shape) for name in ("shape", "texture")}
    bias = next(each["value"] for each in results.rows if (each["model"], each["measure"]) == ("humans", "shape_bias"))
    assert votes["shape"] / sum(votes.values()) == pytest.approx(bias)
    line = [each for each in view.reliability if each["observer"] == "people"]
    assert line[0]["score"] == pytest.approx(np.mean([results.joined.trials.take(datasets=[each], subjects=trials.humans).correct.mean()
                                                      for each in view.datasets]), abs=1e-3)  # fmt: skip
    hard = view.hardest["people"]
    assert [each.right for each in hard] == sorted(each.right for each in hard)
    assert len(hard) == 8


def test_words_say_who_is_closest():
    report = perception_report(example())
    assert report.headline.startswith("On 21 images of 2 data sets ")
    assert "people among themselves reach" in report.headline
    assert "people name the shape in" in str(report)


def test_people_alone_make_a_page(tmp_path):
    results = example()
    alone = BehaviourMatch(
        name="pets",
        people=results.joined.trials.take(subjects=results.joined.trials.humans),
        dropped="none",
        measures=("trials", "shape-bias"),
    )
    report = perception_report(behaviour_results(alone, [], replicates=0))
    assert report.headline == f"People name the shape in {report.results.rows[4]['value']:.0%} of their answers."
    assert (report.save(tmp_path, figures=False)).is_file()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the report cannot be written into"):
        perception_report(example(replicates=0)).save(tmp_path / "file" / "r", figures=False)
