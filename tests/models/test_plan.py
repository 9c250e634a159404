"""Dry runs: outputs, duplicates, what cannot be extracted, memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.errors import InputError
from isomorph.models import extract, wrap_model
from isomorph.models._alexnet_gn import AlexNetGN
from isomorph.models._plan_memory import PeakMeter
from isomorph.spec import canonical_json
from isomorph.stimuli import Stimuli


def images(n, side=8):
    return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (n, side, side, 3), dtype=np.uint8))


def model_of(module, name="net"):
    return wrap_model(module, name=name, preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)


def plan_of(module, n=5, side=8, **options):
    return extract(model_of(module), images(n, side), dry_run=True, **options)


def test_alexnet_gn_has_36_outputs_of_which_26_are_unique_leaves():
    plan = plan_of(AlexNetGN(), side=224)
    assert plan.found == 36
    assert len(plan.layers) == 26
    assert all(layer.leaf for layer in plan.layers)
    assert len(plan.duplicates) == 10
    assert plan.duplicates["ave_pool"] == "conv_block_5.3"
    assert plan.duplicates["output"] == "l2norm"
    assert plan.doubtful == {"ave_pool": "conv_block_5.3"}
    assert plan.feature_bytes == 4 * 2_097_536


def test_duplicates_that_are_kept():
    plan = plan_of(nn.Sequential(nn.Flatten(), nn.Identity(), nn.Linear(192, 3)), keep_duplicates=True)
    assert [layer.name for layer in plan.layers] == ["0", "1", "2", "output"]
    assert not plan.duplicates


def test_a_duplicate_by_name_is_read_where_it_first_appears():
    plan = plan_of(nn.Sequential(nn.Flatten(), nn.Linear(192, 3), nn.Dropout()), layers=["output", "2"])
    assert [(layer.name, layer.equals, layer.source) for layer in plan.layers] == [("2", "1", "1"), ("output", "1", "1")]
    assert plan.sources == {"1": 3}


def test_memory_that_was_written_in_place_is_not_the_same():
    class Positive(nn.Module):
        def forward(self, x):
            return x.relu_()

    plan = plan_of(nn.Sequential(nn.Conv2d(3, 3, 1), Positive(), Positive(), nn.Identity()), pool="mean")
    assert plan.duplicates == {"2": "1", "3": "1", "output": "1"}
    assert plan.doubtful == {"2": "1", "3": "1", "output": "1"}


def test_a_container_that_adds_something_is_a_layer_of_its_own():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return x + self.inner(x)

    plan = plan_of(nn.Sequential(Residual(), nn.ReLU(inplace=True)))
    assert [(layer.name, layer.leaf, layer.parent) for layer in plan.layers] == [
        ("0.inner", True, "0"),
        ("0", False, "output"),
        ("1", True, "output"),
    ]
    assert [layer.depth for layer in plan.layers] == [0, 0.5, 1]
    assert plan.layers[0].shape == (3, 8, 8)


class Awkward(nn.Module):
    """Windows on the first axis, whole numbers, values that depend on the batch, and a module that never runs."""

    def __init__(self):
        super().__init__()
        self.windows, self.count, self.centre, self.unused, self.last = Windows(), Count(), Centre(), nn.Linear(2, 2), nn.Flatten()

    def forward(self, x):
        self.windows(x)
        self.count(x)
        self.centre(x)
        return self.last(x)


class Windows(nn.Module):
    def forward(self, x):
        return x.reshape(len(x) * 4, -1)


class Count(nn.Module):
    def forward(self, x):
        return (x > 0.5).sum((1, 2, 3))


class Centre(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


def test_outputs_that_cannot_be_extracted_are_listed_with_the_reason():
    plan = plan_of(Awkward())
    assert plan.unusable == {
        "windows": "it has 8 rows for a batch of 2 stimuli",
        "count": "it holds int64, not real numbers",
        "centre": "its values for one stimulus change with the others in the batch",
    }
    assert plan.silent == ("unused",)
    assert [layer.name for layer in plan.layers] == ["last"]


def test_the_same_memory_as_what_cannot_be_extracted_cannot_be_extracted():
    plan = plan_of(nn.Sequential(nn.Flatten(), Centre(), nn.Identity()), layers="0")
    assert set(plan.unusable) == {"1", "2", "output"}


def test_a_first_axis_that_is_two_by_chance_is_found_out():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.reshape(-1)[:24].reshape(2, 12)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fixed, self.last = Fixed(), nn.Flatten()

        def forward(self, x):
            self.fixed(x)
            return self.last(x)

    assert plan_of(Net()).unusable == {"fixed": "it has 2 rows for a batch of 1 stimuli"}


def test_one_stimulus_is_enough_for_a_plan():
    assert plan_of(nn.Flatten(), n=1).stimuli == 1


def test_memory_decides_where_rows_wait():
    net = nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU())
    options = {"n": 200, "side": 16, "reduce": "gram"}
    one, memory, store = (plan_of(net, memory_limit=limit, **options) for limit in ("92MB", "36MB", "14MB"))
    assert (one.mode, one.batch_size) == ("one batch", 200)
    assert memory.mode == "memory"
    assert memory.batch_size < 200
    assert store.mode == "store"
    for plan in (one, memory, store):
        assert plan.peak_bytes <= plan.memory_limit


def test_what_fits_beside_the_spilled_rows_stays_in_memory_unless_a_store_wants_them():
    net = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 8, 3), nn.Conv2d(8, 6, 3))
    options = {"n": 200, "side": 16, "reduce": "gram", "memory_limit": "14MB"}
    plan = plan_of(net, **options)
    assert (plan.mode, plan.held) == ("store", ("1", "2"))  # 12,544, 1,152 and 600 features
    assert "rows of 2 layers held in memory, the others spilled; needs" in str(plan)
    tight = plan_of(net, **options | {"memory_limit": plan.peak_bytes - 1})
    assert tight.held == ("1",)
    for each in (plan, tight):
        assert each.peak_bytes <= each.memory_limit


def test_rows_of_rectified_layers_are_not_kept():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.cut, self.cut6 = nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.ReLU6()
            self.sum_cut, self.leaky, self.changed = nn.ReLU(), nn.LeakyReLU(), nn.ReLU()
            self.changed.register_forward_hook(lambda module, inputs, output: 2 * output)

        def forward(self, x):
            x = 20 * self.conv(x)  # what is rectified is no layer
            y = self.cut6(self.leaky(self.cut(x)) - 1)
            return self.changed(self.leaky(self.sum_cut(self.conv(3 * y[:, :3]))) - 0.1)

    torch.manual_seed(0)
    plan = plan_of(Net(), n=50, reduce="gram", batch_size=5)
    assert plan.mode == "memory"
    assert {name: (each.source, each.ceiling) for name, each in plan.clamped.items()} == {"sum_cut": ("conv:2", None)}
    assert "1 rectified layers are made from the rows of what they rectify." in str(plan)

    chain = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.ReLU6(inplace=True), nn.Conv2d(4, 4, 3), nn.ReLU6()
    )
    with torch.no_grad():
        chain[0].weight.mul_(40)
    plans = [plan_of(chain, n=50, reduce="gram", batch_size=5, **options) for options in ({}, {"layers": ["1", "2", "3"]}, {"layers": "2"})]
    found = [{name: (each.source, each.ceiling) for name, each in plan.clamped.items()} for plan in plans]
    assert found == [{"2": ("1", None), "5": ("4", 6.0)}, {"2": ("1", None)}, {}]
    # What is rectified only looks like another layer: it is other memory, and may differ for other stimuli.
    copied = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(1), nn.ReLU())
    assert plan_of(copied, n=50, reduce="gram", batch_size=5).clamped == {}
    widths = [4 * 36] * 4 + [4 * 16] * 2
    assert sum(widths) - widths[2] - widths[5] == sum(width for name, width in plans[0].sources.items() if name not in plans[0].clamped)
    for options in ({"pool": "mean"}, {"reduce": "features"}, {"reduce": "sketch"}, {"batch_size": None}):
        assert plan_of(chain, n=50, **{"reduce": "gram", "batch_size": 5} | options).clamped == {}


def test_a_plan_is_plain_and_readable():
    plan = plan_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), reduce="gram")
    assert canonical_json(plan.to_plain())
    lines = str(plan).splitlines()
    assert lines[0].split() == ["layer", "module", "shape", "features", "depth"]
    assert lines[1].split() == ["0", "0", "Conv2d", "4×6×6", "144", "0.00"]
    assert any("user/net: 3 outputs found, 1 unique, 1 chosen; 5 stimuli." in line for line in lines)


def test_the_meter_sees_the_fullest_moment():
    with PeakMeter() as meter:
        x = torch.ones(1000)
        y = x + 1
        del x
        z = y * 2
        z.relu_()
        del y, z
    assert meter.peak == 8000


def test_a_dry_run_touches_no_store(tmp_path):
    extract(model_of(nn.Flatten()), images(3), store=tmp_path / "store", dry_run=True)
    assert not (tmp_path / "store").exists()


def test_no_layer_at_all():
    with pytest.raises(InputError, match="no layer of user/net can be extracted"):
        plan_of(Count())
