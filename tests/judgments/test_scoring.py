"""Scores against slow loops, scipy and rules written out."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cosine, euclidean
from scipy.special import softmax
from scipy.stats import spearmanr

from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.judgments import TIES, Triplets, _similarity, pair_similarities, score_triplets
from isomorph.judgments._resample import resampled_means

PAIRS = [(0, 1), (0, 2), (1, 2)]


def random_triplets(n, trials, seed=0, **parts):
    rng = np.random.default_rng(seed)
    items = np.array([rng.choice(n, 3, replace=False) for _ in range(trials)])
    return Triplets(items=items, objects=tuple(f"o{row}" for row in range(n)), **parts)


def features(n=30, width=8, seed=1, offset=2.0):
    return Features(np.random.default_rng(seed).normal(size=(n, width)) + offset, tuple(f"o{row}" for row in range(n)))


def slow(x, one, other, similarity, centring="stimuli"):
    a, b = x[one], x[other]
    if similarity == "dot":
        return a @ b
    if similarity == "cosine":
        return 1 - cosine(a, b)
    if similarity == "euclidean":
        return -euclidean(a, b)
    if centring == "features":
        return np.corrcoef(a, b)[0, 1]
    mean = x.mean(axis=0) if centring == "stimuli" else x.mean()
    return 1 - cosine(a - mean, b - mean)


CASES = [
    ("dot", "stimuli"),
    ("cosine", "stimuli"),
    ("euclidean", "stimuli"),
    *(("centred-cosine", each) for each in ("stimuli", "features", "scalar")),
]


@pytest.mark.parametrize(("similarity", "centring"), CASES)
@pytest.mark.parametrize("way", ["matrix", "gathered", "gram"])
def test_similarities_against_loops(similarity, centring, way, monkeypatch):
    x, trials = features(), random_triplets(30, 200)
    if way == "gathered":
        monkeypatch.setattr(_similarity, "_is_matrix_cheaper", lambda *_: False)
    found = pair_similarities(Gram.from_features(x) if way == "gram" else x, trials, similarity=similarity, centring=centring)
    expected = [[slow(x.values, row[a], row[b], similarity, centring) for a, b in PAIRS] for row in trials.items]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_gathered_rows_in_tiles_equal_the_matrix(monkeypatch):
    x = features(1000, 5)
    x = Features(x.values.astype(np.float32), x.ids)
    rng = np.random.default_rng(0)
    items = rng.permuted(np.tile(np.arange(1000), (3000, 1)), axis=1)[:, :3]
    trials = Triplets(items=items, objects=x.ids)
    expected = pair_similarities(x, trials)
    monkeypatch.setattr(_similarity, "_is_matrix_cheaper", lambda *_: False)
    found = pair_similarities(x, trials)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)


def test_score_against_scipy():
    x, trials = features(), random_triplets(30, 400)
    score = score_triplets(x, trials, similarity="cosine", temperature=0.3)
    values = np.array([[slow(x.values, row[a], row[b], "cosine") for a, b in PAIRS] for row in trials.items])
    posterior = softmax(values / 0.3, axis=1)
    np.testing.assert_allclose(score.posterior, posterior, atol=1e-12)
    assert score.accuracy == pytest.approx((values.argmax(axis=1) == 0).mean(), abs=1e-12)
    assert score.nll == pytest.approx(-np.log(posterior[:, 0]).mean(), abs=1e-12)
    np.testing.assert_allclose(score.entropy, -(posterior * np.log(posterior)).sum(axis=1), atol=1e-12)
    assert score.low < score.accuracy < score.high
    assert (score.n, score.ties, score.tied, score.chance) == (400, "split", 0, 1 / 3)


def test_the_specified_triplet_softmax():
    # The fixture of the specification: target (2, 1, .5), student products (95, 25, 35) at τ = 100.
    z = Features(np.array([[10.0, 0, 5], [8, 4, 3], [-2, 6, 9]]), ("a", "b", "c"))
    trials = Triplets(items=np.array([[0, 1, 2]]), objects=z.ids)
    score = score_triplets(z, trials, temperature=100, replicates=0)
    assert score.similarities.tolist() == [[95, 25, 35]]
    assert score.nll == pytest.approx(0.7155918733, abs=1e-9)
    np.testing.assert_allclose(score.posterior, [[0.488903, 0.242782, 0.268315]], atol=1e-6)


def test_the_specified_global_loss():
    x = np.array([[1.0, 2], [3, -1], [0, 1], [2, 2]])
    w, b = np.array([[0.5, 0.1], [-0.2, 0.3]]), np.array([0.1, -0.1])
    e = Features((x - x.mean()) / x.std() @ w + b, tuple("abcd"))
    trials = Triplets(items=np.array([[0, 3, 1], [2, 0, 1]]), objects=e.ids)
    assert score_triplets(e, trials, replicates=0).nll == pytest.approx(1.0398488843, abs=1e-9)


def test_extreme_similarities_stay_finite():
    x = Features(np.array([[1e4, 0], [0, 1e4], [1e4, 1.0]]), ("a", "b", "c"))
    score = score_triplets(x, Triplets(items=np.array([[0, 1, 2]]), objects=x.ids), replicates=0)
    assert score.nll == pytest.approx(1e8)
    assert np.isfinite(score.entropy).all()


def rule(s, ties):
    """Section 1 of the specification, written out for one trial."""
    top = max(s)
    tied = [pair for pair in range(3) if s[pair] == top]
    if ties == "vice":
        p = softmax(s)
        return float(len(set(s)) == 3 and len(set(p.round(2))) > 1 and tied == [0])
    if len(tied) == 1:
        return float(tied == [0])
    return {
        "split": (0 in tied) / len(tied),
        "chance": 1 / 3,
        "wrong": 0,
        "alignet": 0,
        "right": float(0 in tied),
        "dreamsim": float(s[0] >= s[1] and s[0] >= s[2]),
        "glocal": float(len(tied) == 2 and tied[0] == 0),
    }[ties]


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("similarity", ["dot", "cosine", "euclidean"])
def test_ties_on_quantised_features(ties, similarity):
    x = Features(np.random.default_rng(0).integers(-1, 2, size=(25, 3)) * 2.0 + 5, tuple(f"o{row}" for row in range(25)))
    trials = random_triplets(25, 500)
    score = score_triplets(x, trials, similarity=similarity, ties=ties, replicates=0)
    expected = [rule(each, ties) for each in score.similarities.tolist()]
    np.testing.assert_allclose(score.credit, expected, atol=1e-12)
    tied = sum(sorted(each)[1] == max(each) for each in score.similarities.tolist())
    assert score.tied == tied > 20


def test_constant_features_are_at_chance():
    x = Features(np.ones((10, 2)), tuple(f"o{row}" for row in range(10)))
    trials = random_triplets(10, 30)
    for ties, accuracy in [("split", 1 / 3), ("chance", 1 / 3), ("wrong", 0), ("right", 1), ("glocal", 0)]:
        score = score_triplets(x, trials, ties=ties)
        assert score.accuracy == pytest.approx(accuracy)
        assert score.tied == 30
        assert score.nll == pytest.approx(np.log(3))


def test_two_alternatives_with_votes():
    rng = np.random.default_rng(0)
    x, trials = features(40, 4), random_triplets(40, 300)
    share = rng.uniform(0.5, 1, size=300)
    soft = np.stack([share, 1 - share, np.zeros(300)], axis=1)
    score = score_triplets(
        x, Triplets(items=trials.items, objects=trials.objects, soft=soft, task="two-alternative"), similarity="euclidean"
    )
    d0 = np.array([euclidean(x.values[i], x.values[j]) for i, j, _ in trials.items])  # to the picture most people chose
    d1 = np.array([euclidean(x.values[i], x.values[k]) for i, _, k in trials.items])
    p = 1 - share  # the published formula has p for the other picture
    assert score.accuracy == pytest.approx(((d0 < d1) * (1 - p) + (d1 < d0) * p + 0.5 * (d0 == d1)).mean(), abs=1e-12)
    q = softmax(np.stack([-d0, -d1], axis=1), axis=1)
    assert score.nll == pytest.approx(-(share * np.log(q[:, 0]) + (1 - share) * np.log(q[:, 1])).mean(), abs=1e-12)
    assert score.chance == 0.5
    assert (score.posterior[:, 2] == 0).all()


def test_calibration_against_a_loop():
    score = score_triplets(features(offset=0), random_triplets(30, 500), replicates=0)
    confidence, right = score.posterior.max(axis=1), score.posterior.argmax(axis=1) == 0
    edges, ece = np.linspace(0, 1, 11), 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            ece += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert score.calibration(10).ece == pytest.approx(ece, abs=1e-12)
    assert score.calibration(10).counts.sum() == 500


def test_best_temperature_recovers_the_true_one():
    rng = np.random.default_rng(0)
    x, trials = features(60, 6, offset=0), random_triplets(60, 4000)
    values = pair_similarities(x, trials)
    odd = [rng.choice(3, p=softmax(each / 2.5)) for each in values]
    order = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])
    chosen = Triplets(items=np.take_along_axis(trials.items, order[odd], axis=1), objects=trials.objects)
    score = score_triplets(x, chosen, replicates=0)
    temperature, nll = score.best_temperature()
    assert temperature == pytest.approx(2.5, rel=0.1)
    assert nll < score.nll
    assert score_triplets(x, chosen, temperature=temperature, replicates=0).nll == pytest.approx(nll, abs=1e-9)
    assert score_triplets(x, chosen, temperature=temperature, replicates=0).ece < 0.05


def test_uncertainty_is_spearman():
    score = score_triplets(features(), random_triplets(30, 200), replicates=0, similarity="cosine")
    times = score.entropy + np.random.default_rng(0).normal(size=200) * score.entropy.std()
    times[:5] = np.nan
    found = score.uncertainty(times)
    assert found.value == pytest.approx(spearmanr(score.entropy[5:], times[5:]).statistic, abs=1e-12)
    assert found.low < found.value < found.high
    assert found.n == 195
    with pytest.raises(ShapeError):
        score.uncertainty(times[:3])
    with pytest.raises(InputError):
        score.uncertainty(np.full(200, np.nan))


def resampled_by_loop(score, trials, resample, replicates=1500):
    rng = np.random.default_rng(5)
    means = []
    people = np.array(trials.participants)
    for _ in range(replicates):
        if resample == "trials":
            drawn = score.credit[rng.integers(len(trials), size=len(trials))]
            means.append(drawn.mean())
        elif resample == "participants":
            names = np.unique(people)
            means.append(np.concatenate([score.credit[people == each] for each in rng.choice(names, len(names))]).mean())
    return np.quantile(means, [0.025, 0.975])


@pytest.mark.parametrize("resample", ["trials", "participants"])
def test_intervals_against_a_loop(resample):
    trials = random_triplets(30, 600, participants=tuple(f"p{row % 9}" for row in range(600)))
    score = score_triplets(features(), trials, resample=resample, replicates=3000)
    expected = resampled_by_loop(score, trials, resample)
    width = expected[1] - expected[0]
    assert abs(np.array([score.low, score.high]) - expected).max() < 0.12 * width
    assert score.nll_low < score.nll < score.nll_high
    again = score_triplets(features(), trials, resample=resample, replicates=3000)
    assert (again.low, again.nll_high) == (score.low, score.nll_high)


@pytest.mark.parametrize(("objects", "trials", "effect"), [(400, 300, 0.0), (400, 300, 1.0), (25, 600, 1.0), (25, 600, 0.0)])
def test_object_intervals_have_the_spread_of_new_objects(objects, trials, effect):
    """Whether objects stand in few or many trials, and whether or not they matter."""
    rng, means, spreads = np.random.default_rng(0), [], []
    for repeat in range(160):
        items = np.array([rng.choice(objects, 3, replace=False) for _ in range(trials)])
        triplets = Triplets(items=items, objects=tuple(map(str, range(objects))))
        ease = effect * rng.normal(size=objects)
        credit = (ease[items].sum(axis=1) + rng.normal(size=trials) > 0).astype(float)
        means.append(credit.mean())
        if repeat < 12:
            spreads.append(resampled_means(credit[None], triplets, resample="objects", replicates=400, seed=0).std())
    assert np.mean(spreads) == pytest.approx(np.std(means), rel=0.25)


def test_object_weights_against_a_loop():
    trials, rng = random_triplets(20, 150), np.random.default_rng(0)
    values = rng.normal(size=150)
    found = resampled_means(values[None], trials, resample="objects", replicates=50, seed=4)[:, 0]
    weights = np.random.default_rng(4).multinomial(20, np.full(20, 1 / 20), size=50)
    expected = [np.average(values, weights=each[trials.items].prod(axis=1)) for each in weights]
    shared = [[len(set(a) & set(b)) for b in trials.items.tolist()] for a in trials.items.tolist()]
    outer = np.outer(values - values.mean(), values - values.mean())
    once, products = (outer * (np.array(shared) > 0)).sum(), (outer * (2.0 ** np.array(shared) - 1)).sum()
    scale = np.sqrt(max(once, (outer * (np.array(shared) == 3)).sum()) / products)
    np.testing.assert_allclose(found, values.mean() + (np.array(expected) - values.mean()) * scale, rtol=1e-4)


def test_an_rdm_and_a_function_are_similarities_too():
    x, trials = features(), random_triplets(30, 100)
    expected = score_triplets(x, trials, similarity="euclidean", replicates=0)
    from_rdm = score_triplets(RDM.from_features(x, "euclidean"), trials, replicates=0)
    np.testing.assert_allclose(from_rdm.posterior, expected.posterior, atol=1e-9)
    assert from_rdm.similarity == "-euclidean"

    def kernel(values):
        return -np.sqrt(((values[:, None] - values) ** 2).sum(axis=2))

    by_function = score_triplets(x, trials, similarity=kernel, replicates=0)
    np.testing.assert_allclose(by_function.posterior, expected.posterior, atol=1e-9)
    assert by_function.similarity == "kernel"


def test_rows_meet_by_id():
    x, trials = features(), random_triplets(30, 200)
    order = np.random.default_rng(2).permutation(30)
    shuffled = Features(x.values[order], tuple(x.ids[row] for row in order))
    assert score_triplets(shuffled, trials).accuracy == score_triplets(x, trials).accuracy
    with pytest.raises(IdError, match=r"joined by position, .* rows are different objects"):
        score_triplets(shuffled, trials, positional=True)
    nameless = Features(x.values, tuple(map(str, range(30))))
    with pytest.raises(IdError, match="objects are row numbers"):
        score_triplets(nameless, trials)
    assert score_triplets(nameless, trials, positional=True).accuracy == score_triplets(x, trials).accuracy


def test_objects_that_no_trial_shows_may_be_missing():
    trials = random_triplets(30, 5)
    x = features()
    shown = [each for each, is_shown in zip(x.ids, trials.shown, strict=True) if is_shown]
    assert score_triplets(x.take(shown), trials).accuracy == score_triplets(x, trials).accuracy
    with pytest.raises(IdError):
        score_triplets(x.take(shown[1:]), trials)


def test_bad_options_and_numbers():
    x, trials = features(), random_triplets(30, 20)
    bad = x.values.copy()
    bad[3, 1] = np.nan
    with pytest.raises(NonFiniteError, match="'o3'"):
        score_triplets(Features(bad, x.ids), trials)
    bad[3] = 0
    with pytest.raises(ShapeError, match="'o3'"):
        score_triplets(Features(bad, x.ids), random_triplets(30, 200), similarity="cosine")
    for options in (
        {"ties": "coin"},
        {"similarity": "rbf"},
        {"temperature": 0},
        {"resample": "people"},
        {"centring": "rows"},
        {"level": 1},
    ):
        with pytest.raises(InputError):
            score_triplets(x, trials, **options)
    with pytest.raises(InputError, match="do not say who answered"):
        score_triplets(x, trials, resample="participants")
