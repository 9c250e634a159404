"""Benchmarks of behaviour on trials written down here, and on the published ones."""

import os
from pathlib import Path

import numpy as np
import pytest

from isomorph import list_benchmarks, load_benchmark
from isomorph.benchmarks import BehaviourMatch, LabelMatch, imagenet_16
from isomorph.errors import FetchError
from isomorph.perception import Answers, Trials, behaviour_table, hellinger, load_cifar_10_classifier, read_class_map
from isomorph.results import leaderboard

NAMES = ("cat", "dog")
TRUTH = {"cat1.png": "cat", "cat2.png": "cat", "dog1.png": "dog", "dog2.png": "dog"}


def decided(subject, said, ids=tuple(TRUTH), truth=("cat", "cat", "dog", "dog"), **facts):
    return Answers.from_decisions(ids, (*NAMES, "na"), said, truth=truth, abstain="na", subject=subject, **facts)


def people():
    said = {
        "subject-01": ["cat", "cat", "dog", "cat"],
        "subject-02": ["cat", "dog", "dog", "cat"],
        "subject-03": ["cat", "cat", "na", "dog"],
    }
    return Trials.joined([Trials.from_answers(decided(name, each), dataset="edge") for name, each in said.items()])


def model(ids=("edges/cat/cat1", "edges/cat/cat2", "edges/dog/dog1", "edges/dog/dog2"), subject="net", **facts):
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.6, 0.4]])[: len(ids)]
    return Answers(ids=ids, outcomes=NAMES, probabilities=p, subject=subject, **facts)


def benchmark(**changes):
    return BehaviourMatch(name="pets", people=people(), dropped="none", **changes)


def value(rows, who, measure, target="all"):
    return next(each["value"] for each in rows if (each["model"], each["measure"], each["target"]) == (who, measure, target))


def test_images_meet_by_stem_whatever_their_folder():
    joined = benchmark().join(model())
    (answers,) = joined.answers["edge"]
    assert answers.ids == tuple(TRUTH)
    assert answers.truth == tuple(TRUTH.values())
    assert answers.outcomes == ("cat", "dog", "na")
    assert joined.trials.models == ("net",)
    assert joined.votes["edge"].counts.tolist() == [[3, 0, 0], [2, 1, 0], [0, 2, 1], [2, 1, 0]]


def test_scores_are_those_of_the_table_and_of_the_formula():
    bench = benchmark()
    rows = bench.score(model(), replicates=0)
    table = behaviour_table(bench.join(model()).trials, dropped="none", replicates=0).set_index("model")
    for name in ("error_consistency", "observed_consistency", "accuracy_difference", "ood_accuracy"):
        assert value(rows, "net", name) == pytest.approx(table.loc["net", name])
        assert value(rows, "humans", name) == pytest.approx(table.loc["humans", name])
    votes = np.array([[1, 0], [2 / 3, 1 / 3], [0, 1], [2 / 3, 1 / 3]])  # without "na", which a classifier cannot give
    assert value(rows, "net", "hellinger") == pytest.approx(hellinger(votes, model().probabilities).mean())
    assert value(rows, "net", "reliability(c=0.5n)") == pytest.approx(2 / 4 - 0.5 * 4 * 2 / 4)
    assert value(rows, "humans", "reliability(c=0n)") == pytest.approx(8 / 12)
    assert value(rows, "humans", "reliability(c=1n)") == pytest.approx(8 / 12 - 4 * 3 / 12)


def test_a_model_that_abstains_is_compared_with_who_did_not_answer():
    p = np.array([[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1.0]])
    net = Answers(ids=tuple(TRUTH), outcomes=("dog", "cat", "away"), probabilities=p, abstain="away", subject="net")
    joined = benchmark().join(net)
    assert joined.answers["edge"][0].probabilities[3].tolist() == [0, 0, 1]
    assert value(benchmark().score(net, replicates=0), "net", "reliability(c=0n)") == pytest.approx(1 / 4)


def test_trials_and_answers_stand_side_by_side():
    own = Trials.from_answers(decided("table", ["cat", "cat", "dog", "dog"]), dataset="edge")
    rows = benchmark().score([own, model()], replicates=20)
    assert {each["model"] for each in rows} == {"humans", "net", "table"}
    assert value(rows, "table", "ood_accuracy") == 1
    board = leaderboard(rows)
    assert board["model"].iloc[-1] == "humans"
    assert board.set_index("model").loc["net", "ood_accuracy_low"] <= 0.5 <= board.set_index("model").loc["net", "ood_accuracy_high"]
    assert np.isnan(board.set_index("model").loc["table", "hellinger"])


