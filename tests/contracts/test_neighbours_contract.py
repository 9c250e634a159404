"""The options that are not the default keep their word, too."""

import pytest

from isomorph.measures import IMD, RTD, CycleKNN, JaccardKNN, MutualKNN, RankSimilarity, RSMNorm, SecondOrderCosine, Uniformity
from isomorph.testing import check_measure

VARIANTS = [
    *(kind(k=k) for kind in (MutualKNN, RankSimilarity, SecondOrderCosine) for k in (3, 6)),
    *(CycleKNN(k=k) for k in (1, 2, 3)),
    JaccardKNN(centre=True),
    JaccardKNN(k=4, centre=True),
    SecondOrderCosine(profile="distance"),
    RTD(batch_size=16, batches=2),
    IMD(k=3),
    RSMNorm(norm="spectral"),
    Uniformity(t=0.5),
    Uniformity(own_pairs=True),
    Uniformity(normalise=False),
    Uniformity(normalise=False, own_pairs=True, t=0.05),
]


@pytest.mark.parametrize("measure", VARIANTS, ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)
    assert measure.traits.misleads
