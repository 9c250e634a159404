"""Features that do not vary, that are not there, or that float64 cannot multiply: a sentence for each, in every measure."""

import warnings

import numpy as np
import pytest

from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry._centre import centre_columns
from isomorph.measures import CCA, CKNNA, HardCorrelationMatch, compare, load_measure, registry
from isomorph.pairwise import all_pairs

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 7)), RNG.normal(size=(40, 9))

PLAIN_NUMBERS = (
    "bures",
    "concentricity",
    "eigenspace-overlap",
    "hsic",
    "magnitude",
    "procrustes",
    "rsm-norm",
    "stochastic-shape",
    "uniformity",
)
"""Defined for features that do not vary: uncentred, or a length that may be 0."""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [each for each in registry.names() if each not in PLAIN_NUMBERS])
def test_a_constant_that_binary_cannot_write_is_still_constant(name):
    flat = np.full((100, 7), 0.7)  # the mean of a hundred 0.7 is not 0.7
    with pytest.raises(ShapeError):
        load_measure(name)(flat, RNG.normal(size=(100, 5)))


@pytest.mark.parametrize("n", [3, 100, 5000])
@pytest.mark.parametrize("constant", [0.1, 0.7, 1e5 / 3])
def test_centring_leaves_nothing_of_a_constant(n, constant):
    centred, mean = centre_columns(np.full((n, 3), constant))
    assert not centred.any()
    np.testing.assert_allclose(mean, constant, rtol=1e-12)


def test_all_pairs_refuse_a_constant_that_binary_cannot_write():
    with pytest.raises(ShapeError, match="'flat' does not vary"):
        all_pairs({"flat": np.full((1000, 7), 0.7), "other": RNG.normal(size=(1000, 5)), "third": RNG.normal(size=(1000, 5))})


def test_the_way_out_of_constant_features_is_one():
    x = np.c_[RNG.normal(size=(100, 3)), np.full(100, 0.7)]
    with pytest.raises(ShapeError, match="1 of the 4 features") as caught:
        HardCorrelationMatch()(x, x)
    kept = eval(str(caught.value).split("Leave them out: ")[1].rstrip("."), {"x": x, "np": np})
    assert kept.shape == (100, 3)
    assert HardCorrelationMatch()(kept, kept) == pytest.approx(1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", registry.names())
def test_every_measure_refuses_what_it_cannot_multiply(name):
    measure = load_measure(name)
    with pytest.raises(
        InputError, match=r"^the largest value of x is .*e\+160 in size; float64 cannot hold products of such values\. Multiply"
    ):
        measure(X * 1e160, Y)
    with pytest.raises(InputError, match=r"^the largest value of 'human' is .*e-160 in size"):
        measure(X, Features(Y * 1e-160, tuple(map(str, range(40))), subject="human"))
    with pytest.raises(ShapeError, match=r"^x has no features: its shape is \(40, 0\)\.$"):
        measure(X[:, :0], Y)


def test_a_warning_is_given_once():
    with pytest.warns(UserWarning, match="CCA of unrelated") as caught:
        compare(X, Y, measure=CCA(), replicates=20)
    assert len(caught) == 1


def test_an_interval_that_few_replicates_carry_says_so():
    with pytest.warns(
        UserWarning, match=r"^0 of 30 replicates left CKNNA enough of the 11 stimuli, so that there is no interval\. Show more"
    ):
        score = compare(X[:11], Y[:11], measure="cknna", replicates=30)
    assert (score.low, score.high) == (None, None)
    with pytest.warns(
        UserWarning, match=r"^[1-9]\d* of 300 replicates left CKNNA enough of the 15 stimuli, so that the interval is that of a few\."
    ):
        compare(X[:15], Y[:15], measure=CKNNA(), replicates=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(X, Y, measure="cknna", replicates=30)
