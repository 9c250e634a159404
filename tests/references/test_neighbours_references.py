"""Neighbourhood, topology and statistics measures against scikit-learn, scipy, ripser and slow textbook forms."""

import itertools

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.distance import cosine, pdist, squareform

from isomorph.geometry import Gram
from isomorph.measures import (
    IMD,
    RTD,
    Concentricity,
    CycleKNN,
    JaccardKNN,
    Magnitude,
    MutualKNN,
    RankSimilarity,
    RSMNorm,
    SecondOrderCosine,
    Uniformity,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*of unrelated features")
LEGACY = np.random.RandomState(0)  # the input on which libraries are compared
X, Y = LEGACY.uniform(size=(30, 25)), LEGACY.uniform(size=(30, 25))
RNG = np.random.default_rng(2)
WIDE = RNG.normal(size=(40, 90)), RNG.normal(size=(40, 6)) @ RNG.normal(size=(6, 12))
INPUTS = [(X, Y), WIDE, (X, X + 0.2 * Y)]
KS = [1, 4, 10]


def close(value, expected):
    assert value == pytest.approx(expected, rel=1e-9, abs=1e-11)


def nearest(x, k):
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k + 1, metric="cosine").fit(x).kneighbors(x)[1][:, 1:]


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_overlap_of_neighbours(x, y, k):
    pairs = [(set(a), set(b)) for a, b in zip(nearest(x, k), nearest(y, k), strict=True)]
    close(MutualKNN(k=k)(x, y), np.mean([len(a & b) / k for a, b in pairs]))
    close(JaccardKNN(k=k)(x, y), np.mean([len(a & b) / len(a | b) for a, b in pairs]))


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_jaccard_of_centred_features(x, y, k):
    pairs = zip(nearest(x - x.mean(axis=0), k), nearest(y - y.mean(axis=0), k), strict=True)
    expected = np.mean([len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in pairs])
    close(JaccardKNN(k=k, centre=True)(x, y), expected)
    close(JaccardKNN(k=k, centre=True)(Gram.from_features(x), y), expected)


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_cycles(x, y, k):
    of_x, of_y = nearest(x, k), nearest(y, k)
    close(CycleKNN(k=k)(x, y), np.mean([any(i in of_x[j] for j in of_y[i]) for i in range(len(x))]))


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_ranks_of_common_neighbours(x, y, k):
    scores = []
    for a, b in zip(nearest(x, k).tolist(), nearest(y, k).tolist(), strict=True):
        common = set(a) & set(b)
        ranks = [(a.index(j) + 1, b.index(j) + 1) for j in common]
        total = sum(2 / ((1 + abs(r - s)) * (r + s)) for r, s in ranks)
        scores.append(total / sum(1 / m for m in range(1, len(common) + 1)) if common else 0.0)
    close(RankSimilarity(k=k)(x, y), np.mean(scores))


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_profiles_over_the_union_of_neighbours(x, y, k):
    apart = [squareform(pdist(each, "cosine")) for each in (x, y)]
    unions = [sorted(set(a) | set(b)) for a, b in zip(nearest(x, k), nearest(y, k), strict=True)]
    for profile, (first, second) in {"distance": apart, "similarity": [1 - each for each in apart]}.items():
        expected = np.mean([1 - cosine(first[i, union], second[i, union]) for i, union in enumerate(unions)])
        close(SecondOrderCosine(k=k, profile=profile)(x, y), expected)


def heat(x, k):
    apart = squareform(pdist(x))
    joined = np.zeros_like(apart)
    for i, row in enumerate(apart):
        others = [j for j in np.argsort(row) if j != i][:k]
        joined[i, others] = joined[others, i] = 1
    degree = np.diag(joined.sum(axis=1) ** -0.5)
    laplacian = np.eye(len(x)) - degree @ joined @ degree
    return np.array([np.trace(expm(-t * laplacian)) / len(x) for t in np.logspace(-1, 1, 256)])


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize(("x", "y"), INPUTS[:2])
def test_heat_traces_by_matrix_exponentials(x, y, k):
    times = np.logspace(-1, 1, 256)
    expected = 1e6 * np.max(np.exp(-2 * (times + 1 / times)) * np.abs(heat(x, k) - heat(y, k)))
    assert IMD(k=k)(x, y) == pytest.approx(expected, rel=1e-9)


