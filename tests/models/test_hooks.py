"""Hooks: names, in-place operations, early stop, removal."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from isomorph.models._hooks import Tap


class Branching(nn.Module):
    """A module called twice, a tuple, a dict, and something that is no tensor."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.pair = Pair()
        self.late = nn.Linear(4, 4)

    def forward(self, x):
        x = self.shared(self.shared(x))
        self.pair(x)
        return OrderedDict(last=self.late(x), note="text", nested=(x, None))


class Pair(nn.Module):
    def forward(self, x):
        return x + 1, [x + 2]


def names_of(module, x, only=None):
    seen = []
    tap = Tap(module, lambda name, tensor: seen.append(name), only=only)
    with tap.listening():
        ended_early = tap.run(lambda: module(x))
    return seen, ended_early


def hook_count(module):
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules())


def test_names_of_repeated_calls_tuples_and_dicts():
    seen, ended_early = names_of(Branching(), torch.ones(2, 4))
    assert seen == ["shared", "shared:2", "pair[0]", "pair[1][0]", "late", "output[last]", "output[nested][0]"]
    assert not ended_early


def test_the_pass_ends_after_the_last_wanted_layer():
    module = Branching()
    ran = []
    module.late.register_forward_pre_hook(lambda *_: ran.append(1))
    seen, ended_early = names_of(module, torch.ones(2, 4), only=["shared:2", "pair[0]"])
    assert seen == ["shared:2", "pair[0]"]
    assert ended_early
    assert not ran


def test_a_model_that_catches_exceptions_does_not_catch_the_stop():
    class Stubborn(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            try:
                x = self.first(x)
            except Exception:
                x = x * 0
            return self.second(x)

    assert names_of(Stubborn(), torch.ones(2, 4), only=["first"]) == (["first"], True)


def test_layers_that_did_not_run_are_missed():
    module = Branching()
    tap = Tap(module, lambda *_: None, only=["shared:3"])
    with tap.listening():
        tap.run(lambda: module(torch.ones(1, 4)))
    assert tap.missed() == ["shared:3"]


def test_an_in_place_relu_does_not_spoil_what_was_read():
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    seen = {}
    tap = Tap(module, lambda name, tensor: seen.update({name: tensor.min().item()}))
    with tap.listening():
        tap.run(lambda: module(torch.randn(50, 4)))
    assert seen["0"] < 0
    assert seen["1"] == 0


def test_hooks_are_gone_after_success_and_after_an_error():
    module = Branching()
    names_of(module, torch.ones(2, 4))
    assert hook_count(module) == 0

    def broken(name, tensor):
        raise ValueError(name)

    tap = Tap(module, broken)
    with tap.listening():
        assert hook_count(module) == 4
        with pytest.raises(ValueError, match="shared"):
            tap.run(lambda: module(torch.ones(2, 4)))
    assert hook_count(module) == 0


def test_a_tap_within_another_tap_s_pass_ends_its_own_pass_only():
    class Outer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))

        def forward(self, x):
            found = []
            tap = Tap(self.inner, lambda name, tensor: found.append(tensor), only=["0"])
            with tap.listening():
                tap.run(lambda: self.inner(x))
            return found[0]

    net, read = Outer(), []
    outer = Tap(net, lambda name, tensor: read.append(name), only=["inner.0"])
    with outer.listening():
        assert outer.run(lambda: net(torch.zeros(1, 2)))
    assert read == ["inner.0"]
