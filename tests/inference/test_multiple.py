import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isomorph.errors import InputError
from isomorph.inference import Score, bootstrap_weights, correct_p_values
from isomorph.spec import to_plain

values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(values)
def test_false_discovery_rate_equals_scipy(p):
    np.testing.assert_allclose(correct_p_values(p, "fdr_bh"), stats.false_discovery_control(p), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(values)
def test_methods_keep_the_order_and_their_strictness(p):
    holm, bonferroni = correct_p_values(p, "holm"), correct_p_values(p, "bonferroni")
    assert (np.asarray(p) <= holm + 1e-15).all()
    assert (holm <= bonferroni + 1e-15).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(holm[order]) >= 0).all()


def test_holm_by_hand():
    np.testing.assert_allclose(correct_p_values([0.01, 0.02, 0.03, 0.5], "holm"), [0.04, 0.06, 0.06, 0.5])


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match=r"number 1 is 1\.5"):
        correct_p_values([0.1, 1.5])
    with pytest.raises(InputError, match="'fdr_bh', 'holm' or 'bonferroni'"):
        correct_p_values([0.1], "sidak")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10), st.integers(0, 5))
def test_bootstrap_weights_are_samples_with_replacement(n, replicates, seed):
    weights = bootstrap_weights(n, replicates, seed)
    assert weights.shape == (replicates, n)
    assert (weights.sum(axis=1) == n).all()
    np.testing.assert_array_equal(weights, bootstrap_weights(n, replicates, seed))


def test_weights_of_nothing_are_refused():
    with pytest.raises(InputError, match="n=0"):
        bootstrap_weights(0, 10)


def test_a_score_reads_aloud_and_has_a_plain_form():
    score = Score(value=0.6123, low=0.59, high=0.632, n=1854)
    assert (str(score), repr(score), float(score)) == ("0.61 [0.59, 0.63], n=1854", "Score(0.61 [0.59, 0.63], n=1854)", 0.6123)
    assert str(Score(value=0.5, n=4)) == "0.50, n=4"
    assert to_plain(score)["low"] == 0.59
