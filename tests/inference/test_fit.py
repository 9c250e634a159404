import time

import numpy as np
import pytest
import scipy.io
from scipy.optimize import minimize_scalar, nnls
from scipy.spatial.distance import pdist, squareform

from isomorph.geometry import RDM
from isomorph.inference import COMPARISONS, InterpolatedModel, SelectModel, WeightedModel, compare_rdms, rsa_scores
from isomorph.inference._fit import nonnegative_least_squares

N, PEOPLE = 24, 6
PAIRS = N * (N - 1) // 2
RNG = np.random.default_rng(5)
COMPONENTS = np.stack([pdist(RNG.normal(size=(N, 30)), "sqeuclidean") for _ in range(4)])
SUBJECTS = np.abs(COMPONENTS[0] + 2 * COMPONENTS[1] + 15 * RNG.normal(size=(PEOPLE, PAIRS)))
LINEAR = ("pearson", "cosine", "corr_cov", "cosine_cov")


def whole(model, comparison, subjects=SUBJECTS):
    return rsa_scores([model], subjects, n=N, comparison=comparison, replicates=0, folds=(1, 1))


@pytest.mark.parametrize("width", [1, 2, 5, 9])
def test_many_nonnegative_problems_at_once_equal_scipy_one_by_one(width):
    rng = np.random.default_rng(width)
    x = rng.normal(size=(40, 12, width))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = rng.normal(size=(40, 12))
    found = nonnegative_least_squares(np.einsum("pik,pij->pkj", x, x), np.einsum("pik,pi->pk", x, y))
    np.testing.assert_allclose(found, [nnls(a, b)[0] for a, b in zip(x, y, strict=True)], rtol=0, atol=1e-9)


def test_nonnegative_problems_end_where_variables_are_copies_of_each_other():
    x = np.random.default_rng(0).normal(size=(30, 3))
    x = np.concatenate([x, x, x], axis=1) / np.linalg.norm(np.concatenate([x, x, x], axis=1), axis=0)
    y = x @ np.arange(9.0)
    found = nonnegative_least_squares((x.T @ x)[None], (x.T @ y)[None])[0]
    assert (found >= 0).all()
    assert np.linalg.norm(x @ found - y) == pytest.approx(nnls(x, y)[1], abs=1e-6)


@pytest.mark.parametrize("comparison", LINEAR)
def test_no_other_weights_score_higher_on_the_training_set(comparison):
    """Over the pool of subjects, that is; the pool is what weights are fitted to."""
    pool = SUBJECTS - SUBJECTS.mean(axis=1, keepdims=True) if comparison in ("pearson", "corr_cov") else SUBJECTS
    pool = (pool / np.sqrt(np.square(pool).mean(axis=1, keepdims=True))).mean(axis=0)[None]
    for nonnegative in (True, False):
        fitted = whole(WeightedModel(COMPONENTS, nonnegative=nonnegative), comparison).weights[0]
        best = compare_rdms((fitted @ COMPONENTS)[None], pool, comparison=comparison)[0, 0]
        nearby = fitted + np.random.default_rng(1).normal(size=(500, 4)) * np.geomspace(1e-4, 0.3, 500)[:, None]
        others = compare_rdms((np.maximum(nearby, 1e-9) if nonnegative else nearby) @ COMPONENTS, pool, comparison=comparison)
        assert others.max() <= best + 1e-12
        assert np.linalg.norm(fitted) == pytest.approx(1)


