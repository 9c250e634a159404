"""Alignment, CCA and regression measures beyond their contract: Grams, ranks, precision, resampling, transport."""

import warnings

import numpy as np
import pytest

from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram
from isomorph.inference import bootstrap_weights
from isomorph.measures import (
    CCA,
    GULP,
    PWCCA,
    SVCCA,
    AngularProcrustes,
    EigenspaceOverlap,
    LinearPredictivity,
    LinearRegression,
    PartialWhitening,
    PermutationMatch,
    Procrustes,
    SoftMatch,
    StochasticShape,
    compare,
    compare_all,
)
from isomorph.measures._held_out import fold_of, ridge_predictions
from isomorph.measures._transport import _by_columns, transport

quiet = pytest.mark.filterwarnings("ignore::UserWarning")
FROM_GRAMS = [
    Procrustes(),
    AngularProcrustes(),
    PartialWhitening(),
    CCA(),
    CCA(statistic="mean-squared"),
    SVCCA(components=3),
    SVCCA(variance=0.9),
    LinearRegression(),
    GULP(),
    EigenspaceOverlap(),
    EigenspaceOverlap(centre=True),
]
RANKED = [CCA(), CCA(statistic="mean-squared"), SVCCA(variance=0.999), LinearRegression(), GULP(penalty=0.0), EigenspaceOverlap(), PWCCA()]


def pair(n=40, p=6, q=9, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) * np.linspace(0.3, 2, p) + 1
    return x, x @ rng.normal(size=(p, q)) + 2 * rng.normal(size=(n, q))


@quiet
@pytest.mark.parametrize("measure", FROM_GRAMS, ids=repr)
@pytest.mark.parametrize("shape", [(40, 6, 9), (12, 30, 5)], ids=str)
def test_a_gram_matrix_stands_in_for_features(measure, shape):
    x, y = pair(*shape)
    expected = measure(x, y)
    for one, other in ((Gram.from_features(x), y), (x, Gram.from_features(y)), (Gram.from_features(x), Gram.from_features(y))):
        assert measure(one, other) == pytest.approx(expected, abs=1e-8)


@quiet
@pytest.mark.parametrize("measure", RANKED, ids=repr)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_doubled_and_dead_features_change_no_rank(measure, kind):
    x, y = (each.astype(kind) for each in pair())
    more = np.concatenate([x, x[:, :2], x[:, 2:3] - x[:, 1:2], np.full((40, 1), 7, dtype=kind)], axis=1)
    if isinstance(measure, PWCCA | LinearRegression | SVCCA):
        assert measure(y, more) == pytest.approx(measure(y, x), abs=0.05 if isinstance(measure, SVCCA) else 1e-5)
    elif isinstance(measure, EigenspaceOverlap):  # uncentred, the constant is a direction of its own
        assert measure(more[:, :-1], y) == pytest.approx(measure(x, y), abs=1e-5)
    else:
        assert measure(more, y) == pytest.approx(measure(x, y), abs=1e-5)


@quiet
def test_wide_features_cost_no_more_directions_than_stimuli():
    x, y = np.random.default_rng(0).normal(size=(2, 15, 400))
    for measure in (Procrustes(), AngularProcrustes(), GULP(), PartialWhitening(), LinearPredictivity(folds=3)):
        related = measure.relate(x)
        assert (related.reduced if isinstance(measure, LinearPredictivity) else related).points.shape == (15, 15)
    centred = [each - each.mean(axis=0) for each in (x, y)]
    nuclear = np.linalg.svd(centred[0].T @ centred[1], compute_uv=False).sum()
    expected = np.arccos(nuclear / np.linalg.norm(centred[0]) / np.linalg.norm(centred[1]))
    assert AngularProcrustes()(x, y) == pytest.approx(expected, rel=1e-10)


