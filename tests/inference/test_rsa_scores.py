import numpy as np
import pytest
from scipy.spatial.distance import squareform

from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM
from isomorph.inference import (
    COMPARISONS,
    Ceiling,
    WeightedModel,
    bootstrap_weights,
    compare_rdms,
    noise_ceiling,
    rsa_replicates,
    rsa_scores,
)

PAIR_BY_PAIR = ("pearson", "spearman", "cosine", "tau-a", "tau-b", "rho-a")
FOR_ANY_RDM = tuple(each for each in COMPARISONS if each != "neg_riem_dist")  # which needs points for its distances: test_riemannian

RNG = np.random.default_rng(3)
N = 20
PAIRS = N * (N - 1) // 2
TRUTH = RNG.random(PAIRS)
MODELS = np.stack([TRUTH, TRUTH + 0.5 * RNG.random(PAIRS), np.round(3 * TRUTH), RNG.random(PAIRS)])
SUBJECTS = TRUTH + RNG.random((5, PAIRS))


def resampled(rdms, weights):
    """The direct way: a matrix with repeated rows and columns, without the pairs of a stimulus with its own copy."""
    at = np.repeat(np.arange(N), weights)
    left, right = np.triu_indices(N, 1)
    different = at[left] != at[right]
    return np.stack([squareform(rdm)[at[left], at[right]][different] for rdm in rdms])


@pytest.mark.parametrize("comparison", PAIR_BY_PAIR)
def test_weights_equal_resampled_matrices(comparison):
    result = rsa_scores(MODELS, SUBJECTS, n=N, comparison=comparison, replicates=4, seed=9)
    bounds = []
    for replicate, weights in enumerate(bootstrap_weights(N, 4, 9)):
        models, subjects = resampled(MODELS, weights), resampled(SUBJECTS, weights)
        direct = compare_rdms(models, subjects, comparison=comparison).mean(axis=1)
        np.testing.assert_allclose(result.replicates[replicate], direct, rtol=0, atol=1e-11)
        bounds.append(noise_ceiling(subjects, comparison=comparison))
    assert result.ceiling.lower_low == pytest.approx(np.quantile([each.lower for each in bounds], 0.025), abs=1e-11)
    assert result.ceiling.upper_high == pytest.approx(np.quantile([each.upper for each in bounds], 0.975), abs=1e-11)


def test_values_are_means_over_subjects_and_repeats_are_averaged_first():
    repeats = np.stack([SUBJECTS - 0.1, SUBJECTS + 0.1 * RNG.random(SUBJECTS.shape)], axis=1)
    result = rsa_scores(MODELS, repeats, n=N, replicates=0)
    np.testing.assert_allclose(result.per_subject, compare_rdms(MODELS, repeats.mean(axis=1)))
    np.testing.assert_allclose(result.values, result.per_subject.mean(axis=1))
    assert np.isnan(result.low).all()
    assert result[0].low is None


@pytest.mark.parametrize("comparison", FOR_ANY_RDM)
def test_resampled_subjects_equal_repeated_subjects(comparison):
    result = rsa_scores(MODELS, SUBJECTS, n=N, comparison=comparison, resample="subjects", replicates=3, seed=4)
    for replicate, weights in enumerate(bootstrap_weights(5, 3, 5)):
        direct = compare_rdms(MODELS, np.repeat(SUBJECTS, weights, axis=0), comparison=comparison).mean(axis=1)
        np.testing.assert_allclose(result.replicates[replicate], direct, rtol=0, atol=1e-11)


def test_both_lies_between_the_larger_single_variance_and_the_plain_double_one():
    spread = {
        kind: rsa_scores(MODELS, SUBJECTS, n=N, resample=kind, replicates=600).replicates.var(axis=0)
        for kind in ("stimuli", "subjects", "both")
    }
    assert (spread["both"] >= 0.8 * np.maximum(spread["stimuli"], spread["subjects"])).all()
    assert (spread["both"] <= 1.3 * (spread["stimuli"] + spread["subjects"])).all()


