import numpy as np
import pytest

from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.measures import CKA, CKNNA

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(60, 5)) + 1, RNG.normal(size=(60, 6)) + 1
LATTICE = np.array([[i, j] for i in range(1, 7) for j in range(1, 7)], dtype=float)  # whole numbers: many stimuli are equally near


@pytest.mark.parametrize("mask", ["directed", "mutual"])
@pytest.mark.parametrize("similarity", ["cosine", "centred", "dot"])
@pytest.mark.parametrize("x", [LATTICE, np.repeat(X[:12], 3, axis=0)], ids=["lattice", "triples"])
def test_ties_do_not_make_the_order_matter(x, similarity, mask):
    measure, y = CKNNA(k=4, similarity=similarity, mask=mask), Y[: len(x)]
    value = measure(x, y)
    for _ in range(5):
        order = RNG.permutation(len(x))
        assert measure(x[order], y[order]) == pytest.approx(value, abs=1e-11)


def test_those_that_tie_share_the_places_that_are_left():
    measure = CKNNA(k=3, similarity="dot")
    kernel = np.array([[9, 5, 4, 4, 4, 1.0]] * 6)
    np.testing.assert_allclose(measure._neighbours(kernel)[0], [0, 1, 2 / 3, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(measure._neighbours(kernel)[5], [1, 1, 1 / 3, 1 / 3, 1 / 3, 0])
    noisy = kernel * (1 + 1e-15 * RNG.normal(size=kernel.shape))  # what a product leaves of equal numbers
    np.testing.assert_allclose(measure._neighbours(noisy), measure._neighbours(kernel))
    assert measure._neighbours(np.abs(X @ X.T)).sum(axis=1) == pytest.approx(np.full(60, 3))


def test_all_neighbours_make_debiased_cka():
    for mask in ("directed", "mutual"):
        assert CKNNA(k=59, similarity="centred", mask=mask)(X, Y) == pytest.approx(CKA()(X, Y), abs=1e-11)


def test_the_published_constant_matters_where_similarities_are_small():
    x, y = X, X + 0.3 * RNG.normal(size=X.shape)
    exact, published = CKNNA()(x, y), CKNNA(epsilon=1e-6)(x, y)
    assert 0 < exact - published < 1e-4
    tiny = CKNNA(similarity="centred", epsilon=1e-6)
    assert tiny(0.01 * x, 0.01 * y) < 0.5 * CKNNA(similarity="centred")(x, y)


def test_the_directed_mask_is_not_symmetric_and_the_mutual_one_is():
    directed, mutual = CKNNA(), CKNNA(mask="mutual")
    assert 1e-6 < abs(directed(X, Y) - directed(Y, X)) < 0.05
    assert mutual(X, Y) == pytest.approx(mutual(Y, X), abs=1e-12)


def test_one_more_neighbour_than_there_are_stimuli_is_refused():
    with pytest.raises(ShapeError, match="at least 11 stimuli"):
        CKNNA()(X[:10], Y[:10])
    assert np.isfinite(CKNNA()(X[:11], Y[:11]))


def test_replicates_leave_out_what_was_not_drawn_and_permutations_keep_names():
    ids = tuple(map(str, range(60)))
    measure = CKNNA(k=5)
    first, second = measure.meet(Features(X, ids), Features(Y, ids))
    order = RNG.permutation(60)
    assert measure.permuted(first, second, order[None])[0] == pytest.approx(measure(X, Y[order]), abs=1e-12)
    weights = np.ones((2, 60), dtype=int)
    weights[1, :55] = 0  # five stimuli are too few for five neighbours
    drawn = measure.replicates(first, second, weights)
    assert np.isfinite(drawn[0])
    assert np.isnan(drawn[1])
