"""Coefficients of agreement, planning a survey, and putting answers together."""

import itertools

import numpy as np
import pytest

from isomorph.errors import InputError, ShapeError
from isomorph.perception import (
    aggregate,
    annotator_quality,
    cronbach_alpha,
    fleiss_kappa,
    krippendorff_alpha,
    margin_of_error,
    rater_interval,
    sample_size,
)

NAN = np.nan
# Krippendorff's own example (2011, "Computing Krippendorff's Alpha-Reliability", section E): four observers, twelve units
RELIABILITY = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_example(level, value):
    assert krippendorff_alpha(RELIABILITY, level=level) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_krippendorffs_alpha_by_its_definition(level):
    rng = np.random.default_rng(0)
    table = rng.integers(1, 5, size=(30, 5)).astype(float)
    table[rng.random(table.shape) < 0.3] = NAN
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    values = table[~np.isnan(table)]

    def delta(c, k):
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        return (sum((values == g).sum() for g in range(int(low), int(high) + 1)) - ((values == c).sum() + (values == k).sum()) / 2) ** 2

    observed = 0.0
    for row in table:
        known = row[~np.isnan(row)]
        observed += sum(delta(c, k) for c, k in itertools.permutations(known, 2)) / (len(known) - 1)
    expected = sum(delta(c, k) for c, k in itertools.permutations(values, 2)) / (len(values) - 1)
    assert krippendorff_alpha(table, level=level) == pytest.approx(1 - observed / expected)


def test_text_answers_and_missing_ones():
    codes = np.where(np.isnan(RELIABILITY), 0, RELIABILITY).astype(int)
    words = np.array(["", "one", "two", "three", "four", "five"])[codes]
    assert krippendorff_alpha(words) == pytest.approx(krippendorff_alpha(RELIABILITY))
    objects = [[None if np.isnan(each) else f"w{each}" for each in row] for row in RELIABILITY]
    assert krippendorff_alpha(objects) == pytest.approx(krippendorff_alpha(RELIABILITY))
    with pytest.raises(InputError, match="needs numbers; got text such as"):
        krippendorff_alpha(words, level="ordinal")


def test_fleiss_example():
    # Fleiss (1971), as printed in textbooks: ten subjects, fourteen raters, five categories
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)
    with pytest.raises(InputError, match="there are 2 to 3"):
        fleiss_kappa([[2, 0], [1, 2]])
    assert fleiss_kappa([[2, 0], [0, 3], [1, 0]], varying=True) == 1.0


def test_two_raters_have_scotts_pi():
    rng = np.random.default_rng(0)
    said = rng.integers(3, size=(200, 2))
    shares = np.bincount(said.ravel(), minlength=3) / 400
    observed, expected = (said[:, 0] == said[:, 1]).mean(), (shares**2).sum()
    assert fleiss_kappa((said[:, :, None] == np.arange(3)).sum(axis=1)) == pytest.approx((observed - expected) / (1 - expected))


def test_cronbach_is_kr_20():
    right = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0], [1, 1, 1]])
    p = right.mean(axis=0)
    total = right.sum(axis=1)
    assert cronbach_alpha(right) == pytest.approx(3 / 2 * (1 - (p * (1 - p)).sum() / total.var()))
    with pytest.raises(ShapeError, match="0/0"):
        cronbach_alpha([[1, 0], [0, 1]])


@pytest.mark.parametrize("resample", ["items", "raters", "both"])
def test_intervals_by_items_raters_or_both(resample):
    rng = np.random.default_rng(0)
    ratings = rng.normal(size=(80, 1)) + rng.normal(size=(80, 6))
    found = rater_interval(cronbach_alpha, ratings, resample=resample, replicates=200)
    assert found.low < found.value < found.high
    assert found.n == 80


def test_how_many_people_to_ask():
    assert sample_size(error=0.0847) == 134
    assert sample_size(error=0.05) == 385
    assert sample_size(error=0.05, population=1000) == 278
    assert sample_size(error=0.1, z=2, p=0.5) == 100  # exactly
    assert margin_of_error(134) == pytest.approx(0.0847, abs=5e-5)
    for n, population in ((50, None), (50, 200), (199, 200)):
        error = margin_of_error(n, population=population)
        assert sample_size(error=error + 1e-9, population=population) == n
    assert margin_of_error(200, population=200) == 0


