import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.geometry._distance import PLAIN_DISTANCES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 40)) + 2.0


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
def test_distances_of_float64_features_equal_scipy_to_the_last_digits(distance):
    np.testing.assert_allclose(RDM.from_features(X, distance).values, pdist(X, distance), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
def test_blocks_of_rows_do_not_show(distance, monkeypatch):
    whole = RDM.from_features(X, distance).values
    for rows in (1, 7, 300, 1000):
        monkeypatch.setattr("isomorph.geometry._distance._BLOCK_ROWS", rows)
        np.testing.assert_allclose(RDM.from_features(X, distance).values, whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
def test_float32_features_give_float32_distances(distance):
    rdm = RDM.from_features(X.astype(np.float32), distance)
    assert rdm.values.dtype == np.float32
    np.testing.assert_allclose(rdm.values, pdist(X, distance), rtol=3e-6, atol=1e-6)


def test_a_large_common_offset_does_not_eat_the_digits_of_euclidean_distances():
    offset = (X + 1e6).astype(np.float64)
    np.testing.assert_allclose(RDM.from_features(offset, "euclidean").values, pdist(X), rtol=1e-8)


@pytest.mark.parametrize("distance", PLAIN_DISTANCES)
def test_equal_rows_are_never_less_than_nothing_apart(distance):
    rows = np.repeat(RNG.normal(size=(3, 500)).astype(np.float32), 4, axis=0)
    values = RDM.from_features(rows, distance).values
    assert values.min() >= 0
    assert Gram.from_features(rows).rdm(distance).values.min() >= 0


def test_a_gaussian_tells_near_from_far():
    squared = pdist(X, "sqeuclidean")
    for make in (RDM.from_features, lambda x, d, **o: Gram.from_features(x).rdm(d, **o)):
        np.testing.assert_allclose(make(X, "gaussian").values, 1 - np.exp(-squared / 2 / np.median(squared)), rtol=1e-10)
        wide = make(X, "gaussian", sigma=7.0, sigma_unit="absolute").values
        np.testing.assert_allclose(wide, 1 - np.exp(-squared / 98), rtol=1e-10)
        with pytest.raises(ShapeError, match="the median distance between stimuli"):
            make(np.repeat(X[:1], 4, axis=0), "gaussian")
    # the way of another program: σ² is half the mean of all n² squared distances, zeros included
    mean = 2 * squared.sum() / len(X) ** 2
    theirs = RDM.from_features(X, "gaussian", sigma=np.sqrt(mean / 2), sigma_unit="absolute").values
    np.testing.assert_allclose(theirs, 1 - np.exp(-squared / mean), rtol=1e-10)
    assert RDM.from_features(X.astype(np.float32), "gaussian").values.dtype == np.float32


def test_mahalanobis_is_squared_and_equals_scipy():
    rows = X[:30, :6]
    precision = np.linalg.inv(np.cov(RNG.normal(size=(6, 50))))
    expected = pdist(rows, "mahalanobis", VI=precision) ** 2
    np.testing.assert_allclose(RDM.from_features(rows, "mahalanobis", precision=precision).values, expected, rtol=1e-10)
    scaled = RDM.from_features(rows, "mahalanobis", precision=precision, per_feature=True)
    np.testing.assert_allclose(scaled.values, expected / 6, rtol=1e-10)
    np.testing.assert_allclose(RDM.from_features(rows, "mahalanobis").values, pdist(rows, "sqeuclidean"), rtol=1e-10)


def test_poisson_is_the_symmetrised_divergence_of_rates():
    rates = RNG.poisson(3, size=(8, 20))
    a = (rates + 0.1) / 1.1
    expected = pdist(a, lambda x, y: float(((x - y) * (np.log(x) - np.log(y))).sum()))
    np.testing.assert_allclose(RDM.from_features(rates, "poisson").values, expected, rtol=1e-10)
    with pytest.raises(InputError, match="the first is '3'"):
        RDM.from_features(np.where(np.arange(8)[:, None] == 3, -1, rates), "poisson")
    with pytest.raises(InputError, match="rates of 0"):
        RDM.from_features(rates * (np.arange(20) > 1), "poisson", prior_weight=0.0)


def test_repeats_are_averaged():
    repeats = RNG.normal(size=(6, 3, 10)).astype(np.float32)
    for distance in ("correlation", "gaussian"):
        rdm = RDM.from_features(repeats, distance, ids=list("abcdef"))
        np.testing.assert_allclose(rdm.values, RDM.from_features(repeats.mean(axis=1), distance).values, rtol=1e-5)
        assert rdm.values.dtype == np.float32


def test_an_option_of_another_distance_is_refused():
    with pytest.raises(InputError, match="belongs to the distances 'mahalanobis' and 'crossnobis', not to 'cosine'"):
        RDM.from_features(X, "cosine", precision=np.eye(40))
    with pytest.raises(InputError, match="'euclidean' is none"):
        RDM.from_features(X, "euclidean", per_feature=True)
    with pytest.raises(InputError, match="sigma must be above 0; got -1"):
        RDM.from_features(X, "gaussian", sigma=-1.0)
    with pytest.raises(UnknownNameError, match="There are: absolute, median"):
        RDM.from_features(X, "gaussian", sigma_unit="mm")
    with pytest.raises(InputError, match="needs the features themselves"):
        Gram.from_features(X).rdm("poisson")
    with pytest.raises(ShapeError, match=r"\[stimulus, repeat, feature\]; got shape \(40,\)"):
        RDM.from_features(X[0])


def test_bytes_are_widened_before_they_are_subtracted():
    image = RNG.integers(0, 256, size=(10, 50)).astype(np.uint8)
    for distance in ("sqeuclidean", "correlation", "gaussian", "poisson"):
        np.testing.assert_array_equal(
            RDM.from_features(image, distance).values, RDM.from_features(image.astype(np.float64), distance).values
        )
    twice = np.stack([image, image[::-1]], axis=1)
    np.testing.assert_array_equal(RDM.from_repeats(twice).values, RDM.from_repeats(twice.astype(np.float64)).values)


def test_pairs_stand_row_by_row():
    rdm = RDM.from_features(X[:5], ids=list("abcde"))
    np.testing.assert_array_equal(rdm.square()[np.triu_indices(5, 1)], rdm.values)
    np.testing.assert_array_equal(rdm.square(), squareform(rdm.values))


def test_take_reorders_and_selects():
    rdm = RDM.from_features(X[:6], ids=list("abcdef"), subject="someone", layer="deep")
    part = rdm.take(["e", "a", "c"])
    np.testing.assert_allclose(part.values, RDM.from_features(X[[4, 0, 2]]).values, atol=1e-14)
    assert (part.ids, part.subject, part.layer, part.distance) == (("e", "a", "c"), "someone", "deep", "correlation")
    assert rdm.take(rdm.ids) is rdm


def test_take_refuses_unknown_and_doubled_ids():
    rdm = RDM.from_features(X[:4], ids=list("abcd"))
    with pytest.raises(IdError, match="'z'"):
        rdm.take(["a", "z"])
    with pytest.raises(IdError, match="'a'"):
        rdm.take(["a", "b", "a"])


def test_names_travel_from_features():
    rdm = RDM.from_features(Features(X[:3], ("a", "b", "c"), layer="l", subject="s"))
    assert (rdm.ids, rdm.layer, rdm.subject) == (("a", "b", "c"), "l", "s")


def test_square_and_condensed_forms_agree():
    square = squareform(pdist(X[:10]))
    np.testing.assert_array_equal(RDM.from_square(square).values, RDM.from_condensed(pdist(X[:10])).values)
    np.testing.assert_array_equal(RDM.from_condensed(pdist(X[:10])[None]).values, pdist(X[:10]))


def test_whole_numbers_become_floats_before_arithmetic():
    square = squareform(np.array([0, 255, 255], dtype=np.uint8))
    rdm = RDM.from_square(square)
    assert rdm.values.dtype == np.float64
    assert rdm.values.sum() == 510


def test_a_matrix_that_is_no_rdm_is_refused():
    square = squareform(pdist(X[:4]))
    lopsided = square.copy()
    lopsided[0, 2] += 1
    with pytest.raises(InputError, match=r"entry \(0, 2\)"):
        RDM.from_square(lopsided)
    with pytest.raises(InputError, match="diagonal"):
        RDM.from_square(1 - square)
    with pytest.raises(ShapeError, match="as many rows as columns"):
        RDM.from_square(square[:3])
    with pytest.raises(ShapeError, match=r"n\(n − 1\)/2"):
        RDM.from_condensed(np.zeros(4))
    with pytest.raises(NonFiniteError, match="'0' with '2'"):
        RDM.from_condensed(np.array([1.0, np.nan, 2.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_without_variance_is_named(dtype):
    rows = X[:5].astype(dtype)
    rows[3] = 0.1
    for make in (RDM.from_features, lambda x, d: Gram.from_features(x).rdm(d)):
        with pytest.raises(ShapeError, match="the first is '3'"):
            make(rows, "correlation")
        make(rows, "cosine")
        rows[3] = 0
        with pytest.raises(ShapeError, match="zero in every feature"):
            make(rows, "cosine")
        make(rows, "euclidean")
        rows[3] = 0.1
