"""The same numbers as packages that nobody here wrote: statsmodels, krippendorff, pingouin, scikit-learn, scipy.

To 1e-10 where the formulas are the same; each test whose formulas differ says so in its name and why in its docstring."""

import itertools

import numpy as np
import pytest
from scipy import spatial, stats

from isomorph.errors import FetchError, InputError, NonFiniteError, ShapeError
from isomorph.perception import (
    Answers,
    agreement,
    annotator_quality,
    augrc,
    behaviour_table,
    brier,
    confusion_matrix,
    cronbach_alpha,
    error_consistency,
    expected_calibration_error,
    fleiss_kappa,
    jensen_shannon,
    krippendorff_alpha,
    kullback_leibler,
    load_cifar_10_classifier,
    load_cifar_10h,
    load_model_vs_human,
    margin_of_error,
    paired_difference,
    paired_differences,
    rater_interval,
    sample_size,
    soft_cross_entropy,
    split_half_reliability,
    total_variation,
)

EXACT = {"rel": 1e-10, "abs": 1e-10}
SEEDS = range(8)
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def colour():
    """1,280 images × 4 people: answers in seventeen words, and whether they are right."""
    try:
        trials = load_model_vs_human(datasets=["colour"])
    except FetchError as error:
        pytest.skip(f"the trials of model-vs-human can be had nowhere: {error}")
    responses = trials.responses("colour")
    return trials, responses.to_numpy(), responses.to_numpy() == np.array(trials.answers("colour").truth)[:, None]


@pytest.fixture(scope="module")
def cifar():
    try:
        return load_cifar_10h(), load_cifar_10_classifier()
    except FetchError as error:
        pytest.skip(f"CIFAR-10H can be had nowhere: {error}")


def drawn_ratings(seed, *, gaps=0.0):
    """Items × raters: skewed, tied, of any size, some missing."""
    rng = np.random.default_rng(seed)
    items, raters, top = rng.integers(5, 60), rng.integers(2, 7), rng.integers(2, 9)
    table = np.clip(np.round(rng.gamma(2, 1, (items, 1)) + rng.normal(scale=rng.uniform(0.3, 2), size=(items, raters))), 0, top).astype(
        float
    )
    table[rng.random(table.shape) < gaps] = np.nan
    return table


def votes(codes, width=None):
    return np.stack([np.bincount(row, minlength=width or codes.max() + 1) for row in codes])


# statsmodels


@pytest.mark.parametrize("seed", SEEDS)
def test_fleiss_kappa_is_statsmodels(seed):
    from statsmodels.stats import inter_rater

    table = drawn_ratings(seed).astype(int)
    close(fleiss_kappa(votes(table)), inter_rater.fleiss_kappa(votes(table)))
    close(fleiss_kappa(votes(table), varying=True), inter_rater.fleiss_kappa(inter_rater.aggregate_raters(table)[0]))


def test_fleiss_kappa_of_people_is_statsmodels(colour):
    from statsmodels.stats import inter_rater

    counts = colour[0].answers("colour").counts
    close(fleiss_kappa(counts), inter_rater.fleiss_kappa(counts))


