import numpy as np
import pytest

from isomorph.errors import InputError, ShapeError, UnknownNameError
from isomorph.geometry import SHRINKAGES, noise_covariance, noise_precision, repeat_residuals

RNG = np.random.default_rng(7)
ROWS = RNG.normal(size=(15, 6)) * np.linspace(0.5, 3, 6)


def loop_shrinkage(rows, target):
    """Ledoit & Wolf's and Schäfer & Strimmer's estimates from their definitions, one measurement at a time."""
    rows = rows - rows.mean(axis=0)
    count, width = rows.shape
    outer = np.stack([np.outer(row, row) for row in rows])
    if target == "identity":
        sample = outer.mean(axis=0)
        goal = np.trace(sample) / width * np.eye(width)
        d2 = np.square(sample - goal).sum()
        b2 = min(d2, sum(np.square(each - sample).sum() for each in outer) / count**2)
        return (b2 / d2 * goal + (1 - b2 / d2) * sample) * count / (count - 1)
    covariance = outer.sum(axis=0) / (count - 1)
    z = rows / np.sqrt(np.diagonal(covariance))
    products = np.stack([np.outer(row, row) for row in z])
    off = ~np.eye(width, dtype=bool)
    correlation = products.sum(axis=0) / (count - 1)
    variance = count / (count - 1) ** 2 * (np.square(products).sum(axis=0) / (count - 1) - correlation**2)
    share = np.clip(variance[off].sum() / np.square(correlation[off]).sum(), 0, 1)
    return np.where(off, (1 - share) * covariance, covariance)


@pytest.mark.parametrize("target", ["identity", "diagonal"])
def test_shrinkage_equals_a_loop_over_measurements(target):
    np.testing.assert_allclose(noise_covariance(ROWS, shrinkage=target), loop_shrinkage(ROWS, target), rtol=1e-12, atol=1e-12)


def test_without_shrinkage_it_is_the_sample_covariance():
    np.testing.assert_allclose(noise_covariance(ROWS, shrinkage="full"), np.cov(ROWS.T), atol=1e-12)
    np.testing.assert_allclose(noise_covariance(ROWS, shrinkage="variances"), np.diag(ROWS.var(axis=0, ddof=1)), atol=1e-12)
    np.testing.assert_allclose(noise_covariance(ROWS, shrinkage="full", degrees=7), 2 * np.cov(ROWS.T), atol=1e-12)


@pytest.mark.parametrize("shrinkage", SHRINKAGES)
def test_a_precision_is_the_inverse(shrinkage):
    product = noise_precision(ROWS, shrinkage=shrinkage) @ noise_covariance(ROWS, shrinkage=shrinkage)
    np.testing.assert_allclose(product, np.eye(6), atol=1e-10)


def test_residuals_of_an_array_and_of_a_list_are_the_same():
    x = RNG.normal(size=(4, 3, 5))
    residuals, degrees = repeat_residuals(x)
    assert degrees == 8
    np.testing.assert_allclose(residuals.reshape(4, 3, 5).sum(axis=1), 0, atol=1e-12)
    order = RNG.permutation(12)
    listed, listed_degrees = repeat_residuals(x.reshape(12, 5)[order], stimuli=np.repeat(list("dabc"), 3)[order])
    assert listed_degrees == 8
    np.testing.assert_allclose(listed, residuals[order], atol=1e-12)


def test_noise_that_cannot_be_known_is_refused():
    with pytest.raises(ShapeError, match="each of the 4 stimuli was measured once"):
        repeat_residuals(RNG.normal(size=(4, 1, 5)))
    with pytest.raises(ShapeError, match="at least 2 measurements; got 1"):
        noise_covariance(ROWS[:1])
    with pytest.raises(InputError, match="3 residuals leave 4 dimensions without variance"):
        noise_precision(ROWS[:3], shrinkage="full")
    with pytest.raises(InputError, match="feature 2 never varies"):
        noise_covariance(ROWS * (np.arange(6) != 2))
    with pytest.raises(UnknownNameError, match="Did you mean 'diagonal'"):
        noise_covariance(ROWS, shrinkage="diagonall")
    with pytest.raises(InputError, match="degrees must be 1 or more"):
        noise_covariance(ROWS, degrees=0)
