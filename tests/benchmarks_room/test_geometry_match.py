"""Scores of known geometries, rows by id, and what a benchmark refuses."""

import numpy as np
import pytest

from isomorph.benchmarks import GeometryMatch, Target
from isomorph.benchmarks._geometry_match import Inference
from isomorph.errors import IdError, InputError, NonFiniteError, ShapeError
from isomorph.geometry import RDM
from isomorph.stimuli import Stimuli

N = 12
QUICK = Inference(replicates=50, permutations=50)


@pytest.fixture
def truth():
    return np.random.default_rng(0).random(N * (N - 1) // 2)


def make(truth, *, people=3, noise=0.1, **options):
    rng = np.random.default_rng(1)
    rdms = truth + noise * rng.normal(size=(people, 2, len(truth)))
    target = Target(name="people", kind="behaviour", rdms=rdms, subjects=tuple(f"s{i}" for i in range(people)))
    stimuli = Stimuli.from_texts([f"word {i}" for i in range(N)], ids=[f"w{i}" for i in range(N)])
    return GeometryMatch(name="small", stimuli=stimuli, targets=(target,), **options)


def rdm(values, ids=None):
    return RDM(values, tuple(ids or (f"w{i}" for i in range(N))), "correlation")


def test_the_true_geometry_reaches_the_ceiling_and_noise_does_not(truth):
    noise = np.random.default_rng(2).random(len(truth))
    rows = make(truth).score({"true": rdm(truth), "noise": rdm(noise)}, inference=QUICK)
    assert [row["layer"] for row in rows] == ["true", "noise"]
    true, other = rows
    assert true["value"] > true["ceiling_lower"] > 0.8
    assert true["low"] <= true["value"] <= true["high"]
    assert true["p"] == pytest.approx(1 / 51)
    assert other["value"] < 0.5
    assert {"n": N, "subjects": 3, "seed": 0, "replicates": 50}.items() <= true.items()


def test_rows_meet_by_id_not_by_position(truth):
    benchmark = make(truth)
    straight = rdm(truth)
    order = [f"w{i}" for i in np.random.default_rng(3).permutation(N)]
    rows = benchmark.score({"straight": straight, "shuffled": straight.take(order)}, inference=QUICK)
    assert rows[0]["value"] == pytest.approx(rows[1]["value"], abs=1e-12)


def test_stimuli_that_the_benchmark_does_not_show_are_left_out(truth):
    features = np.random.default_rng(4).normal(size=(N + 3, 20))
    ids = [*(f"w{i}" for i in range(N)), "x", "y", "z"]
    wide = RDM.from_features(features, ids=ids)
    narrow = RDM.from_features(features[:N], ids=ids[:N])
    rows = make(truth).score({"wide": wide, "narrow": narrow}, inference=QUICK)
    assert rows[0]["value"] == pytest.approx(rows[1]["value"], abs=1e-12)


def test_one_subject_has_no_ceiling(truth):
    (row,) = make(truth, people=1).score({"true": rdm(truth)}, inference=QUICK)
    assert row["ceiling_lower"] is None
    assert row["ceiling_upper"] is None


def test_every_comparison_has_its_rows(truth):
    rows = make(truth, comparisons=("pearson", "spearman")).score({"true": rdm(truth)}, inference=QUICK)
    assert [row["measure"] for row in rows] == ["rsa-pearson", "rsa-spearman"]


def test_an_rdm_that_lacks_a_stimulus_is_refused(truth):
    short = rdm(truth).take([f"w{i}" for i in range(N - 1)])
    with pytest.raises(IdError, match="w11"):
        make(truth).score({"short": short}, inference=QUICK)


def test_targets_of_another_size_are_refused(truth):
    with pytest.raises(ShapeError, match="65 pairs, but 12 stimuli make 66"):
        make(truth[:-1])


def test_two_targets_of_one_name_are_refused(truth):
    benchmark = make(truth)
    with pytest.raises(InputError, match="2 targets called 'people'"):
        GeometryMatch(name="double", stimuli=benchmark.stimuli, targets=benchmark.targets * 2)


def test_a_target_checks_its_numbers(truth):
    broken = np.tile(truth, (2, 1, 1))
    broken[1, 0, 3] = np.nan
    with pytest.raises(NonFiniteError, match="'second'"):
        Target(name="people", kind="behaviour", rdms=broken, subjects=("first", "second"))
    with pytest.raises(ShapeError, match="3 axes"):
        Target(name="people", kind="behaviour", rdms=truth, subjects=("first",))
