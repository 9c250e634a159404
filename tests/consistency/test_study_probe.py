"""A probe of a consistency study whose folds are shared out commits the bytes of one that did them all."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from isomorph.consistency._study_probe import ProbeUnit
from isomorph.consistency._study_units import FeatureUnit
from isomorph.engine import run_plan
from isomorph.models import wrap_model
from isomorph.stimuli import Stimuli
from isomorph.store import Store

N = 45


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """Blurred pixels of three kinds of noise, in a store; and the labels."""
    rng, store = np.random.default_rng(0), Store(tmp_path_factory.mktemp("probe"))
    labels = np.array(["dark", "light", "plain"])[np.arange(N) % 3]
    pictures = rng.normal(100 + 12 * (np.arange(N) % 3)[:, None, None, None], 60, (N, 6, 6, 3)).clip(0, 255).astype(np.uint8)
    net = torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Flatten())
    model = wrap_model(net, name="blurred", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)
    unit = FeatureUnit(model=model, stimuli=Stimuli.from_arrays(pictures), dataset="noise", layer="1")
    unit.run(store)
    return store, unit.fingerprint, tuple(labels.tolist())


def probe_of(features, **options):
    return ProbeUnit(model="blurred", dataset="noise", features=features[1], labels=features[2], **options)


def committed(store, unit):
    folder = store.open(unit.fingerprint).folder
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def forget(store, *units):
    for unit in units:
        if unit.fingerprint in store:
            (store.open(unit.fingerprint).folder / "manifest.json").unlink()


@pytest.mark.parametrize(("ranges", "pieces"), [(2, 2), (9, 5)])
def test_folds_make_the_bytes_of_one_unit(features, ranges, pieces):
    store, (alone, shared) = features[0], (probe_of(features, ranges=each) for each in (1, ranges))
    assert alone.fingerprint == shared.fingerprint
    alone.run(store)
    expected = committed(store, alone)
    assert 0 < alone.read(store) < 1
    assert not alone.pieces()
    units = shared.pieces()
    assert [each.label for each in units] == [f"folds {at}/{pieces} of the probe of blurred on noise" for at in range(1, pieces + 1)]
    forget(store, shared, *units)
    run_plan(units, store=store)
    folds = [fold for each in units for fold in each.read(store)]
    assert sorted(folds) == [0, 1, 2, 3, 4]
    shared.run(store)
    assert committed(store, shared) == expected


def test_what_no_range_has_done_is_done_by_the_whole(features):
    store, shared = features[0], probe_of(features, seed=3, ranges=5)
    lost, found, *_ = units = shared.pieces()
    run_plan(units, store=store)
    replace(shared, ranges=1).run(store)
    expected = committed(store, shared)
    forget(store, shared, lost)
    manifest = store.open(found.fingerprint).folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(json.dumps("right"), json.dumps("wrong")))
    assert lost.read(store) == found.read(store) == {}
    shared.run(store)
    assert committed(store, shared) == expected


def test_folds_of_a_finished_probe_do_nothing_and_do_no_harm(features):
    store, shared = features[0], probe_of(features, seed=4, ranges=5)
    replace(shared, ranges=1).run(store)
    expected, units = committed(store, shared), shared.pieces()
    run_plan(units, store=store)
    assert [each.read(store) for each in units] == [{}] * 5
    forget(store, shared)
    shared.run(store)
    assert committed(store, shared) == expected


def test_many_stimuli_have_one_test_set_and_no_folds(features, monkeypatch):
    monkeypatch.setattr(ProbeUnit, "most_for_folds", N - 1)
    assert probe_of(features, ranges=4).pieces() == []
    monkeypatch.setattr(ProbeUnit, "most_for_folds", N)
    assert len(probe_of(features, ranges=4).pieces()) == 4
