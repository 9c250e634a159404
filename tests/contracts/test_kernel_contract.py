"""The kernel alignments keep their word with other options than the default ones."""

import pytest

from isomorph.measures import CKA, CKNNA, HSIC, RBFCKA, Bures, DistanceCorrelation, MinibatchCKA
from isomorph.testing import check_measure

VARIANTS = [
    HSIC(estimator="biased"),
    HSIC(estimator="lange"),
    CKA(estimator="biased"),
    CKA(estimator="lange"),
    RBFCKA(estimator="lange"),
    RBFCKA(estimator="biased", sigma=1.5),
    RBFCKA(sigma=4.0, sigma_unit="absolute", estimator="lange"),
    MinibatchCKA(batch_size=4),
    MinibatchCKA(batch_size=10),
    CKNNA(k=5, similarity="centred"),
    CKNNA(k=5, similarity="dot"),
    CKNNA(mask="mutual"),
    CKNNA(k=5, similarity="centred", mask="mutual"),
    CKNNA(epsilon=1e-6),
    Bures(squared=True),
    DistanceCorrelation(estimator="biased"),
]


@pytest.mark.parametrize("measure", VARIANTS, ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)
    assert measure.traits.misleads
