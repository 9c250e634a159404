"""What is undefined is said so: one person, one vote, one model, no truth, numbers out of range."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isomorph.errors import InputError, ShapeError
from isomorph.perception import (
    Answers,
    Trials,
    annotator_quality,
    answer_losses,
    behaviour_differences,
    behaviour_table,
    compare_answers,
    error_consistency,
    expected_calibration_error,
    paired_differences,
    read_trials,
    reliability,
    risk_coverage,
    shape_bias,
    split_half_ceiling,
)


def _trials(folder: Path, people: int) -> Trials:
    header = "subj,session,trial,rt,object_response,category,condition,imagename"
    for at, name in enumerate([*(f"subject-{each:02d}" for each in range(1, people + 1)), "first", "second"]):
        said = np.random.default_rng(at).choice(["cat", "dog"], 60)
        lines = [f"{name},1,{i},.5,{said[i]},{('cat', 'dog')[i % 2]},{i % 3},x_{i}.png" for i in range(60)]
        (folder / f"edge_{name}_session_1.csv").write_text("\n".join([header, *lines]) + "\n")
    return read_trials(folder)


def test_one_person_has_no_difference_to_models_in_consistency(tmp_path: Path) -> None:
    found = behaviour_differences(_trials(tmp_path, 1), replicates=50).set_index(["statistic", "first", "second"])
    assert found.loc[("error_consistency", "first", "humans"), ["difference", "p", "p_corrected"]].isna().all()
    between = found.loc[("error_consistency", "first", "second")]
    assert between["p_corrected"] == between["p"] > 0  # the only test there is
    assert found.loc["ood_accuracy"]["p_corrected"].notna().all()


def test_rows_in_any_order_are_the_same_table(tmp_path: Path) -> None:
    trials = _trials(tmp_path, 3)
    mixed = trials.where(np.random.default_rng(0).permutation(len(trials)))
    assert behaviour_table(mixed, replicates=20, resample="both").equals(behaviour_table(trials, replicates=20, resample="both"))


def test_an_item_with_one_vote_has_no_part_in_the_ceiling() -> None:
    people = Answers.from_counts(["a", "b"], ["cat", "dog"], [[9, 1], [1, 0]], groups=["1", "2"])
    model = Answers(ids=["a", "b"], outcomes=["cat", "dog"], probabilities=[[0.5, 0.5], [0.5, 0.5]])
    ceiling = compare_answers(model, people, replicates=0).set_index("group")["ceiling"]
    assert ceiling["all"] == ceiling["1"] == split_half_ceiling(people.counts, splits=20, replicates=0).value
    assert np.isnan(ceiling["2"])


def test_the_truth_is_met_by_value_where_a_gap_makes_floats_of_whole_numbers() -> None:
    found = annotator_quality([[1, 2], [2, np.nan], [1, 1]], truth=[1, 2, 2])
    assert found["accuracy"].round(3).tolist() == [0.667, 0.0]


@pytest.mark.parametrize("function", [shape_bias, error_consistency])
def test_intervals_of_trials_have_a_level_between_0_and_1(tmp_path: Path, function: Any) -> None:
    with pytest.raises(InputError, match="level of an interval"):
        function(_trials(tmp_path, 1), replicates=5, level=95)


def test_numbers_that_rule_intervals_are_checked() -> None:
    with pytest.raises(InputError, match="replicates must be 0 or more; got -1"):
        risk_coverage([0.1], [1], replicates=-1)
    with pytest.raises(InputError, match="level of an interval"):
        expected_calibration_error([[0.8, 0.2]], [0], replicates=5, level=95)
    with pytest.raises(ShapeError, match="needs 1 item or more"):
        expected_calibration_error(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(InputError, match="1 split or more; got 0"):
        split_half_ceiling([[3, 2]], splits=0)


def test_a_loss_needs_a_truth() -> None:
    answers = Answers(ids=["a", "b"], outcomes=["cat", "dog"], probabilities=[[1, 0], [0, 1]], truth=["cat", ""])
    with pytest.raises(InputError, match="'b' has no truth, nor have 0 others of 2 items"):
        answer_losses(answers)


def test_one_model_has_no_pair() -> None:
    with pytest.raises(InputError, match="needs two models; got 'mine'"):
        paired_differences({"mine": [0.1, 0.2]})
    with pytest.raises(InputError, match="1 or more; got 0"):
        paired_differences({"mine": [0.1, 0.2], "yours": [0.1, 0.3]}, permutations=0)


def test_options_are_among_those_there_are(tmp_path: Path) -> None:
    model = Answers(ids=["a"], outcomes=["cat", "abstain"], probabilities=[[1, 0]], abstain="abstain", truth=["cat"])
    calls: list[tuple[str, Any]] = [
        ("reduce is 'sum' or 'mean'; got 'average'", lambda: reliability(model, reduce="average")),  # type: ignore[arg-type]
        ("original is 'truth' or 'mode'; got 'crowd'", lambda: reliability(model, original="crowd")),  # type: ignore[arg-type]
        ("by is 'groups', 'conditions', 'truth' or None; got 'group'", lambda: compare_answers(model, model, by="group")),  # type: ignore[arg-type]
        ("by is 'model' or 'dataset'; got 'data set'", lambda: behaviour_table(_trials(tmp_path, 1), by="data set")),  # type: ignore[arg-type]
    ]
    for text, call in calls:
        with pytest.raises(InputError, match=text):
            call()


@pytest.mark.parametrize("resample", ["images", "people", "both"])
def test_the_interval_of_a_squared_difference_holds_its_value(tmp_path: Path, resample: Any) -> None:
    found = behaviour_table(_trials(tmp_path, 4), replicates=200, resample=resample)
    low, value, high = (found[f"accuracy_difference{end}"] for end in ("_low", "", "_high"))
    assert (low >= 0).all()
    assert (low <= value).all()
    assert (value <= high).all()


def test_a_model_that_knows_everybody_is_at_half_the_ceiling() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 5.0), 1500)
    people = Answers.from_counts([str(at) for at in range(1500)], list("abcde"), np.stack([rng.multinomial(60, each) for each in p]))
    model = Answers(ids=people.ids, outcomes=people.outcomes, probabilities=p)
    found = compare_answers(model, people, metric=["hellinger", "brier"], by=None, replicates=0, splits=3).set_index("metric")
    assert (found["value"] / found["ceiling"]).to_numpy() == pytest.approx([0.5, 0.25], rel=0.08)


def test_no_model_is_taken_for_all_people(tmp_path: Path) -> None:
    trials = _trials(tmp_path, 2)
    named = replace(trials, subject=trials.subject.renamed(lambda name: "humans" if name == "first" else name))
    with pytest.raises(InputError, match="a model is called 'humans'"):
        behaviour_table(named, replicates=0)


def test_model_and_people_abstain_with_one_outcome() -> None:
    facts = {"ids": ["a"], "outcomes": ["cat", "na", "abstain"], "probabilities": [[1, 0, 0]]}
    with pytest.raises(InputError, match="the model abstains with 'na' and the people with 'abstain'"):
        compare_answers(Answers(**facts, abstain="na"), Answers(**facts, abstain="abstain"))


def test_who_gives_no_class_at_all_is_not_right_by_the_order_of_classes() -> None:
    facts = {"ids": ["a"], "outcomes": ["cat", "dog", "abstain"], "abstain": "abstain", "truth": ["cat"]}
    silent = Answers(**facts, probabilities=[[0, 0, 1]])
    people = Answers(**facts, probabilities=[[0.9, 0.1, 0]])
    assert answer_losses(silent).tolist() == answer_losses(silent, people).tolist() == [1]


def test_an_image_has_one_category(tmp_path: Path) -> None:
    trials = _trials(tmp_path, 2)
    codes = trials.category.codes.copy()
    codes[trials.subject.is_in(["second"]) & trials.item.is_in(["7.png"])] = 0
    with pytest.raises(InputError, match=r"edge: the image 7\.png is 'cat' for second and 'dog' for"):
        behaviour_table(replace(trials, category=replace(trials.category, codes=codes)), replicates=0)
