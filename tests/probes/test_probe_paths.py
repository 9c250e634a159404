"""One probe by several units: the result that `Probe.fit` gives, to the last bit, whoever walks the paths and whatever is lost."""

from dataclasses import fields, replace

import numpy as np
import pytest

from isomorph.engine import Part, run_plan
from isomorph.errors import InputError, NonFiniteError
from isomorph.features import Features
from isomorph.probes import Probe, probe_paths
from isomorph.store import Store

PATHS = Probe(together="path", learning_rates=(1e-1, 1e-3), epochs=2, batch_size=64, seeds=(0, 3), replicates=50)
KINDS = {
    "path": (PATHS, 4),
    "path, a few fits at once": (replace(PATHS, memory_limit=1_000_000, normalise="z-score", ties="original"), 4),
    "a rate that diverges": (replace(PATHS, learning_rates=(1e30, 1e-1), seeds=(0,), normalise="l2"), 2),
    "all": (replace(PATHS, together="all", seeds=(0,)), 0),
    "ridge": (Probe(kind="ridge", replicates=50), 0),
    "logistic": (Probe(kind="logistic", strengths=(0.01, 1.0), replicates=0), 0),
}


def animals(n=180, width=11, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 6
    x = (np.random.default_rng(9).normal(size=(6, width))[y] * 0.6 + rng.normal(size=(n, width))).astype(np.float32)
    return Features(x, tuple(f"{seed}-{row}" for row in range(n))), np.array(["ant", "bee", "cat", "dog", "elk", "fox"])[y]


def assert_same(one, other):
    for name in (each.name for each in fields(one)):
        mine, theirs = getattr(one, name), getattr(other, name)
        if name == "curve":
            assert repr(mine) == repr(theirs)  # NaN is not itself
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs)
        else:
            assert (type(mine), mine) == (type(theirs), theirs)


@pytest.mark.parametrize("case", KINDS)
def test_the_result_of_fit(tmp_path, case):
    probe, count = KINDS[case]
    (x, y), test = animals(), animals(90, seed=1) if case == "path" else 0.3
    store, expected = Store(tmp_path), probe.fit(x, y, test=test)
    for part in ("3/3", "1/3"):
        paths, _ = probe_paths(probe, x, y, test=test)
        run_plan(Part.parse(part).of(paths), store=store)
    paths, join = probe_paths(probe, x, y, test=test)
    assert len(paths) == count
    run_plan([join], store=store)  # what is missing is walked there
    assert all(each.fingerprint in store for each in paths)
    assert_same(join.result(store), expected)
    assert np.isnan([each.loss for each in expected.curve]).any() == (case == "a rate that diverges")


def test_paths_and_all_at_once_agree_but_for_the_last_digits():
    x, y = animals()
    probes = (PATHS, replace(PATHS, together="all"))
    known = [{(each.seed, *each.options.values()): each.loss for each in probe.fit(x, y).curve} for probe in probes]
    both = known[0].keys() & known[1].keys()
    assert len(both) >= 32
    np.testing.assert_allclose(*([of[each] for each in both] for of in known), rtol=1e-4)


def test_a_lost_path_is_walked_again_and_no_other(tmp_path):
    x, y = animals()
    store, (paths, join) = Store(tmp_path), probe_paths(PATHS, x, y)
    run_plan(paths, store=store)
    folders = [store.open(each.fingerprint).folder for each in paths]
    before = [(folder / "fits.safetensors").read_bytes() for folder in folders]
    damaged = bytearray(before[1])
    damaged[-3] ^= 8
    (folders[1] / "fits.safetensors").write_bytes(damaged)
    (folders[2] / "manifest.json").unlink()
    others = [(folders[at] / "fits.safetensors").stat().st_mtime_ns for at in (0, 3)]
    run_plan([join], store=Store(tmp_path))
    assert [(folder / "fits.safetensors").read_bytes() for folder in folders] == before
    assert [(folders[at] / "fits.safetensors").stat().st_mtime_ns for at in (0, 3)] == others
    assert_same(join.result(store), PATHS.fit(x, y))


def test_a_path_is_named_by_what_decides_its_fits():
    x, y = animals()

    def names(probe, **options):
        return {each.fingerprint for each in probe_paths(probe, x, y, **options)[0]}

    paths = names(PATHS, test=(x, y))
    assert len(paths) == 4
    assert paths == names(replace(PATHS, replicates=0), test=animals(60, seed=2))
    assert paths < names(replace(PATHS, learning_rates=(1e-1, 1e-2, 1e-3), seeds=(0, 3, 4)), test=(x, y))
    for option in ({"epochs": 3}, {"ties": "original"}, {"normalise": "l2"}, {"memory_limit": "1GB"}):
        assert not paths & names(replace(PATHS, **option), test=(x, y))
    far, join = probe_paths(replace(PATHS, device="cuda:1"), x, y)
    assert all(each.needs.gpu for each in (*far, join))
    assert not probe_paths(PATHS, x, y)[1].needs.gpu
    joins = {probe_paths(replace(PATHS, replicates=each), x, y)[1].fingerprint for each in (0, 50)}
    assert len(joins) == 2


def test_what_is_wrong_is_said_before_anything_is_trained(tmp_path):
    x, y = animals(13)
    with pytest.raises(InputError, match="too few to hold some out for validation; the first is 'bee' with 1"):
        probe_paths(PATHS, x, [*np.where(y == "bee", "ant", y)[:-1], "bee"], test=(x, y))
    steep = replace(PATHS, learning_rates=(1e30,), seeds=(0,))
    _, join = probe_paths(steep, *animals(60))
    with pytest.raises(NonFiniteError, match="training diverged"):
        run_plan([join], store=Store(tmp_path))
