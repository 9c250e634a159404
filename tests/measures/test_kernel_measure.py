"""What the kernel alignments share: all pairs, bootstraps, permutations, precision, and the warning of bias."""

import inspect
import warnings

import numpy as np
import pytest

from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import bootstrap_weights
from isomorph.measures import (
    CKA,
    CKNNA,
    HSIC,
    NBS,
    RBFCKA,
    AngularCKA,
    Bures,
    DistanceCorrelation,
    Measure,
    MinibatchCKA,
    compare,
    compare_all,
    load_measure,
    registry,
)
from isomorph.measures._kernel import ESTIMATORS, Kernel, linear_kernel
from isomorph.measures._kernel_features import weighted_feature_hsic
from isomorph.measures._kernel_weights import weighted_hsic
from isomorph.spec import from_plain, to_plain

pytestmark = pytest.mark.filterwarnings("ignore:biased", "ignore:Lange")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(30, 5)) + 2
Y = X @ RNG.normal(size=(5, 45)) + RNG.normal(size=(30, 45))
Z = RNG.normal(size=(30, 7))
ALIGNMENTS = [
    *(HSIC(estimator=each) for each in ESTIMATORS),
    *(CKA(estimator=each) for each in ESTIMATORS),
    *(RBFCKA(estimator=each) for each in ESTIMATORS),
    AngularCKA(),
    DistanceCorrelation(),
    DistanceCorrelation(estimator="biased"),
    MinibatchCKA(batch_size=9),
    CKNNA(k=5),
    NBS(),
    Bures(),
]


@pytest.mark.parametrize("measure", ALIGNMENTS, ids=repr)
def test_the_matrix_of_all_pairs_is_every_pair(measure):
    things = {"features": X, "wide": Y, "gram": Gram.from_features(Z), "other": Z[:, ::-1] ** 2}
    matrix = compare_all(things, measure)[1]
    for i, x in enumerate(things.values()):
        for j, y in enumerate(things.values()):
            assert matrix[i, j] == pytest.approx(measure(x, y), abs=2e-7 if measure.traits.metric else 1e-10)


@pytest.mark.parametrize("measure", ALIGNMENTS, ids=repr)
def test_permutations_are_reordered_stimuli(measure):
    orders = np.array([RNG.permutation(30) for _ in range(4)])
    for x, y in ((X, Z), (X, Y), (Gram.from_features(X), Gram.from_features(Y))):
        first, second = measure.meet(x, y)
        expected = [measure(X, (Z if y is Z else Y)[order]) for order in orders]
        np.testing.assert_allclose(measure.permuted(first, second, orders), expected, rtol=1e-9, atol=1e-10)


def repeated(matrix, w):
    at = np.repeat(np.arange(len(w)), w)
    return matrix[np.ix_(at, at)], at


def test_weights_are_copies_that_never_meet():
    weights = np.array([[1] * 8, [2, 0, 1, 1, 1, 1, 1, 1], [3, 1, 0, 1, 0, 1, 2, 0], [0, 0, 2, 2, 2, 1, 0, 1]])
    k, l = (linear_kernel(each[:8]).rows(slice(0, 8)) for each in (X, Z))  # noqa: E741
    kernels = [Kernel(8, lambda part, m=matrix: m[part].copy()) for matrix in (k, l)]
    drawn = {each: weighted_hsic(*kernels, weights, estimator=each)[0] for each in ("lange", "biased")}
    for place, w in enumerate(weights):
        (a, at), (b, _) = repeated(k, w), repeated(l, w)
        n = len(a)
        h = np.eye(n) - 1 / n
        other = at[:, None] != at
        pairs = (n**2 - (w**2).sum()) * (n - 3) / (n - 1)
        assert drawn["lange"][place] == pytest.approx(((h @ a @ h) * (h @ b @ h) * other).sum() / pairs, rel=1e-11)
        once = other | np.eye(n, dtype=bool)  # biased: a copy meets itself and no other copy; margins are those of all
        sums = (a * b * once).sum() - 2 * (a.sum(0) @ b.sum(0)) / n + a.sum() * b.sum() / n**2
        assert drawn["biased"][place] == pytest.approx(sums / (n - 1) ** 2, rel=1e-11)


