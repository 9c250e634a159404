import inspect
import io
from dataclasses import dataclass

import numpy as np
import pytest

from isomorph.engine import Progress
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import rsa_scores
from isomorph.measures import CKA, RSA, Measure, Traits, compare, compare_all, load_measure, registry

RNG = np.random.default_rng(8)
X = RNG.normal(size=(25, 6))
Y = X + RNG.normal(size=(25, 6))
IDS = tuple(f"s{row}" for row in range(25))


@dataclass(frozen=True, kw_only=True)
class MeanGap(Measure):
    """A third party's distance: no replicates, no relations, not symmetric in its rows' order."""

    @property
    def traits(self):
        return Traits(bounds=(0, np.inf), higher_is_closer=False, metric=True)

    def _value(self, x, y):
        return float(np.abs(np.linalg.norm(x - x.mean(0)) - np.linalg.norm(y - y.mean(0))))


def test_named_stimuli_meet_by_id_whatever_their_order():
    order = RNG.permutation(25)
    shuffled = Features(Y[order], tuple(IDS[row] for row in order))
    for measure, wrap in ((CKA(), Gram.from_features), (RSA(), Gram.from_features), (RSA(), RDM.from_features)):
        expected = measure(X, Y)
        assert measure(Features(X, IDS), shuffled) == pytest.approx(expected, abs=1e-12)
        assert measure(wrap(Features(X, IDS)), wrap(shuffled)) == pytest.approx(expected, abs=1e-12)
        assert measure(Features(X, IDS), Y) == pytest.approx(expected, abs=1e-12)


def test_a_missing_stimulus_is_named_on_either_side():
    part = Features(Y[:-1], IDS[:-1], subject="human")
    with pytest.raises(IdError, match="'human' was not shown 1 of the 25 stimuli of 'x'; the first is 's24'"):
        CKA()(Features(X, IDS), part)
    with pytest.raises(IdError, match="'human' was not shown 1 of the 25 stimuli of 'y'"):
        CKA()(part, Features(X, IDS))


def test_cka_refuses_an_rdm_in_words():
    with pytest.raises(InputError, match="CKA needs features or a Gram, but y is an RDM"):
        CKA()(X, RDM.from_features(Y))


@pytest.mark.parametrize("measure", ["cka", "rbf-cka", "rsa"])
def test_an_interval_holds_the_value(measure):
    score = compare(X, Y, measure=measure, replicates=200)
    assert score.low < score.value < score.high
    assert (score.n, score.replicates, score.p) == (25, 200, None)
    assert compare(X, Y, measure=measure, replicates=200) == score
    assert compare(X, Y, measure=measure, replicates=0).low is None


@pytest.mark.parametrize("measure", ["cka", "rbf-cka", "rsa"])
def test_permutations_tell_related_from_unrelated(measure):
    assert compare(X, Y, measure=measure, replicates=0, permutations=99).p == pytest.approx(0.01)
    unrelated = [
        compare(X, np.random.default_rng(seed).normal(size=(25, 6)), measure=measure, replicates=0, permutations=99).p for seed in range(5)
    ]
    assert np.median(unrelated) > 0.1


@pytest.mark.parametrize("comparison", ["pearson", "spearman", "tau-a"])
def test_rsa_in_compare_is_rsa_in_rsa_scores(comparison):
    rdms = [RDM.from_features(each) for each in (X, Y)]
    whole = rsa_scores(rdms[0].values[None], rdms[1].values[None], n=25, comparison=comparison, replicates=50)
    score = compare(*rdms, measure="rsa", comparison=comparison, replicates=50)
    assert (score.value, score.low, score.high) == pytest.approx((whole.values[0], whole.low[0], whole.high[0]), abs=1e-12)


def test_a_third_party_distance_is_bootstrapped_and_permuted():
    score = compare(X, 2 * Y, measure=MeanGap(), replicates=50, permutations=20)
    assert score.low < score.value < score.high
    assert score.p == 1.0  # it does not depend on which stimulus is which


def test_all_pairs_equal_pair_by_pair():
    things = {"one": X, "two": Y, "wide": RNG.normal(size=(25, 60))}
    for measure in (CKA(), RSA(), RSA(comparison="tau-a"), MeanGap()):
        names, matrix = compare_all(things, measure)
        assert names == ("one", "two", "wide")
        expected = [[measure(a, b) for b in things.values()] for a in things.values()]
        np.testing.assert_allclose(matrix, expected, atol=1e-10)


def test_all_pairs_of_named_things_meet_by_id():
    order = RNG.permutation(25)
    features = [Features(X, IDS, "a", "net"), Features(Y[order], tuple(IDS[row] for row in order), "b", "net")]
    names, matrix = compare_all(features, "rsa")
    assert names == ("net a", "net b")
    assert matrix[0, 1] == pytest.approx(RSA()(X, Y), abs=1e-12)
    with pytest.raises(IdError, match="2 things are called 'net a'"):
        compare_all([features[0], features[0]])
    with pytest.raises(InputError, match="at least 2 things"):
        compare_all([X])
    with pytest.raises(ShapeError, match="25 stimuli and y has 24"):
        compare_all([X, Y[:-1]], "rsa")


def test_options_come_by_name_and_wrong_ones_are_named():
    assert load_measure("cka", debiased=False) == CKA(debiased=False)
    assert "rsa" in registry.names()
    with pytest.raises(InputError, match="debiasd"):
        load_measure("cka", debiasd=False)
    with pytest.raises(InputError, match="has its options already"):
        compare(X, Y, measure=CKA(), debiased=False)


@dataclass(frozen=True, kw_only=True)
class PlainRSA(Measure):
    """RSA without weights: the general way has to find its interval."""

    @property
    def traits(self):
        return RSA().traits

    def _value(self, x, y):
        return RSA()(x, y)


def test_the_general_interval_is_about_that_of_weights():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 10))
    y = x + 2 * rng.normal(size=(80, 10))
    general, weighted = (compare(x, y, measure=measure, replicates=500) for measure in (PlainRSA(), RSA()))
    assert general.low < general.value < general.high
    assert general.high - general.low == pytest.approx(weighted.high - weighted.low, rel=0.25)


def test_named_things_meet_by_id_even_where_the_first_thing_has_no_names():
    backwards = Features(Y[::-1], IDS[::-1])
    for measure in ("cka", "rsa"):
        _, matrix = compare_all({"bare": X, "straight": Features(Y, IDS), "backwards": backwards}, measure)
        assert matrix[1, 2] == pytest.approx(1)
        assert matrix[0, 1] == pytest.approx(matrix[0, 2])


@pytest.mark.parametrize("name", registry.names())
def test_slow_measures_make_fewer_replicates(name):
    slow = {"rtd", "stochastic-shape", "linear-predictivity", "permutation-match", "soft-match", "hard-correlation-match"}
    expected = 200 if name in slow else 1000
    assert load_measure(name).draws == expected
    assert f"`{name}`" in inspect.getdoc(compare) or expected == 1000


def test_progress_counts_the_replicates_that_are_computed_anew():
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        quick = compare(X, Y, measure="cka", progress=progress)
        slow = compare(X, Y, measure="permutation-match", progress=progress)
    assert (quick.replicates, slow.replicates) == (1000, 200)
    assert "bootstrap of PermutationMatch: 200/200 replicates" in stream.getvalue()
    assert slow == compare(X, Y, measure="permutation-match", replicates=200)