@quiet
@pytest.mark.parametrize("measure", [Procrustes(), CCA(), PWCCA(), PermutationMatch(), LinearPredictivity(), StochasticShape()], ids=repr)
def test_float32_is_summed_in_float64(measure):
    x, y = (each.astype(np.float32) for each in pair(200))
    x = x + np.float32(1000)
    assert measure(x, y) == pytest.approx(measure(x.astype(np.float64), y.astype(np.float64)), abs=1e-10)


def test_a_thing_is_no_distance_from_its_rotated_self():
    for n, p in ((300, 40), (50, 200)):
        x = np.random.default_rng(0).normal(size=(n, p))
        rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(p, p)))[0]
        for measure in (Procrustes(), AngularProcrustes(), GULP(), PartialWhitening()):
            assert measure(x, x @ rotation) == 0


def test_nearly_equal_shapes_keep_their_small_angle():
    x, noise = np.random.default_rng(0).normal(size=(2, 200, 5))
    angles = [AngularProcrustes()(x, x + size * noise) for size in (1e-3, 1e-4, 1e-5)]
    assert angles[0] / angles[1] == pytest.approx(10, rel=1e-2)
    assert angles[1] / angles[2] == pytest.approx(10, rel=1e-2)


@pytest.mark.parametrize(
    "measure", [Procrustes(), CCA(), PWCCA(), SVCCA(components=2), LinearRegression(), GULP(), PermutationMatch()], ids=repr
)
def test_an_interval_says_one_thing_at_most_and_holds_the_value(measure):
    x, y = pair()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        score = compare(x, y, measure=measure, replicates=60, permutations=40)
    assert score.low < score.value < score.high
    assert score.p == pytest.approx(1 / 41)
    assert len({str(each.message) for each in caught}) <= 1


@quiet
def test_a_replicate_without_some_stimuli_is_the_value_without_them():
    x, y = pair()
    rows = np.arange(3, 33)
    for measure in (Procrustes(), CCA(), PWCCA(), PWCCA(definition="google"), EigenspaceOverlap(), LinearPredictivity()):
        first, second = measure.meet(x, y)
        ids = list(first.ids)
        part = first.take([ids[row] for row in rows]), second.take([ids[row] for row in rows])
        assert measure.between(*part) == pytest.approx(measure(x[rows], y[rows]), abs=1e-9)
        assert np.isfinite(measure.replicates(first, second, bootstrap_weights(40, 5))).all()


@quiet
def test_all_pairs_factor_each_thing_once(monkeypatch):
    calls = []
    qr = np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda a, **options: calls.append(a.shape) or qr(a, **options))
    things = {str(seed): pair(seed=seed)[0] for seed in range(5)}
    names, matrix = compare_all(things, CCA())
    assert calls == 5 * [(40, 6)]
    assert len(names) == 5
    assert matrix[1, 3] == pytest.approx(CCA()(things["1"], things["3"]), abs=1e-12)


@quiet
def test_named_stimuli_meet_by_id():
    x, y = pair()
    ids = tuple(f"s{k}" for k in range(40))
    order = np.random.default_rng(0).permutation(40)
    shuffled = Features(y[order], tuple(ids[k] for k in order))
    for measure in (Procrustes(), CCA(), PWCCA(), SoftMatch(), LinearPredictivity()):
        assert measure(Features(x, ids), shuffled) == pytest.approx(measure(x, y), abs=1e-12)


@quiet
def test_with_as_many_features_as_stimuli_cca_is_one():
    x, y = np.random.default_rng(0).normal(size=(2, 20, 25))
    assert CCA()(x, y) == pytest.approx(1)
    assert PWCCA()(x, y) == pytest.approx(1)
    assert GULP(penalty=0.0)(x, y) == pytest.approx(0, abs=1e-6)
    assert CCA().chance(20, 25, 25) == 1


def test_unrelated_features_predict_nothing_between_folds_but_less_than_nothing_across():
    rng = np.random.default_rng(0)
    drawn = [
        [LinearPredictivity(pool=pool)(rng.normal(size=(60, 20)), rng.normal(size=(60, 8))) for _ in range(10)] for pool in ("folds", "all")
    ]
    assert abs(np.mean(drawn[0])) < 0.03
    assert np.mean(drawn[1]) < -0.05


