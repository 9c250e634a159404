"""Controlled comparisons against closed forms, brute force and published numbers."""

from itertools import permutations as orders
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from isomorph.brains import simulated_recording
from isomorph.encoding import encode
from isomorph.features import Features
from isomorph.models import ModelCard
from isomorph.results import contrast
from isomorph.results._contrast_mixed import fit_mixed

RNG = np.random.default_rng(0)
NETS = ("r18", "r50", "vit", "swin", "mixer", "convnext", "regnet")
NAMES = [f"{net}-{task}" for net in NETS for task in ("clip", "class")]
ABOUT = pd.DataFrame([name.split("-") for name in NAMES], index=NAMES, columns=["architecture", "task"])
OF_NET = dict(zip(NETS, RNG.normal(0.3, 0.1, 7), strict=True))
SCORES = np.array([OF_NET[name.split("-")[0]] + 0.02 * name.endswith("clip") + RNG.normal(0, 0.015) for name in NAMES])
TABLE = pd.DataFrame({"model": NAMES, "region": "OTC", "metric": "eReg", "score": SCORES})


def differences():
    return SCORES[::2] - SCORES[1::2]


def test_pairs_are_paired_differences_with_all_signs():
    found = contrast(TABLE, ABOUT, "task", hold=["architecture"])
    row = found.table.iloc[0]
    d = differences()
    assert row["difference"] == pytest.approx(d.mean())
    everything = [abs(np.mean(d * signs)) for signs in product((1, -1), repeat=7)]
    assert row["p"] == pytest.approx(np.mean(np.array(everything) >= abs(d.mean()) - 1e-12))
    assert (row["level_a"], row["level_b"], row["test"], row["pairs"]) == ("clip", "class", "signs, all 128", 7)
    assert row["in_favour"] == (d > 0).sum()
    assert row["score_a"] - row["score_b"] == pytest.approx(row["difference"])
    assert row["low"] < row["difference"] < row["high"]
    np.testing.assert_allclose(np.sort(found.pairs["difference"]), np.sort(d))
    assert set(found.pairs["units_a"]) == set(NAMES[::2])


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng, hits = np.random.default_rng(1), 0
    nets = [f"n{at}" for at in range(30)]
    names = [f"{net}-{task}" for net in nets for task in "ab"]
    about = pd.DataFrame([name.split("-") for name in names], index=names, columns=["net", "task"])
    for at in range(40):
        scores = np.repeat(rng.normal(size=30), 2) + rng.normal(size=60) + np.tile([0.5, 0], 30)
        table = pd.DataFrame({"model": names, "score": scores})
        row = contrast(table, about, "task", hold=["net"], by=[], replicates=200, permutations=0, seed=at).table.iloc[0]
        hits += row["low"] <= 0.5 <= row["high"]
    assert 33 <= hits <= 40


def test_without_pairs_labels_are_permuted_within_strata():
    about = pd.DataFrame({"task": list("aabbbaab"), "size": list("ssssllll")}, index=list("ABCDEFGH"))
    scores = pd.DataFrame({"model": list("ABCDEFGH"), "score": RNG.normal(size=8)})
    row = contrast(scores, about, "task", hold=["size"], by=[]).table.iloc[0]

    a = np.array([1, 1, 0, 0, 0, 1, 1, 0], dtype=bool)

    def effect(values):
        d = [values[s][a[s]].mean() - values[s][~a[s]].mean() for s in (slice(0, 4), slice(4, 8))]
        return np.mean(d)  # both strata have 2 and 2

    y = scores["score"].to_numpy()
    brute = [effect(np.concatenate([y[list(one)], y[4:][list(two)]])) for one in orders(range(4)) for two in orders(range(4))]
    assert row["difference"] == pytest.approx(effect(y))
    assert row["p"] == pytest.approx(np.mean(np.abs(brute) >= abs(effect(y)) - 1e-12))
    assert row["test"] == "labels, all 36"


def test_weights_are_those_of_least_squares_with_strata():
    about = pd.DataFrame({"task": list("abbbaaaabb"), "size": list("sssslllmmm")}, index=list("ABCDEFGHIJ"))
    scores = pd.DataFrame({"model": list("ABCDEFGHIJ"), "score": RNG.normal(size=10)})
    row = contrast(scores, about, "task", hold=["size"], by=[]).table.iloc[0]
    kept = scores["model"].isin(list("ABCDHIJ"))  # the stratum l has one level alone
    x = np.column_stack([about["task"] == "a", about["size"] == "s", about["size"] == "m"])[kept].astype(float)
    assert row["difference"] == pytest.approx(np.linalg.lstsq(x, scores["score"][kept], rcond=None)[0][0])
    assert (row["n_a"], row["n_b"], row["pairs"]) == (2, 5, 2)


