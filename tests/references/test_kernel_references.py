"""The kernel alignments against slow textbook forms, scikit-learn's and SciPy's kernels, rsatoolbox, and published values."""

import itertools

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import normalize

from isomorph.geometry import RDM, Gram
from isomorph.measures import CKA, CKNNA, HSIC, NBS, RBFCKA, AngularCKA, Bures, DistanceCorrelation, MinibatchCKA

pytestmark = pytest.mark.filterwarnings("ignore:biased", "ignore:Lange")

LEGACY = np.random.RandomState(0)  # the published values were computed with the legacy generator
X, Y = LEGACY.uniform(size=(30, 25)), LEGACY.uniform(size=(30, 25))
RNG = np.random.default_rng(11)
NARROW = RNG.normal(size=(40, 6)) * np.linspace(0.3, 3, 6) + 5
RELATED = NARROW @ RNG.normal(size=(6, 9)) + RNG.normal(size=(40, 9))
WIDE = RNG.normal(size=(40, 130)) + NARROW @ RNG.normal(size=(6, 130))
PAIRS = {"oracle": (X, Y), "narrow": (NARROW, RELATED), "wide": (WIDE, NARROW), "both wide": (WIDE, WIDE[:, :70] ** 2)}


def biased(k, l):  # noqa: E741
    n = len(k)
    h = np.eye(n) - np.ones((n, n)) / n
    return np.trace(k @ h @ l @ h) / (n - 1) ** 2


def song(k, l):  # noqa: E741
    n, one = len(k), np.ones(len(k))
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    sums = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 * (one @ k @ l @ one) / (n - 2)
    return (np.trace(k @ l) + sums) / (n * (n - 3))


def lange(k, l):  # noqa: E741
    n = len(k)
    h = np.eye(n) - np.ones((n, n)) / n
    k, l = h @ k @ h, h @ l @ h  # noqa: E741
    return sum(k[i, j] * l[i, j] for i, j in itertools.permutations(range(n), 2)) / (n * (n - 3))


TEXTBOOK = {"biased": biased, "song": song, "lange": lange}


def cosine(hsic, k, l):  # noqa: E741
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def grams(pair):
    return [(each - each.mean(axis=0)) @ (each - each.mean(axis=0)).T for each in PAIRS[pair]]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("estimator", TEXTBOOK)
def test_hsic_and_linear_cka(estimator, pair):
    k, l = grams(pair)  # noqa: E741
    x, y = PAIRS[pair]
    for first, second in ((x, y), (Gram.from_features(x), y), (Gram.from_features(x), Gram.from_features(y))):
        assert HSIC(estimator=estimator)(first, second) == pytest.approx(TEXTBOOK[estimator](k, l), rel=1e-10)
        assert CKA(estimator=estimator)(first, second) == pytest.approx(cosine(TEXTBOOK[estimator], k, l), abs=1e-11)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("estimator", TEXTBOOK)
def test_rbf_cka_with_the_kernel_of_scikit_learn(estimator, pair):
    x, y = PAIRS[pair]
    sigmas = [0.7 * np.median(cdist(each, each)[np.triu_indices(len(each), 1)]) for each in (x, y)]
    k, l = (rbf_kernel(each, gamma=1 / (2 * sigma**2)) for each, sigma in zip((x, y), sigmas, strict=True))  # noqa: E741
    assert RBFCKA(sigma=0.7, estimator=estimator)(x, y) == pytest.approx(cosine(TEXTBOOK[estimator], k, l), abs=1e-10)
    k, l = (rbf_kernel(each, gamma=1 / (2 * sigmas[1] ** 2)) for each in (x, y))  # noqa: E741
    absolute = RBFCKA(sigma=sigmas[1], sigma_unit="absolute", estimator=estimator)
    assert absolute(x, y) == pytest.approx(cosine(TEXTBOOK[estimator], k, l), abs=1e-9)  # the textbook's digits end there


