"""Fitting affine maps: what they recover, keep, forget and report."""

import numpy as np
import pytest

from isomorph.alignment import Global, GLocal, Naive, Procrustes, Ridge, object_folds, search
from isomorph.features import Features
from isomorph.judgments import Triplets

WIDTH = 40


def ids(n, start=0):
    return tuple(f"thing-{index}" for index in range(start, start + n))


def people(n=160, trials=12_000, seed=0):
    """Features, and choices of people who see them through a known linear map, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, WIDTH)) + 0.3
    true = 0.6 * np.diag(np.exp(0.5 * rng.normal(size=WIDTH)))  # people weight the model's dimensions differently, and drop none
    items = np.stack([rng.permutation(n)[:3] for _ in range(trials)])
    seen = x @ true
    s = np.stack([(seen[items[:, a]] * seen[items[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))], 1)
    choice = (s + rng.gumbel(size=s.shape)).argmax(axis=1)
    order = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])[choice]
    return Features(x, ids(n)), np.take_along_axis(items, order, axis=1), Features(rng.normal(size=(900, WIDTH)) + 0.3, ids(900, 10_000))


def accuracy(x, items):
    s = np.stack([(x[items[:, a]] * x[items[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))])
    return float((s[0] > s[1:].max(axis=0)).mean())


def neighbours_kept(before, after, k=10):
    def near(x):
        units = x / np.linalg.norm(x, axis=1, keepdims=True)
        s = units @ units.T
        np.fill_diagonal(s, -2)
        return np.argsort(-s, axis=1)[:, :k]

    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(near(before), near(after), strict=True)]))


@pytest.fixture(scope="module")
def world():
    x, items, images = people()
    fold = object_folds(items, 3, seed=1)[0]
    return x, items, images, fold


def test_glocal_beats_naive_on_unseen_objects_and_keeps_neighbourhoods(world):
    x, items, images, fold = world
    few = items[fold.train[:400]]  # few enough that an unregularised map learns the noise
    test = items[fold.test]
    glocal = GLocal(strength=0.05, learning_rate=0.01, images_a_batch=300).fit(x, few, preserve=images)
    naive = Naive(learning_rate=0.01).fit(x, few)
    raw = (x.values - x.values.mean()) / x.values.std()
    scores = {
        "glocal": accuracy(glocal.transform(x).values, test),
        "naive": accuracy(naive.transform(x).values, test),
        "raw": accuracy(raw, test),
    }
    assert scores["glocal"] > scores["naive"] + 0.05, scores
    assert scores["glocal"] > scores["raw"] + 0.05, scores
    kept = {each.method: neighbours_kept(images.values, each.transform(images).values) for each in (glocal, naive)}
    assert kept["gLocal"] > kept["naive"] + 0.2, kept
    assert set(glocal.seen) == {x.ids[row] for row in np.unique(few)}


def test_many_choices_reveal_the_map(world):
    x, items, _, fold = world
    fitted = Global(strength=1e-4, learning_rate=0.01).fit(x, items[fold.train])
    raw = accuracy((x.values - x.values.mean()) / x.values.std(), items[fold.test])
    assert accuracy(fitted.transform(x).values, items[fold.test]) > raw + 0.05
    assert fitted.history[-1]["odd_one_out"] < fitted.history[0]["odd_one_out"] - 0.05


def test_alpha_towards_one_leaves_neighbourhoods_as_they_were(world):
    x, items, images, _ = world
    fitted = GLocal(alpha=0.999, strength=0.0, epochs=30, images_a_batch=300).fit(x, items[:2000], preserve=images)
    assert neighbours_kept(images.values - x.values.mean(), fitted.transform(images).values) > 0.97


def test_a_strong_pull_leaves_a_scaled_identity(world):
    x, items, _, _ = world
    weights = Global(strength=1e6, initial_scale=0.1, bias=False).fit(x, items[:2000]).weights
    away = weights - np.diagonal(weights).mean() * np.eye(WIDTH)
    assert np.abs(away).max() < 1e-3 * np.diagonal(weights).mean()


def test_published_recipes_differ_where_the_code_does():
    final, shipped = GLocal.published("final"), GLocal.published("shipped")
    assert (final.optimiser, final.strength, final.alpha, final.tau) == ("adam", 0.1, 0.1, 1.0)
    assert (shipped.optimiser, shipped.strength, shipped.alpha, shipped.tau) == ("sgd", 1.0, 0.25, 0.1)
    for each in (final, shipped):
        assert (each.schedule, each.batch_size, each.images_a_batch) == ("rising", 256, 1024)
        assert (each.standardise_preserved, each.monitor) == (False, "sum")
        assert (each.epochs, each.min_epochs, each.patience, each.min_delta, each.clip, each.seed) == (100, 20, 15, 1e-4, 1.0, 42)
    assert (Global.published().min_epochs, Global.published().patience, Naive.published().regulariser) == (15, 10, "frobenius")


def test_a_search_equals_its_fits_one_by_one(world):
    x, items, images, _ = world
    some, base = items[:3000], GLocal(epochs=4, precision="float64", batch_size=500, images_a_batch=200)
    grid = {"strength": [0.01, 1.0], "tau": [0.1, 0.5], "bias": [True, False]}
    result = search(base, x, some, grid, preserve=images, folds=2, seed=3)
    assert len(result.trials) == 8
    fold = object_folds(some, 2, seed=3)[0]
    alone = GLocal(**{**base.options, "strength": 0.01, "tau": 0.5, "bias": False}).fit(x, some[fold.train], preserve=images)
    values, test = alone.transform(x).values, some[fold.test]
    s = np.stack([(values[test[:, a]] * values[test[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))])
    loss = float((np.log(np.exp(s).sum(axis=0)) - s[0]).mean())
    trial = next(each for each in result.trials if each.options == {"strength": 0.01, "tau": 0.5, "bias": False})
    assert trial.per_fold[0] == pytest.approx(loss, rel=1e-9)
    assert result.best == GLocal(**{**base.options, **min(result.trials, key=lambda each: each.loss).options})
    assert result.shares_kept[0] == pytest.approx(0.25, abs=0.03)


def test_folds_over_objects_share_none(world):
    _, items, _, _ = world
    folds = object_folds(items, 4)
    for each in folds:
        assert not np.intersect1d(items[each.train], items[each.test]).size
        assert len(each.train) + len(each.test) + each.dropped == len(items)
        assert each.share_kept == pytest.approx(0.4375, abs=0.03)
    assert len(np.unique(np.concatenate([each.held_out for each in folds]))) == 160


def test_early_stopping_takes_the_best_epoch(world):
    x, items, _, _ = world
    fitted = Naive(strength=0.0, learning_rate=0.05, hold_out=0.4, min_epochs=3, patience=4, epochs=60).fit(x, items[:3000])
    held = [row["held_out"] for row in fitted.history]
    assert len(held) < 60
    assert "held-out objects" in fitted.notes[0]
    assert f"epoch {int(np.argmin(held)) + 1} of {len(held)}" in fitted.notes[1]


def test_early_stopping_of_glocal_watches_its_own_objective(world):
    x, items, images, fold = world
    train, held = items[fold.train[:500]], items[fold.test]
    options = {"epochs": 2, "alpha": 0.25, "images_a_batch": 300}
    rows = {}
    for kind in ("objective", "sum"):
        fitted = GLocal(**options, monitor=kind).fit(x, train, preserve=images, validation=held)
        rows[kind] = fitted.history[-1]["held_out"]
    assert rows["objective"] < 1.2 < rows["sum"]  # (1 - α) odd-one-out + α (excess over the floor); odd-one-out + cross-entropy


def test_triplets_and_features_meet_by_id(world):
    x, items, _, _ = world
    mixed = np.random.default_rng(0).permutation(len(x))
    trials = Triplets(items=np.argsort(mixed)[items[:500]], objects=tuple(x.ids[row] for row in mixed))
    one, two = Global(epochs=2).fit(x, items[:500]), Global(epochs=2).fit(x, trials)
    np.testing.assert_array_equal(one.weights, two.weights)
    assert one.seen == two.seen


def test_soft_choices_pull_less_than_certain_ones(world):
    x, items, _, _ = world
    even = Triplets(items=items[:500], objects=x.ids, soft=np.full((500, 3), 1 / 3))
    assert Global(epochs=20).fit(x, even).history[-1]["odd_one_out"] == pytest.approx(np.log(3), abs=0.01)


def test_ridge_chooses_by_leaving_each_out():
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(25, 6)) + 2, ids(25))
    y = Features(x.values @ rng.normal(size=(6, 3)) + rng.normal(size=(25, 3)), x.ids)
    fitted = Ridge(alphas=(0.1, 10.0)).fit(x, y)
    for row in fitted.history:
        errors = []
        for left in range(25):
            keep = tuple(each for index, each in enumerate(x.ids) if index != left)
            centred = x.values - x.values.mean(axis=0)
            penalty = row["alpha"] * (np.linalg.svd(centred)[1] ** 2).mean()
            a, b = x.take(keep).values, y.take(keep).values
            a0, b0 = a - a.mean(axis=0), b - b.mean(axis=0)
            w = np.linalg.solve(a0.T @ a0 + penalty * np.eye(6), a0.T @ b0)
            errors.append(((x.values[left] - a.mean(axis=0)) @ w + b.mean(axis=0) - y.values[left]) ** 2)
        assert row["left_out_error"] == pytest.approx(np.mean(errors), rel=1e-9)
    assert fitted.options["alpha"] == min(fitted.history, key=lambda row: row["left_out_error"])["alpha"]


def test_procrustes_onto_fewer_dimensions_projects():
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(30, 6)), ids(30))
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0][:, :2]
    fitted = Procrustes().fit(x, Features(3 * x.values @ turn, x.ids))
    assert fitted.output_width == 2
    unscaled = fitted.weights / fitted.options["c"]
    np.testing.assert_allclose(unscaled.T @ unscaled, np.eye(2), atol=1e-10)
    assert Procrustes(scale=False).fit(x, x).weights == pytest.approx(np.eye(6), abs=1e-10)
