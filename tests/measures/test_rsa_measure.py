import numpy as np
import pytest

from isomorph.geometry import RDM, Gram
from isomorph.measures import RSA

LEGACY = np.random.RandomState(0)  # the published values were computed with the legacy generator
X, Y = LEGACY.uniform(size=(30, 25)), LEGACY.uniform(size=(30, 25))


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (RSA(), 0.00350624601928),
        (RSA(comparison="spearman"), -0.00409279569407),
        (RSA(comparison="cosine"), 0.958704951206),
        (RSA(distance="sqeuclidean"), 0.0480849202406),
    ],
)
def test_values_on_which_libraries_agree(measure, value):
    assert measure(X, Y) == pytest.approx(value, abs=1e-10)
    assert measure(Gram.from_features(X), Y) == pytest.approx(value, abs=1e-10)
    assert measure(RDM.from_features(X, measure.distance), Y) == pytest.approx(value, abs=1e-10)


def test_a_stored_rdm_is_taken_as_it_is():
    judged = RDM.from_condensed(np.arange(435.0), distance="judgment")
    assert RSA()(judged, judged) == pytest.approx(1)


def test_stored_distances_may_be_negative():
    crossed = RDM.from_condensed([-1.0, -2.0, -0.5])
    measure = RSA(comparison="cosine")
    assert measure(crossed, RDM.from_condensed([1.0, 2.0, 0.5])) == pytest.approx(-1)
    assert measure.traits.bounds[0] == -1
