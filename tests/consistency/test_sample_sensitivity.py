"""How much similarities still move with more stimuli."""

import numpy as np
import pytest

from isomorph.consistency import Similarities, sample_sensitivity
from isomorph.errors import InputError
from isomorph.measures import CKA


def test_steps_are_successive_absolute_differences(make):
    steps = {n: make(seed) for seed, n in enumerate((1000, 10, 100))}
    table = sample_sensitivity(steps)
    assert table[["n_from", "n_to"]].drop_duplicates().to_numpy().tolist() == [[10, 100], [100, 1000]]
    row = table[(table["measure"] == "rsa") & (table["dataset"] == "d2") & (table["n_to"] == 1000)].iloc[0]
    first, second = np.triu_indices(16, 1)
    moved = np.abs(steps[1000].values - steps[100].values)[2, 1, first, second]
    assert row[["mean", "median", "sd", "largest"]].tolist() == pytest.approx([moved.mean(), np.median(moved), moved.std(), moved.max()])
    assert row["model_pairs"] == 120


def test_more_stimuli_move_similarities_less():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(1600, 6))
    models = {f"m{at}": shared @ rng.normal(size=(6, 12)) + rng.normal(size=(1600, 12)) for at in range(5)}
    steps = {}
    for n in (20, 40, 800, 1600):
        values = np.array([[CKA()(x[:n], y[:n]) for y in models.values()] for x in models.values()])
        steps[n] = Similarities.from_matrices({"a": values}, names=list(models))
    moved = sample_sensitivity(steps)["mean"]
    assert moved.iloc[-1] < moved.iloc[0] / 3


def test_too_few_steps_or_nothing_shared(make):
    with pytest.raises(InputError, match="at least 2"):
        sample_sensitivity({10: make()})
    with pytest.raises(InputError, match="share no two models"):
        sample_sensitivity({10: make().take(models=["m00"]), 20: make()})