def test_fleiss_kappa_of_varying_numbers_has_no_peer_there():
    """statsmodels takes one number of raters for all items; ours weighs items alike, whatever their number, and leaves out lone votes."""
    from statsmodels.stats import inter_rater

    with pytest.raises(AssertionError):
        inter_rater.fleiss_kappa([[2, 1], [2, 0]])
    assert fleiss_kappa([[2, 1], [2, 0], [1, 0]], varying=True) == pytest.approx((2 / 3 - 17 / 25) / (1 - 17 / 25), abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_error_consistency_is_cohens_kappa_of_statsmodels_and_scikit_learn(seed):
    from sklearn.metrics import cohen_kappa_score
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(seed)
    hard = rng.random(rng.integers(20, 400))
    first, second = (rng.random(len(hard)) < hard ** rng.uniform(0.3, 3) for _ in range(2))
    found = agreement(first, second).error_consistency
    close(found, cohen_kappa_score(first, second))
    close(found, cohens_kappa(np.histogram2d(first, second, bins=2)[0]).kappa)


def test_error_consistency_of_people_is_cohens_kappa(colour):
    from sklearn.metrics import cohen_kappa_score

    trials = colour[0]
    found = error_consistency(trials, dropped="none", by="condition").set_index(["condition", "first", "second"])["error_consistency"]
    for condition in trials.condition.names:
        part = trials.where(trials.condition.is_in([condition]))
        right = {each: part.where(part.subject.is_in([each])) for each in part.subject.names}
        right = {name: dict(zip(each.item.values(), each.correct, strict=True)) for name, each in right.items()}
        for first, second in itertools.combinations(sorted(right), 2):
            pairs = np.array([(said, right[second][item]) for item, said in right[first].items()])
            close(found[condition, first, second], cohen_kappa_score(*pairs.T))


def test_where_both_are_always_right_kappa_is_one_by_convention_and_not_0_over_0():
    """model-vs-human takes κ as 1 where o = 1; Cohen's is undefined there, and scikit-learn says NaN."""
    from sklearn.exceptions import UndefinedMetricWarning
    from sklearn.metrics import cohen_kappa_score

    with pytest.warns((UndefinedMetricWarning, RuntimeWarning)):
        assert np.isnan(cohen_kappa_score([1, 1, 1], [1, 1, 1]))
    assert agreement([1, 1, 1], [1, 1, 1]).error_consistency == 1


def test_kappas_of_annotators_are_scikit_learns():
    from sklearn.metrics import cohen_kappa_score

    table = drawn_ratings(3, gaps=0.2)
    found = annotator_quality(table)["kappa"].to_numpy()
    for rater, kappa in enumerate(found):
        others = [each for each in range(table.shape[1]) if each != rater]
        pairs = [table[~np.isnan(table[:, [rater, other]]).any(axis=1)][:, [rater, other]].astype(int) for other in others]
        close(kappa, np.mean([cohen_kappa_score(*pair.T) for pair in pairs]))


@pytest.mark.parametrize("p", [0.5, 0.1, 0.93])
@pytest.mark.parametrize("error", [0.0847, 0.05, 0.011])
def test_sample_sizes_and_margins_are_those_of_the_normal_interval_of_statsmodels(p, error):
    """The planner has the normal approximation alone, as VisAlign's; statsmodels knows no finite population. Wilson's and exact intervals
    are not offered: what is planned is a mean half width."""
    from statsmodels.stats.proportion import proportion_confint, samplesize_confint_proportion

    z = stats.norm.isf(0.025)
    assert sample_size(error=error, p=p, z=z) == np.ceil(samplesize_confint_proportion(p, error))
    low, high = proportion_confint(p * 400, 400, method="normal")
    close(margin_of_error(400, p=p, z=z), (high - low) / 2)


def test_corrected_p_values_are_statsmodels():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    values = {str(at): rng.normal(at / 8, 1, 60) for at in range(4)}
    for correction in ("holm", "fdr_bh", "bonferroni"):
        table = paired_differences(values, correction=correction, permutations=499, replicates=0)
        close(table["p_corrected"], multipletests(table["p"], method=correction)[1])


# krippendorff


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("gaps", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("seed", SEEDS)
def test_krippendorffs_alpha_is_the_packages(level, gaps, seed):
    from krippendorff import alpha

    table = drawn_ratings(seed, gaps=gaps)
    if (~np.isnan(table)).sum(axis=1).max() < 2:
        pytest.skip("no item has two answers")
    close(krippendorff_alpha(table, level=level), alpha(table.T, level_of_measurement=level))


@pytest.mark.parametrize("level", LEVELS)
def test_krippendorffs_alpha_of_continuous_ratings_and_far_from_zero(level):
    from krippendorff import alpha

    rng = np.random.default_rng(0)
    table = 1000 + rng.normal(size=(80, 1)) + rng.normal(size=(80, 3))
    table[rng.random(table.shape) < 0.2] = np.nan
    assert krippendorff_alpha(table, level=level) == pytest.approx(alpha(table.T, level_of_measurement=level), abs=1e-8)


def test_krippendorffs_alpha_of_people_is_the_packages(colour):
    from krippendorff import alpha

    _, said, right = colour
    close(krippendorff_alpha(said), alpha(np.unique(said, return_inverse=True)[1].reshape(said.shape).T, level_of_measurement="nominal"))
    for level in LEVELS:
        close(krippendorff_alpha(right.astype(int), level=level), alpha(right.T.astype(int), level_of_measurement=level))


def test_krippendorffs_alpha_of_many_different_ratings_needs_no_table_of_their_pairs():
    """The package fills one of 24,000 × 24,000 cells; sums of squares need none."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(6000, 1)) + rng.normal(size=(6000, 4))
    assert krippendorff_alpha(table, level="interval") == pytest.approx(0.5, abs=0.02)
    assert krippendorff_alpha(table, level="ordinal") == pytest.approx(0.48, abs=0.02)


# pingouin


@pytest.mark.parametrize("missing", ["raise", "listwise", "pairwise"])
@pytest.mark.parametrize("seed", SEEDS)
def test_cronbachs_alpha_is_pingouins(seed, missing):
    import pandas
    import pingouin

    rng = np.random.default_rng(seed)
    table = 50 + rng.normal(size=(90, 1)) + rng.normal(scale=2, size=(90, rng.integers(2, 6)))
    if missing != "raise":
        table[rng.random(table.shape) < 0.15] = np.nan
    policy = "pairwise" if missing == "raise" else missing
    close(cronbach_alpha(table, missing=missing), pingouin.cronbach_alpha(pandas.DataFrame(table), nan_policy=policy)[0])


def test_cronbachs_alpha_of_people_being_right_is_pingouins(colour):
    import pandas
    import pingouin

    right = colour[2].astype(float)
    close(cronbach_alpha(right), pingouin.cronbach_alpha(pandas.DataFrame(right))[0])
    gaps = np.where(colour[1] == "na", np.nan, right)  # a time-out is no answer here
    assert np.isnan(gaps).any()
    for missing in ("listwise", "pairwise"):
        close(cronbach_alpha(gaps, missing=missing), pingouin.cronbach_alpha(pandas.DataFrame(gaps), nan_policy=missing)[0])


def test_cronbachs_interval_is_drawn_where_pingouins_is_feldts():
    """pingouin's interval is Feldt's (1965), exact for normal ratings whose raters vary alike; ours is a bootstrap over items and assumes
    neither. Where Feldt's assumptions hold, both are the same but for chance; with heavy tails, ours is wider."""
    import pandas
    import pingouin

    rng = np.random.default_rng(1)
    table = rng.normal(size=(300, 1)) + rng.normal(size=(300, 5))
    ours = rater_interval(cronbach_alpha, table, replicates=600)
    alpha, theirs = pingouin.cronbach_alpha(pandas.DataFrame(table))
    assert ours.value == pytest.approx(alpha, abs=1e-10)
    assert [ours.low, ours.high] == pytest.approx(theirs.tolist(), abs=0.012)
    heavy = rng.standard_t(3, size=(300, 1)) + rng.standard_t(3, size=(300, 5))
    ours, (_, theirs) = rater_interval(cronbach_alpha, heavy, replicates=600), pingouin.cronbach_alpha(pandas.DataFrame(heavy))
    assert ours.high - ours.low > 1.15 * (theirs[1] - theirs[0])


def test_missing_ratings_are_not_passed_over_silently():
    gaps = np.array([[1, 2.0], [2, np.nan], [3, 3], [4, 5]])
    with pytest.raises(NonFiniteError, match=r"1 of 8 ratings are missing; the first is of item 1. missing='listwise' leaves"):
        cronbach_alpha(gaps)
    with pytest.raises(NonFiniteError, match="NaN or infinite"):
        cronbach_alpha(np.where(np.isnan(gaps), np.inf, gaps), missing="pairwise")
    with pytest.raises(ShapeError, match="raters 0 and 1 rated 1 of the same items; pairwise, 2 or more are needed"):
        cronbach_alpha([[1, np.nan], [2, np.nan], [3, 1]], missing="pairwise")
    with pytest.raises(ShapeError, match="needs 2 items and 2 raters or more; got 1 items"):
        cronbach_alpha([[1, np.nan], [2, np.nan], [3, 1]], missing="listwise")
    with pytest.raises(InputError, match="missing is 'raise', 'listwise' or 'pairwise'; got 'drop'"):
        cronbach_alpha(gaps, missing="drop")
    with pytest.raises(InputError, match="the level 'ratio' is for amounts of 0 or more; got -1"):
        krippendorff_alpha([[1, 2], [-1, 2]], level="ratio")
    with pytest.raises(NonFiniteError, match="NaN or infinite"):
        krippendorff_alpha([[1, 2], [np.inf, 2]], level="interval")


def test_two_raters_halves_are_pearsons_correlation_stepped_up():
    table = drawn_ratings(5)[:, :2]
    r = stats.pearsonr(*table.T).statistic
    close(split_half_reliability(table, splits=3), 2 * r / (1 + r))


# scikit-learn


def drawn_probabilities(seed, items=500, classes=6):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), size=items)
    return p, np.array([rng.choice(classes, p=each) for each in (p + 0.05) / (p + 0.05).sum(axis=1, keepdims=True)])


