"""Simulated brains have the noise that they state."""

import numpy as np
import pandas
import pytest

from isomorph.brains import ncsnr, ncsnr_ceiling, simulated_nsd, simulated_recording, unit_ceilings
from isomorph.features import Features

IDS = tuple(f"s{i}" for i in range(400))
RATIOS = np.repeat([0.2, 0.5, 1.0], 120)


def truth(seed: int = 0) -> Features:
    rng = np.random.default_rng(seed)
    return Features(rng.normal(size=(400, 12)) @ rng.normal(size=(12, 360)) * 7 + 3, IDS)


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))


@pytest.fixture(scope="module", params=[3, "ragged"])
def repeats(request: pytest.FixtureRequest) -> np.ndarray:
    return np.full(400, 3) if request.param == 3 else np.arange(400) % 3 + 1


def test_single_trials_have_the_stated_share_of_signal() -> None:
    it = simulated_recording(truth(), pandas.DataFrame({"ncsnr": RATIOS}), repeats=5)
    assert it.trials.shape == (400, 5, 360)
    for at, ratio in ((slice(120), 0.2), (slice(120, 240), 0.5), (slice(240, 360), 1.0)):
        single = it.trials[:, 0, at]
        assert single.std(axis=0).mean() == pytest.approx(1, abs=0.01)
        share = (correlations(single, truth().values[:, at]) ** 2).mean()
        assert share == pytest.approx(ratio**2 / (ratio**2 + 1), abs=0.01)


def test_squared_ncsnr_estimates_are_unbiased() -> None:
    it = simulated_recording(truth(), pandas.DataFrame({"ncsnr": RATIOS}), repeats=3)
    assert ncsnr(it.trials)[240:].mean() == pytest.approx(1.0, abs=0.01)
    # of weak units the ratio is clipped at 0; the median is not
    assert np.median(ncsnr(it.trials)[:120]) == pytest.approx(0.2, abs=0.02)
    assert np.median(ncsnr(it.trials)[120:240]) == pytest.approx(0.5, abs=0.015)


def test_ceilings_recover_the_truth(repeats: np.ndarray) -> None:
    it = simulated_recording(truth(), pandas.DataFrame({"ncsnr": RATIOS}), repeats=repeats)
    assert it.repeats.tolist() == repeats.tolist()
    assert np.isnan(it.trials).any() == (repeats.min() < 3)
    known = unit_ceilings(it)
    assert known == pytest.approx(1 / np.sqrt(1 + (1 / repeats).mean() / RATIOS**2))
    reached = correlations(truth().values, it.responses)
    assert (reached / known)[240:].mean() == pytest.approx(1, abs=0.005), "the true model reaches the ceiling"
    assert reached[:120].mean() == pytest.approx(known[:120].mean(), abs=0.01)
    assert ncsnr_ceiling(ncsnr(it.trials), repeats)[120:].mean() == pytest.approx(known[120:].mean(), abs=0.01)
    assert unit_ceilings(it, "split-half")[240:].mean() == pytest.approx(
        np.sqrt(1 / (1 + (1 / repeats[repeats > 1]).mean())) if repeats.min() < 3 else np.sqrt(3 / 4), abs=0.015
    )


def test_repeats_of_each_unit() -> None:
    counts = np.full((400, 360), 2)
    counts[:, ::2] = 4
    it = simulated_recording(truth(), pandas.DataFrame({"ncsnr": RATIOS}), repeats=counts)
    assert np.array_equal((~np.isnan(it.trials)).sum(axis=1), counts)


def test_seeds_reproduce() -> None:
    units = pandas.DataFrame({"ncsnr": RATIOS})
    digests = [simulated_recording(truth(), units, seed=seed).digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_no_signal_is_allowed_where_the_table_says_so() -> None:
    values = truth().values[:, :2].copy()
    values[:, 0] = 4
    it = simulated_recording(Features(values, IDS), pandas.DataFrame({"ncsnr": [0.0, 1.0]}))
    assert abs(correlations(it.trials[:, 0], truth().values[:, :2])[0]) < 0.2


def layers() -> dict[str, Features]:
    rng = np.random.default_rng(3)
    early, late = rng.normal(size=(400, 30)), rng.normal(size=(400, 20))
    late[:, 4] = 1.0  # a dead feature
    return {"EVC": Features(early, IDS, "early"), "OTC": Features(late[::-1], IDS[::-1], "late")}


def test_a_simulated_nsd() -> None:
    it, true = simulated_nsd(layers(), subjects=3, units={"EVC": 300, "OTC": 200}, repeats=3)
    assert it.rois == {"EVC": dict.fromkeys(it.subjects, 300), "OTC": dict.fromkeys(it.subjects, 200)}
    assert it.subjects == ("subj01", "subj02", "subj03")
    evc, otc = (it.units["ncsnr"][it.units[roi] == 1].to_numpy() for roi in ("EVC", "OTC"))
    assert (evc < 0.2).mean() == pytest.approx(2538 / 15326, abs=0.04), "as the published voxels"
    assert otc.min() >= 0.2
    assert np.percentile(evc, 99) < 2.5
    reached = correlations(true.values, it.responses)
    assert (reached / unit_ceilings(it))[it.units["ncsnr"] > 0.5].mean() == pytest.approx(1, abs=0.01)
    # units of a region are linear in its source, and in no other
    for roi, column in (("EVC", 0), ("OTC", 1)):
        own = true.values[:, it.units[roi] == 1]
        for other, source in enumerate(layers().values()):
            x = np.c_[source.take(IDS).values, np.ones(400)]
            left = own - x @ np.linalg.lstsq(x, own, rcond=None)[0]
            assert (left.var() / own.var() < 1e-12) == (other == column)


def test_a_simulated_nsd_reproduces() -> None:
    digests = [simulated_nsd(layers(), subjects=1, units=10, seed=seed)[0].digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]
