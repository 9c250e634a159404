from __future__ import annotations

import numpy as np
import pytest

from isomorph.errors import InputError, ShapeError
from isomorph.report import classical_mds, smacof


def between(points):
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_points_on_a_plane_are_found_again():
    points = np.random.default_rng(0).normal(size=(12, 2))
    assert np.allclose(between(classical_mds(between(points))), between(points))
    found, stress = smacof(between(points))
    assert np.allclose(between(found), between(points), atol=1e-6)
    assert stress < 1e-6


def test_stress_is_kruskals_and_not_above_the_start():
    points = np.random.default_rng(1).normal(size=(10, 6))
    wanted = between(points)
    found, stress = smacof(wanted)

    def by_hand(layout):
        fitted = between(layout)
        return np.sqrt(((wanted - fitted) ** 2).sum() / (fitted**2).sum())

    assert stress == pytest.approx(by_hand(found), abs=1e-9)
    assert 0 < stress < by_hand(classical_mds(wanted))


def test_equal_distances_give_equal_points():
    wanted = between(np.random.default_rng(3).normal(size=(8, 4)))
    assert np.array_equal(smacof(wanted)[0], smacof(wanted.copy())[0])


def test_points_in_one_place_and_a_single_point():
    points, stress = smacof(np.zeros((3, 3)))
    assert stress == 0
    assert not points.any()
    assert smacof(np.zeros((1, 1)))[0].shape == (1, 2)


@pytest.mark.parametrize(
    ("distances", "error", "words"),
    [
        (np.zeros((2, 3)), ShapeError, "square"),
        (np.array([[0, 1.0], [2, 0]]), InputError, "symmetric; two of a pair differ by up to 1"),
        (np.array([[0, -1.0], [-1, 0]]), InputError, "at least 0; the smallest is -1"),
    ],
)
def test_what_is_not_a_distance_matrix_is_refused(distances, error, words):
    with pytest.raises(error, match=words):
        smacof(distances)