@pytest.mark.parametrize("seed", SEEDS)
def test_brier_and_log_loss_are_scikit_learns(seed):
    from sklearn.metrics import brier_score_loss, log_loss

    p, truth = drawn_probabilities(seed)
    hot = np.eye(p.shape[1])[truth]
    close(brier(hot, p).mean(), brier_score_loss(truth, p, labels=range(6), scale_by_half=False))
    close(soft_cross_entropy(hot, p).mean(), log_loss(truth, p, labels=range(6)))


def test_against_people_log_loss_is_that_of_all_votes_and_brier_less_by_how_people_differ(cifar):
    """scikit-learn has no soft labels, but each vote may be a row with a weight. The mean squared distance to single votes is that to their
    distribution and, on top, 1 − Σ q²: what people differ among themselves, which no model can take away."""
    from sklearn.metrics import brier_score_loss, log_loss

    people, model = (each.take(each.ids[:800]) for each in cifar)
    items, said = np.nonzero(people.counts)
    weight, p, q = people.probabilities[items, said], model.probabilities[items], people.probabilities
    floored = np.clip(model.probabilities, 1e-12, None)
    floored /= floored.sum(axis=1, keepdims=True)
    close(soft_cross_entropy(q, floored).mean(), log_loss(said, floored[items], labels=range(10), sample_weight=weight))
    single = brier_score_loss(said, p, labels=range(10), sample_weight=weight, scale_by_half=False)
    close(brier(q, model.probabilities).mean(), single - (1 - (q**2).sum(axis=1)).mean())


