"""Flexible models, their folds and the dual bootstrap against rsatoolbox 0.3.2."""

import warnings

import numpy as np
import pytest
import scipy.io
from scipy.spatial.distance import pdist

from isomorph.geometry import RDM
from isomorph.inference import InterpolatedModel, SelectModel, WeightedModel, rsa_scores

rsatoolbox = pytest.importorskip("rsatoolbox")
fitter = pytest.importorskip("rsatoolbox.model.fitter")
get_v = pytest.importorskip("rsatoolbox.util.matrix").get_v
inference_util = pytest.importorskip("rsatoolbox.util.inference_util")

PEER_NAMES = {"pearson": "corr", "cosine": "cosine", "corr_cov": "corr_cov", "cosine_cov": "cosine_cov", "spearman": "spearman"}
N, PEOPLE = 24, 6
RNG = np.random.default_rng(2)
COMPONENTS = np.stack([pdist(RNG.normal(size=(N, 30)), "sqeuclidean") for _ in range(4)])
SUBJECTS = np.abs(COMPONENTS[0] + 2 * COMPONENTS[1] - 0.4 * COMPONENTS[2] + 20 * RNG.normal(size=(PEOPLE, N * (N - 1) // 2)))
DATA = rsatoolbox.rdm.RDMs(SUBJECTS)


def peer_model(kind, rdms=COMPONENTS):
    return getattr(rsatoolbox.model, f"Model{kind}")("model", rsatoolbox.rdm.RDMs(rdms))


def fixed(rdms):
    return [rsatoolbox.model.ModelFixed(str(place), rsatoolbox.rdm.RDMs(each[None])) for place, each in enumerate(rdms)]


def weights(model, comparison):
    return rsa_scores(model, SUBJECTS, n=N, comparison=comparison, replicates=0, folds=(1, 1)).weights[0]


@pytest.mark.parametrize("comparison", ["pearson", "cosine", "corr_cov", "cosine_cov"])
def test_free_weights(comparison):
    """Theirs centre the predictors alone: that leaves free weights as they are."""
    theirs = fitter.fit_regress(peer_model("Weighted"), DATA, method=PEER_NAMES[comparison])
    tolerance = 1e-9 if comparison in ("pearson", "cosine") else 1e-3  # an iterative solver there: see the next test
    np.testing.assert_allclose(weights(WeightedModel(COMPONENTS, nonnegative=False), comparison), theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("comparison", ["cosine", "corr_cov", "cosine_cov"])
def test_nonnegative_weights(comparison):
    small = peer_model("Weighted", COMPONENTS * 1e-5)  # its absolute tolerance on a gradient is never met by large distances
    theirs = fitter.fit_regress_nn(small, DATA, method=PEER_NAMES[comparison])
    ours = weights(WeightedModel(COMPONENTS), comparison)
    assert (ours == 0).any()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 if comparison == "cosine" else 1e-3)


@pytest.mark.parametrize("comparison", ["corr_cov", "cosine_cov"])
def test_whitened_weights_from_their_covariance_solved_directly(comparison):
    inverse = np.linalg.inv(get_v(N, None).toarray())
    rows, people = COMPONENTS, SUBJECTS
    if comparison == "corr_cov":
        rows, people = (each - each.mean(axis=1, keepdims=True) for each in (rows, people))
    target = (people / np.sqrt(np.square(people).mean(axis=1, keepdims=True))).mean(axis=0)
    slow = np.linalg.solve(rows @ inverse @ rows.T, rows @ inverse @ target)
    ours = weights(WeightedModel(COMPONENTS, nonnegative=False), comparison)
    np.testing.assert_allclose(ours, slow / np.linalg.norm(slow), rtol=0, atol=1e-9)


@pytest.mark.parametrize("comparison", ["pearson", "cosine"])
def test_interpolations(comparison):
    """Theirs maximise the mean comparison with each subject, ours that with their pool: the same for inner products."""
    theirs = fitter.fit_interpolate(peer_model("Interpolate"), DATA, method=PEER_NAMES[comparison])
    np.testing.assert_allclose(weights(InterpolatedModel(COMPONENTS), comparison), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("comparison", ["pearson", "cosine", "corr_cov", "cosine_cov", "spearman"])
def test_cross_validated_scores_and_ceilings_on_the_same_folds(comparison):
    models = [WeightedModel(COMPONENTS, nonnegative=False), SelectModel(COMPONENTS), COMPONENTS[0]]
    if comparison == "spearman":  # theirs regresses for linear comparisons alone
        models = models[1:]
    ours = rsa_scores(models, SUBJECTS, n=N, comparison=comparison, replicates=0, folds=(2, 3))
    peers, fitters = [peer_model("Weighted"), peer_model("Select"), *fixed(COMPONENTS[:1])], [fitter.fit_regress, fitter.fit_select, None]
    peers, fitters = peers[-len(models) :], fitters[-len(models) :]
    values, lower = [], []
    for stimuli, people in zip(ours.folds.stimuli, ours.folds.subjects, strict=True):
        sets = [peer_sets(stimuli, people, k, s) for s in range(3) for k in range(2)]
        train, test, ceiling = (list(each) for each in zip(*sets, strict=True))
        found = rsatoolbox.inference.crossval(peers, DATA, train, test, ceil_set=ceiling, method=PEER_NAMES[comparison], fitter=fitters)
        values.append(found.evaluations[0].mean(axis=1))
        lower.append(found.noise_ceiling[0])
    np.testing.assert_allclose(ours.values, np.mean(values, axis=0), rtol=0, atol=1e-9 if "cov" not in comparison else 1e-4)
    assert ours.ceiling.lower == pytest.approx(np.mean(lower), abs=1e-9)


def peer_sets(stimuli, people, k, s):
    inside, outside = np.flatnonzero(stimuli == k), np.flatnonzero(stimuli != k)
    tested, others = DATA.subset("index", np.flatnonzero(people == s)), DATA.subset("index", np.flatnonzero(people != s))
    train = (others.subset_pattern("index", outside), outside)
    return train, (tested.subset_pattern("index", inside), inside), (others.subset_pattern("index", inside), inside)


def test_the_variance_formula_on_the_same_three_covariances():
    """Where a single factor alone says more than both together, theirs keeps to both; ours to the single factor, which is unbiased."""
    ours = rsa_scores(COMPONENTS, SUBJECTS, n=N, replicates=300, resample="both")
    columns = ours.draws.values[:, 0]
    covariances = np.stack([np.cov(part.T) for part in columns[[0, 2, 1]]])  # both, subjects, stimuli
    models, differences, ceilings = inference_util.extract_variances(covariances, True, PEOPLE, N)

    def at_least(theirs, gap):
        stimuli, subjects = gap[1].var(ddof=1) * N / (N - 1), gap[2].var(ddof=1) * PEOPLE / (PEOPLE - 1)
        return max(theirs, stimuli, subjects)

    np.testing.assert_allclose(ours.se**2, [at_least(each, columns[..., i]) for i, each in enumerate(models)], rtol=1e-9)
    gaps = [columns[..., i] - columns[..., j] for i in range(4) for j in range(i + 1, 4)]
    to_lower = [columns[..., i] - columns[..., 4] for i in range(4)]
    for theirs, found in ((differences, gaps), (ceilings[:, 0], to_lower)):
        expected = [at_least(*each) for each in zip(theirs, found, strict=True)]
        np.testing.assert_allclose([ours.draws.variance(each[:, None]) for each in found], expected, rtol=1e-9)
    assert np.isclose(ours.se**2, models, rtol=1e-9).sum() >= 3


def test_the_dual_bootstrap_of_brains_within_the_error_of_drawing(data_path):
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_behavRDMs.mat"))["rdms_behav_92"]
    judges = np.array([RDM.from_square(each["RDM"]).values for each in table[0]], dtype=np.float64)
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_modelRDMs.mat"))["Models"][0, :3]
    models = np.stack([RDM.from_square(each["RDM"]).values.astype(np.float64) for each in table])
    ours = rsa_scores(models, judges, n=92, replicates=1000, resample="both", intervals="t")
    np.random.seed(0)  # noqa: NPY002 - rsatoolbox draws from the legacy generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = rsatoolbox.inference.eval_dual_bootstrap(fixed(models), rsatoolbox.rdm.RDMs(judges), method="corr", N=60)
    np.testing.assert_allclose(ours.se, np.sqrt(theirs.model_var), rtol=0.35)  # sixty draws know a standard error to about 10 %
    np.testing.assert_allclose(ours.draws.values[0, 0].std(axis=0)[:3], theirs.evaluations[:, :, 0, 0, 0].std(axis=0), rtol=0.3)
    assert theirs.dof == ours.draws.degrees == 15
