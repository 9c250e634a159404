"""Every form of the alignment and shape measures keeps its word in both directions."""

import numpy as np
import pytest

from isomorph.measures import (
    HardCorrelationMatch,
    PartialWhitening,
    PermutationMatch,
    Procrustes,
    SoftMatch,
    StochasticShape,
)
from isomorph.testing import check_measure

VARIANTS = [
    *(Procrustes(form=form) for form in ("squared", "unit", "unit-squared", "half", "disparity")),
    *(PartialWhitening(alpha=alpha, unit=unit) for alpha in (0.0, 0.3, 1.0) for unit in ("sum", "mean", "relative")),
    PermutationMatch(form="angular"),
    PermutationMatch(form="euclidean"),
    SoftMatch(form="distance"),
    StochasticShape(form="energy", starts=0),
    StochasticShape(mean_weight=2.0),
]
NOISY = [StochasticShape(), StochasticShape(mean_weight=0.5), StochasticShape(form="energy")]


@pytest.mark.parametrize("measure", VARIANTS, ids=repr)
def test_every_variant_keeps_its_word(measure):
    check_measure(measure)


def clouds(seed, features=4, repeats=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(10, 1, features)) * np.linspace(0.5, 2, features) + rng.normal(size=(10, repeats, features)) @ rng.normal(
        size=(features, features)
    )


@pytest.mark.parametrize("measure", NOISY, ids=repr)
def test_clouds_of_repeats_keep_every_claim(measure):
    x, y = clouds(0), clouds(1, features=6, repeats=7)
    value = measure(x, y)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0]
    assert value > 0.1
    assert measure(y, x) == pytest.approx(value, abs=1e-6)
    for same in (x + np.arange(4), x @ rotation, x[:, :, [2, 0, 1, 3]], x[:, ::-1], np.concatenate([x, np.zeros((10, 9, 2))], axis=2)):
        assert measure(same, y) == pytest.approx(value, abs=1e-6)
    for other in (2 * x, x * [1, 1, 1, 2]):
        assert abs(measure(other, y) - value) > 1e-3
    order = np.random.default_rng(3).permutation(10)
    assert measure(x[order], y[order]) == pytest.approx(value, abs=0.02)  # another start, and perhaps another valley
    assert measure(x, x @ rotation) < 1e-6
    assert measure(x, x + 0.1) < measure(x, x + 0.3 * y[:, :1, :4]) < measure(x, x + 3 * y[:, :1, :4])


@pytest.mark.parametrize("measure", NOISY, ids=repr)
def test_clouds_of_repeats_keep_the_triangle_inequality(measure):
    for seed in range(5):
        x, y, z = (clouds(10 * seed + each) for each in range(3))
        assert measure(x, z) <= measure(x, y) + measure(y, z) + 1e-6


def test_clouds_come_in_reduced_form_to_the_same_value():
    x, y = clouds(0, features=40, repeats=2), clouds(1, features=45, repeats=2)
    wide = np.concatenate([x, np.zeros((10, 2, 5))], axis=2)
    assert StochasticShape()(x, y) == pytest.approx(StochasticShape()(wide, y), rel=1e-9)


@pytest.mark.parametrize("widths", [(4, 4), (3, 6), (5, 7)])
def test_soft_matching_distance_is_a_metric_between_widths(widths):
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(12, widths[0])), rng.normal(size=(12, widths[1])), rng.normal(size=(12, 4))
    measure = SoftMatch(form="distance")
    assert measure(x, z) <= measure(x, y) + measure(y, z)
    assert measure(x, np.hstack([x, x])) < 1e-6


def test_hard_matching_needs_no_equal_widths():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 6))
    assert HardCorrelationMatch()(x, y) == pytest.approx(HardCorrelationMatch()(y, x), abs=1e-12)
