"""Labels by units in a store: the table of one process, byte for byte, whoever did what and whatever was lost."""

from pathlib import Path

import numpy as np
import pytest

from isomorph.alignet import TripletSampler, label_ranges, label_triplets, sample_to_table
from isomorph.alignet._label import write_labels
from isomorph.alignet._label_blocks import Labelling
from isomorph.alignet._label_ranges import ranges_of
from isomorph.alignment import FittedTransform
from isomorph.engine import Progress, run_plan
from isomorph.errors import StoreError
from isomorph.features import Features
from isomorph.store import Store

N, WIDTH, BLOCK, IMAGES = 2500, 11, 500, 5000  # more images than are mapped at a time
RNG = np.random.default_rng(0)
X = Features(RNG.normal(size=(IMAGES, WIDTH)).astype(np.float16).astype(np.float32), tuple(f"i{row}" for row in range(IMAGES)))
MAP = FittedTransform(weights=RNG.normal(size=(WIDTH, 7)), bias=RNG.normal(size=7), mean=np.float64(0.1), std=np.float64(2.0))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    sampler = TripletSampler(sampling="random", images=IMAGES)
    return sample_to_table(sampler, N, tmp_path_factory.mktemp("triplets") / "drawn", objects=X.ids)[0]


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def alone(labelling: Labelling, path: Path) -> dict[str, bytes]:
    write_labels(labelling, path, Progress(quiet=True))
    return files(path)


@pytest.mark.parametrize("ranges", [1, 3, 7])
@pytest.mark.parametrize("transform", [None, MAP])
def test_any_number_of_ranges_writes_the_table_of_one_process(drawn, tmp_path, transform, ranges):
    labelling = Labelling.of(X, drawn, tmp_path / "t", transform=transform, block=BLOCK)
    mapped, units, join = ranges_of(labelling, tmp_path / "t", ranges=ranges)
    assert (len(mapped), len(units)) == (0 if transform is None else 1, ranges)
    assert [start for unit in units for start in unit.starts] == [*range(0, N, BLOCK)]
    store = Store(tmp_path / "store")
    run_plan([*mapped, *units[::-1], join], store=store)
    assert files(tmp_path / "t") == alone(labelling, tmp_path / "alone")
    table, report = join.result(store)
    assert (len(table), report.n, table.header["sampling"]["images"]) == (N, N, IMAGES)
    for each in mapped:
        assert store.open(each.fingerprint).shards == ("features",)


@pytest.mark.parametrize("x", [X, X.values.astype(np.float16)])
def test_the_public_function_writes_the_public_table(drawn, tmp_path, x):
    """In blocks of the usual size, of which there is one; also in half precision, and by position."""
    how = {"transform": MAP, "precision": "float16", "positional": True}
    mapped, units, join = label_ranges(x, drawn, tmp_path / "t", ranges=2, **how)
    run_plan([*mapped, *units, join], store=Store(tmp_path / "store"))
    _, report = label_triplets(x, drawn, tmp_path / "alone", **how)
    assert files(tmp_path / "t") == files(tmp_path / "alone")
    assert join.result(Store(tmp_path / "store"))[1] == report


def spoil(store: Store, fingerprint: str, shard: str) -> Path:
    path = store.open(fingerprint).folder / f"{shard}.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    return path


def test_the_join_computes_what_is_missing_or_damaged_and_no_more(drawn, tmp_path):
    labelling = Labelling.of(X, drawn, tmp_path / "t", transform=MAP, block=BLOCK)
    (mapped,), units, join = ranges_of(labelling, tmp_path / "t", ranges=3)
    store = Store(tmp_path / "store")
    run_plan([mapped, *units[:2]], store=store)
    damaged = spoil(store, units[1].fingerprint, "block-000000001000")
    sound = {path: path.stat().st_ino for path in damaged.parent.glob("*.safetensors") if path != damaged}
    spoil(store, mapped.fingerprint, "features")
    run_plan([join], store=Store(tmp_path / "store"))
    assert files(tmp_path / "t") == alone(labelling, tmp_path / "alone")
    assert sound == {path: path.stat().st_ino for path in sound}
    assert store.verify() == []


def test_a_table_that_is_gone_or_is_another_is_written_again(drawn, tmp_path):
    labelling = Labelling.of(X, drawn, tmp_path / "t", block=BLOCK)
    _, units, join = ranges_of(labelling, tmp_path / "t", ranges=2)
    store = Store(tmp_path / "store")
    with pytest.raises(StoreError):
        join.result(store)
    run_plan([*units, join], store=store)
    written = files(tmp_path / "t")
    inode = (tmp_path / "t" / "items.npy").stat().st_ino
    join.result(store)
    assert (tmp_path / "t" / "items.npy").stat().st_ino == inode
    label_triplets(X, drawn, tmp_path / "t", transform=MAP)
    assert files(tmp_path / "t") != written
    join.result(store)
    assert files(tmp_path / "t") == written


def test_a_range_that_was_killed_goes_on_with_the_block_it_was_at(drawn, tmp_path):
    labelling = Labelling.of(X, drawn, tmp_path / "t", block=BLOCK)
    _, (unit,), join = ranges_of(labelling, tmp_path / "t", ranges=1)
    store = Store(tmp_path / "store")
    unit.run(store)
    folder = store.open(unit.fingerprint).folder
    for name in ("manifest.json", "block-000000001500.json", "block-000000002000.json", "block-000000002000.safetensors"):
        (folder / name).unlink()  # as a kill leaves it between a shard and its receipt
    kept = {path: path.stat().st_ino for path in folder.glob("*.safetensors") if "1500" not in path.name}
    assert len(kept) == 3
    run_plan([unit, join], store=store)
    assert kept == {path: path.stat().st_ino for path in kept}
    assert files(tmp_path / "t") == alone(labelling, tmp_path / "alone")
