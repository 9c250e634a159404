"""The reliability score's identities, its options, and curves of risk, coverage and calibration."""

import numpy as np
import pytest

from isomorph.errors import InputError
from isomorph.perception import (
    VISALIGN_OUTCOMES,
    Answers,
    Payoff,
    answer_losses,
    augrc,
    aurc,
    expected_calibration_error,
    reliability,
    risk_coverage,
)

COSTS = (0, 450, 900)


def visalign(seed=0, n=80):
    """A made-up test set of eight categories, people's answers to it, and a model's."""
    rng = np.random.default_rng(seed)
    ids, groups = [f"{at}.jpg" for at in range(n)], [str(1 + at % 8) for at in range(n)]
    truth = [VISALIGN_OUTCOMES[10] if 4 <= int(g) <= 7 else "" if g == "8" else VISALIGN_OUTCOMES[rng.integers(10)] for g in groups]
    q = np.array([np.eye(11)[VISALIGN_OUTCOMES.index(each)] if each else rng.dirichlet(np.ones(11)) for each in truth])
    facts = {"ids": ids, "outcomes": VISALIGN_OUTCOMES, "abstain": "abstain", "groups": groups, "truth": truth}
    return (
        Answers(**facts, probabilities=rng.dirichlet(np.full(11, 0.3), size=n), subject="model"),
        Answers(**facts, probabilities=q, subject="people"),
    )


@pytest.mark.parametrize("c", COSTS)
def test_who_always_abstains_gets_the_number_of_must_abstain_images(c):
    model, people = visalign()
    facts = {"abstain": "abstain", "groups": model.groups, "truth": model.truth}
    silent = Answers.from_decisions(model.ids, VISALIGN_OUTCOMES, ["abstain"] * 80, **facts)
    found = reliability(silent, payoff=Payoff(c=c), human=people, replicates=0)
    assert found.score == sum(4 <= int(each) <= 7 for each in model.groups) == 40
    assert (found.wrong, found.abstained) == (0, 80)


def test_without_costs_it_counts_right_decisions():
    model, people = visalign()
    found = reliability(model, human=people, replicates=0)
    mode = people.probabilities[:, :10].argmax(axis=1)
    right = sum(
        model.outcomes[action] == (VISALIGN_OUTCOMES[mode[at]] if people.groups[at] == "8" else people.truth[at])
        for at, action in enumerate(found.actions)
    )
    assert found.score == found.right == right


def test_it_is_affine_in_the_cost():
    model, people = visalign()
    scores = [reliability(model, payoff=Payoff(c=c), human=people, replicates=0) for c in COSTS]
    for c, found in zip(COSTS, scores, strict=True):
        assert found.score == scores[0].right - c * scores[0].wrong == scores[0].at(c)
    assert scores[1].score == (scores[0].score + scores[2].score) / 2
    mean = reliability(model, payoff=Payoff(c=450), human=people, reduce="mean", replicates=0)
    assert mean.score == pytest.approx(scores[1].score / 80)


def test_the_distribution_aware_score_by_hand():
    outcomes = ("cat", "dog", "abstain")
    people = Answers(ids=["x"], outcomes=outcomes, probabilities=[[0.5, 0.3, 0.2]], abstain="abstain", groups=["8"])
    for said, expected in (("cat", 0.5 - 10 * 0.5), ("dog", 0.3 - 10 * 0.7), ("abstain", 0.2)):
        model = Answers.from_decisions(["x"], outcomes, [said], abstain="abstain", groups=["8"])
        assert reliability(model, human=people, payoff=Payoff(c=10), replicates=0).distribution_aware == pytest.approx(expected)
    sure = Answers.from_decisions(["x"], outcomes, ["dog"], abstain="abstain", groups=["8"])
    found = reliability(Answers.from_decisions(["x"], outcomes, ["dog"], abstain="abstain"), human=sure, payoff=Payoff(c=10), replicates=0)
    assert found.distribution_aware == found.score == 1


def test_decision_rules_and_ties():
    outcomes = ("cat", "dog", "abstain")
    rows = [[0.4, 0.2, 0.4], [0.5, 0.1, 0.4], [0.1, 0.6, 0.3]]
    model = Answers(ids=list("xyz"), outcomes=outcomes, probabilities=rows, abstain="abstain", truth=["cat", "cat", "abstain"])
    assert reliability(model, replicates=0).actions.tolist() == [2, 0, 1]
    assert reliability(model, decision=0.4, replicates=0).actions.tolist() == [2, 2, 1]
    assert reliability(model, decision=1.0, replicates=0).actions.tolist() == [0, 0, 1]


