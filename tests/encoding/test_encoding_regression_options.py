"""Regressions and projections are plain data and come back from it."""

import numpy as np
import pytest

from isomorph.encoding import PLS, BandedRidge, PrincipalRegression, Ridge, SparseProjection
from isomorph.spec import fingerprint, from_plain, to_plain

OPTIONS = [
    Ridge(alphas=(1, 10), select="cv-mse", folds=3, seed=None, standardise=False, width=5920),
    BandedRidge(alphas=np.logspace(0, 2, 3), draws=5, concentrations=(1.0,), select="gcv"),
    PLS(components=7, standardise=True),
    PrincipalRegression(components=9),
    SparseProjection(width=12, seed=3),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda each: type(each).__name__)
def test_options_are_plain_data(options):
    plain = to_plain(options)
    assert from_plain(type(options), plain) == options
    assert fingerprint(options) != fingerprint(type(options)())
