"""Groups of layers under a memory limit: what they hold, in which order, and what is read for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.models import extract, extract_groups, load_model, wrap_model
from isomorph.models._extract_groups_plan import in_preorder
from isomorph.models._hooks import Tap
from isomorph.stimuli import Stimuli

NOISE = np.random.default_rng(0).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)
MIB = 2**20


@pytest.fixture(scope="module")
def alexnet():
    return load_model("published/alexnet_gn.random-0")


@pytest.fixture(scope="module")
def five():
    return Stimuli.from_arrays(NOISE)


def small(n=6):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)),
        nn.Sequential(nn.Conv2d(4, 2, 3), nn.GroupNorm(1, 2), nn.ReLU(inplace=True), nn.Dropout()),
        nn.Flatten(),
        nn.Linear(2 * 4 * 4, 3),
    )
    model = wrap_model(net, name="net", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)
    return model, Stimuli.from_arrays(np.random.default_rng(1).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8))


def test_the_tutorials_plan_of_alexnet_with_group_norm(alexnet, five) -> None:
    """Printed by DeepJuice's tutorial for five images, but for its sizes, which count a little more than the features."""
    groups = extract_groups(alexnet, five, memory_limit="12MiB", keep_duplicates=True, order="pre")
    assert [len(group) for group in groups.plan.groups] == [3, 2, 4, 8, 19]
    assert [round(size / MIB, 2) for size in groups.plan.bytes] == [6.88, 11.08, 9.28, 11.81, 6.11]
    assert str(groups).splitlines() == [
        "published/alexnet_gn.random-0: 36 outputs, 2,367,456 features a stimulus, 45.16 MiB in all.",
        "26 unique, 2,097,536 features a stimulus, 40.01 MiB in all; 10 equal an earlier one and are kept.",
        "5 groups of at most 12.00 MiB for 5 stimuli, in pre-order, a pass each:",
        "group  maps  features    MiB  layers",
        "    0     3   360,512   6.88  output … conv_block_1.0",
        "    1     2   580,800  11.08  conv_block_1.1 … conv_block_1.2",
        "    2     4   486,496   9.28  conv_block_1.3 … conv_block_2.1",
        "    3     8   619,264  11.81  conv_block_2.2 … conv_block_4.0",
        "    4    19   320,384   6.11  conv_block_4.1 … l2norm",
    ]