@pytest.mark.parametrize("pair", PAIRS)
def test_the_feature_form_of_unbiased_hsic(pair):
    x, y = (each - each.mean(axis=0) for each in PAIRS[pair])
    a, b, n = np.square(x).sum(axis=1), np.square(y).sum(axis=1), len(x)
    total = np.linalg.norm(x.T @ y) ** 2 - a @ b + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 * (a @ b) / (n - 2)
    assert HSIC()(x, y) == pytest.approx(total / (n * (n - 3)), rel=1e-10)


def test_values_on_which_libraries_agree():
    assert NBS()(X, Y) == pytest.approx(0.722778717599, abs=1e-10)
    assert NBS()(Gram.from_features(X), Gram.from_features(Y)) == pytest.approx(0.722778717599, abs=1e-10)
    assert AngularCKA()(X, Y) == pytest.approx(np.arccos(0.4893427391044152), abs=1e-10)
    assert MinibatchCKA(batch_size=30)(X, Y) == pytest.approx(0.0235986985805659, abs=1e-10)
    assert CKNNA(k=29, similarity="dot")(X, Y) == pytest.approx(0.0235986985805659, abs=1e-10)


@pytest.mark.parametrize("pair", PAIRS)
def test_nbs_and_bures_with_the_roots_of_matrices(pair):
    k, l = grams(pair)  # noqa: E741
    values, vectors = np.linalg.eigh(k)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    fidelity = float(np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(root @ l @ root), 0))))
    x, y = PAIRS[pair]
    # Roots of rounding limit this reference, not ours: compare with the singular values of the features below.
    assert NBS()(x, y) == pytest.approx(fidelity / np.sqrt(np.trace(k) * np.trace(l)), rel=1e-5)
    assert Bures(squared=True)(x, y) == pytest.approx(np.trace(k) + np.trace(l) - 2 * fidelity, rel=1e-5)


@pytest.mark.parametrize("pair", PAIRS)
def test_nbs_and_bures_with_singular_values(pair):
    x, y = (each - each.mean(axis=0) for each in PAIRS[pair])
    nuclear = np.linalg.norm(x.T @ y, "nuc")
    squares = np.square(x).sum() + np.square(y).sum()
    assert NBS()(x, y) == pytest.approx(nuclear / np.linalg.norm(x) / np.linalg.norm(y), rel=1e-11)
    assert Bures()(x, y) == pytest.approx(np.sqrt(squares - 2 * nuclear), rel=1e-11)
    grams = Gram.from_features(x), Gram.from_features(y)
    assert NBS()(*grams) == pytest.approx(NBS()(x, y), abs=1e-9)
    assert Bures()(*grams) == pytest.approx(Bures()(x, y), rel=1e-9)


def test_the_root_of_a_matrix_on_well_conditioned_grams():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(9, 60)), rng.normal(size=(9, 60))
    h = np.linalg.qr(np.eye(9) - 1 / 9)[0][:, :8]  # away from the mean, where a centred Gram has no root
    k, l = (h.T @ each @ each.T @ h for each in (x, y))  # noqa: E741
    root = np.real(sqrtm(k))
    fidelity = float(np.trace(np.real(sqrtm(root @ l @ root))))
    assert NBS()(x, y) == pytest.approx(fidelity / np.sqrt(np.trace(k) * np.trace(l)), rel=1e-11)
    assert Bures()(x, y) == pytest.approx(np.sqrt(np.trace(k) + np.trace(l) - 2 * fidelity), rel=1e-11)