@pytest.mark.parametrize("measure", [each for each in ALIGNMENTS if not isinstance(each, NBS | Bures | CKNNA)], ids=repr)
def test_replicates_scatter_around_the_value(measure):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 6))
    x, y = measure.meet(x, x + rng.normal(size=(90, 6)))
    drawn = measure.replicates(x, y, bootstrap_weights(90, 300))
    assert abs(np.nanmean(drawn) - measure.between(x, y)) < 1.3 * np.nanstd(drawn)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_weights_on_features_are_weights_on_kernels(estimator, monkeypatch):
    weights = bootstrap_weights(30, 40)
    expected = weighted_hsic(linear_kernel(X), linear_kernel(Z), weights, estimator=estimator)
    np.testing.assert_allclose(weighted_feature_hsic(X, Z, weights, estimator), expected, rtol=1e-9)
    monkeypatch.setattr("isomorph.measures._kernel._STRIPE_VALUES", 300)
    np.testing.assert_allclose(weighted_feature_hsic(X, Z, weights, estimator), expected, rtol=1e-9)
    small = X[:, :3], Z[:, :4]  # narrow enough for the measure to choose features
    by_features = HSIC(estimator=estimator).replicates(*small, weights)
    by_grams = HSIC(estimator=estimator).replicates(*(Gram.from_features(each) for each in small), weights)
    np.testing.assert_allclose(by_features, by_grams, rtol=1e-9)


def test_minibatch_replicates_are_the_batches_replicates():
    weights = bootstrap_weights(30, 6)
    measure = MinibatchCKA(batch_size=10)
    parts = [slice(start, start + 10) for start in (0, 10, 20)]
    sums = np.mean([weighted_hsic(linear_kernel(X[p]), linear_kernel(Z[p]), weights[:, p], estimator="song") for p in parts], axis=0)
    np.testing.assert_allclose(measure.replicates(X, Z, weights), sums[0] / np.sqrt(sums[1] * sums[2]), rtol=1e-10)
    absent = np.ones((1, 30), dtype=int)
    absent[0, :8] = 0  # the first batch has two stimuli left and stands aside
    expected = MinibatchCKA(batch_size=10)(X[10:], Z[10:])
    assert measure.replicates(X, Z, absent)[0] == pytest.approx(expected, abs=1e-10)


def test_float32_and_ten_million_pairs_keep_all_digits():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3000, 128)).astype(np.float32)
    y = (x @ rng.normal(size=(128, 128)) / 8 + rng.normal(size=(3000, 128))).astype(np.float32)
    for estimator in ESTIMATORS:
        single, double = CKA(estimator=estimator)(x, y), CKA(estimator=estimator)(x.astype(float), y.astype(float))
        assert single == pytest.approx(double, abs=1e-13)
    centred = [each.astype(float) - each.astype(float).mean(axis=0) for each in (x, y)]
    k, l = (each @ each.T for each in centred)  # noqa: E741
    assert CKA(estimator="biased")(x, y) == pytest.approx(np.vdot(k, l) / np.linalg.norm(k) / np.linalg.norm(l), abs=1e-12)


def test_float32_features_wider_than_stimuli():
    x, y = (RNG.normal(size=(400, 900)).astype(np.float32) + 50 for _ in range(2))
    for measure in (CKA(), RBFCKA(), DistanceCorrelation(), NBS(), Bures()):
        assert measure(x, y) == pytest.approx(measure(x.astype(float), y.astype(float)), rel=1e-9, abs=1e-10)


def test_many_narrow_stimuli_make_no_square_matrix():
    import tracemalloc

    x, y = RNG.normal(size=(20_000, 4)), RNG.normal(size=(20_000, 3))
    tracemalloc.start()
    for measure in (CKA(), HSIC(), AngularCKA(), MinibatchCKA(), NBS(), Bures()):
        measure(x, y)
        compare_all([x, y, x + 1], measure)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # one 20,000 × 20,000 matrix would be 3,200e6


@pytest.mark.parametrize(("n", "p", "q"), [(100, 64, 64), (200, 1024, 64), (400, 300, 40), (50, 1024, 1024)])
def test_chance_is_what_unrelated_features_score(n, p, q):
    measures = [
        CKA(estimator="biased"),
        RBFCKA(sigma=1.0, estimator="biased"),
        AngularCKA(),
        DistanceCorrelation(estimator="biased"),
        RBFCKA(estimator="biased"),
        CKA(estimator="lange"),
        RBFCKA(sigma=1.0, estimator="lange"),
    ]
    rng = np.random.default_rng(7)
    draws = [(rng.normal(size=(n, p)), rng.normal(size=(n, q))) for _ in range(3)]
    for measure in measures:
        mean = np.mean([measure(x, y) for x, y in draws])
        assert mean == pytest.approx(measure.chance(n, p, q), abs=0.03)