def test_intervals_hold_the_value_and_cover_at_about_their_level():
    covered = 0
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3))
    y = x + rng.normal(size=x.shape)
    population = compare_rdms(RDM.from_features(x, "euclidean").values[None], RDM.from_features(y, "euclidean").values[None])[0, 0]
    for seed in range(100):
        at = rng.choice(2000, 40, replace=False)
        rdms = [RDM.from_features(each[at], "euclidean").values[None] for each in (x, y)]
        result = rsa_scores(*rdms, n=40, replicates=200, seed=seed)
        covered += bool(result.low[0] <= population <= result.high[0])
    assert 85 <= covered <= 100


@pytest.mark.parametrize("comparison", FOR_ANY_RDM)
def test_permutations_find_a_relation_and_only_that(comparison):
    result = rsa_scores(MODELS, SUBJECTS[:2], n=N, comparison=comparison, permutations=99, replicates=0, seed=2)
    assert result.p[0] == pytest.approx(0.01)
    assert result.p[3] > 0.05


def test_permutation_p_is_the_share_of_permuted_matrices():
    result = rsa_scores(MODELS, SUBJECTS, n=N, permutations=150, replicates=0, seed=6)
    rng = np.random.default_rng([6, 1])
    null = []
    for _ in range(150):
        order = rng.permutation(N)
        shuffled = np.stack([squareform(squareform(each)[np.ix_(order, order)]) for each in SUBJECTS])
        null.append(compare_rdms(MODELS, shuffled).mean(axis=1))
    np.testing.assert_allclose(result.p, (1 + (np.array(null) >= result.values).sum(axis=0)) / 151)


def test_a_difference_is_paired():
    result = rsa_scores(MODELS, SUBJECTS, n=N, replicates=300)
    gap = result.difference(0, 3)
    assert gap.value == pytest.approx(result.values[0] - result.values[3])
    assert gap.low > 0
    assert gap.p == pytest.approx(2 / 301)
    same = result.difference(1, 1)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_a_single_subject_has_no_ceiling():
    assert rsa_scores(MODELS, SUBJECTS[:1], n=N, replicates=5).ceiling is None
    with pytest.raises(InputError, match="at least 2 subjects"):
        noise_ceiling(SUBJECTS[:1])
    with pytest.raises(InputError, match="there is 1 subject"):
        rsa_scores(MODELS, SUBJECTS[:1], n=N, resample="both")


def test_subjects_that_agree_wholly_have_a_ceiling_of_one():
    ceiling = noise_ceiling(np.stack([TRUTH, 2 * TRUTH + 1, TRUTH]))
    assert ceiling == Ceiling(lower=pytest.approx(1), upper=pytest.approx(1))


