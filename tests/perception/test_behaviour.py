"""model-vs-human from its CSV files: the published numbers, their order of averages, and what is refused."""

import csv
import dataclasses

import numpy as np
import pytest

from isomorph.errors import FetchError, IdError, InputError
from isomorph.perception import (
    Answers,
    Trials,
    accuracies,
    agreement,
    behaviour_differences,
    behaviour_table,
    confusion_matrix,
    cronbach_alpha,
    error_consistency,
    fleiss_kappa,
    hellinger,
    krippendorff_alpha,
    load_model_vs_human,
    ood_accuracy,
    read_trials,
    shape_bias,
    write_trials,
)
from isomorph.perception._behaviour_table import behaviour_replicates

HEADER = "subj,Session,trial,rt,object_response,category,condition,imagename"


@pytest.fixture(scope="module")
def trials():
    try:
        return load_model_vs_human()
    except FetchError as error:
        pytest.skip(f"the trials of model-vs-human can be had nowhere: {error}")


@pytest.fixture(scope="module")
def table(trials):
    return behaviour_table(trials, replicates=0).set_index("model")


@pytest.mark.parametrize(
    ("observer", "difference", "observed", "kappa", "ood"),
    [
        ("bagnet33", 0.156196, 0.566954, 0.136566, 0.397967),
        ("simclr-resnet50x1", 0.080321, 0.666788, 0.179235, 0.595670),
        ("humans", 0.006566, 0.808542, 0.431216, 0.722815),
    ],
)
def test_the_published_numbers(table, observer, difference, observed, kappa, ood):
    columns = ["accuracy_difference", "observed_consistency", "error_consistency", "ood_accuracy"]
    assert table.loc[observer, columns].tolist() == pytest.approx([difference, observed, kappa, ood], abs=1e-6)


def test_people_among_themselves(trials):
    sets = behaviour_table(trials, by="dataset", replicates=0).set_index(["model", "dataset"])
    assert sets.loc[("humans", "colour"), "error_consistency"] == pytest.approx(0.415432, abs=1e-6)
    assert sets.loc[("humans", "cue-conflict"), "error_consistency"] == pytest.approx(0.331052, abs=1e-6)
    assert len(sets) == 3 * 17


def test_shape_bias(trials):
    found = shape_bias(trials).set_index("observer")
    assert found.loc["bagnet33", ["shape", "texture", "images"]].tolist() == [50, 929, 1200]
    assert found.loc["humans", ["shape", "texture"]].tolist() == [9236, 398]
    assert found["shape_bias"][["bagnet33", "humans"]].tolist() == pytest.approx([0.051073, 0.958688], abs=1e-6)
    # a binomial standard error is what the bootstrap of 979 single votes must come to
    assert found.loc["bagnet33", "high"] - found.loc["bagnet33", "low"] == pytest.approx(3.92 * np.sqrt(0.0511 * 0.949 / 979), rel=0.1)


@pytest.mark.parametrize(("file", "observer"), [("bagnet33", "bagnet33"), ("simclr_resnet50x1", "simclr-resnet50x1")])
def test_performances(trials, data_path, file, observer):
    with data_path("model-vs-human", f"performances/{file}.csv").open(newline="") as lines:
        published = {row["dataset_name"]: float(row["performance"]) for row in csv.DictReader(lines) if "top-1" in row["metric_name"]}
    ours = accuracies(trials).loc[observer]
    assert len(published) == 17
    assert ours[list(published)].tolist() == pytest.approx(list(published.values()), abs=1e-9)


def test_the_mean_rank_is_of_three_ranks(table):
    assert table["mean_rank"].tolist()[:2] == [2.0, 1.0]
    assert np.isnan(table.loc["humans", "mean_rank"])


def test_ood_accuracy_alone(trials, table):
    found = ood_accuracy(trials)
    assert found["humans"] == pytest.approx(table.loc["humans", "ood_accuracy"], abs=1e-12)
    assert found["bagnet33"] == pytest.approx(table.loc["bagnet33", "ood_accuracy"], abs=1e-12)