def test_dawid_skene_by_hand():
    """One step from the shares, computed term by term, and its fixed point."""
    responses = np.array([["a", "a", "b"], ["b", "b", "b"], ["a", "a", "a"], ["b", "a", "b"]])
    found = aggregate(responses, method="dawid-skene", iterations=1)
    shares = np.array([[2 / 3, 1 / 3], [0, 1], [1, 0], [1 / 3, 2 / 3]])
    prior = shares.mean(axis=0)
    theta = np.zeros((3, 2, 2))
    for rater in range(3):
        for item in range(4):
            theta[rater, :, int(responses[item, rater] == "b")] += shares[item]
        theta[rater] /= theta[rater].sum(axis=1, keepdims=True)
    said = (responses == "b").astype(int)
    joint = np.array([[prior[k] * np.prod([theta[rater, k, row[rater]] for rater in range(3)]) for k in range(2)] for row in said])
    assert found.probabilities == pytest.approx(joint / joint.sum(axis=1, keepdims=True), abs=1e-12)
    assert (found.iterations, found.converged) == (1, False)
    done = aggregate(responses, method="dawid-skene")
    assert done.converged
    assert done.log_likelihood > found.log_likelihood


def test_dawid_skene_finds_who_errs():
    rng = np.random.default_rng(0)
    truth = rng.choice(3, size=600, p=[0.5, 0.3, 0.2])
    skill = [0.95, 0.9, 0.4, 0.4, 0.4]
    responses = np.stack([np.where(rng.random(600) < each, truth, rng.integers(3, size=600)) for each in skill], axis=1).astype(float)
    responses[rng.random(responses.shape) < 0.1] = NAN
    responses[np.isnan(responses).all(axis=1), 0] = 0
    found, votes = aggregate(responses, method="dawid-skene"), aggregate(responses)
    names = np.array([f"{each:.1f}" for each in truth])
    right = [(np.array(each.labels) == names).mean() for each in (found, votes)]
    assert right[0] > right[1] + 0.03
    diagonal = found.confusion[:, [0, 1, 2], [0, 1, 2]].mean(axis=1)
    assert diagonal[:2].min() > 0.88
    assert diagonal[2:].max() < 0.7
    assert found.prior == pytest.approx(np.bincount(truth) / 600, abs=0.04)
    assert found.confusion.sum(axis=2) == pytest.approx(1)


def test_dawid_skene_with_one_sure_rater_does_not_underflow():
    responses = np.tile(np.array([["a"], ["b"]]), (50, 60))
    found = aggregate(responses, method="dawid-skene")
    assert found.labels[:2] == ("a", "b")
    assert np.isfinite(found.log_likelihood)


def test_majorities_and_their_ties():
    found = aggregate([["b", "a"], ["b", "b"]])
    assert found.labels == ("a", "b")
    assert found.tied.tolist() == [True, False]
    assert found.answers(["x", "y"]).probabilities.tolist() == [[0.5, 0.5], [0, 1]]
    with pytest.raises(InputError, match="nobody answered item 1"):
        aggregate([["a", "b"], ["", ""]])


def test_quality_of_annotators():
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=300)
    said = np.stack([truth, truth, np.where(rng.random(300) < 0.5, truth, rng.integers(4, size=300)), rng.integers(4, size=300)], axis=1)
    words = np.array(["a", "b", "c", "na"])[said]
    table = annotator_quality(words, truth=np.array(["a", "b", "c", "na"])[truth], abstain="na")
    assert table["accuracy"][:2].tolist() == [1, 1]
    assert table["agreement"].is_monotonic_decreasing
    assert table["kappa"][3] == pytest.approx(0, abs=0.05)
    assert table["abstained"][3] == pytest.approx(0.25, abs=0.08)
    by_hand = [(said[:, 2] == said[:, other]).mean() for other in (0, 1, 3)]
    expected = [sum((said[:, 2] == k).mean() * (said[:, other] == k).mean() for k in range(4)) for other in (0, 1, 3)]
    kappas = [(o - e) / (1 - e) for o, e in zip(by_hand, expected, strict=True)]
    assert table["kappa"][2] == pytest.approx(np.mean(kappas))