def barcode_of_degree_one(distances):
    """Persistence by the textbook: all simplices up to triangles, in order, columns of the boundary matrix reduced modulo 2."""
    n = len(distances)
    simplices = [each for size in (1, 2, 3) for each in itertools.combinations(range(n), size)]
    born = {each: max((distances[i, j] for i, j in itertools.combinations(each, 2)), default=0.0) for each in simplices}
    order = sorted((each for each in simplices if np.isfinite(born[each])), key=lambda each: (born[each], len(each), each))
    place = {each: position for position, each in enumerate(order)}
    lowest, bars = {}, []
    for each in order:
        column = {place[face] for face in itertools.combinations(each, len(each) - 1) if face}
        while column and max(column) in lowest:
            column ^= lowest[max(column)]
        if column:
            lowest[max(column)] = column
            if len(each) == 3:
                bars.append((born[order[max(column)]], born[each]))
    return bars


def cross_bars(first, second):
    """The paper's graph: a copy A with the first distances, a copy B with the smaller ones, and a point that touches all of A."""
    n = len(first)
    matrix = np.full((2 * n + 1, 2 * n + 1), np.inf)
    matrix[:n, :n] = matrix[:n, n:-1] = matrix[n:-1, :n] = first
    matrix[n:-1, n:-1] = np.minimum(first, second)
    matrix[-1, :n] = matrix[:n, -1] = 0
    return sum(death - birth for birth, death in barcode_of_degree_one(matrix))


def scaled(x):
    apart = squareform(pdist(x))
    return apart / np.quantile(apart, 0.9)


@pytest.mark.parametrize("n", [3, 5, 6, 8])
def test_topology_divergence_by_reduction_of_boundary_matrices(n):
    rng = np.random.default_rng(n)
    for _ in range(3):
        x, y = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
        expected = (cross_bars(scaled(x), scaled(y)) + cross_bars(scaled(y), scaled(x))) / 2
        assert RTD()(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_topology_divergence_by_the_authors_matrix():
    from ripser import ripser

    def bars(first, second):
        n = len(first)
        matrix = np.zeros((2 * n, 2 * n))
        matrix[:n, n:] = matrix[n:, :n] = first
        matrix[n:, n:] = np.minimum(first, second)
        return np.diff(ripser(matrix, distance_matrix=True, maxdim=1)["dgms"][1].astype(float)).sum()

    for x, y in INPUTS:
        expected = (bars(scaled(x), scaled(y)) + bars(scaled(y), scaled(x))) / 2
        assert RTD()(x, y) == pytest.approx(expected, rel=2e-6)  # ripser's own digits are those of float32


@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_norms_of_distance_matrices(x, y):
    gap = pdist(x) - pdist(y)
    close(RSMNorm()(x, y), np.sqrt((gap**2).sum()))
    close(RSMNorm(norm="spectral")(x, y), np.linalg.norm(squareform(gap), ord=2))
    close(RSMNorm(norm="spectral")(Gram.from_features(x), y), np.linalg.svd(squareform(gap))[1].max())


@pytest.mark.parametrize(("x", "y"), INPUTS)
def test_statistics(x, y):
    close(Magnitude()(x, y), abs(np.linalg.norm(x.mean(axis=0)) - np.linalg.norm(y.mean(axis=0))))
    cones = [np.mean([1 - cosine(row, each.mean(axis=0)) for row in each]) for each in (x, y)]
    close(Concentricity()(x, y), abs(cones[0] - cones[1]))
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y)]
    even = [np.log(np.exp(-2 * pdist(each, "sqeuclidean")).mean()) for each in unit]
    close(Uniformity()(x, y), abs(even[0] - even[1]))
    raw = [np.log(np.exp(-0.3 * squareform(pdist(each, "sqeuclidean"))).sum() / len(each) ** 2) for each in (x, y)]
    close(Uniformity(t=0.3, normalise=False, own_pairs=True)(x, y), abs(raw[0] - raw[1]))