@pytest.mark.parametrize("pair", PAIRS)
def test_rsatoolbox_on_squared_euclidean_rdms(pair):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    x, y = PAIRS[pair]
    rdms = [rsatoolbox.rdm.RDMs(RDM.from_features(each.astype(float), "sqeuclidean").values[None]) for each in (x, y)]
    compare = rsatoolbox.rdm.compare
    assert CKA(estimator="biased")(x, y) == pytest.approx(float(compare(*rdms, method="cosine_cov")[0, 0]), abs=1e-9)
    assert NBS()(x, y) == pytest.approx(float(compare(*rdms, method="bures")[0, 0]), rel=1e-5)  # theirs takes roots of rounding
    assert Bures(squared=True)(x, y) == pytest.approx(float(compare(*rdms, method="bures_metric")[0, 0]), rel=1e-5)


@pytest.mark.parametrize("pair", PAIRS)
def test_distance_correlation(pair):
    x, y = PAIRS[pair]
    a, b = (cdist(each, each) for each in (x, y))
    classic = np.sqrt(cosine(biased, a, b))
    assert DistanceCorrelation(estimator="biased")(x, y) == pytest.approx(classic, abs=1e-10)
    n = len(a)
    centred = []
    for d in (a, b):  # Székely & Rizzo, definition 2: the modified distances
        rows = d.sum(axis=1)
        u = np.array(
            [[d[i, j] - rows[i] / (n - 2) - rows[j] / (n - 2) + d.sum() / ((n - 1) * (n - 2)) for j in range(n)] for i in range(n)]
        )
        np.fill_diagonal(u, 0)
        centred.append(u)
    corrected = (centred[0] * centred[1]).sum() / np.linalg.norm(centred[0]) / np.linalg.norm(centred[1])
    assert DistanceCorrelation()(x, y) == pytest.approx(corrected, abs=1e-10)
    rdms = [RDM.from_square(cdist(each, each)) for each in (x, y)]
    assert DistanceCorrelation()(*rdms) == pytest.approx(corrected, abs=1e-10)


@pytest.mark.parametrize("batch", [4, 7, 13, 19, 39, 40, 100])
def test_minibatch_cka(batch):
    k, l = NARROW @ NARROW.T, RELATED @ RELATED.T  # noqa: E741
    edges = [start for start in range(0, 40, batch) if start == 0 or 40 - start >= 4]
    parts = [slice(start, stop) for start, stop in zip(edges, [*edges[1:], 40], strict=True)]
    means = [np.mean([song(a[p, p], b[p, p]) for p in parts]) for a, b in ((k, l), (k, k), (l, l))]
    measure = MinibatchCKA(batch_size=batch)
    expected = means[0] / np.sqrt(means[1] * means[2])
    assert measure(NARROW, RELATED) == pytest.approx(expected, abs=1e-10)
    assert measure(Gram.from_features(NARROW), RELATED) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("k", [2, 5, 10, 29])
@pytest.mark.parametrize("similarity", ["cosine", "centred", "dot"])
def test_cknna_written_out(k, similarity, pair):
    x, y = PAIRS[pair]
    change = {"cosine": normalize, "centred": lambda z: z - z.mean(axis=0), "dot": lambda z: z}[similarity]
    kernels = [change(each) @ change(each).T for each in (x, y)]
    n = len(x)
    near = [[sorted((j for j in range(n) if j != i), key=lambda j: -kernel[i, j])[:k] for i in range(n)] for kernel in kernels]

    def alignment(a, b):
        masked = np.zeros((2, n, n))
        for i in range(n):
            for j in set(near[a][i]) & set(near[b][i]):
                masked[0, i, j], masked[1, i, j] = kernels[a][i, j], kernels[b][i, j]
        return song(*masked)

    root = np.sqrt(alignment(0, 0) * alignment(1, 1))
    plain = CKNNA(k=k, similarity=similarity)
    if not (alignment(0, 0) > 0 and alignment(1, 1) > 0):
        with pytest.raises(ValueError, match="no root"):
            plain(x, y)
        return
    assert plain(x, y) == pytest.approx(alignment(0, 1) / root, rel=1e-10)
    assert CKNNA(k=k, similarity=similarity, epsilon=1e-6)(x, y) == pytest.approx(alignment(0, 1) / (root + 1e-6), rel=1e-10)