def test_many_pairs_draw_and_agree_with_the_exact_test():
    exact = contrast(TABLE, ABOUT, "task", hold=["architecture"]).table.iloc[0]
    drawn = contrast(TABLE, ABOUT, "task", hold=["architecture"], permutations=127).table.iloc[0]
    more = contrast(TABLE, ABOUT, "task", by=[], permutations=2000).table.iloc[0]
    assert drawn["test"] == "signs, 127 draws"
    assert abs(drawn["p"] - exact["p"]) < 0.1
    welch = stats.ttest_ind(SCORES[::2], SCORES[1::2]).pvalue
    assert more["test"] == "labels, 2,000 draws"
    assert abs(more["p"] - welch) < 0.06


def test_subjects_are_averaged_and_cells_are_apart():
    long = pd.concat([TABLE.assign(subject=who, score=TABLE["score"] + shift) for who, shift in (("1", -0.1), ("2", 0.1))])
    both = pd.concat([long, long.assign(region="EVC", score=long["score"] * 2)])
    found = contrast(both, ABOUT, "task", hold=["architecture"]).table
    assert list(found["region"]) == ["OTC", "EVC"]
    np.testing.assert_allclose(found["difference"], [differences().mean(), 2 * differences().mean()])
    assert list(found["p_corrected"]) == pytest.approx(list(np.minimum(2 * found["p"], 1)))  # Holm, equal ones
    apart = contrast(both, ABOUT, "task", hold=["architecture"], family=["region"]).table
    assert list(apart["p_corrected"]) == list(apart["p"])