def test_chance_is_unknown_where_it_is_zero_or_nobody_knows():
    for measure in (
        CKA(),
        RBFCKA(),
        RBFCKA(sigma_unit="absolute", estimator="biased"),
        DistanceCorrelation(),
        NBS(),
    ):
        assert measure.chance(10, 20, 30) is None
    assert RBFCKA(sigma=0.01, estimator="biased").chance(100, 10, 10) == pytest.approx(1)
    assert list(inspect.signature(Measure.chance).parameters) == ["self", "n", "p", "q"]


def test_unbiased_estimators_and_narrow_features_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("cka", "rbf-cka", "hsic", "minibatch-cka", "cknna", "nbs", "bures", "distance-correlation"):
            load_measure(name)(X, Y)
        many = RNG.normal(size=(2000, 5)), RNG.normal(size=(2000, 6))
        for measure in (CKA(estimator="biased"), AngularCKA()):
            measure(*many)
        DistanceCorrelation(estimator="biased")(RDM.from_features(X), RDM.from_features(Y))  # an RDM does not know its features


def test_one_option_in_two_words():
    assert CKA(estimator="biased") == CKA(debiased=False)
    assert RBFCKA(estimator="biased").debiased is False
    assert CKA(estimator="lange").debiased is True
    for measure in ALIGNMENTS:
        assert from_plain(type(measure), to_plain(measure)) == measure


def test_everything_is_in_the_registry():
    names = ["angular-cka", "bures", "cka", "cknna", "distance-correlation", "hsic", "minibatch-cka", "nbs", "rbf-cka"]
    assert set(names) <= set(registry.names())
    assert {type(load_measure(name)) for name in names} == {type(each) for each in ALIGNMENTS}


@pytest.mark.parametrize("name", ["cka", "rbf-cka", "angular-cka", "minibatch-cka", "nbs", "bures", "distance-correlation", "cknna"])
def test_what_does_not_vary_is_refused_or_has_a_distance(name):
    measure = load_measure(name)
    for flat in (np.ones((30, 4)), np.full((30, 40), 0.1), Gram.from_features(np.full((30, 40), 0.1))):
        if name == "bures":
            assert measure(flat, Z) == pytest.approx(np.linalg.norm(Z - Z.mean(axis=0)), rel=1e-12)
        elif name == "cknna":  # every stimulus is the neighbour of every other: the masked similarities are one number
            with pytest.raises(ShapeError, match="no root"):
                measure(flat, Z)
        else:
            with pytest.raises(ShapeError, match=r"0/0|distance between the stimuli of x is 0"):
                measure(flat, Z)
    assert HSIC()(np.ones((30, 4)), Z) == 0


def test_names_meet_by_id():
    ids = tuple(f"s{each}" for each in range(30))
    x, y = Features(X, ids), Features(Y[::-1], ids[::-1])
    for measure in ALIGNMENTS:
        assert measure(x, y) == pytest.approx(measure(X, Y), abs=1e-10)


@pytest.mark.parametrize("measure", ALIGNMENTS, ids=repr)
def test_compare_gives_an_interval(measure):
    score = compare(X, Y, measure=measure, replicates=60, permutations=19)
    assert score.low < score.high
    assert score.p == pytest.approx(0.05) or score.p > 0.05


def test_bures_keeps_its_digits_near_zero():
    rotation = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    step = 1e-9 * RNG.normal(size=X.shape)
    assert Bures()(X, X @ rotation) < 1e-13
    apart = Bures()(X, (X + step) @ rotation)
    moved = step - step.mean(axis=0)
    assert 0 < apart <= np.linalg.norm(moved) * (1 + 1e-5)
    assert apart > 0.3 * np.linalg.norm(moved)
    centred = [each - each.mean(axis=0) for each in (X, Z)]
    basis = np.linalg.qr(centred[0])[0]
    beyond = centred[1] - basis @ (basis.T @ centred[1])  # no rotation of x comes nearer to the new features than this
    assert np.linalg.norm(beyond) <= 1e9 * Bures()(X, np.hstack([X, 1e-9 * Z])) <= np.linalg.norm(centred[1])