def test_intervals_hold_the_value_and_people_widen_them(trials):
    few = trials.take(datasets=["edge", "sketch", "colour"])
    images = behaviour_table(few, replicates=400, seed=1)
    both = behaviour_table(few, replicates=400, seed=1, resample="both")
    low, high, value = (images[f"error_consistency{end}"].to_numpy() for end in ("_low", "_high", ""))
    assert (low < value).all()
    assert (value < high).all()
    assert (both["error_consistency_high"] - both["error_consistency_low"] > high - low).all()
    people = behaviour_table(few, replicates=400, resample="people")
    assert (people["ood_accuracy_low"][:2] == people["ood_accuracy"][:2]).all()  # models do not depend on who the people are
    assert people["ood_accuracy_low"][2] < people["ood_accuracy"][2]
    assert np.isnan(images["shape_bias"]).all()  # no cue-conflict


def test_the_bootstrap_agrees_with_one_that_draws_rows(trials):
    edge = trials.take(datasets=["edge"], subjects=["bagnet33", "subject-01"])
    a, b = (edge.where(edge.subject.is_in([name])) for name in ("bagnet33", "subject-01"))
    order = [{item: at for at, item in enumerate(part.item.values())} for part in (a, b)]
    right = np.stack([part.correct[[place[item] for item in a.item.values()]] for part, place in zip((a, b), order, strict=True)])
    rng = np.random.default_rng(0)
    drawn = [agreement(*right[:, rng.integers(160, size=160)].astype(int)).observed for _ in range(2000)]
    table = behaviour_table(edge, replicates=2000)
    assert table.loc[0, ["observed_consistency_low", "observed_consistency_high"]].tolist() == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]).tolist(), abs=0.015
    )


def test_the_colour_row_of_the_raters(trials):
    responses = trials.responses("colour")
    answers = trials.answers("colour")
    right = responses.to_numpy() == np.array(answers.truth)[:, None]
    assert responses.shape == (1280, 4)
    assert tuple(responses.index) == answers.ids
    assert cronbach_alpha(right.astype(float)) == pytest.approx(0.765085, abs=1e-6)
    assert fleiss_kappa(answers.counts) == pytest.approx(0.860439, abs=1e-6)
    assert krippendorff_alpha(responses) == pytest.approx(0.860466, abs=1e-6)
    assert answers.probabilities[:, answers.abstain_column].mean() == pytest.approx(0.005078, abs=1e-6)
    assert answers.entropy().mean() == pytest.approx(0.154631, abs=1e-6)
    truth = np.eye(len(answers.outcomes))[answers.truth_columns]
    assert hellinger(truth, answers.probabilities).mean() == pytest.approx(0.116370, abs=1e-6)


def test_error_consistency_of_pairs_is_what_agreement_says(trials):
    pairs = error_consistency(trials.take(datasets=["rotation"]), by="condition")
    assert set(pairs["condition"]) == {"90", "180", "270"}
    assert len(pairs) == 3 * 15
    row = pairs.iloc[0]
    part = trials.take(datasets=["rotation"], subjects=[row["first"], row["second"]])
    part = part.where(part.condition.is_in([row["condition"]]))
    right = [part.where(part.subject.is_in([who])) for who in (row["first"], row["second"])]
    first, second = (dict(zip(each.item.values(), each.correct, strict=True)) for each in right)
    found = agreement([first[each] for each in first], [second[each] for each in first])
    assert [row["error_consistency"], row["expected"]] == pytest.approx([found.error_consistency, found.expected])
    averaged = error_consistency(trials.take(datasets=["rotation"]))
    assert averaged["error_consistency"].iloc[0] == pytest.approx(pairs["error_consistency"][:3].mean())