@pytest.mark.parametrize("comparison", LINEAR)
def test_an_interpolation_is_the_best_point_of_the_chain(comparison):
    model = InterpolatedModel(COMPONENTS[[3, 0, 1, 2]])
    weights = whole(model, comparison).weights[0]
    assert weights.sum() == pytest.approx(1)
    assert np.flatnonzero(weights).tolist() == [1, 2]
    pool = SUBJECTS - SUBJECTS.mean(axis=1, keepdims=True) if comparison in ("pearson", "corr_cov") else SUBJECTS
    pool = (pool / np.sqrt(np.square(pool).mean(axis=1, keepdims=True))).mean(axis=0)[None]
    found = [
        minimize_scalar(
            lambda w, k=k: -compare_rdms((w * model.rdms[k] + (1 - w) * model.rdms[k + 1])[None], pool, comparison=comparison)[0, 0],
            bounds=(0, 1), method="bounded", options={"xatol": 1e-9},
        )
        for k in range(3)
    ]  # fmt: skip
    best = min(found, key=lambda each: each.fun)
    assert weights[1] == pytest.approx(best.x, abs=1e-5)


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_a_selection_is_the_component_with_the_highest_mean(comparison):
    subjects = SUBJECTS if comparison != "neg_riem_dist" else np.stack([pdist(RNG.normal(size=(N, 60)), "sqeuclidean") for _ in range(3)])
    result = whole(SelectModel(COMPONENTS), comparison, subjects)
    means = compare_rdms(COMPONENTS, subjects, comparison=comparison).mean(axis=1)
    assert result.weights[0].tolist() == np.eye(4)[means.argmax()].tolist()
    assert result.values[0] == pytest.approx(means.max(), abs=1e-9)


def test_where_no_component_helps_the_least_harmful_one_stands():
    result = whole(WeightedModel(COMPONENTS), "pearson", 100 - SUBJECTS)
    assert (result.weights[0] > 0).sum() == 1
    assert result.values[0] < 0


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_held_out_scores_equal_a_plain_loop_over_the_folds(comparison):
    subjects = SUBJECTS
    if comparison == "neg_riem_dist":
        subjects = np.stack([pdist(RNG.normal(size=(N, 60)), "sqeuclidean") for _ in range(PEOPLE)])
    model = WeightedModel(COMPONENTS)
    result = rsa_scores([model, COMPONENTS[0]], subjects, n=N, comparison=comparison, replicates=0, folds=(2, 3))
    assert result.folds.counts == (2, 3)
    expected = np.zeros((2, PEOPLE))
    for assignment, (stimuli, people) in enumerate(zip(result.folds.stimuli, result.folds.subjects, strict=True)):
        for k in range(2):
            inside = squareform(np.logical_and.outer(stimuli == k, stimuli == k), checks=False)
            for s in range(3):
                prediction = np.stack([result.fold_weights[0][assignment, k, s] @ COMPONENTS, COMPONENTS[0]])
                found = compare_rdms(prediction[:, inside], subjects[people == s][:, inside], comparison=comparison)
                expected[:, people == s] += found / 2 / 10
    np.testing.assert_allclose(result.per_subject, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.values, expected.mean(axis=1), rtol=0, atol=1e-9)
    assert result.fold_weights[1] is None


@pytest.mark.parametrize("comparison", ["pearson", "spearman"])
def test_fits_see_neither_test_stimuli_nor_test_subjects(comparison):
    result = rsa_scores(WeightedModel(COMPONENTS), SUBJECTS, n=N, comparison=comparison, replicates=0, folds=(3, 2))
    stimuli, people = result.folds.stimuli[0], result.folds.subjects[0]
    train = squareform(np.logical_and.outer(stimuli != 1, stimuli != 1), checks=False)
    spoiled = np.where(train, SUBJECTS, RNG.random(SUBJECTS.shape))
    spoiled[people == 0] = RNG.random((3, PAIRS))
    again = rsa_scores(WeightedModel(COMPONENTS), spoiled, n=N, comparison=comparison, replicates=0, folds=(3, 2))
    np.testing.assert_allclose(again.fold_weights[0][0, 1, 0], result.fold_weights[0][0, 1, 0], rtol=0, atol=1e-12)
    assert not np.allclose(again.fold_weights[0][0, 0, 0], result.fold_weights[0][0, 0, 0])


def test_the_noise_gains_nothing_on_stimuli_it_was_not_fitted_to():
    rng = np.random.default_rng(0)
    noise, people = rng.random((30, PAIRS)), rng.random((8, PAIRS))
    free = WeightedModel(noise, nonnegative=False)
    assert rsa_scores([free], people, n=N, replicates=0, folds=(1, 1)).values[0] > 0.1
    assert abs(rsa_scores([free], people, n=N, replicates=0).values[0]) < 0.05