def reliability_diagram(right, confidence, bins):
    """A calibration error from scikit-learn's reliability diagram, whose bins are of equal width and closed on the right as ours."""
    from sklearn.calibration import calibration_curve

    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    count = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence), minlength=bins)
    return accuracy, mean, (np.abs(accuracy - mean) * count[count > 0]).sum() / len(confidence)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_is_that_of_scikit_learns_reliability_diagram(bins, cifar):
    people, model = cifar
    of_cifar = model.probabilities, people.truth_columns
    for p, truth in [of_cifar, *(drawn_probabilities(seed) for seed in SEEDS)]:
        found = expected_calibration_error(p, truth, bins=bins, replicates=0)
        accuracy, mean, error = reliability_diagram(p.argmax(axis=1) == truth, p.max(axis=1), bins)
        close(found.value, error)
        close(found.accuracy[found.count > 0], accuracy)
        close(found.confidence[found.count > 0], mean)


def test_calibration_error_against_people_is_that_of_all_their_votes():
    """With as many votes for every image, a diagram of votes is one of shares; people who answer in unlike numbers would weigh unlike."""
    p, _ = drawn_probabilities(0)
    counts = np.random.default_rng(1).multinomial(20, [0.4, 0.2, 0.1, 0.1, 0.1, 0.1], size=len(p))
    best, confidence = p.argmax(axis=1), p.max(axis=1)
    agree = (np.arange(20) < counts[np.arange(len(p)), best][:, None]).ravel()
    error = reliability_diagram(agree, np.repeat(confidence, 20), 15)[2]
    close(expected_calibration_error(p, counts / 20, replicates=0).value, error)


