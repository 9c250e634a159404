import numpy as np
import pytest
from scipy import stats

from isomorph.inference import rsa_scores
from isomorph.inference._dual import Draws

N, PEOPLE = 16, 6
RNG = np.random.default_rng(4)
PAIRS = N * (N - 1) // 2
TRUTH = RNG.random(PAIRS)
MODELS = np.stack([TRUTH, TRUTH + RNG.random(PAIRS), RNG.random(PAIRS)])
SUBJECTS = TRUTH + RNG.random((PEOPLE, PAIRS))


def draws(values, resample="both", n=N, people=PEOPLE):
    return Draws(values=values, resample=resample, n=n, people=people)


def crossed(rng, n, people, sd_stimuli, sd_people, sd_noise):
    """A mean over a table of stimulus, subject and entry effects, whose true variance is known."""
    table = sd_stimuli * rng.normal(size=n) + sd_people * rng.normal(size=(people, 1)) + sd_noise * rng.normal(size=(people, n))
    truth = sd_stimuli**2 / n + sd_people**2 / people + sd_noise**2 / n / people
    return table, truth


@pytest.mark.parametrize(("sd_stimuli", "sd_people", "sd_noise"), [(1, 1, 3), (1, 0.5, 6), (0.3, 0.2, 3)])
def test_the_corrected_variance_is_right_where_the_double_bootstrap_is_not(sd_stimuli, sd_people, sd_noise):
    """Exact moments of the three bootstraps of a mean, so that no draws are needed: only tables."""
    rng = np.random.default_rng(0)
    n, people, corrected, plain = 12, 8, [], []
    for _ in range(4000):
        table, truth = crossed(rng, n, people, sd_stimuli, sd_people, sd_noise)
        residual = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
        by_people, by_stimuli = table.mean(axis=1).var() / people, table.mean(axis=0).var() / n
        both = by_people + by_stimuli + residual.var() / n / people
        corrected.append(people / (people - 1) * by_people + n / (n - 1) * by_stimuli)
        corrected[-1] -= n * people / (n - 1) / (people - 1) * (both - by_people - by_stimuli)
        plain.append(both)
    assert np.mean(corrected) == pytest.approx(truth, rel=0.06)
    assert np.mean(plain) > 1.3 * truth


def test_variances_of_draws_follow_the_formula_and_its_bounds():
    rng = np.random.default_rng(1)
    stimuli, subjects, noise = rng.normal(size=(3, 20000))
    values = np.stack([1.2 * stimuli + 1.5 * subjects + noise, 1.2 * stimuli, 1.5 * subjects])[:, None, :, None]
    parts = values.var(axis=2, ddof=1)[:, 0, 0]
    found = draws(values).variance(values)[0]
    scale_n, scale_p = N / (N - 1), PEOPLE / (PEOPLE - 1)
    expected = scale_p * parts[2] + scale_n * parts[1] - scale_n * scale_p * (parts[0] - parts[1] - parts[2])
    assert found == pytest.approx(max(min(expected, parts[0]), scale_n * parts[1], scale_p * parts[2]))
    assert found < parts[0]
    large = draws(values, n=10**9, people=10**9).variance(values)[0]
    assert large == pytest.approx(2 * (parts[1] + parts[2]) - parts[0], rel=1e-6)
    loud = np.stack([10 * noise, stimuli, subjects])[:, None, :, None]  # below: the larger factor alone
    assert draws(loud).variance(loud)[0] == pytest.approx(max(scale_n * stimuli.var(ddof=1), scale_p * subjects.var(ddof=1)))


def test_the_choice_of_folds_does_not_pass_for_uncertainty():
    rng = np.random.default_rng(2)
    shared, folds = rng.normal(size=20000), 3 * rng.normal(size=(2, 20000))
    values = (shared + folds)[None, :, :, None]
    found = draws(values, "stimuli").variance(values)[0]
    assert found == pytest.approx(N / (N - 1), rel=0.15)
    scaled = draws(values, "stimuli").scaled(np.array([5.0]), values)
    assert scaled.mean() == pytest.approx(5)
    assert scaled.var(ddof=1) == pytest.approx(found)


@pytest.mark.parametrize("resample", ["stimuli", "subjects", "both"])
def test_t_intervals_are_standard_errors_times_t(resample):
    result = rsa_scores(MODELS, SUBJECTS, n=N, replicates=200, resample=resample, intervals="t", level=0.9)
    degrees = {"stimuli": N - 1, "subjects": PEOPLE - 1, "both": PEOPLE - 1}[resample]
    reach = result.se * stats.t.ppf(0.95, degrees)
    np.testing.assert_allclose(result.low, result.values - reach)
    np.testing.assert_allclose(result.high, result.values + reach)
    score = result[1]
    assert (score.low, score.high) == pytest.approx((result.low[1], result.high[1]))
    assert result.ceiling.lower_low < result.ceiling.lower < result.ceiling.lower_high
    gap = result.difference(0, 2, test="t")
    own = result.draws.values[..., 0] - result.draws.values[..., 2]
    assert gap.p == pytest.approx(2 * stats.t.sf(gap.value / np.sqrt(result.draws.variance(own)), degrees))
    if resample != "both":
        plain = result.replicates.var(axis=0, ddof=1) * (N / (N - 1) if resample == "stimuli" else PEOPLE / (PEOPLE - 1))
        np.testing.assert_allclose(result.se, np.sqrt(plain))


