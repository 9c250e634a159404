"""All pairs by units in a store: the values of one process, to the last bit, whoever did what and whatever was lost."""

import numpy as np
import pytest

from isomorph.engine import outcomes, run_plan
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.measures import CKA, RBFCKA, RSA, MutualKNN
from isomorph.pairwise import all_pairs, pair_ranges
from isomorph.store import Store

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

N = 70
MEASURES = [CKA(), RSA(), RSA(comparison="spearman"), RBFCKA(), MutualKNN()]


@pytest.fixture(autouse=True)
def many_groups(monkeypatch):
    monkeypatch.setattr("isomorph.pairwise._sum_tree._LEAST_ROWS", 2)


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(N, width)).astype(np.float32) for name, width in (("a", 30), ("b", 31), ("c", 90))}


def shown(result):
    return (result.names, result.measures, result.n, dict(result.form), result.precision, result.values.tobytes())


@pytest.mark.parametrize("ranges", [1, 2, 3, 40])
def test_any_number_of_ranges_gives_the_bits_of_one_process(items, tmp_path, ranges):
    store, alone = Store(tmp_path), all_pairs(items, MEASURES, form="stream")
    units, join = pair_ranges(items, MEASURES, ranges=ranges, form="stream")
    run_plan(units[::-1], store=store)
    run_plan([join], store=store)
    assert shown(join.result(store)) == shown(alone)


def test_standard_errors_and_the_form_of_features(items, tmp_path):
    store = Store(tmp_path)
    for options in ({"standard_errors": True}, {"form": "features"}):
        units, join = pair_ranges(items, CKA(), ranges=3, **options)
        run_plan([*units, join], store=store)
        alone, result = all_pairs(items, CKA(), **options), join.result(store)
        assert shown(result) == shown(alone)
        assert (result.standard_errors is None) == (alone.standard_errors is None)
        if alone.standard_errors is not None:
            np.testing.assert_array_equal(result.standard_errors, alone.standard_errors)


def test_the_join_computes_what_is_missing_or_damaged(items, tmp_path):
    store = Store(tmp_path)
    units, join = pair_ranges(items, CKA(), ranges=3, form="stream")
    run_plan(units[:2], store=store)
    [shard] = store.open(units[1].fingerprint).folder.glob("*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    assert [each.state for each in outcomes([join], store=store)] == ["done"]
    assert shown(join.result(store)) == shown(all_pairs(items, CKA(), form="stream"))
    assert units[2].fingerprint in store


def test_other_work_has_another_name(items):
    def name(*, ranges=2, measures=("cka",), **changed):
        return pair_ranges({**items, **changed}, measures, ranges=ranges)[1].fingerprint

    other = items["a"].copy()
    other[-1, -1] += 1
    named = Features(items["a"], tuple(map(str, range(N))))
    swapped = Features(items["a"], tuple(map(str, reversed(range(N)))))
    assert name() == name(ranges=5)
    assert len({name(), name(a=other), name(a=named), name(a=swapped), name(measures=["rsa"]), name(measures=[CKA(debiased=False)])}) == 6


def test_ranges_are_at_least_one(items):
    with pytest.raises(InputError, match=r"^ranges must be a whole number of at least 1; got 0\.$"):
        pair_ranges(items, ranges=0)
