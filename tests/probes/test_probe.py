"""Probes from the outside: accuracy, ids, options, and what they refuse."""

import json

import numpy as np
import pandas as pd
import pytest

from isomorph.errors import DeviceError, IdError, InputError, NonFiniteError, ShapeError
from isomorph.features import Features
from isomorph.probes import Probe

QUICK = {"learning_rates": (1e-1, 1e-2), "epochs": 4, "batch_size": 256, "seeds": (0, 1)}
KINDS = [Probe(**QUICK), Probe(kind="ridge"), Probe(kind="logistic", strengths=(0.01, 0.1, 1.0))]


def blobs(n=400, width=12, classes=4, distance=2.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    centres = np.random.default_rng(99).normal(size=(classes, width)) * distance
    return (centres[y] + rng.normal(size=(n, width))).astype(np.float32), y


@pytest.fixture(scope="module")
def sets():
    return blobs(), blobs(seed=1)


@pytest.mark.parametrize("probe", KINDS, ids=lambda each: each.kind)
def test_what_can_be_read_is_read_and_noise_is_not(probe, sets):
    (x, y), test = sets
    result = probe.fit(x, y, test=test)
    assert result.top1 > 0.95
    low, high = result.intervals["top1"]
    assert low <= result.top1 <= high
    assert str(result).startswith(f"{probe.kind} probe: top-1 {result.score}")
    noise = np.random.default_rng(5).normal(size=(800, 12))
    chance = probe.fit(noise[:400], y, test=(noise[400:], y))
    assert chance.intervals["top1"][0] < 0.25 < 0.35
    assert chance.top1 < 0.4


@pytest.mark.parametrize("probe", KINDS, ids=lambda each: each.kind)
def test_one_seed_one_result_and_rows_meet_by_id(probe, sets):
    (x, y), (x_test, y_test) = sets
    words = np.array(["ant", "bee", "cat", "dog"])
    ids = [f"p{row}" for row in range(800)]
    labels = dict(zip(ids, words[np.concatenate([y, y_test])], strict=True))
    train, test = Features(x, tuple(ids[:400])), Features(x_test, tuple(ids[400:]))
    plain = probe.fit(x, words[y], test=(x_test, words[y_test]))
    named = probe.fit(train, labels, test=(test, pd.Series(labels)))
    assert named.classes == ("ant", "bee", "cat", "dog")
    assert named.test_ids == tuple(ids[400:])
    assert np.array_equal(plain.predictions, named.predictions)
    turned = probe.fit(train, labels, test=(test.take(ids[799:399:-1]), labels))
    assert np.array_equal(turned.predictions[:, ::-1], plain.predictions)


def test_figures_are_what_they_say(sets):
    (x, y), (x_test, y_test) = blobs(600, classes=8, distance=0.4), blobs(600, classes=8, distance=0.4, seed=1)
    keep = np.flatnonzero((y_test != 0) | (np.arange(600) < 80))
    result = KINDS[0].fit(x, y, test=(x_test[keep], y_test[keep]))
    hits = result.predictions == result.labels
    assert result.top1 == pytest.approx(hits.mean())
    by_class = [np.mean([hits[:, result.labels == each].mean(axis=1) for each in range(8)], axis=0)]
    assert result.balanced_accuracy == pytest.approx(np.mean(by_class))
    assert result.top1 != pytest.approx(result.balanced_accuracy)
    assert result.top5 > result.top1 + 0.1
    assert [each["top1"] for each in result.per_seed] == pytest.approx(hits.mean(axis=1))
    plain = result.to_plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["classes"] == 8
    assert len(plain["curve"]) == len(result.curve)


def test_top5_needs_six_classes(sets):
    (x, y), test = sets
    assert Probe(kind="ridge").fit(x, y, test=test).top5 is None
    assert Probe(kind="ridge").fit(x, y, test=test).ece is None
    assert Probe(kind="ridge").fit(x[:360], np.arange(360) % 6).top5 is not None


def test_a_share_is_held_out_of_every_class(sets):
    (x, y), _ = sets
    ids = tuple(f"p{row}" for row in range(400))
    result = Probe(kind="ridge").fit(Features(x, ids), y, test=0.25)
    assert (result.n_train, result.n_test) == (300, 100)
    assert np.bincount(result.labels).tolist() == [25] * 4
    assert len(set(result.test_ids)) == 100
    assert Probe(kind="ridge", seeds=(5,)).fit(Features(x, ids), y, test=0.25).test_ids != result.test_ids


def test_normalising(sets):
    (x, y), (x_test, y_test) = sets
    lengths = np.exp(np.random.default_rng(0).normal(size=(400, 1)) * 2)
    one = Probe(kind="ridge", normalise="l2").fit(x, y, test=(x_test, y_test))
    other = Probe(kind="ridge", normalise="l2").fit(x * lengths, y, test=(x_test * lengths, y_test))
    assert np.array_equal(one.predictions, other.predictions)
    scales = np.exp(np.random.default_rng(0).normal(size=12) * 3)
    scored = {"kind": "logistic", "strengths": (0.1,), "normalise": "z-score"}
    first, second = (Probe(**scored).fit(a, y, test=(b, y_test)) for a, b in ((x, x_test), (x * scales + 3, x_test * scales + 3)))
    assert first.ece == pytest.approx(second.ece, abs=1e-3)
    constant = np.hstack([x, np.full((400, 1), 7.0)])
    assert Probe(kind="ridge", normalise="z-score").fit(constant, y).top1 > 0.9


def test_ridge_does_not_mind_the_scale_of_the_features(sets):
    (x, y), (x_test, y_test) = sets
    first, second = (Probe(kind="ridge").fit(x * scale, y, test=(x_test * scale, y_test)) for scale in (1.0, 1e-3))
    assert np.array_equal(first.predictions, second.predictions)


@pytest.mark.parametrize("probe", KINDS, ids=lambda each: each.kind)
def test_features_that_do_not_vary_give_chance(probe):
    result = probe.fit(np.ones((40, 3)), np.arange(40) % 4)
    assert result.top1 == 0.25


def test_notes_say_when_the_grid_ends(sets):
    (x, y), test = sets
    result = Probe(kind="ridge", alphas=(1e9, 1e10)).fit(x, y, test=test)
    assert result.notes == ("the chosen alpha 1e+09 is the smallest of the grid; a wider one may be better.",)
    slow = Probe(kind="logistic", strengths=(1e6,), max_iterations=2).fit(x, y, test=test)
    assert slow.notes == ("2 fits had not converged after 2 steps; raise max_iterations.",)


def test_without_replicates_there_are_no_intervals(sets):
    (x, y), test = sets
    result = Probe(kind="ridge", replicates=0).fit(x, y, test=test)
    assert result.intervals == {}
    assert result.score.low is None


def test_features_may_be_memory_mapped(tmp_path, recwarn):
    x, y = blobs()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for probe in KINDS:
        assert np.array_equal(probe.fit(mapped, y, test=(mapped, y)).predictions, probe.fit(x, y, test=(x, y)).predictions)
    assert not [each for each in recwarn if "writ" in str(each.message)]


def test_classes_that_look_like_numbers_keep_one_order():
    x, y = blobs(80)
    names = np.array(["10", "1", "01", "9"])[y]
    assert Probe(kind="ridge").fit(x, names).classes == ("01", "1", "9", "10")


def test_what_is_refused(sets):
    (x, y), (x_test, y_test) = sets
    probe = Probe(kind="ridge")
    spoilt = x.copy()
    spoilt[7, 3] = np.nan
    with pytest.raises(NonFiniteError, match="the training set has 1 values"):
        probe.fit(spoilt, y)
    with pytest.raises(NonFiniteError, match="the test set has 1"):
        probe.fit(x, y, test=(spoilt, y))
    with pytest.raises(ShapeError, match="400 rows, but there are 399 labels"):
        probe.fit(x, y[:-1])
    with pytest.raises(ShapeError, match="12 columns, the test features 11"):
        probe.fit(x, y, test=(x_test[:, 1:], y_test))
    with pytest.raises(InputError, match="at least 2 classes; all 400 training labels are '3'"):
        probe.fit(x, y * 0 + 3)
    with pytest.raises(InputError, match=r"fewer than 2 examples.*for the test; the first is 'rare' with 1"):
        probe.fit(x, ["rare", *map(str, y[1:])])
    with pytest.raises(InputError, match=r"for validation; the first is 'rare' with 1"):
        Probe(**QUICK).fit(x, ["rare", *map(str, y[1:])], test=(x_test, y_test))
    with pytest.raises(InputError, match="1 classes of the test labels are not among the 4"):
        probe.fit(x, y, test=(x_test, y_test + 1))
    with pytest.raises(IdError, match="1 of the 400 stimuli of the training set have no label; the first is 'x'"):
        probe.fit(Features(x, ("x", *map(str, range(1, 400)))), {str(row): "a" for row in range(400)})
    with pytest.raises(InputError, match="the training labels are named, but the features are not"):
        probe.fit(x, {str(row): "a" for row in range(400)})
    with pytest.raises(InputError, match="the training set is empty"):
        probe.fit(x[:0], [])
    with pytest.raises(InputError, match="have none in row 2"):
        probe.fit(x, ["a", "b", None, *["a"] * 397])
    with pytest.raises(InputError, match=r"hold 0\.5 in row 1"):
        probe.fit(x, [0.0, 0.5, *[1.0] * 398])


def test_options_are_checked():
    with pytest.raises(InputError, match="alphas is an option of the ridge probe, and this is the adamw probe"):
        Probe(alphas=(1.0,))
    for options in ({"kind": "svm"}, {"seeds": ()}, {"seeds": (1, 1)}, {"learning_rates": (0.0,)}, {"epochs": 0}, {"validation": 1.0}):
        with pytest.raises(InputError):
            Probe(**options)
    x, y = blobs(40)
    with pytest.raises(DeviceError, match=r"this machine has no device 'cuda:63'; 'cpu' is always there\."):
        Probe(device="cuda:63", **QUICK).fit(x, y)
    with pytest.raises(InputError, match="'gpu' is not a device's name"):
        Probe(device="gpu", **QUICK).fit(x, y)


def test_divergence_is_an_error_not_a_score():
    x, y = blobs(80)
    with pytest.raises(NonFiniteError, match="diverged"):
        Probe(**QUICK).fit(np.where(x > 0, 3e38, -3e38).astype(np.float32), y)
