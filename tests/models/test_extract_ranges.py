"""One extraction by several units: the object that one process makes, byte for byte, whatever the ranges and whoever dies."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.engine import outcomes, run_plan
from isomorph.errors import InputError, UnknownNameError
from isomorph.models import extract, extraction_ranges, wrap_model
from isomorph.stimuli import Stimuli
from isomorph.store import Store, open_store

N = 23
CASES = {  # all three modes; a rectifier whose rows are another layer's; sketches
    "gram, memory": ({"reduce": "gram", "batch_size": 4}, "memory"),
    "gram, store": ({"reduce": "gram", "batch_size": 4, "memory_limit": "1MB"}, "store"),
    "features": ({"batch_size": 4}, "store"),
    "sketch": ({"reduce": "sketch", "sketch_width": 64, "batch_size": 5}, "store"),
    "gram, one batch": ({"reduce": "gram"}, "one batch"),
}


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return x


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), Counting(), nn.Conv2d(8, 4, 3), nn.Flatten())
    return wrap_model(net, name="ranges", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)


@pytest.fixture(scope="module")
def stimuli():
    return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (N, 16, 16, 3), dtype=np.uint8))


def contents(store: Store, fingerprint: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((store.path / "objects" / fingerprint[:2] / fingerprint).iterdir())}


@pytest.fixture(scope="module")
def alone(model, stimuli, tmp_path_factory):
    """What one process makes, by case."""
    made = {}
    for case, (options, mode) in CASES.items():
        store = Store(tmp_path_factory.mktemp("alone"))
        extraction = extract(model, stimuli, store=store, **options)
        assert extraction.provenance["mode"] == mode, case
        made[case] = extraction.fingerprint, contents(store, extraction.fingerprint)
    return made


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("rows", "layers"), [(1, 0), (2, 0), (3, 2), (40, 3)])
def test_ranges_make_the_object_of_one_process(model, stimuli, alone, tmp_path, case, rows, layers):
    options, store = CASES[case][0], Store(tmp_path)
    units = extraction_ranges(model, stimuli, ranges=rows, **options)
    random.Random(rows).shuffle(units)
    run_plan(units, store=store)
    if layers:
        run_plan(extraction_ranges(model, stimuli, ranges=layers, of="layers", **options), store=store)
    model.module[2].seen = 0
    extraction = extract(model, stimuli, store=store, **options)
    dry_run = 2 + 1
    assert model.module[2].seen == dry_run + (N if case == "gram, one batch" else 0)  # the final unit only gathers
    assert (extraction.fingerprint, contents(store, extraction.fingerprint)) == alone[case]


def test_a_receipt_names_what_it_put_and_ranges_share_all_batches(model, stimuli, tmp_path):
    options, store = CASES["features"][0], Store(tmp_path)
    units = extraction_ranges(model, stimuli, ranges=4, **options)
    run_plan(units, store=store)
    receipts = [store.open(unit.fingerprint) for unit in units]
    assert {receipt.shards for receipt in receipts} == {()}
    shards = [shard for receipt in receipts for shard in receipt.meta["shards"]]
    assert shards == [f"rows-by-4-{batch:06d}" for batch in range(6)]
    name = receipts[0].meta["object"]
    assert all((store.path / "objects" / name[:2] / name / f"{shard}.safetensors").exists() for shard in shards)
    assert name not in store
    before = contents(store, units[1].fingerprint)
    extract(model, stimuli, store=store, **options)
    model.module[2].seen = 0
    late = Store(tmp_path)
    (store.path / "objects" / units[1].fingerprint[:2] / units[1].fingerprint / "manifest.json").unlink()
    units[1].run(late)  # after the extraction is finished the unit has nothing to do but its receipt
    assert model.module[2].seen == 3
    assert contents(store, units[1].fingerprint) == before


def test_rows_go_to_where_other_machines_find_them(model, stimuli, alone, tmp_path):
    here, there = (open_store(f"memory://{tmp_path.name}/store", cache=tmp_path / name) for name in ("here", "there"))
    options = CASES["features"][0]
    run_plan(extraction_ranges(model, stimuli, ranges=2, **options), store=here)
    model.module[2].seen = 0
    extraction = extract(model, stimuli, store=there, **options)
    assert model.module[2].seen == 3  # the dry run
    assert extraction.fingerprint == alone["features"][0]


@pytest.mark.parametrize("case", ["gram, memory", "features"])
def test_rows_that_are_lost_or_damaged_are_computed_again_and_no_others(model, stimuli, alone, tmp_path, case):
    options, store = CASES[case][0], Store(tmp_path)
    units = extraction_ranges(model, stimuli, ranges=3, **options)
    run_plan(units, store=store)
    name = units[0].spec["extraction"]
    folder = store.path / "objects" / name[:2] / name
    (folder / "rows-by-4-000001.safetensors").unlink()
    damaged = folder / "rows-by-4-000005.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    model.module[2].seen = 0
    extract(model, stimuli, store=store, **options)
    assert model.module[2].seen == 3 + 4 + 3  # the dry run, a whole batch and the last
    assert contents(store, name) == alone[case][1]


def test_a_unit_that_dies_leaves_its_finished_batches_to_the_next(model, stimuli, alone, tmp_path, monkeypatch):
    options, store = CASES["gram, memory"][0], Store(tmp_path)
    [unit] = extraction_ranges(model, stimuli, ranges=1, **options)
    forward = Counting.forward

    def dies(self, x):
        if self.seen > 14:
            raise OSError(5, "Input/output error")
        return forward(self, x)

    model.module[2].seen = 0
    with monkeypatch.context() as patch:
        patch.setattr(Counting, "forward", dies)
        [outcome] = outcomes([unit], store=store, retries=0, on_error="continue")
    assert outcome.state == "failed"
    model.module[2].seen = 0
    run_plan([unit], store=store)
    assert model.module[2].seen == 3 + N - 3 * 4
    assert contents(store, extract(model, stimuli, store=store, **options).fingerprint) == alone["gram, memory"][1]


def test_bad_requests_are_refused(model, stimuli):
    with pytest.raises(InputError, match=r"^ranges must be a whole number of at least 1; got 0\.$"):
        extraction_ranges(model, stimuli, ranges=0)
    with pytest.raises(UnknownNameError, match="'columns'"):
        extraction_ranges(model, stimuli, ranges=1, of="columns")


def test_another_memory_limit_is_another_range(model, stimuli):
    def name(**options):
        return extraction_ranges(model, stimuli, ranges=2, **options)[0].fingerprint

    assert len({name(), name(memory_limit="1GB"), name(of="layers"), name(pool="mean")}) == 4
    assert name() == name()


def test_several_writers_need_not_read_each_others_rows(model, stimuli, tmp_path: Path):
    options, store = CASES["features"][0], Store(tmp_path)
    first, second = extraction_ranges(model, stimuli, ranges=2, **options)
    first.run(store)
    name = first.spec["extraction"]
    rotten = store.path / "objects" / name[:2] / name / "rows-by-4-000000.safetensors"
    rotten.write_bytes(b"rotten")
    second.run(store)
    assert rotten.exists()  # whoever reads these rows finds out
