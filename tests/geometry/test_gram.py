import numpy as np
import pytest

from isomorph.errors import NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.geometry._distance import PLAIN_DISTANCES

RNG = np.random.default_rng(1)
X = RNG.normal(size=(30, 200)) * RNG.uniform(0.1, 5, 200) + RNG.normal(size=200)
IDS = tuple(f"picture {row}" for row in range(30))


def test_its_parts_give_the_raw_products_back():
    np.testing.assert_allclose(Gram.from_features(X).raw(), X @ X.T, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
@pytest.mark.parametrize("offset", [0.0, 50.0])
def test_distances_follow_without_the_features(distance, offset):
    x = X + offset
    np.testing.assert_allclose(Gram.from_features(x).rdm(distance).values, RDM.from_features(x, distance).values, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
def test_take_centres_on_the_mean_of_what_was_taken(distance):
    chosen = [17, 3, 28, 9, 0, 11]
    part = Gram.from_features(Features(X, IDS)).take([IDS[row] for row in chosen])
    fresh = Gram.from_features(X[chosen])
    np.testing.assert_allclose(part.centred, fresh.centred, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(part.mean_product, fresh.mean_product, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(part.rdm(distance).values, fresh.rdm(distance).values, rtol=1e-9, atol=1e-11)
    assert part.width == 200


def test_column_chunks_do_not_change_the_sums(monkeypatch):
    whole = Gram.from_features(X)
    monkeypatch.setattr("isomorph.geometry._gram._CHUNK_VALUES", 30 * 7)
    chunked = Gram.from_features(X)
    np.testing.assert_allclose(chunked.centred, whole.centred, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(chunked.row_sums, X.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(chunked.mean_product, X @ X.mean(axis=0), rtol=1e-12)


def test_a_common_offset_leaves_the_centred_part_its_digits():
    np.testing.assert_allclose(Gram.from_features(X + 1e7).centred, Gram.from_features(X).centred, rtol=1e-6, atol=1e-4)


def test_parts_of_other_sizes_are_refused():
    gram = Gram.from_features(X[:4])
    with pytest.raises(ShapeError, match="mean_product of shape"):
        Gram(gram.centred, gram.mean_product[:3], gram.row_sums, 200, gram.ids)


def test_nan_is_refused_with_the_stimulus():
    broken = X.copy()
    broken[4, 7] = np.nan
    with pytest.raises(NonFiniteError, match="'picture 4'"):
        Gram.from_features(Features(broken, IDS))


@pytest.mark.parametrize("value", [0.1, 1 / 3, 12345.678])
def test_what_does_not_vary_leaves_no_residue(value):
    assert not Gram.from_features(np.full((37, 50), value)).centred.any()
