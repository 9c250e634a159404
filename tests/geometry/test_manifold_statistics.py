"""Manifold statistics of clouds whose radius, dimension and overlaps are known by hand."""

import re

import numpy as np
import pytest

from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram, manifold_statistics

CROSS = np.vstack([np.eye(4), -np.eye(4)])  # eight points: mean 0, covariance 1/4 in each of four directions
LABELS = ["a"] * 8 + ["b"] * 8


def test_two_crosses_by_hand():
    x = np.zeros((16, 6))
    x[:8, :4], x[8:, :4] = 2 * CROSS, CROSS * [1, 1, 0, 0] + [0, 0, 3, 4]
    found = manifold_statistics(x, LABELS, shots=5)
    assert (found.classes, found.counts.tolist()) == (("a", "b"), [8, 8])
    # a: Σ = diag(1, 1, 1, 1); b: half of its points lie in its mean, Σ = diag(1/4, 1/4, 0, 0)
    np.testing.assert_allclose(found.radius, [2, np.sqrt(1 / 2)])
    np.testing.assert_allclose(found.dimension, [4, 2])
    np.testing.assert_allclose(found.signal[[0, 1], [1, 0]], [25 / 4, 50])
    np.testing.assert_allclose(found.bias[[0, 1], [1, 0]], [-7 / 8, 7])
    np.testing.assert_allclose(found.overlap[[0, 1], [1, 0]], [25 / 16, 0], atol=1e-12)  # Δ = (0, 0, 3, 4) lies in the noise of a alone
    np.testing.assert_allclose(found.overlap_other[[0, 1], [1, 0]], [0, 25 * 4], atol=1e-12)
    snr_a = 0.5 * (25 / 4 - 7 / 8 / 5) / np.sqrt(1 / 4 / 5 + 25 / 16)
    snr_b = 0.5 * (50 + 7 / 5) / np.sqrt(1 / 2 / 5 + 100 / 5)
    np.testing.assert_allclose(found.snr[[0, 1], [1, 0]], [snr_a, snr_b])
    np.testing.assert_allclose(found.between_radius, 2.5)
    np.testing.assert_allclose(found.between_dimension, 1)
    assert np.isnan(np.diagonal(found.signal)).all()
    means = found.means()
    np.testing.assert_allclose(means["snr"], (snr_a + snr_b) / 2)
    np.testing.assert_allclose(means["dimension"], 3)


def test_an_offset_a_rotation_and_the_form_are_no_matter():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 12)) + np.repeat(rng.normal(size=(3, 12)), 10, axis=0) * 2
    labels, ids = np.repeat(["x", "y", "z"], 10), tuple(f"s{each}" for each in range(30))
    plain = manifold_statistics(x, labels)
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    order = rng.permutation(30)
    features = Features(x[order] @ rotation + 50, tuple(ids[each] for each in order))
    for given in (features, Gram.from_features(features)):
        found = manifold_statistics(given, dict(zip(ids, labels, strict=True)))
        for name in ("radius", "dimension", "signal", "bias", "overlap", "overlap_other", "snr", "between_radius", "between_dimension"):
            np.testing.assert_allclose(getattr(found, name), getattr(plain, name), rtol=1e-8, err_msg=name)


def test_gaussian_clouds_have_their_radius_and_dimension():
    rng = np.random.default_rng(1)
    deviations = np.concatenate([np.full(10, 2.0), np.full(20, 1.0)])
    clouds = np.vstack([rng.normal(size=(1500, 30)) * deviations, 5 + rng.normal(size=(1500, 30))])
    found = manifold_statistics(clouds, np.repeat([0, 1], 1500))
    assert found.classes == ("0", "1")
    np.testing.assert_allclose(found.radius, [np.sqrt(60), np.sqrt(30)], rtol=0.02)
    np.testing.assert_allclose(found.dimension, [60**2 / 180, 30], rtol=0.04)
    np.testing.assert_allclose(found.signal[[0, 1], [1, 0]], [750 / 60, 750 / 30], rtol=0.02)


def test_the_error_is_that_of_prototypes():
    """Noise in other directions for each class, as the formula takes it; prototypes of so many examples."""
    rng = np.random.default_rng(2)
    n, shots = 1000, 5
    noise = np.zeros((2, n, 200))
    noise[0, :, :100], noise[1, :, 100:] = rng.normal(size=(2, n, 100))
    shift = np.full(200, 0.32)
    found = manifold_statistics(np.vstack([noise[0], noise[1] + shift]), np.repeat(["a", "b"], n), shots=shots)
    wrong = []
    for _ in range(4000):
        a, b = (noise[each, rng.integers(n, size=shots)].mean(axis=0) for each in (0, 1))
        test, b = noise[0, rng.integers(n)], b + shift
        wrong.append(((test - a) ** 2).sum() > ((test - b) ** 2).sum())
    assert 0.01 < found.error[0, 1] < 0.3
    assert abs(np.mean(wrong) - found.error[0, 1]) < 4 * np.sqrt(found.error[0, 1] / 4000)


def test_sentences():
    x = np.random.default_rng(0).normal(size=(6, 3))

    def said(error, text):
        return pytest.raises(error, match="^" + re.escape(text) + "$")

    with said(InputError, "statistics of manifolds need 2 classes or more; got 1."):
        manifold_statistics(x, ["a"] * 6)
    with said(ShapeError, "there are 6 stimuli and 5 labels; pass one for each."):
        manifold_statistics(x, ["a"] * 5)
    with said(ShapeError, "the class 'b' has 1 stimulus; a radius needs 2 or more. Leave it out."):
        manifold_statistics(x, ["a"] * 5 + ["b"])
    with said(IdError, "2 of 6 stimuli have no label; the first is '4'."):
        manifold_statistics(x, dict.fromkeys("0123", "a"))
    with said(ShapeError, "the stimuli of the class 'b' do not differ; its radius is 0. Leave it out."):
        manifold_statistics(np.vstack([x[:4], x[:1], x[:1]]), list("aaaabb"))
    with said(InputError, "shots must be above 0; got 0."):
        manifold_statistics(x, list("aaabbb"), shots=0)