def test_standard_errors_of_both_match_the_spread_of_repeated_studies():
    """Studies drawn from one population: new stimuli, new subjects. The plain double bootstrap says far too much."""
    rng = np.random.default_rng(7)
    n, people, features = 18, 8, 40
    values, errors, plain, inside = [], [], [], []
    for seed in range(150):
        x = rng.normal(size=(n, features))
        upper = np.triu_indices(n, 1)
        distances = [np.square(x[:, None] - x[None]).sum(axis=2)[upper]]
        for _ in range(people):
            y = x * (1 + 0.3 * rng.normal(size=features)) + 1.5 * rng.normal(size=x.shape)
            distances.append(np.square(y[:, None] - y[None]).sum(axis=2)[upper])
        result = rsa_scores(
            np.stack(distances[:1]), np.stack(distances[1:]), n=n, resample="both", intervals="t", replicates=150, seed=seed
        )
        values.append(result.values[0])
        errors.append(result.se[0] ** 2)
        plain.append(result.draws.values[0, 0, :, 0].var(ddof=1))
        inside.append((result.low[0], result.high[0]))
    truth = np.var(values, ddof=1)
    assert 0.75 < np.mean(errors) / truth < 1.45
    assert np.mean(plain) > 1.25 * np.mean(errors)
    covered = np.mean([low <= np.mean(values) <= high for low, high in inside])
    assert 0.9 <= covered <= 1


def test_where_folds_drown_everything_there_is_no_interval_rather_than_one_of_width_zero():
    result = rsa_scores(MODELS, SUBJECTS[:2], n=N, replicates=60, resample="subjects", folds=(2, 2))
    assert 0 < result.usable[0] < 60  # those that hold both subjects, all the same
    assert np.isnan([result.se, result.low]).all()
    assert (result[0].low, result.difference(0, 1, test="t").p) == (None, None)


def test_few_subjects_get_t_unless_percentiles_are_asked_for():
    """Percentiles of four subjects are too narrow: their own factor (S − 1)/S is in them, and no doubt of the standard error is."""
    for resample, kind in (("stimuli", "percentile"), ("subjects", "t"), ("both", "t")):
        result = rsa_scores(MODELS, SUBJECTS[:4], n=N, replicates=300, resample=resample)
        assert result.intervals == kind
        asked = rsa_scores(MODELS, SUBJECTS[:4], n=N, replicates=300, resample=resample, intervals="percentile")
        if kind == "t":
            assert (asked.high - asked.low < 0.8 * (result.high - result.low)).all()


def test_differences_are_paired_and_meet_ceilings_and_zero():
    result = rsa_scores(MODELS, SUBJECTS, n=N, replicates=300, resample="both")
    gap = result.difference(0, 1)
    own = result.draws.values[..., 0] - result.draws.values[..., 1]
    assert np.sqrt(result.draws.variance(own)) < np.hypot(result.se[0], result.se[1])
    assert gap.low < gap.value < gap.high
    below = result.difference(2, "lower", test="t")
    assert below.value == pytest.approx(result.values[2] - result.ceiling.lower)
    assert below.p < 0.05
    assert result.difference(0, "upper").value == pytest.approx(result.values[0] - result.ceiling.upper)
    assert result.difference(0, "zero").p == pytest.approx(2 / 301)
    assert result.difference(2, "zero", test="t").p > 0.05


def test_pairwise_p_values_are_corrected_together():
    result = rsa_scores(MODELS, SUBJECTS, n=N, replicates=200)
    plain, corrected = result.pairwise_p(method=None), result.pairwise_p(method="holm")
    assert (np.diagonal(plain) == 1).all()
    np.testing.assert_array_equal(plain, plain.T)
    assert plain[0, 2] == result.difference(0, 2).p
    assert (corrected >= plain).all()
    assert corrected[0, 2] == pytest.approx(3 * plain[0, 2])


def test_chance_is_where_unrelated_models_score():
    result = rsa_scores(np.abs(MODELS), np.abs(SUBJECTS), n=N, comparison="cosine", permutations=200, replicates=0)
    assert result.chance.min() > 0.5
    assert result.values[2] == pytest.approx(result.chance[2], abs=0.02)
    assert result.p[0] < 0.01 < result.p[2]
    centred = rsa_scores(MODELS, SUBJECTS, n=N, permutations=200, replicates=0)
    np.testing.assert_allclose(centred.chance, 0, atol=0.03)


def test_replicates_without_a_value_are_counted_and_left_out():
    category = np.zeros((4, 4))
    category[0, 1:] = category[1:, 0] = 1
    result = rsa_scores(category[np.triu_indices(4, 1)][None], RNG.random((3, 6)), n=4, replicates=200)
    assert 0 < result.usable[0] < 200
    assert np.isfinite([result.se[0], result.low[0]]).all()
    assert result[0].replicates == result.usable[0]


def test_two_subjects_are_enough_and_one_has_neither_ceiling_nor_both():
    two = rsa_scores(MODELS, SUBJECTS[:2], n=N, replicates=100, resample="both", intervals="t")
    assert np.isfinite([two.se, two.low, two.high]).all()
    assert np.isfinite(two.ceiling.lower)
    one = rsa_scores(MODELS, SUBJECTS[:1], n=N, replicates=20)
    assert one.ceiling is None
    assert np.isfinite(one.difference(0, 1).p)