def test_peoples_own_trials_in_a_models_folder_are_not_counted_twice():
    own = Trials.joined([people(), Trials.from_answers(decided("table", ["cat", "cat", "dog", "dog"]), dataset="edge")])
    assert len(benchmark().join(own).trials) == 4 * 4


def test_distances_order_a_table_from_the_closest():
    crowd = Answers.from_counts(["a", "b"], ["cat", "dog"], [[9, 1], [4, 6]], truth=["cat", "dog"], subject="people")
    near, far = (
        Answers(ids=["a", "b"], outcomes=["cat", "dog"], probabilities=p, subject=name)
        for name, p in (("near", [[0.8, 0.2], [0.4, 0.6]]), ("far", [[0.1, 0.9], [0.9, 0.1]]))
    )
    rows = LabelMatch(name="x", people=crowd).score([far, near], replicates=0)
    assert list(leaderboard(rows)["model"]) == ["near", "far", "humans"]


def test_what_one_model_lacks_is_dropped_for_all():
    fewer = model(ids=("cat1", "cat2", "dog1"), subject="fewer")
    joined = benchmark().join([fewer, model()], missing="drop")
    assert all(each.ids == ("cat1.png", "cat2.png", "dog1.png") for each in joined.answers["edge"])
    assert len(joined.trials) == 3 * 5
    assert joined.notes == ("Left out: edge: fewer did not answer 1 images (dog2.png) of the 4 that people saw.",)


def test_conditions_are_met_by_upstreams_names_and_by_the_answers_own():
    names = [
        f"000{at}_cop_s01_{level}_{TRUTH[item]}_10_{item}" for at, (level, item) in enumerate([("c30", "cat1.png"), ("c05", "cat1.png")])
    ]
    seen = [
        Trials.from_answers(decided(who, ["cat", "dog"], ids=names, truth=["cat"] * 2, conditions=["c30", "c05"]), dataset="contrast")
        for who in ("subject-01", "subject-02")
    ]
    bench = BehaviourMatch(name="x", people=Trials.joined(seen), dropped="none", measures=("trials",))
    ours = Answers(ids=[each.replace("s01", "dnn") for each in names], outcomes=NAMES, probabilities=[[1, 0], [0.3, 0.7]], subject="net")
    given = Answers(
        ids=["a/cat1.png", "b/cat1.png"], conditions=["C30", "c05"], outcomes=NAMES, probabilities=[[1, 0], [0.3, 0.7]], subject="net"
    )
    for each in (ours, given):
        (answers,) = bench.join(each).answers["contrast"]
        assert dict(zip(answers.ids, answers.probabilities[:, 0], strict=True)) == {"c05/cat1.png": 0.3, "c30/cat1.png": 1}


def test_the_sixteen_categories_are_the_published_ones():
    members = imagenet_16()
    assert (len(members), sum(map(len, members.values()))) == (16, 207)
    assert members["elephant"] == [385, 386]
    assert members["cat"] == list(range(281, 287))
    mirror = Path(os.environ.get("ISOMORPH_DATA_MIRROR", "")) / "model-vs-human" / "categories16.json"
    if mirror.is_file():  # the mirror's own copy, which no public address has
        assert members == read_class_map(mirror)


def test_published_models_and_people_are_reproduced():
    assert {"model-vs-human", "shape-bias", "cifar-10h"} <= set(list_benchmarks())
    try:
        bench = load_benchmark("model-vs-human")
    except FetchError as error:
        pytest.skip(f"the trials are not at hand: {error}")
    assert len(bench.datasets) == 17
    rows = bench.score([], replicates=0)
    assert value(rows, "humans", "error_consistency") == pytest.approx(0.431216, abs=1e-6)
    assert value(rows, "bagnet33", "shape_bias") == pytest.approx(0.051073, abs=1e-6)
    assert {each["n"] for each in rows if each["measure"] == "shape_bias"} == {1200}  # of 1,280, those with a conflict
    assert value(rows, "simclr-resnet50x1", "ood_accuracy") == pytest.approx(0.595670, abs=1e-5)


def test_cifar_10h_scores_a_classifier():
    try:
        bench = load_benchmark("cifar-10h")
    except FetchError as error:
        pytest.skip(f"the labels are not at hand: {error}")
    assert isinstance(bench, LabelMatch)
    rows = bench.score(load_cifar_10_classifier(), replicates=20)
    assert value(rows, "classifier", "accuracy", "cifar-10h") == pytest.approx(0.9294)
    assert value(rows, "humans", "hellinger", "cifar-10h") < value(rows, "classifier", "hellinger", "cifar-10h")
    assert value(rows, "classifier", "reliability(c=1n)", "cifar-10h") == pytest.approx(0.9294 - 10000 * (1 - 0.9294))