def test_equal_seeds_give_equal_results_and_others_do_not():
    first, second, other = (rsa_scores(MODELS, SUBJECTS, n=N, replicates=20, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.replicates, second.replicates)
    assert not np.array_equal(first.replicates, other.replicates)


@pytest.mark.parametrize("comparison", ["pearson", "cosine", "spearman"])
def test_neither_blocks_nor_the_way_of_summing_change_anything(comparison, monkeypatch):
    def drawn():
        return rsa_scores(MODELS, SUBJECTS, n=N, replicates=7, comparison=comparison).replicates

    whole = drawn()
    for many_kinds in (0, 10**6):
        monkeypatch.setattr("isomorph.inference._moments._MANY_KINDS", many_kinds)
        np.testing.assert_allclose(drawn(), whole, atol=1e-12)
        with monkeypatch.context() as small:
            for name in ("_BLOCK_ROWS", "_CHUNK_VALUES", "_LEAST_PAIRS"):
                small.setattr(f"isomorph.inference._moments.{name}", 1)
            np.testing.assert_allclose(drawn(), whole, atol=1e-12)


def test_a_replicate_that_leaves_a_constant_rdm_is_left_out():
    category = squareform(np.not_equal.outer(np.arange(4) < 1, np.arange(4) < 1).astype(float))
    result = rsa_scores(category[None], RNG.random((3, 6)), n=4, replicates=200)
    assert np.isnan(result.replicates).any()
    assert np.isfinite([result.low[0], result.high[0]]).all()


def test_the_wrong_number_of_pairs_is_refused():
    with pytest.raises(ShapeError, match="20 stimuli make 190 pairs, but subjects have 189"):
        rsa_scores(MODELS, SUBJECTS[:, 1:], n=N)


@pytest.mark.parametrize("resample", ["stimuli", "subjects", "both"])
@pytest.mark.parametrize("comparison", FOR_ANY_RDM)
@pytest.mark.parametrize("n", [3, 4])
def test_a_handful_of_stimuli_is_enough_for_every_comparison(comparison, resample, n):
    rdms = np.random.default_rng(n).random((5, n * (n - 1) // 2))
    result = rsa_scores(rdms[:2], rdms[2:], n=n, comparison=comparison, resample=resample, replicates=60, permutations=5)
    assert np.isfinite([result.values, result.low, result.high, result.p]).all()


@pytest.mark.parametrize("comparison", ["pearson", "spearman", "tau-a", "rho-a", "cosine_cov"])
@pytest.mark.parametrize("resample", ["stimuli", "both"])
def test_ranges_of_replicates_have_the_bits_of_one_process(comparison, resample):
    options = {"n": N, "comparison": comparison, "resample": resample, "replicates": 17, "permutations": 130, "seed": 2}
    whole = rsa_scores(MODELS, SUBJECTS, **options)
    ranges = [rsa_replicates(MODELS, SUBJECTS, part=(number, 3), turn=4, **options) for number in (1, 2, 3)]
    drawn = [0 if each.draws is None else each.draws.shape[2] for each in ranges]
    assert drawn == ([8, 8, 1] if comparison in ("spearman", "tau-a", "rho-a") else [0, 17, 0])
    assert [len(each.null) for each in ranges] == [64, 64, 2]
    joined = rsa_scores(MODELS, SUBJECTS, ranges=ranges, **options)
    for name in ("low", "high", "se", "replicates", "p", "chance"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))
    np.testing.assert_array_equal(joined.draws.values, whole.draws.values)
    assert joined.ceiling == whole.ceiling


def test_ranges_of_replicates_with_fits_have_the_bits_of_one_process():
    models = [WeightedModel(MODELS[:2]), MODELS[3]]
    options = {"n": N, "replicates": 3, "permutations": 3, "folds": (2, 1)}
    ranges = [rsa_replicates(models, SUBJECTS, part=(number, 2), **options) for number in (1, 2)]
    joined, whole = rsa_scores(models, SUBJECTS, ranges=ranges, **options), rsa_scores(models, SUBJECTS, **options)
    np.testing.assert_array_equal(joined.draws.values, whole.draws.values)
    np.testing.assert_array_equal(joined.p, whole.p)


def test_ranges_of_replicates_must_be_all_and_of_these_models():
    options = {"n": N, "comparison": "spearman", "replicates": 16, "permutations": 0}
    first, second = (rsa_replicates(MODELS, SUBJECTS, part=(number, 2), **options) for number in (1, 2))
    with pytest.raises(InputError, match=r"^the ranges hold 8 replicates, but 16 are asked for\. Give all parts"):
        rsa_scores(MODELS, SUBJECTS, ranges=[first], **options)
    with pytest.raises(InputError, match=r"^the ranges are of 4 models, but there are 2\.$"):
        rsa_scores(MODELS[:2], SUBJECTS, ranges=[first, second], **options)
    with pytest.raises(InputError, match=r"^a part is \(number, total\), such as \(1, 8\); got \(3, 2\)\.$"):
        rsa_replicates(MODELS, SUBJECTS, part=(3, 2), **options)