def test_other_tables_are_configuration():
    model, people = visalign()
    lenient = Payoff(c=450, cost={"must-act": (0, 1, 0), "must-abstain": (1, 1, 0), "uncertain": (0, 0, 0)})
    strict = Payoff(c=450)
    few, many = (reliability(model, payoff=each, human=people, replicates=0).wrong for each in (lenient, strict))
    assert few < many
    with pytest.raises(InputError, match="three numbers"):
        Payoff(gain={"must-act": (1, 0, 0)})
    with pytest.raises(InputError, match="group 'sketch' is of no kind"):
        reliability(Answers.from_decisions(["x"], ["a", "no"], ["a"], abstain="no", groups=["sketch"]))


def test_the_interval_is_of_a_sum_over_items():
    model, people = visalign(n=800)
    found = reliability(model, payoff=Payoff(c=1), human=people, replicates=2000)
    assert found.low < found.score < found.high
    right, wrong = found.right / 800, found.wrong / 800
    spread = np.sqrt(right + wrong - (right - wrong) ** 2)  # of payoffs 1, 0 and -1
    assert found.high - found.low == pytest.approx(3.92 * np.sqrt(800) * spread, rel=0.1)


def test_what_is_not_known_is_said():
    model, _ = visalign()
    with pytest.raises(InputError, match=r"original class of '7\.jpg' is unknown, and of 10 of 80 items"):
        reliability(model)
    with pytest.raises(InputError, match="none of the 2 outcomes abstains"):
        reliability(Answers.from_decisions(["x"], ["a", "b"], ["a"], truth=["a"]))


def test_risk_coverage_by_hand():
    curve = risk_coverage([0.3, 0.1, 0.2, 0.4], [1, 0, 1, 0])
    assert curve.risk == pytest.approx([0, 0.5, 2 / 3, 0.5])
    assert curve.aurc == pytest.approx(np.mean([0, 0.5, 2 / 3, 0.5]))


def test_augrc_is_its_closed_form():
    rng = np.random.default_rng(0)
    loss = (rng.random(500) < 0.3).astype(float)
    score = np.round(loss * 0.3 + rng.random(500), 1)  # with many ties
    wrong, right = score[loss == 1], score[loss == 0]
    auroc = (wrong[:, None] > right).mean() + (wrong[:, None] == right).mean() / 2
    error = loss.mean()
    assert augrc(score, loss) == pytest.approx((1 - auroc) * error * (1 - error) + error**2 / 2, abs=1e-12)


def test_ties_are_expected_over_their_orders():
    rng = np.random.default_rng(0)
    score, loss = rng.integers(3, size=30).astype(float), rng.random(30)
    orders = [aurc(score + 1e-6 * rng.random(30), loss) for _ in range(3000)]
    assert aurc(score, loss) == pytest.approx(np.mean(orders), abs=0.003)
    assert aurc(np.zeros(30), loss) == pytest.approx(loss.mean())


def test_curves_have_intervals():
    rng = np.random.default_rng(0)
    found = risk_coverage(rng.random(200), rng.random(200), replicates=200)
    assert found.aurc_low < found.aurc < found.aurc_high
    assert found.augrc_low < found.augrc < found.augrc_high


def test_losses_of_answers():
    model, people = visalign()
    soft, hard = answer_losses(model, people), answer_losses(people.take([each for each in people.ids if int(each[:-4]) % 8 != 7]))
    best = model.probabilities[:, :10].argmax(axis=1)
    assert soft[7] == pytest.approx(1 - people.probabilities[7, best[7]])
    assert hard[0] == 0  # people, category 1


def test_calibration_error_by_hand():
    p = [[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.6, 0.4]]
    found = expected_calibration_error(p, np.array([0, 1, 0, 0]), bins=10, replicates=0)
    assert found.value == pytest.approx(0.5 * 0.45 + 0.5 * 0.4)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]  # 0.6 lies in (0.5, 0.6]
    soft = expected_calibration_error(p, [[0.9, 0.1], [0.9, 0.1], [0.5, 0.5], [0.5, 0.5]], bins=10)
    assert soft.value == pytest.approx(0.5 * 0.05 + 0.5 * 0.1)
    assert soft.low <= soft.value <= soft.high


def test_soft_labels_of_one_hot_rows_are_hard_labels():
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(5), size=300), rng.integers(5, size=300)
    hard, soft = (expected_calibration_error(p, target, replicates=0) for target in (y, np.eye(5)[y]))
    assert hard.value == soft.value


def test_edges_belong_to_the_bin_on_their_left():
    p = np.array([[k / 10, 1 - k / 10] for k in range(5, 11)])
    found = expected_calibration_error(p, np.zeros(6, dtype=int), bins=10, replicates=0)
    assert found.count.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
