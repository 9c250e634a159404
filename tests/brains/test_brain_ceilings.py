"""Ceilings: hand-worked cases, simulated recordings whose noise is known."""

import math

import numpy as np
import pandas
import pytest
import scipy.stats

from isomorph.brains import Recording, leave_one_subject_out, ncsnr, ncsnr_ceiling, spearman_brown, split_half_reliability, unit_ceilings
from isomorph.errors import ShapeError


def simulated(stimuli: int = 400, repeats: int = 4, units: int = 120, seed: int = 0, ratio: np.ndarray | float = 0.8):
    """Trials with noise of SD 1 and a signal of SD `ratio`; the signal."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(stimuli, units)) * ratio
    return signal[:, None] + rng.normal(size=(stimuli, repeats, units)), signal


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a.T, b.T, strict=True)])


def test_ncsnr_by_hand() -> None:
    # means 1 and 5, each trial 1 from its mean: MSW = 4 / 2 = 2; MSB = 2 (4 + 4) / 1 = 16; k0 = 2; (16 - 2) / 2 / 2 = 3.5
    assert ncsnr(np.array([[[0.0], [2.0]], [[4.0], [6.0]]]))[0] == pytest.approx(math.sqrt(3.5))


def test_ragged_ncsnr_by_hand() -> None:
    # repeats 2, 2, 1; means 1, 5, 6; grand mean 18 / 5; MSW = 4 / (5 - 3) = 2;
    # MSB = (2 (2.6)² + 2 (1.4)² + (2.4)²) / 2 = 11.6; k0 = (5 - 9 / 5) / 2 = 1.6; (11.6 - 2) / 1.6 / 2 = 3
    trials = np.array([[[0.0], [2.0]], [[4.0], [6.0]], [[6.0], [np.nan]]])
    assert ncsnr(trials)[0] == pytest.approx(math.sqrt(3))


def test_no_signal_is_clipped_at_zero() -> None:
    trials = np.array([[[0.0], [2.0]], [[0.0], [2.0]], [[2.0], [0.0]]])
    assert ncsnr(trials)[0] == 0
    assert ncsnr_ceiling(ncsnr(trials), 2)[0] == 0


def test_ceiling_by_hand() -> None:
    assert ncsnr_ceiling(0.2, 3) == pytest.approx(math.sqrt(0.04 / (0.04 + 1 / 3)))
    assert ncsnr_ceiling(1.0, [1, 2]) == pytest.approx(math.sqrt(1 / 1.75)), "1/k is 3/4 on average"
    assert ncsnr_ceiling([0.0, np.inf], 3).tolist() == [0.0, 1.0]
    per_unit = ncsnr_ceiling([1.0, 1.0], np.array([[1, 2], [1, 2]]))
    assert per_unit == pytest.approx([math.sqrt(1 / 2), math.sqrt(1 / 1.5)])


def test_spearman_brown_by_hand() -> None:
    assert spearman_brown(0.6) == pytest.approx(0.75)
    assert spearman_brown(0.5, 3) == pytest.approx(0.75)
    assert spearman_brown(1.0) == 1


def test_split_halves_by_hand() -> None:
    # halves of one repeat: (0, 3, 6) and (3, 0, 6) whichever way each stimulus falls, up to a swap within the first two rows
    trials = np.array([[[0.0], [3.0]], [[3.0], [0.0]], [[6.0], [6.0]]])
    r = {round(float(np.corrcoef([a, b, 6], [3 - a, 3 - b, 6])[0, 1]), 12) for a in (0, 3) for b in (0, 3)}
    found = {round(float(split_half_reliability(trials, splits=1, seed=seed)[0]), 9) for seed in range(12)}
    assert found == {round(2 * each / (1 + each), 9) for each in r}
    assert len(found) == 2


def test_repeats_that_agree_are_reliable() -> None:
    trials, _ = simulated(stimuli=40, repeats=1, units=3)
    assert split_half_reliability(np.repeat(trials, 2, axis=1)) == pytest.approx(np.ones(3))


@pytest.mark.parametrize("repeats", [2, 3, 4, 5])
def test_both_ceilings_recover_the_truth(repeats: int) -> None:
    truth = math.sqrt(0.64 / (0.64 + 1 / repeats))
    trials, signal = simulated(repeats=repeats)
    recording = Recording(ids=tuple(map(str, range(400))), trials=trials)
    for method in ("ncsnr", "split-half"):
        found = unit_ceilings(recording, method)
        low, high = found.mean() + np.array([-1, 1]) * 3.3 * found.std(ddof=1) / math.sqrt(len(found))
        assert low - 0.004 < truth < high + 0.004, (method, low, truth, high)
    of_the_true_model = correlations(signal, trials.mean(axis=1))
    normalised = of_the_true_model / unit_ceilings(recording)
    assert abs(normalised.mean() - 1) < 3.3 * normalised.std(ddof=1) / math.sqrt(len(normalised)) + 0.004


def test_ragged_trials_recover_the_truth() -> None:
    trials, signal = simulated(repeats=4)
    trials[200:, 1:] = np.nan
    trials[100:200, 3:] = np.nan
    recording = Recording(ids=tuple(map(str, range(400))), trials=trials)
    truth = math.sqrt(0.64 / (0.64 + (100 / 4 + 100 / 3 + 200) / 400))
    assert unit_ceilings(recording).mean() == pytest.approx(truth, abs=0.01)
    assert correlations(signal, recording.responses).mean() == pytest.approx(truth, abs=0.01)
    # split halves leave out the 200 stimuli that were shown once
    assert unit_ceilings(recording, "split-half").mean() == pytest.approx(math.sqrt(0.64 / (0.64 + (1 / 4 + 1 / 3) / 2)), abs=0.01)


def test_units_with_repeats_of_their_own() -> None:
    trials, _ = simulated(stimuli=300, repeats=4, units=60)
    trials[:, 2:, 30:] = np.nan
    recording = Recording(ids=tuple(map(str, range(300))), trials=trials)
    for method in ("ncsnr", "split-half"):
        found = unit_ceilings(recording, method)
        assert found[:30].mean() == pytest.approx(math.sqrt(0.64 / (0.64 + 1 / 4)), abs=0.02)
        assert found[30:].mean() == pytest.approx(math.sqrt(0.64 / (0.64 + 1 / 2)), abs=0.02)


def test_many_units_in_chunks_are_as_each_alone() -> None:
    trials, _ = simulated(stimuli=20, repeats=3, units=2100)
    assert np.allclose(ncsnr(trials)[[0, 2049, 2099]], ncsnr(trials[:, :, [0, 2049, 2099]]))
    assert np.allclose(split_half_reliability(trials)[[0, 2049, 2099]], split_half_reliability(trials[:, :, [0, 2049, 2099]]))


def test_over_time_is_each_time_alone() -> None:
    trials, _ = simulated(stimuli=50, repeats=3, units=12)
    timed = trials.reshape(50, 3, 4, 3)
    assert np.allclose(ncsnr(timed), ncsnr(trials).reshape(4, 3))
    recording = Recording(ids=tuple(map(str, range(50))), trials=timed)
    flat = Recording(ids=recording.ids, trials=trials)
    for method in ("ncsnr", "split-half"):
        assert np.allclose(unit_ceilings(recording, method), unit_ceilings(flat, method).reshape(4, 3))


def test_ncsnr_of_the_table_comes_first() -> None:
    units = pandas.DataFrame({"ncsnr": [0.2, 1.0]})
    it = Recording(ids=("a", "b", "c"), responses=np.random.default_rng(0).normal(size=(3, 2)), units=units, repeats=3)
    assert unit_ceilings(it) == pytest.approx([math.sqrt(0.04 / (0.04 + 1 / 3)), math.sqrt(3 / 4)])


def test_leave_one_subject_out_by_hand() -> None:
    responses = np.random.default_rng(0).normal(size=(3, 20, 2)) + np.random.default_rng(1).normal(size=(20, 2))
    found = leave_one_subject_out(responses)
    for subject, unit in np.ndindex(3, 2):
        others = np.delete(responses[:, :, unit], subject, axis=0).mean(axis=0)
        assert found[subject, unit] == pytest.approx(scipy.stats.pearsonr(responses[subject, :, unit], others).statistic)
    units = pandas.DataFrame({"subject": [0, 1, 2, 0, 1, 2]})
    it = Recording(ids=tuple(map(str, range(20))), responses=responses.transpose(1, 2, 0).reshape(20, 6), units=units)
    assert unit_ceilings(it, "leave-one-subject-out") == pytest.approx(np.repeat(found.mean(axis=0), 3))


def test_subjects_of_other_sizes_cannot_be_compared() -> None:
    units = pandas.DataFrame({"subject": ["a", "a", "b"]})
    it = Recording(ids=("a", "b", "c"), responses=np.random.default_rng(0).normal(size=(3, 3)), units=units)
    with pytest.raises(ShapeError, match="'a' has 2, 'b' has 1"):
        unit_ceilings(it, "leave-one-subject-out")


def test_a_constant_unit_has_no_reliability() -> None:
    trials, _ = simulated(stimuli=10, repeats=2, units=2)
    trials[:, :, 1] = 0.1
    assert np.isnan(split_half_reliability(trials)).tolist() == [False, True]
    assert np.isnan(ncsnr(trials)).tolist() == [False, True]