def test_augrc_is_scikit_learns_auroc_in_its_closed_form(cifar):
    from sklearn.metrics import roc_auc_score

    people, model = cifar
    wrong, unsure = model.decisions() != people.truth_columns, 1 - model.probabilities.max(axis=1)
    a = 1 - wrong.mean()
    close(augrc(unsure, wrong.astype(float)), (1 - roc_auc_score(wrong, unsure)) * a * (1 - a) + (1 - a) ** 2 / 2)


def test_confusions_are_scikit_learns(cifar):
    from sklearn.metrics import confusion_matrix as theirs

    people, model = cifar
    hard = Answers.from_decisions(model.ids, model.outcomes, [model.outcomes[at] for at in model.decisions()], truth=people.truth)
    close(confusion_matrix(hard), theirs(people.truth, [model.outcomes[at] for at in model.decisions()], normalize="true"))


# scipy


@pytest.mark.parametrize("seed", SEEDS)
def test_distances_are_scipys(seed):
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(7, 0.4), size=100), rng.dirichlet(np.full(7, 0.4), size=100)
    p[:20] = np.round(p[:20])
    p[p.sum(axis=1) == 0, 0] = 1
    p /= p.sum(axis=1, keepdims=True)
    close(jensen_shannon(p, q), spatial.distance.jensenshannon(p, q, axis=1) ** 2)  # scipy has its root
    close(total_variation(p, q), [spatial.distance.cityblock(a, b) / 2 for a, b in zip(p, q, strict=True)])
    close(kullback_leibler(p, q), stats.entropy(p, q, axis=1))


def test_distances_of_people_and_a_classifier_are_scipys(cifar):
    people, model = (each.probabilities for each in cifar)
    close(jensen_shannon(people, model), spatial.distance.jensenshannon(people, model, axis=1) ** 2)
    close(total_variation(people[:500], model[:500]), np.diag(spatial.distance.cdist(people[:500], model[:500], "cityblock")) / 2)


def test_permutation_p_values_are_scipys_exact_ones_but_for_chance():
    """scipy goes through all 2^10 signs; ours are 9,999 random ones of them, and count the data as one."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.6, 1, 10), rng.normal(0, 1, 10)

    def mean(difference, axis):
        return difference.mean(axis=axis)

    exact = stats.permutation_test((first - second,), mean, permutation_type="samples", n_resamples=np.inf, vectorized=True).pvalue
    found = paired_difference(first, second, permutations=9999).p
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 9999))


def test_mean_ranks_are_scipys(colour):
    table = behaviour_table(colour[0], replicates=0)
    models = table[table["model"] != "humans"]
    ranks = [
        stats.rankdata(models["accuracy_difference"]),
        stats.rankdata(-models["observed_consistency"]),
        stats.rankdata(-models["error_consistency"]),
    ]
    close(models["mean_rank"], np.mean(ranks, axis=0))
