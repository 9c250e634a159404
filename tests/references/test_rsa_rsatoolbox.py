"""RDM types, noise, whitened and Riemannian comparisons, and their bootstrap, against rsatoolbox 0.3.2 and published values."""

import numpy as np
import pytest
import scipy.io
from scipy.spatial.distance import pdist, squareform

from isomorph.geometry import RDM, noise_covariance, noise_precision, repeat_residuals
from isomorph.inference import bootstrap_weights, compare_rdms, noise_ceiling, weighted_similarities
from isomorph.measures import RSA

rsatoolbox = pytest.importorskip("rsatoolbox")
noise = pytest.importorskip("rsatoolbox.data.noise")
compare = pytest.importorskip("rsatoolbox.rdm.compare").compare

RNG = np.random.default_rng(1)
N, REPEATS, WIDTH = 14, 4, 25
X = RNG.normal(size=(N, REPEATS, WIDTH)) * np.linspace(0.5, 2, WIDTH) + RNG.normal(size=(N, 1, WIDTH))
LABELS = {"stimulus": np.repeat(np.arange(N), REPEATS), "run": np.tile(np.arange(REPEATS), N)}
RESIDUALS, DEGREES = repeat_residuals(X)
PRECISION = noise_precision(RESIDUALS, degrees=DEGREES)
RDMS = np.stack([pdist(each, "sqeuclidean") for each in RNG.normal(size=(6, N, 30))])
SHRINKAGES = {"diagonal": "shrinkage_diag", "identity": "shrinkage_eye", "full": "full", "variances": "diag"}


def dataset(x=X):
    return rsatoolbox.data.Dataset(x.reshape(-1, WIDTH), obs_descriptors=LABELS)


@pytest.mark.parametrize("shrinkage", SHRINKAGES)
def test_noise_covariances_and_precisions(shrinkage):
    theirs = noise.prec_from_unbalanced(dataset(), "stimulus", method=SHRINKAGES[shrinkage])
    np.testing.assert_allclose(noise_precision(RESIDUALS, shrinkage=shrinkage, degrees=DEGREES), theirs, rtol=1e-9, atol=1e-9)
    theirs = noise.cov_from_residuals(X[:, 0], method=SHRINKAGES[shrinkage])
    np.testing.assert_allclose(noise_covariance(X[:, 0], shrinkage=shrinkage), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("distance", "name", "options"),
    [
        ("correlation", "correlation", {}),
        ("sqeuclidean", "euclidean", {}),
        ("mahalanobis", "mahalanobis", {"noise": PRECISION}),
        ("crossnobis", "crossnobis", {"noise": PRECISION, "cv_descriptor": "run"}),
        ("crossnobis", "crossnobis", {"cv_descriptor": "run"}),
        ("poisson", "poisson", {}),
    ],
)
def test_every_type_of_rdm_with_its_division_by_features(distance, name, options):
    x = np.exp(X) if distance == "poisson" else X
    theirs = rsatoolbox.rdm.calc_rdm(dataset(x), method=name, descriptor="stimulus", **options).dissimilarities[0]
    ours = RDM.from_features(x, distance, precision=options.get("noise"), per_feature=distance != "correlation")
    np.testing.assert_allclose(ours.values, theirs, rtol=1e-9, atol=1e-9)