@pytest.mark.parametrize("resample", ["stimuli", "subjects", "both"])
@pytest.mark.parametrize("comparison", [each for each in COMPARISONS if each != "neg_riem_dist"])
def test_every_comparison_is_cross_validated_in_every_bootstrap(comparison, resample):
    models = [WeightedModel(COMPONENTS[:2]), SelectModel(COMPONENTS[:2]), InterpolatedModel(COMPONENTS[:2]), COMPONENTS[2]]
    result = rsa_scores(models, SUBJECTS, n=N, comparison=comparison, replicates=8, resample=resample, permutations=3, folds=(2, 2))
    assert (result.usable >= 6).all()
    assert not (result.low > result.high).any()
    assert result.p[0] == pytest.approx(0.25)
    assert result.ceiling.lower < result.ceiling.upper


def test_replicates_equal_copies_of_stimuli_and_subjects():
    """The first replicate by hand: copies stay in one fold, and pairs of copies are left out."""
    from isomorph.inference import bootstrap_weights
    from isomorph.inference._fit_crossval import FoldedModels
    from isomorph.inference._models import candidates

    folded = FoldedModels(
        models=candidates(COMPONENTS), n=N, people=PEOPLE, comparison="pearson", sigma_k=None, seed=0, folds=(2, 2)
    )  # fmt: skip
    stimuli, people = bootstrap_weights(N, 3, 0), bootstrap_weights(PEOPLE, 3, 1)
    samples = folded.assignments(stimuli, people[None], 3)
    found = folded.scored(SUBJECTS, samples)
    for replicate in range(3):
        expected = np.zeros((4, PEOPLE))
        for k in range(2):
            at = np.repeat(np.arange(N), stimuli[replicate] * (samples.stimuli[replicate] == k))
            left, right = np.triu_indices(len(at), 1)
            keep = at[left] != at[right]
            pairs = [np.stack([squareform(each)[at[left], at[right]][keep] for each in rdms]) for rdms in (COMPONENTS, SUBJECTS)]
            expected += compare_rdms(*pairs) / 2
        np.testing.assert_allclose(found.scores[0, replicate], expected @ people[replicate] / PEOPLE, rtol=0, atol=1e-10)


@pytest.mark.parametrize("comparison", ["pearson", "cosine", "corr_cov", "cosine_cov"])
def test_the_fit_to_session_averaged_brains_ends_at_once(data_path, comparison):
    """rsatoolbox 0.3.2's non-negative regression never returns on these data with its correlation."""
    brains = scipy.io.loadmat(data_path("kriegeskorte-92", "92_brainRDMs.mat"))["RDMs"]
    people = np.array([[RDM.from_square(brains[0, s, k]["RDM"]).values for k in range(2)] for s in range(4)], dtype=np.float64)
    table = scipy.io.loadmat(data_path("kriegeskorte-92", "92_modelRDMs.mat"))["Models"][0, :4]
    components = np.stack([RDM.from_square(each["RDM"]).values.astype(np.float64) for each in table])
    start = time.process_time()
    result = rsa_scores([WeightedModel(components)], people, n=92, comparison=comparison, replicates=0, folds=(1, 1))
    assert time.process_time() - start < 2
    averaged = people.mean(axis=1)
    if comparison == "pearson":
        averaged -= averaged.mean(axis=1, keepdims=True)
        target = (averaged / averaged.std(axis=1, keepdims=True)).mean(axis=0)
        slow = nnls((components - components.mean(axis=1, keepdims=True)).T, target)[0]
        np.testing.assert_allclose(result.weights[0], slow / np.linalg.norm(slow), rtol=0, atol=1e-9)
    assert result.values[0] >= compare_rdms(components, people.mean(axis=1), comparison=comparison).mean(axis=1).max() - 1e-3
