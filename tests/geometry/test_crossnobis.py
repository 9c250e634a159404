import itertools

import numpy as np
import pytest

from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.geometry import RDM, noise_precision, repeat_residuals

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 4, 9)) + RNG.normal(size=(6, 1, 9))
PRECISION = noise_precision(repeat_residuals(X)[0])
STIMULI, FOLDS = np.repeat(list("abcdef"), 4), np.tile(["run 1", "run 2", "run 3", "run 4"], 6)


def textbook(measurements, stimuli, folds, precision):
    """Mean over ordered pairs of folds that both hold both stimuli."""
    names = list(dict.fromkeys(stimuli))
    means = {
        (name, fold): measurements[(stimuli == name) & (folds == fold)].mean(axis=0)
        for name, fold in itertools.product(names, set(folds))
        if ((stimuli == name) & (folds == fold)).any()
    }
    result = []
    for first, second in itertools.combinations(names, 2):
        shared = [fold for fold in sorted(set(folds)) if (first, fold) in means and (second, fold) in means]
        gap = {fold: means[first, fold] - means[second, fold] for fold in shared}
        result.append(np.mean([gap[a] @ precision @ gap[b] for a, b in itertools.permutations(shared, 2)]))
    return np.array(result)


@pytest.mark.parametrize("precision", [None, PRECISION], ids=["identity", "precision"])
def test_balanced_repeats_equal_the_definition_in_both_forms(precision):
    expected = textbook(X.reshape(24, 9), STIMULI, FOLDS, np.eye(9) if precision is None else precision)
    np.testing.assert_allclose(RDM.from_repeats(X, precision=precision).values, expected, atol=1e-12)
    np.testing.assert_allclose(RDM.from_features(X, "crossnobis", precision=precision).values, expected, atol=1e-12)
    listed = RDM.from_repeats(X.reshape(24, 9), stimuli=STIMULI, folds=FOLDS, precision=precision)
    assert listed.ids == tuple("abcdef")
    np.testing.assert_allclose(listed.values, expected, atol=1e-12)
    scaled = RDM.from_repeats(X, precision=precision, per_feature=True)
    np.testing.assert_allclose(scaled.values, expected / 9, atol=1e-12)


def test_uneven_folds_equal_the_definition():
    keep = np.ones(24, dtype=bool)
    keep[[0, 5, 11, 23]] = False
    extra = RNG.normal(size=(2, 9))  # two stimuli measured twice in one run
    rows = np.concatenate([X.reshape(24, 9)[keep], extra])
    stimuli, folds = np.r_[STIMULI[keep], ["c", "e"]], np.r_[FOLDS[keep], ["run 2", "run 4"]]
    ours = RDM.from_repeats(rows, stimuli=stimuli, folds=folds, precision=PRECISION)
    np.testing.assert_allclose(ours.values, textbook(rows, stimuli, folds, PRECISION), atol=1e-12)


def test_an_offset_of_a_fold_changes_nothing_and_noise_adds_nothing_on_average():
    moved = X + 100 * RNG.normal(size=(1, 4, 9))
    np.testing.assert_allclose(RDM.from_repeats(moved).values, RDM.from_repeats(X).values, atol=1e-9)
    silence = RDM.from_repeats(RNG.normal(size=(40, 5, 60)))
    assert abs(silence.values.mean()) < 1
    assert (silence.values < 0).mean() == pytest.approx(0.5, abs=0.08)


def test_what_has_no_folds_is_refused():
    with pytest.raises(ShapeError, match="'a' and 'b'"):
        RDM.from_repeats(X.reshape(24, 9)[1:], stimuli=STIMULI[1:], folds=np.where(STIMULI == "a", "only", FOLDS)[1:])
    with pytest.raises(ShapeError, match="needs repeats, but features has one row a stimulus"):
        RDM.from_features(X[:, 0], "crossnobis")
    with pytest.raises(ShapeError, match="one of `folds`; got 3"):
        RDM.from_repeats(X.reshape(24, 9), stimuli=STIMULI, folds=[1, 2, 3])
    with pytest.raises(ShapeError, match=r"shape \(24, 9\) with stimuli"):
        RDM.from_repeats(X.reshape(24, 9), stimuli=STIMULI)
    with pytest.raises(ShapeError, match=r"has the shape \[9, 9\]; got \(4, 4\)"):
        RDM.from_repeats(X, precision=np.eye(4))
    with pytest.raises(InputError, match="smallest eigenvalue is -1"):
        RDM.from_repeats(X, precision=-np.eye(9))
    broken = X.copy()
    broken[2, 1, 3] = np.nan
    with pytest.raises(NonFiniteError, match="the first is 'c'"):
        RDM.from_repeats(broken, ids=list("abcdef"))
