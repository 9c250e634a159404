"""A recording of which everything is known: units read out one layer, in noise of a known strength."""

from dataclasses import replace

import numpy as np
import pandas
import pytest

from isomorph.brains import ncsnr_ceiling, simulated_recording
from isomorph.encoding import Ridge, encode, normalise, score_units
from isomorph.encoding._encode_tally import t_quantile
from isomorph.features import Features

CERTAIN = Ridge(standardise=False, alphas=tuple(10.0 ** np.arange(-4, 6)))  # hardly a penalty for what has hardly any noise


def world(seed=0, *, stimuli=600, width=25, units=120, strength=(0.25, 1.2), layers=1):
    """Layers of few features, so that a fit has nothing to lose; units of which each reads out the first."""
    rng = np.random.default_rng(seed)
    ids = tuple(f"p{row}" for row in range(stimuli))
    found = {f"layer{at}": Features(rng.normal(size=(stimuli, width)), ids, f"layer{at}", "net") for at in range(layers)}
    signal = Features(found["layer0"].values @ rng.normal(size=(width, units)), ids)
    table = pandas.DataFrame({"ncsnr": np.linspace(*strength, units), "V1": np.arange(units) % 2, "IT": np.ones(units, dtype=int)})
    return found, signal, table


def test_ceilings_recover_the_truth_from_trials_alone():
    _, signal, table = world()
    brain = simulated_recording(signal, table, repeats=3)
    blind = replace(brain, responses=None, repeats=None, units=table.drop(columns="ncsnr"), bad_units="keep", small_rois="keep")
    layer = Features(signal.values, signal.ids, "truth", "truth")
    truth = ncsnr_ceiling(table["ncsnr"], 3)
    for method in ("ncsnr", "split-half"):
        found = encode(layer, blind, metrics=("eReg",), ceiling=method).table
        for region, inside in (("V1", table["V1"] == 1), ("IT", table["IT"] == 1)):
            assert found[found["region"] == region]["ceiling"].to_numpy() == pytest.approx(truth[inside].mean(), abs=0.02)


@pytest.mark.parametrize("normaliser", ["r/ceiling", "r2/ceiling2"])
def test_the_true_model_has_the_whole_of_what_can_be_had(normaliser):
    shares, inside = [], []
    for seed in range(4):
        layers, signal, table = world(seed, stimuli=1600, width=3, units=60)
        found = encode(layers["layer0"], simulated_recording(signal, table, seed=seed), metrics=("eReg",), regression=CERTAIN,
                       normaliser=normaliser, normalised="regions")  # fmt: skip
        test = found.table[found.table["split"] == "test"]
        shares += test["normalised"].tolist()
        inside += test["ceiling"].between(test["low"], test["high"]).tolist()
    assert np.mean(shares) == pytest.approx(1, abs=0.02)  # 3 weights of 800 stimuli cost little
    assert np.mean(inside) >= 0.75


def test_the_interval_of_the_normalised_score_holds_one_for_the_noiseless_truth():
    """With the true responses as predictions nothing is fitted, so that the score over its ceiling is 1 but for chance."""
    held, shares = 0, []
    for seed in range(60):
        _, signal, table = world(seed, stimuli=200, units=40)
        brain = simulated_recording(signal, table, seed=seed)
        scored = score_units(signal.values, brain.responses, "pearson")
        ceiling = ncsnr_ceiling(table["ncsnr"], 3).mean()
        share = float(normalise(scored.values.mean(), ceiling, "r/ceiling"))
        error = np.sqrt((scored.contributions(np.full((40, 1), 1 / 40)) ** 2).sum() / (200 * 199)) / ceiling
        held += abs(share - 1) < t_quantile(199, 0.95) * error
        shares.append(share)
    assert np.mean(shares) == pytest.approx(1, abs=0.005)
    assert 53 <= held <= 60


def test_the_layer_chosen_on_train_is_not_flattered_on_test():
    """Eight layers of equal worth, none: the one that is best on test looks better than nothing, the one that is best on train does not."""
    fair, flattered, noise = [], [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        ids = tuple(f"p{row}" for row in range(60))
        layers = {f"layer{at}": Features(rng.normal(size=(60, 30)), ids, f"layer{at}", "net") for at in range(8)}
        units = pandas.DataFrame({"ncsnr": np.full(20, 0.5)})
        brain = simulated_recording(Features(rng.normal(size=(60, 20)), ids), units, seed=seed)
        scores = encode(layers, brain, metrics=("cRSA", "eReg"))
        fair.append(scores.chosen().set_index("metric")["score"])
        flattered.append(scores.chosen(criterion={"split": "test"}).set_index("metric")["score"])
        noise.append(scores.table[scores.table["split"] == "test"].groupby("metric")["score"].mean())
    for found, low, high in ((fair, -2.5, 2.5), (noise, -2.5, 2.5), (flattered, 4, np.inf)):
        table = pandas.DataFrame(found)
        z = table.mean() / (table.std() / np.sqrt(len(table)))
        assert z.between(low, high).all(), z


@pytest.mark.parametrize("repeats", [3, 4])
def test_geometries_of_trials_have_bounds_that_the_truth_and_another_recording_reach(repeats):
    """The RDM of the true responses scores the upper bound, that of another recording of the same brain the lower."""
    scores, bounds = [], []
    for seed in range(3):
        _, signal, table = world(seed, stimuli=160, units=100, strength=(0.6, 0.6))
        first, second = (simulated_recording(signal, table, repeats=repeats, seed=10 * seed + at) for at in (1, 2))
        layers = {
            "truth": Features(signal.values / signal.values.std(axis=0), signal.ids),
            "again": Features(second.responses, signal.ids),
        }
        found = encode(layers, first, metrics=("cRSA",), regions="IT").table
        scores.append(found.groupby("layer")["score"].mean()[["truth", "again"]])
        bounds.append(found[["ceiling_upper", "ceiling_lower"]].mean())
    np.testing.assert_allclose(np.mean(scores, axis=0), np.mean(bounds, axis=0), atol=0.02)


def test_bounds_of_two_repeats_stay_below_the_truth():
    """Of two repeats noise times noise can't be told from noise times signal."""
    _, signal, table = world(0, stimuli=160, units=100, strength=(0.6, 0.6))
    found = encode(
        Features(signal.values, signal.ids), simulated_recording(signal, table, repeats=2), metrics=("cRSA",), regions="IT"
    ).table
    assert ((found["score"] - found["ceiling_upper"]).between(0, 0.12)).all()
