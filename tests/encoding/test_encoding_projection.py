"""Sparse random projections: their law, their draw, and what they keep."""

import hashlib

import numpy as np
import pytest
from sklearn.random_projection import SparseRandomProjection, johnson_lindenstrauss_min_dim

from isomorph.encoding import SparseProjection, _sparse_draw, johnson_lindenstrauss
from isomorph.encoding._sparse_draw import SparseDraw
from isomorph.features import Features


@pytest.mark.parametrize(("n", "width"), [(92, 3875), (500, 5326), (515, 5352), (872, 5803), (1000, 5920)])
def test_widths_are_published_ones_and_scikit_learns(n, width):
    assert johnson_lindenstrauss(n) == width == johnson_lindenstrauss_min_dim(n, eps=0.1)
    assert johnson_lindenstrauss(n, 0.25) == johnson_lindenstrauss_min_dim(n, eps=0.25)


def whole(p, k, seed=0):
    return SparseDraw(p, k, seed).rows(slice(0, p)).toarray()


@pytest.mark.filterwarnings("ignore:The number of components is higher")
@pytest.mark.parametrize(("p", "k"), [(4000, 500), (100, 3000), (2500, 2500)])
def test_the_law_of_the_draw(p, k):
    drawn, value = whole(p, k), np.sqrt(np.sqrt(p) / k)
    size, share = drawn.size, 1 / np.sqrt(p)
    np.testing.assert_allclose(np.unique(np.abs(drawn)), [0, value], rtol=1e-15)
    count = np.count_nonzero(drawn)
    assert abs(count - size * share) < 4 * np.sqrt(size * share)
    assert abs(np.sum(drawn > 0) - count / 2) < 4 * np.sqrt(count) / 2
    np.testing.assert_allclose(np.mean(drawn**2), 1 / k, rtol=4 / np.sqrt(count))
    for axis in (0, 1):  # counts of rows and of columns are binomial: their variance is not above or below
        counts = np.count_nonzero(drawn, axis=axis)
        expected = drawn.shape[axis] * share * (1 - share)
        assert abs(counts.var() / expected - 1) < 5 * np.sqrt(2 / len(counts))
    peer = SparseRandomProjection(k, random_state=0).fit(np.zeros((2, p))).components_
    np.testing.assert_allclose(np.abs(peer.data).max(), value, rtol=1e-12)
    assert abs(peer.nnz - count) < 6 * np.sqrt(count)


def test_neighbours_are_independent():
    signs = np.sign(whole(3000, 400))
    for a, b in ((signs[:-1], signs[1:]), (signs[:, :-1], signs[:, 1:]), (signs, np.sign(whole(3000, 400, seed=1)))):
        both = np.abs(a * b).mean()
        assert abs(both * 3000 - 1) < 0.15  # each has a share of 1 / √3000
        assert abs((a * b).sum()) < 4 * np.sqrt(np.abs(a * b).sum())


def test_the_draw_is_pinned_for_every_machine():
    matrix = SparseDraw(1000, 200, 7).rows(slice(0, 1000))
    named = hashlib.sha256(matrix.indices.astype("<i4").tobytes() + np.sign(matrix.data).astype("<i4").tobytes()).hexdigest()
    assert named[:16] == "538683abcd6d5774"


def test_any_rows_can_be_drawn_alone_and_blocks_are_no_matter(monkeypatch):
    draw = SparseDraw(900, 150, 3)
    assert (draw.rows(slice(200, 300)) != draw.rows(slice(0, 900))[200:300]).nnz == 0
    x = np.random.default_rng(0).normal(size=(30, 900))
    whole_at_once = SparseProjection(width=150, seed=3).apply(x).values
    np.testing.assert_allclose(whole_at_once, x @ draw.rows(slice(0, 900)).toarray(), rtol=0, atol=1e-12)
    monkeypatch.setattr(_sparse_draw, "_ENTRIES", 500)
    assert len(list(draw.blocks())) > 10
    np.testing.assert_allclose(SparseProjection(width=150, seed=3).apply(x).values, whole_at_once, rtol=0, atol=1e-12)
    np.testing.assert_allclose(SparseProjection(width=150, seed=3).apply(x[:4]).values, whole_at_once[:4], rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [30_000, 500, 40])
def test_distances_are_kept(p):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, p)) * rng.gamma(1.0, size=p)
    made = SparseProjection().apply(x).values
    assert made.shape == (40, johnson_lindenstrauss(40))
    pairs = np.triu_indices(40, 1)
    ratio = ((made[pairs[0]] - made[pairs[1]]) ** 2).sum(axis=1) / ((x[pairs[0]] - x[pairs[1]]) ** 2).sum(axis=1)
    assert np.mean(np.abs(ratio - 1) < 0.1) > 0.9
    assert abs(ratio.mean() - 1) < 0.05


def test_features_keep_their_names_and_type_and_say_what_was_done(tmp_path):
    values = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float32, shape=(5, 80))
    values[:] = np.random.default_rng(0).normal(size=(5, 80))
    made = SparseProjection(width=7, seed=2).apply(Features(values, tuple("abcde"), "fc6", "alexnet", {"weights": "1234"}))
    assert (made.ids, made.layer, made.subject, made.values.dtype) == (tuple("abcde"), "fc6", "alexnet", np.float32)
    projection = {"kind": "sparse-random", "features": 80, "width": 7, "seed": 2}
    assert made.provenance == {"weights": "1234", "projection": projection}
    assert SparseProjection(width=1).apply(np.ones((3, 1))).values.tolist() in ([[1.0]] * 3, [[-1.0]] * 3)
