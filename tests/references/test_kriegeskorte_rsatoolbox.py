"""Our numbers on the 92 images, against published ones and against rsatoolbox 0.3.2 in the same process."""

import numpy as np
import pytest
import scipy.io

from isomorph.geometry import RDM
from isomorph.inference import compare_rdms, noise_ceiling, rsa_scores

rsatoolbox = pytest.importorskip("rsatoolbox")

PEER_NAMES = {each: each for each in ("spearman", "cosine", "tau-a", "tau-b", "rho-a", "corr_cov", "cosine_cov")} | {"pearson": "corr"}
PEER_DISTANCES = {"correlation": "correlation", "sqeuclidean": "euclidean"}


@pytest.fixture
def people(data_path):
    """Human IT: `[subject, session, pair]`, 4 × 2 × 4186."""
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_brainRDMs.mat"))["RDMs"]
    return np.array([[RDM.from_square(table[0, s, k]["RDM"]).values for k in range(2)] for s in range(4)], dtype=np.float64)


@pytest.fixture
def models(data_path):
    """Eight model RDMs by name; some are stored as uint8."""
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_modelRDMs.mat"))["Models"]
    return {str(each["name"][0]): RDM.from_square(each["RDM"]).values.astype(np.float64) for each in table[0]}


def fixed(models):
    return [rsatoolbox.model.ModelFixed(name, rsatoolbox.rdm.RDMs(each[None])) for name, each in models.items()]


def test_human_and_monkey_it(data_path):
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "Kriegeskorte_Neuron2008_supplementalData.mat"))
    monkey, human = (RDM.from_condensed(each["RDM"]).values[None] for each in np.ravel(table["RDMs_mIT_hIT_fig1"]))
    assert compare_rdms(monkey, human)[0, 0] == pytest.approx(0.491210, abs=5e-7)
    assert compare_rdms(monkey, human, comparison="spearman")[0, 0] == pytest.approx(0.43892, abs=5e-6)


def test_published_scores_and_ceiling_of_human_it(people, models):
    chosen = np.stack([models[name] for name in ("animacy", "FaceBodyManmadeNatobj", "monkeyIT")])
    pearson = rsa_scores(chosen, people, n=92, replicates=0)
    np.testing.assert_allclose(pearson.values, [0.3871, 0.2816, 0.3335], atol=5e-5)
    assert (pearson.ceiling.lower, pearson.ceiling.upper) == pytest.approx((0.39441, 0.68041), abs=5e-6)
    spearman = rsa_scores(chosen, people, n=92, comparison="spearman", replicates=0)
    np.testing.assert_allclose(spearman.values, [0.38622, 0.27660, 0.29632], atol=5e-6)


@pytest.mark.parametrize("comparison", PEER_NAMES)
def test_scores_and_ceilings_agree_with_rsatoolbox(people, models, comparison):
    ours = rsa_scores(np.stack(list(models.values())), people, n=92, comparison=comparison, replicates=0)
    group = rsatoolbox.rdm.RDMs(people.mean(axis=1))
    theirs = rsatoolbox.inference.eval_fixed(fixed(models), group, method=PEER_NAMES[comparison])
    np.testing.assert_allclose(ours.per_subject, theirs.evaluations[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose((ours.ceiling.lower, ours.ceiling.upper), np.ravel(theirs.noise_ceiling), rtol=0, atol=1e-9)


def test_the_bootstrap_over_stimuli_has_the_spread_of_rsatoolbox(people, models):
    ours = rsa_scores(np.stack(list(models.values())), people, n=92, replicates=1000)
    group = rsatoolbox.rdm.RDMs(people.mean(axis=1))
    np.random.seed(0)  # noqa: NPY002 - rsatoolbox draws from the legacy generator
    theirs = rsatoolbox.inference.eval_bootstrap_pattern(fixed(models), group, method="corr", N=200, boot_noise_ceil=False)
    spread = theirs.evaluations.std(axis=0)
    np.testing.assert_allclose(ours.replicates.std(axis=0), spread, rtol=0.2)


def test_the_ceiling_of_sixteen_judges_agrees_with_rsatoolbox(data_path):
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_behavRDMs.mat"))["rdms_behav_92"]
    judges = np.array([RDM.from_square(each["RDM"]).values for each in table[0]], dtype=np.float64)
    for comparison in ("pearson", "cosine", "rho-a"):
        ours = noise_ceiling(judges, comparison=comparison)
        theirs = rsatoolbox.inference.boot_noise_ceiling(rsatoolbox.rdm.RDMs(judges), method=PEER_NAMES[comparison])
        np.testing.assert_allclose((ours.lower, ours.upper), theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("distance", PEER_DISTANCES)
def test_rdms_agree_with_rsatoolbox(distance):
    x = np.random.default_rng(0).normal(size=(40, 100)) + 1
    theirs = rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(x), method=PEER_DISTANCES[distance]).dissimilarities[0]
    ours = RDM.from_features(x, distance).values
    np.testing.assert_allclose(ours / (100 if distance == "sqeuclidean" else 1), theirs, rtol=0, atol=1e-9)