def test_three_levels_are_compared_two_by_two():
    about = ABOUT.assign(kind=["a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b"])
    found = contrast(TABLE, about, "kind").table
    assert list(zip(found["level_a"], found["level_b"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    one = contrast(TABLE, about, "kind", levels=["c", "a"]).table.iloc[0]
    assert (one["level_a"], one["level_b"]) == ("c", "a")
    assert one["difference"] == pytest.approx(-found["difference"][1])


def test_cards_are_metadata():
    cards = {
        name: ModelCard(name=name, source="user", architecture=ABOUT["architecture"][name], objective=ABOUT["task"][name]) for name in NAMES
    }
    found = contrast(TABLE, cards, "objective", hold=["architecture"])
    assert found.table["difference"][0] == pytest.approx(differences().mean())


def test_least_squares_is_the_paired_t_test_where_all_are_paired():
    row = contrast(TABLE, ABOUT, "task", hold=["architecture"], method="ols").table.iloc[0]
    paired = stats.ttest_rel(SCORES[::2], SCORES[1::2])
    low, high = paired.confidence_interval()
    assert [row["difference"], row["p"], row["low"], row["high"]] == pytest.approx([differences().mean(), paired.pvalue, low, high])
    assert row["test"] == "t(6)"


def test_least_squares_needs_no_partners():
    crossed = {"task": ["clip", "clip", "class", "class"] * 2, "data": list("pqpq") * 2, "size": list("smms") * 2}
    about = pd.DataFrame(crossed, index=list("ABCDEFGH"))  # no two models differ in the task alone
    scores = pd.DataFrame({"model": list(about.index), "score": RNG.normal(size=8)})
    found = contrast(scores, about, "task", hold=["data", "size"], by=[], method="ols")
    x = np.column_stack([np.ones(8), about["task"] == "clip", about["data"] == "q", about["size"] == "s"]).astype(float)
    assert found.table["difference"][0] == pytest.approx(np.linalg.lstsq(x, scores["score"], rcond=None)[0][1])
    assert found.table["test"][0] == "t(4)"
    assert len(found.pairs) == 0
    assert "difference" in found.pairs


DYESTUFF = {  # Davies, 1947: yields of five preparations from each of six batches
    "A": [1545, 1440, 1440, 1520, 1580], "B": [1540, 1555, 1490, 1560, 1495], "C": [1595, 1550, 1605, 1510, 1560],
    "D": [1445, 1440, 1595, 1465, 1545], "E": [1595, 1630, 1515, 1635, 1625], "F": [1520, 1455, 1450, 1480, 1445],
}  # fmt: skip


def test_the_published_example_of_mixed_models():
    """The fit that the documentation of lme4 prints: REML 319.6543, batch 1764.05, residual 2451.25, intercept 1527.50 (19.38)."""
    y, batches = np.concatenate(list(DYESTUFF.values())).astype(float), np.repeat(list(DYESTUFF), 5)
    fit = fit_mixed(y, np.ones((30, 1)), [batches])
    assert fit.criterion == pytest.approx(319.6543, abs=5e-5)
    assert [fit.variances[0], fit.residual] == pytest.approx([1764.05, 2451.25], abs=0.01)
    assert [fit.coefficients[0], fit.covariance[0, 0] ** 0.5] == pytest.approx([1527.5, 19.383], abs=1e-3)


def repeated(effect=0.05):
    rng = np.random.default_rng(5)
    of_subject = dict(zip("1234", rng.normal(0, 0.1, 4), strict=True))
    rows = [
        {"model": name, "subject": who, "score": SCORES[at] + of_subject[who] + effect * name.endswith("clip") + rng.normal(0, 0.02)}
        for at, name in enumerate(NAMES)
        for who in "1234"
    ]
    return pd.DataFrame(rows)


def test_a_balanced_mixed_model_is_least_squares_on_means():
    """With every model scored by every subject, and variance among models, the test of a factor of models is that of their means."""
    mixed = contrast(repeated(), ABOUT, "task", by=[], method="mixed").table.iloc[0]
    means = contrast(repeated(), ABOUT, "task", by=[], method="ols").table.iloc[0]
    keys = ["difference", "low", "high", "p"]
    np.testing.assert_allclose([mixed[key] for key in keys], [means[key] for key in keys], rtol=2e-4)
    assert mixed["test"] == "t(12)"


def test_an_unbalanced_mixed_model_is_generalised_least_squares():
    rows = repeated().sample(frac=0.7, random_state=1)
    y, x = rows["score"].to_numpy(), np.column_stack([np.ones(len(rows)), rows["model"].str.endswith("clip")]).astype(float)
    groups = [rows["subject"].tolist(), rows["model"].tolist()]
    fit = fit_mixed(y, x, groups)
    indicator = [(np.array(each)[:, None] == np.array(each)).astype(float) for each in groups]

    def criterion(variances):
        v = np.eye(len(y)) * variances[0] + sum(value * block for value, block in zip(variances[1:], indicator, strict=True))
        inverse = np.linalg.inv(v)
        inner = x.T @ inverse @ x
        b = np.linalg.solve(inner, x.T @ inverse @ y)
        e = y - x @ b
        logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(inner)[1]
        return logs + e @ inverse @ e + (len(y) - 2) * np.log(2 * np.pi), b, np.linalg.inv(inner)

    at = np.array([fit.residual, *fit.variances])
    value, b, covariance = criterion(at)
    assert fit.criterion == pytest.approx(value)
    np.testing.assert_allclose(fit.coefficients, b)
    np.testing.assert_allclose(fit.covariance, covariance)
    for step in (0.97, 1.03):  # the least value of the criterion
        assert all(criterion(at * np.where(np.arange(3) == k, step, 1))[0] > value for k in range(3))


def test_few_strata_draw_their_models():
    about = pd.DataFrame({"task": list("aaaabbbb") * 2, "size": ["s"] * 8 + ["l"] * 8}, index=list("ABCDEFGHIJKLMNOP"))
    y = np.random.default_rng(3).normal(size=16)
    scores = pd.DataFrame({"model": list(about.index), "score": y})
    row = contrast(scores, about, "task", hold=["size"], by=[], replicates=4000).table.iloc[0]
    sides = y.reshape(4, 4)
    error = np.sqrt(sides.var(axis=1).sum() / 4) / 2  # of the mean of two differences of means of four
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * error, rel=0.06)


def test_scores_of_brains_are_taken_as_they_come():
    """Models that read the truth with less noise score higher, in both subjects and metrics."""
    rng = np.random.default_rng(0)
    truth = Features(rng.normal(size=(60, 24)), tuple(f"p{at}" for at in range(60)))
    units = pd.DataFrame({"subject": ["1"] * 12 + ["2"] * 12, "ncsnr": 2.0, "OTC": 1})
    brain = simulated_recording(truth, units)
    parts = []
    for net in ("a", "b", "c", "d"):
        for training, noise in (("trained", 1.0), ("none", 4.0)):
            layers = {
                name: Features(truth.values + noise * more * rng.normal(size=(60, 24)), truth.ids) for name, more in (("1", 1), ("2", 3))
            }
            parts.append(encode(layers, brain, model=f"{net}-{training}", metrics=("cRSA", "eReg"), replicates=0))
    chosen = parts[0].merge(*parts[1:]).chosen()
    about = pd.DataFrame(
        [name.split("-") for name in chosen["model"].unique()], index=chosen["model"].unique(), columns=["net", "training"]
    )
    found = contrast(chosen, about, "training", levels=["trained", "none"], hold=["net"], family=["metric"])
    assert list(found.table["metric"]) == ["cRSA", "eReg"]
    assert (found.table["difference"] > 0.1).all()
    assert list(found.table["in_favour"]) == [4, 4]
    assert list(found.table["p_corrected"]) == [0.125, 0.125]
    mixed = contrast(chosen, about, "training", levels=["trained", "none"], hold=["net"], method="mixed")
    assert mixed.table["difference"].tolist() == pytest.approx(found.table["difference"].tolist())


def test_strings_say_what_was_found():
    text = str(contrast(TABLE, ABOUT, "task", hold=["architecture"]))
    assert text.startswith("task, holding architecture:\nOTC, eReg: clip − class +0.0")
    assert "of 7 pairs in favour (signs, all 128)." in text
    lone = contrast(TABLE[:2], ABOUT, "task", hold=["architecture"])
    assert lone.notes == ("one pair alone: there is no interval.",)
    few = contrast(TABLE[:6], ABOUT, "task", hold=["architecture"])
    assert few.notes == ("3 pairs are few: the interval is too narrow.",)
    short = contrast(TABLE[1:], ABOUT, "task", hold=["architecture"])
    assert short.notes == ("1 of 13 models have no partner and were left out: class against clip.",)