def test_crossnobis_of_balanced_runs_equals_the_estimator_for_uneven_ones():
    theirs = rsatoolbox.rdm.calc_rdm_unbalanced(dataset(), method="crossnobis", descriptor="stimulus", cv_descriptor="run", noise=PRECISION)
    np.testing.assert_allclose(
        RDM.from_repeats(X, precision=PRECISION, per_feature=True).values, theirs.dissimilarities[0], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("comparison", ["corr_cov", "cosine_cov", "bures", "neg_riem_dist"])
def test_comparisons_and_ceilings(comparison):
    ours, theirs = compare_rdms(RDMS[:2], RDMS[2:], comparison=comparison), compare(RDMS[:2], RDMS[2:], method=comparison)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 if comparison == "neg_riem_dist" else 2e-9)
    assert (ours >= theirs - 1e-9).all()  # a search that ends lower would not have found the minimum
    if comparison == "bures":
        return  # it cannot pool there
    ceiling = noise_ceiling(RDMS[2:] + 3 * RDMS[0], comparison=comparison)
    theirs = rsatoolbox.inference.boot_noise_ceiling(rsatoolbox.rdm.RDMs(RDMS[2:] + 3 * RDMS[0]), method=comparison)
    np.testing.assert_allclose((ceiling.lower, ceiling.upper), theirs, rtol=0, atol=1e-6 if comparison == "neg_riem_dist" else 1e-9)


def test_a_covariance_of_patterns_within_the_tolerance_of_their_solver():
    sigma = np.cov(RNG.normal(size=(N, 60)))
    for comparison in ("corr_cov", "cosine_cov"):
        ours = compare_rdms(RDMS[:2], RDMS[2:], comparison=comparison, sigma_k=sigma)
        np.testing.assert_allclose(ours, compare(RDMS[:2], RDMS[2:], method=comparison, sigma_k=sigma), rtol=0, atol=2e-5)
    ours = compare_rdms(RDMS[:1], RDMS[2:4], comparison="neg_riem_dist", sigma_k=sigma)
    np.testing.assert_allclose(ours, compare(RDMS[:1], RDMS[2:4], method="neg_riem_dist", sigma_k=sigma), rtol=0, atol=1e-6)


@pytest.mark.parametrize("comparison", ["corr_cov", "cosine_cov"])
def test_replicates_equal_their_resampled_matrices_with_holes(comparison):
    weights = bootstrap_weights(N, 4, 2)
    ours = weighted_similarities(RDMS, np.array([0, 1]), np.array([2, 3]), weights, comparison=comparison)
    left, right = np.triu_indices(N, 1)
    for replicate, row in enumerate(weights):
        at = np.repeat(np.arange(N), row)
        copies = np.stack([squareform(each)[at[left], at[right]] for each in RDMS])
        copies[:, at[left] == at[right]] = np.nan
        np.testing.assert_allclose(ours[replicate], np.diagonal(compare(copies[:2], copies[2:4], method=comparison)), rtol=0, atol=1e-9)


def test_values_on_which_libraries_agree():
    rng = np.random.RandomState(0)
    x, y = rng.random_sample((30, 25)), rng.random_sample((30, 25))
    expected = {
        ("correlation", "pearson"): 0.00350624601928,
        ("correlation", "spearman"): -0.00409279569407,
        ("correlation", "cosine"): 0.958704951206,
        ("sqeuclidean", "pearson"): 0.0480849202406,
        ("sqeuclidean", "cosine_cov"): 0.4893427391044152,  # biased linear CKA
        ("sqeuclidean", "bures"): 0.722778717599,  # NBS
    }
    for (distance, comparison), value in expected.items():
        assert RSA(distance=distance, comparison=comparison)(x, y) == pytest.approx(value, abs=1e-10)


def test_bytes_of_a_published_file_do_not_overflow(data_path):
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_modelRDMs.mat"))["Models"][0]
    squares = [each["RDM"] for each in table if each["RDM"].dtype == np.uint8]
    assert squares
    rows, columns = np.triu_indices(92, 1)
    narrow = np.stack([each[rows, columns] for each in squares])
    assert narrow.dtype == np.uint8
    other = np.random.default_rng(0).random((2, narrow.shape[1]))
    for comparison in ("pearson", "spearman", "cosine", "corr_cov", "cosine_cov", "rho-a", "tau-b"):
        wide = compare_rdms(narrow.astype(np.float64) * 255, other, comparison=comparison)
        np.testing.assert_allclose(compare_rdms(narrow * np.uint8(255), other, comparison=comparison), wide, rtol=0, atol=1e-12)