def test_files_survive_a_round_trip(trials, tmp_path):
    part = trials.take(datasets=["false-colour", "edge"])
    paths = write_trials(part, tmp_path)
    assert {each.name for each in paths} >= {"edge_subject-01_session_1.csv", "edge_bagnet33_session-1.csv"}
    again = read_trials(tmp_path)
    assert len(again) == len(part)
    columns = ("subject", "dataset", "condition", "item", "image", "response", "category", "session", "trial")

    def rows(table):
        return sorted(zip(*(getattr(table, name).values() for name in columns), np.nan_to_num(table.rt, nan=-1), strict=True))

    assert rows(again) == rows(part)


def test_own_data_sets_and_label_spaces(tmp_path):
    folder = tmp_path / "spots"
    folder.mkdir()
    for name, answers in {"p-1": "mole mole fly fly", "p-2": "mole fly fly ant", "net": "mole mole fly mole"}.items():
        lines = [
            f"{name},1,{at},NaN,{said},{right},{level},i{at}.png"
            for at, (said, right, level) in enumerate(
                zip(answers.split(), ["mole", "mole", "fly", "fly"], ["0.50", "0.5", "None", "none"], strict=True)
            )
        ]
        (folder / f"spots_{name}_session_1.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    trials = read_trials(tmp_path, people="p-*")
    assert trials.condition.names == ("0.5", "none")
    table = behaviour_table(trials, replicates=0).set_index("model")
    assert table.loc["net", "ood_accuracy"] == 0.75
    assert table.loc["net", "observed_consistency"] == pytest.approx(np.mean([np.mean([1, 0.5]), np.mean([0.5, 1.0])]))
    coarse = trials.mapped({"insect": ["fly", "ant"]})
    assert coarse.take(subjects=["p-2"]).correct.tolist() == [True, False, True, True]
    assert behaviour_table(trials, dropped={"spots": ["0.50"]}, replicates=0).set_index("model").loc["net", "ood_accuracy"] == 0.5


def test_the_same_image_in_two_conditions_is_two_items(tmp_path):
    file = tmp_path / "fog_subject-01_session_1.csv"
    file.write_text(f"{HEADER}\nsubject-01,1,1,.5,cat,cat,1,a.png\nsubject-01,1,2,.5,dog,cat,2,a.png\n")
    answers = read_trials([file]).answers("fog")
    assert answers.ids == ("1/a.png", "2/a.png")
    assert answers.counts.sum() == 2


def test_missing_images_are_listed(trials):
    edge = trials.take(datasets=["edge"])
    gone = (edge.subject.is_in(["bagnet33"])) & edge.item.is_in(["airplane1.png", "oven10.png"])
    with pytest.raises(IdError, match=r"bagnet33 lacks 2 of 160: .*airplane1\.png \(condition 0\)"):
        behaviour_table(edge.where(~gone), replicates=0)


def test_a_model_that_lacks_a_data_set_is_named(trials):
    part = trials.take(datasets=["edge", "sketch"])
    gone = part.subject.is_in(["bagnet33"]) & part.dataset.is_in(["sketch"])
    with pytest.raises(InputError, match="bagnet33 lacks sketch"):
        behaviour_table(part.where(~gone), replicates=0)


def test_answers_as_trials(trials):
    edge = trials.take(datasets=["edge"], subjects=["bagnet33"])
    answers = Answers.from_decisions(
        edge.item.values().tolist(), sorted(edge.category.names), edge.response.values().tolist(), truth=edge.category.values().tolist(),
        subject="bagnet_copy",
    )  # fmt: skip
    both = Trials.joined([trials.take(datasets=["edge"]), Trials.from_answers(answers, dataset="edge")])
    table = behaviour_table(both, replicates=0).set_index("model")
    assert table.loc["bagnet-copy", "error_consistency"] == table.loc["bagnet33", "error_consistency"]


def test_confusion_matrix(trials):
    table = confusion_matrix(trials.take(datasets=["colour"]), subject="bagnet33")
    assert table.sum(axis=1).drop("na").tolist() == pytest.approx([1.0] * 16)
    counts = confusion_matrix(trials.take(datasets=["colour"]), subject="bagnet33", normalise=False)
    assert np.trace(counts.to_numpy()) / 1280 == pytest.approx(accuracies(trials).loc["bagnet33", "colour"])


def test_agreement_by_hand():
    found = agreement([1, 1, 1, 0, 0], [1, 1, 0, 0, 1])
    assert (found.observed, found.expected, found.accuracy_difference) == pytest.approx((0.6, 0.52, 0.0))
    assert found.error_consistency == pytest.approx(0.08 / 0.48)
    assert agreement([1, 1], [1, 1]).error_consistency == 1.0
    assert dataclasses.asdict(found)["n"] == 5


def test_differences_between_models_are_paired(trials):
    few = trials.take(datasets=["edge", "silhouette"])
    found = behaviour_differences(few, replicates=300).set_index(["statistic", "first", "second"])
    assert len(found) == 4 * 3
    row = found.loc[("ood_accuracy", "bagnet33", "simclr-resnet50x1")]
    table = behaviour_table(few, replicates=0).set_index("model")["ood_accuracy"]
    assert row["difference"] == pytest.approx(table["bagnet33"] - table["simclr-resnet50x1"])
    assert row["low"] < row["difference"] < row["high"] < 0
    assert row["p"] == 2 / 301
    assert (found["p_corrected"] >= found["p"]).all()
    copy = dataclasses.replace(few, subject=few.subject.renamed(lambda name: "copy" if name == "bagnet33" else name))
    twins = Trials.joined([few, copy.take(subjects=["copy"])])
    same = (
        behaviour_differences(twins, replicates=50)
        .set_index(["statistic", "first", "second"])
        .loc[("error_consistency", "bagnet33", "copy")]
    )
    assert same[["difference", "low", "high", "p"]].tolist() == [0, 0, 0, 1]


def test_pairs_have_intervals(trials):
    found = error_consistency(trials.take(datasets=["edge"]), replicates=300)
    assert ((found["low"] <= found["error_consistency"]) & (found["error_consistency"] <= found["high"])).mean() > 0.95


def test_one_person_or_no_model(trials):
    edge = trials.take(datasets=["edge"])
    one = behaviour_table(edge.take(subjects=["bagnet33", "subject-01"]), replicates=20, resample="both").set_index("model")
    assert np.isnan(one.loc["humans", "error_consistency"])
    assert one.loc["bagnet33", "error_consistency"] == pytest.approx(
        error_consistency(edge.take(subjects=["bagnet33", "subject-01"]))["error_consistency"][0]
    )
    people = behaviour_table(edge.take(subjects=edge.humans), replicates=20)
    assert people["model"].tolist() == ["humans"]


def test_names_of_images_by_another_rule(tmp_path):
    folder = tmp_path / "my-set"
    folder.mkdir()
    (folder / "answers.csv").write_text("imagename,category,object_response,subj\na_1.png,x,x,subject-01\nb_1.png,x,y,subject-01\n")
    trials = read_trials(tmp_path, key=str)
    assert trials.dataset.names == ("my-set",)
    assert trials.item.names == ("a_1.png", "b_1.png")
    assert trials.answers("my-set").counts.sum() == 2
    with pytest.raises(InputError, match=r"answered 1\.png \(condition 0\) 2 times"):
        behaviour_table(read_trials(tmp_path))


def test_every_replicate_of_people_has_pairs(trials):
    colour = trials.take(datasets=["colour"])
    _, names, values = behaviour_replicates(colour, dropped="none", replicates=500, resample="people", level=0.95, seed=0)
    people = values[0, names.index("humans")]
    assert not np.isnan(people).any()
    pairs = error_consistency(colour.take(subjects=colour.humans), dropped="none")["error_consistency"]
    assert people[2].min() == pytest.approx(pairs.min())  # two people alone
    assert people[2].max() == pytest.approx(pairs.max())
