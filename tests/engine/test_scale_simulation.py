"""The simulation behind the projections of docs/scale.md obeys what any queue obeys."""

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale_simulation.py"


@pytest.fixture(scope="module")
def scale():
    spec = importlib.util.spec_from_file_location("scale_simulation", SCRIPT)
    module = sys.modules["scale_simulation"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scale_simulation"]


@pytest.fixture(scope="module")
def units():
    return np.random.default_rng(1000).exponential(10, size=400).tolist()


def test_one_worker_takes_the_sum_and_work_is_conserved(scale, units):
    stage = scale.Stage(seconds=units)
    assert scale.simulate([stage], 1, overhead=0).seconds == pytest.approx(sum(units))
    for workers in (1, 3, 50, 1000):
        result = scale.simulate([stage, stage], workers, overhead=0)
        assert result.busy == pytest.approx(2 * sum(units))
        assert 2 * max(*units, sum(units) / workers) <= result.seconds <= 2 * (sum(units) / workers + max(units))
        assert result.lost == 0


def test_more_workers_never_take_longer(scale, units):
    seconds = [scale.simulate([scale.Stage(seconds=units)], workers).seconds for workers in range(1, 60)]
    assert all(more <= fewer + 1e-9 for fewer, more in pairwise(seconds))


def test_losses_cost_time_and_work(scale, units):
    stages = [scale.Stage(seconds=units)]
    calm = scale.simulate(stages, 8)
    rough = [scale.simulate(stages, 8, losses_an_hour=5.0, seed=seed) for seed in range(5)]
    assert all(each.lost > 0 and each.seconds > calm.seconds and each.busy > calm.busy for each in rough)
    worse = [scale.simulate(stages, 8, losses_an_hour=50.0, seed=seed) for seed in range(5)]
    assert np.mean([each.seconds for each in worse]) > np.mean([each.seconds for each in rough])


def test_what_a_worker_does_once_is_done_by_each(scale):
    stage = scale.Stage(seconds=[2.0] * 8)
    assert [scale.simulate([stage, stage], workers, overhead=0, begin=3).seconds for workers in (1, 2, 8)] == [38, 22, 10]


def test_the_check_knows_what_a_process_does_once(scale):
    def run(workers, units):
        stage = {"cpu": 10.0, "workers": [{"units": units}]}
        return {"kind": "work", "workers": workers, "stages": [stage], "cpu": 10.0 + workers, "wall": 20.0, "load": 0.0}

    *_, one, four = scale.check([run(4, []), run(1, [4.0, 2.0, 2.0, 2.0])]).splitlines()
    assert one == "| work | 1 | 10.0 s | 11.0 s (-9 %) | 20.0 s (-50 %) |"
    assert four.startswith("| work | 4 | 8.0 s | 7.0 s (+14 %) |")  # each of four begins, and two at a time


def test_what_is_shared_saturates(scale):
    stage = scale.Stage(seconds=[10.0] * 100, read=1e12, written=1e9)
    assert scale.simulate([stage], 1).bound == ("workers",)
    many = scale.simulate([stage], 1000)
    assert (many.bound, many.seconds) == (("source",), pytest.approx(1e12 / scale.SOURCE_RATE))
    assert scale.simulate([stage], 1000, overhead=60).bound == ("scheduler",)


def test_the_page_shows_the_table_of_the_script(scale):
    page = (SCRIPT.parents[1] / "docs" / "scale.md").read_text()
    assert scale.table() in page
