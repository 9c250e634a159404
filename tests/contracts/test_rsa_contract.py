"""RSA keeps its word for every distance with every comparison."""

import itertools

import pytest

from isomorph.geometry import DISTANCES
from isomorph.inference import COMPARISONS
from isomorph.measures import RSA
from isomorph.testing import check_measure

FULL_RANK = ("euclidean", "gaussian")
"""Distances that span n − 1 dimensions however few the features: the Riemannian distance is infinite for the others."""

VARIANTS = [
    RSA(distance=distance, comparison=comparison)
    for distance, comparison in itertools.product(DISTANCES, COMPARISONS)
    if distance != "poisson" and (comparison != "neg_riem_dist" or distance in FULL_RANK)
]


@pytest.mark.parametrize("measure", [*VARIANTS, RSA(distance="gaussian", sigma=3.0, sigma_unit="absolute")], ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)
    assert measure.traits.misleads