def test_folds_differ_in_size_by_one_at_most_and_follow_the_seed():
    for n, folds in ((15, 5), (17, 5), (92, 10)):
        sizes = np.bincount(fold_of(n, folds, 3))
        assert len(sizes) == folds
        assert np.ptp(sizes) <= 1
    assert (fold_of(30, 5, 0) != fold_of(30, 5, 1)).any()
    assert (fold_of(30, 5, 1) == fold_of(30, 5, 1)).all()


def test_features_that_rest_in_one_fold_do_not_spoil_the_others():
    x, y = pair(60)
    x[fold_of(60, 5, 0) == 2, 0] = 1.0  # constant where it is held out
    assert np.isfinite(LinearPredictivity()(x, y))
    with pytest.raises(ShapeError, match="no feature varies within any fold"):
        LinearPredictivity()(np.eye(5)[fold_of(60, 5, 0)], y)


def test_each_feature_has_its_own_penalty():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 40))
    y = np.stack([x[:, 0], rng.normal(size=60)], axis=1)
    together = ridge_predictions(x[:50], y[:50], x[50:], (1e-3, 1e3), relative=True)
    alone = [ridge_predictions(x[:50], y[:50, k : k + 1], x[50:], (alpha,), relative=True) for k, alpha in enumerate((1e-3, 1e3))]
    assert together == pytest.approx(np.hstack(alone), abs=1e-12)


@pytest.mark.parametrize("shape", [(2, 3), (7, 5), (30, 44), (90, 61)], ids=str)
def test_arcs_that_are_added_lead_to_the_whole_optimum(shape):
    from scipy.optimize import linprog

    p, q = shape
    gain = np.random.default_rng(0).normal(size=shape)
    rows = np.repeat(np.eye(p), q, axis=1)
    columns = np.tile(np.eye(q), p)
    marginals = np.concatenate([np.full(p, 1 / p), np.full(q, 1 / q)])
    whole = -linprog(-gain.ravel(), A_eq=np.vstack([rows, columns]), b_eq=marginals, method="highs").fun
    assert transport(gain) == pytest.approx(whole, abs=1e-9)
    assert transport(gain.T) == pytest.approx(whole, abs=1e-9)


def test_transport_as_assignment_and_as_program_agree():
    gain = np.random.default_rng(0).normal(size=(8, 24))
    assert transport(gain) == pytest.approx(_by_columns(gain), abs=1e-10)
    assert transport(np.zeros((3, 5))) == 0
    assert transport(np.ones((4, 6))) == pytest.approx(1)


def test_soft_matching_counts_every_unit_where_hard_matching_does_not():
    x = np.random.default_rng(0).normal(size=(50, 4))
    half_noise = np.hstack([x, np.random.default_rng(1).normal(size=(50, 4))])
    assert SoftMatch()(x, half_noise) < 0.7


@pytest.mark.parametrize("form", ["gaussian", "energy"])
def test_stochastic_shapes_with_fewer_stimuli_than_features_find_themselves(form):
    x = np.random.default_rng(0).normal(size=(4, 30, 8)) * np.linspace(0.2, 2, 8)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert StochasticShape(form=form)(x, x @ rotation) < 1e-5


def test_noise_alone_tells_two_systems_apart():
    rng = np.random.default_rng(0)
    means, noise = rng.normal(size=(20, 1, 4)), rng.normal(size=(20, 50, 4))
    noise = noise - noise.mean(axis=1, keepdims=True)
    x, y = means + 0.1 * noise, means + noise
    assert AngularProcrustes()(x.mean(axis=1), y.mean(axis=1)) < 1e-6
    expected = np.sqrt(
        np.mean(
            [(0.9 * np.sqrt(np.linalg.eigvalsh(np.cov(each.T)))) @ (0.9 * np.sqrt(np.linalg.eigvalsh(np.cov(each.T)))) for each in noise]
        )
    )
    assert StochasticShape()(x, y) == pytest.approx(expected, rel=1e-9)