def test_the_one_pass_of_alexnet_finds_the_same_outputs(alexnet, five) -> None:
    plan = extract(alexnet, five, dry_run=True)
    assert (plan.found, len(plan.layers), len(plan.duplicates), plan.feature_bytes // 4) == (36, 26, 10, 2_097_536)
    plan = extract(alexnet, five, dry_run=True, keep_duplicates=True)
    assert (len(plan.layers), plan.feature_bytes // 4) == (36, 2_367_456)


def test_the_order_in_which_modules_end_gives_other_groups(alexnet, five) -> None:
    groups = extract_groups(alexnet, five, keep_duplicates=True, order="run")
    assert [len(group) for group in groups.plan.groups] == [2, 4, 6, 24]


@pytest.mark.parametrize("options", [{}, {"keep_duplicates": True}, {"order": "run", "memory_limit": "1KB"}, {"pool": "mean"}])
def test_groups_hold_what_one_extraction_holds(options) -> None:
    model, stimuli = small()
    groups = extract_groups(model, stimuli, **{"memory_limit": "5KB"} | options)
    whole = extract(model, stimuli, **{key: value for key, value in options.items() if key in ("keep_duplicates", "pool")})
    for _ in range(2):  # the inputs of operations in place are read before those spoil them, each time
        found = {name: features for group in groups for name, features in group.items()}
        assert {*found} == {*whole}
        for name, features in found.items():
            assert np.array_equal(features.values, whole[name].values)
            assert (features.ids, features.layer) == (stimuli.ids, name)
    assert len(groups) > 1 or options.get("pool") == "mean"
    assert [*groups[-1]] == [layer.name for layer in groups.plan.groups[-1]]


def test_a_layer_beyond_the_limit_is_a_group_of_its_own_and_no_group_is_empty() -> None:
    model, stimuli = small()
    groups = extract_groups(model, stimuli, memory_limit=2000, order="run")
    # 144, 144, 32, 32, 32, 3 features of six stimuli, as float32
    assert [[layer.name for layer in group] for group in groups.plan.groups] == [
        ["0.0"],
        ["0.1"],
        ["1.0", "1.1"],
        ["1.2", "3"],
    ]
    assert "0.0 alone needs 0.00 MiB, more than the limit, and is a group of its own." in str(groups)
    assert len(groups) == 4


def test_only_the_layers_of_a_group_are_hooked_and_the_pass_ends_after_the_last(monkeypatch) -> None:
    model, stimuli = small()
    groups = extract_groups(model, stimuli, layers=["0.1", "1.1"], memory_limit=1000)
    ran = []
    for path, module in model.module.named_modules():
        module.register_forward_hook(lambda module, inputs, output, path=path: ran.append(path))
    hooked = []
    listening = Tap.listening

    def noting(tap):
        hooked.append(tap._only)
        return listening(tap)

    monkeypatch.setattr(Tap, "listening", noting)
    assert [[*groups[0]], [*groups[1]]] == [["0.1"], ["1.1"]]
    assert hooked == [{"0.1"}, {"1.1"}]
    assert {*ran} == {"0.0", "0.1", "0", "1.0", "1.1"}


def test_a_store_keeps_groups(tmp_path) -> None:
    model, stimuli = small()
    first = [{name: each.values.copy() for name, each in group.items()} for group in extract_groups(model, stimuli, store=tmp_path)]
    again = extract_groups(model, stimuli, store=tmp_path)
    calls = []
    model.module.register_forward_pre_hook(lambda module, inputs: calls.append(1))
    for group, old in zip(again, first, strict=True):
        for name, features in group.items():
            assert np.array_equal(features.values, old[name])
    assert calls == []


def test_a_duplicate_that_stops_being_one_is_found() -> None:
    class Switch(nn.Module):
        def forward(self, x):
            return torch.where(x > 3, 0 * x, x)

    model = wrap_model(
        nn.Sequential(nn.Linear(4, 4), Switch()),
        name="switch",
        preprocess=lambda image: torch.from_numpy(image).float()[0, 0, :1].repeat(4),
    )
    with torch.no_grad():
        model.module[0].weight.copy_(torch.eye(4))
        model.module[0].bias.zero_()
    pixels = np.ones((5, 2, 2, 3), np.uint8)
    pixels[2] = 9  # neither the first nor the last, which the plan looks at
    groups = extract_groups(model, Stimuli.from_arrays(pixels))
    with pytest.raises(Exception, match="equalled '0' in the dry run but differs"):
        groups[0]


def test_auto_takes_a_share_of_what_is_free(tmp_path) -> None:
    from isomorph.models._extract_groups_memory import group_limit

    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    (proc / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable:    1000 kB\n")
    assert group_limit("auto", proc=proc, cgroup=cgroup) == 768_000
    assert group_limit("auto:0.5", proc=proc, cgroup=cgroup) == 512_000
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("5\n")
    assert group_limit("auto", proc=proc, cgroup=cgroup) == 768_000
    (cgroup / "memory.max").write_text("100005\n")
    assert group_limit("auto", proc=proc, cgroup=cgroup) == 75_000


def test_preorder_is_the_order_in_which_modules_begin() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
            self.first = nn.Linear(2, 2)

        def forward(self, x):
            x = self.first(x)
            return self.second(self.second(x)), x

    net = nn.Sequential(Twice())
    ended, begun = [], []
    for path, module in net.named_modules():
        module.register_forward_pre_hook(lambda module, inputs, path=path: begun.append(path or "output"))
    tap = Tap(net, lambda name, tensor: ended.append(name))
    with tap.listening():
        tap.run(lambda: net(torch.zeros(1, 2)))
    names = sorted(ended, key=in_preorder(ended).__getitem__)
    modules = [name.partition(":")[0].partition("[")[0] for name in names if not name.endswith("[1]")]
    assert modules == begun
    assert names[:4] == ["output[0]", "output[1]", "0[0]", "0[1]"]
