"""A class for the unknown, against scipy's Weibull and a plain loop."""

import numpy as np
import pytest
from scipy import special, stats

from isomorph.abstention import OpenMax
from isomorph.abstention._openmax import fit_weibull

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(4), 60)
LOGITS = 9 * np.eye(4)[LABELS] + RNG.normal(size=(240, 4))
NEW = 9 * RNG.dirichlet([0.3] * 4, size=30) + RNG.normal(size=(30, 4)) * 0.5


@pytest.mark.parametrize("shape", [0.7, 2.0, 9.0])
def test_weibulls_are_scipys(shape: float) -> None:
    values = stats.weibull_min.rvs(shape, scale=3.0, size=200, random_state=0)
    wanted_shape, _, wanted_scale = stats.weibull_min.fit(values, floc=0)
    assert fit_weibull(values) == (pytest.approx(wanted_shape, rel=1e-4), pytest.approx(wanted_scale, rel=1e-4))
    assert fit_weibull(np.full(5, 2.0)) == (1e4, pytest.approx(2.0))


def by_loop(new: np.ndarray, tail: int, alpha: int) -> np.ndarray:
    means, tails = [], []
    for each in range(4):
        own = LOGITS[(each == LABELS) & (LOGITS.argmax(axis=1) == each)]
        means.append(own.mean(axis=0))
        largest = np.sort(np.linalg.norm(own - means[-1], axis=1))[-tail:]
        shape, _, scale = stats.weibull_min.fit(largest - largest[0] + 1, floc=0)
        tails.append((largest[0] - 1, shape, scale))
    out = []
    for z in new:
        kept, unknown = z.copy(), 0.0
        for rank, each in enumerate(np.argsort(-z)[:alpha], start=1):
            start, shape, scale = tails[each]
            outlying = stats.weibull_min.cdf(np.linalg.norm(z - means[each]) - start, shape, scale=scale)
            weight = 1 - (alpha - rank + 1) / alpha * outlying
            kept[each], unknown = z[each] * weight, unknown + z[each] * (1 - weight)
        out.append(special.softmax([*kept, unknown]))
    return np.array(out)


@pytest.mark.parametrize(("tail", "alpha"), [(20, 4), (10, 2)])
def test_probabilities_are_those_of_a_plain_loop(tail: int, alpha: int) -> None:
    fitted = OpenMax(tail=tail, alpha=alpha).fit(LOGITS, LABELS)
    found = fitted.probabilities(NEW)
    np.testing.assert_allclose(found, by_loop(NEW, tail, alpha), atol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.score(NEW), found[:, -1])


def test_the_unknown_grows_with_the_distance_from_the_class() -> None:
    fitted = OpenMax(alpha=4).fit(LOGITS, LABELS)
    away = fitted.means[0] + np.outer([0, 2, 4, 8], [0, 1, 1, 0]) * 0.5
    scores = fitted.score(away)
    assert (np.diff(scores) >= 0).all()
    assert scores[0] < 0.01 < 0.9 < scores[-1]
