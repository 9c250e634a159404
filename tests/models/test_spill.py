"""Rows in memory and in shards; columns of either; the count-sketch of spilled rows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from isomorph.errors import StoreError
from isomorph.models._extract_batches import prepared_batches
from isomorph.models._spill import MemoryRows, SplitRows, StoreRows
from isomorph.store import Store

ROWS = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)
NAME = "0" * 64


@pytest.fixture
def writer(tmp_path):
    with Store(tmp_path).begin(NAME, {"kind": "rows"}) as writer:
        yield writer


def fill(keeper, size=3):
    for batch, start in enumerate(range(0, 7, size)):
        if not keeper.has(batch):
            rows = torch.from_numpy(ROWS[start : start + size]).clone()
            keeper.add("a", rows, first=start)
            keeper.add("b", 2 * rows[:, :4], first=start)
            keeper.end(batch, count=len(rows))
            rows.zero_()  # as an operation in place would


def keepers(writer):
    widths = {"a": 11, "b": 4}
    return MemoryRows(widths, 7), StoreRows(writer, widths, 7, batch_size=3)


def test_rows_come_back_in_order(writer):
    for keeper in keepers(writer):
        fill(keeper)
        assert np.array_equal(np.concatenate(keeper.parts("a")), ROWS)
        assert np.array_equal(np.concatenate(keeper.parts("b")), 2 * ROWS[:, :4])


def test_some_layers_stay_in_memory_and_only_the_others_are_written(writer):
    keeper = SplitRows(MemoryRows({"a": 11}, 7), StoreRows(writer, {"b": 4}, 7, batch_size=3))
    fill(keeper)
    assert np.array_equal(np.concatenate([*keeper.columns("a")], axis=1), ROWS)
    assert np.array_equal(np.concatenate([*keeper.columns("b")], axis=1), 2 * ROWS[:, :4])
    assert (len(keeper.parts("a")), len(keeper.parts("b"))) == (1, 3)
    assert sum(path.stat().st_size for path in writer.folder.rglob("rows*.safetensors")) < 7 * 4 * 4 + 3 * 1000
    assert not keeper.has(0)  # the rows in memory are gone in the next run


def test_rows_in_parts_are_stored_as_one_array(writer):
    keeper = keepers(writer)[1]
    fill(keeper)
    in_parts = writer.put("parts", {"values": keeper.parts("a")})
    whole = writer.put("whole", {"values": ROWS})
    assert (in_parts.digest, in_parts.tensors) == (whole.digest, whole.tensors)
    assert np.array_equal(writer.read("parts", "values"), ROWS)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_spilled_rows_are_never_in_memory_as_a_whole(writer):
    def mapped_bytes():
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile"))
        return 1024 * int(line.split()[1])

    keeper = StoreRows(writer, {"wide": 10_000}, 1000, batch_size=50)
    for batch in range(20):
        keeper.add("wide", torch.full((50, 10_000), float(batch)), first=50 * batch)
        keeper.end(batch, count=50)
    before, most = mapped_bytes(), 0
    for chunk in keeper.columns("wide"):
        assert chunk[::50, 0].tolist() == list(range(20))
        most = max(most, mapped_bytes())
    writer.put("layer", {"values": keeper.parts("wide")})
    assert max(most, mapped_bytes()) - before < 10_000_000  # of 40 MB


def test_a_batch_is_one_shard_and_is_not_written_twice(writer):
    keeper = keepers(writer)[1]
    fill(keeper)
    before = {path: path.stat().st_mtime_ns for path in writer.folder.glob("rows*")}
    again = keepers(writer)[1]
    assert all(again.has(batch) for batch in range(3))
    fill(again)
    assert {path: path.stat().st_mtime_ns for path in writer.folder.glob("rows*")} == before
    assert len(before) == 6  # three shards and their receipts


def test_other_batch_sizes_do_not_mix(writer):
    fill(keepers(writer)[1])
    assert not StoreRows(writer, {"a": 11, "b": 4}, 7, batch_size=2).has(0)


@pytest.mark.parametrize("columns", [1, 4, 11, 100])
def test_columns_in_pieces(writer, monkeypatch, columns):
    monkeypatch.setattr("isomorph.models._spill._PIECE_BYTES", 4 * len(ROWS) * columns)
    for keeper in keepers(writer):
        fill(keeper)
        pieces = [piece.copy() for piece in keeper.columns("a")]
        assert np.array_equal(np.concatenate(pieces, axis=1), ROWS)
        assert isinstance(keeper, MemoryRows) or all(piece.shape[1] <= columns for piece in pieces)


def test_a_spilled_file_that_shrinks_is_an_error(writer):
    keeper = keepers(writer)[1]
    fill(keeper)
    reader = writer.reader("rows-by-3-000000", "a")
    path = writer.folder / "rows-by-3-000000.safetensors"
    with path.open("r+b") as file:
        file.truncate(8)
    with pytest.raises(StoreError, match="became shorter while it was read"):
        reader.into(np.empty(11, np.float32), first=0)
    reader.close()
    with pytest.raises(StoreError, match="is damaged: it has 8 bytes"):
        writer.reader("rows-by-3-000000", "a")


class Numbers:
    """Prepares by doubling and notes how far it is ahead."""

    def __init__(self):
        self.prepared = 0

    def prepare(self, items):
        self.prepared += 1
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


def test_batches_come_in_order_and_only_a_few_ahead():
    model, slices = Numbers(), [slice(start, start + 1) for start in range(10)]
    batches = prepared_batches(model, range(10), slices, ahead=2)
    assert next(batches) == (slice(0, 1), [0])
    assert model.prepared <= 3
    assert [batch for _, batch in batches] == [[2 * index] for index in range(1, 10)]


def test_an_item_that_cannot_be_read_stops_the_batches_with_its_own_error():
    batches = prepared_batches(Numbers(), range(20), [slice(start, start + 5) for start in range(0, 20, 5)])
    with pytest.raises(ValueError, match="13"):
        list(batches)


def test_nothing_to_do():
    assert list(prepared_batches(Numbers(), range(3), [])) == []


def test_spilled_rows_that_a_power_cut_took_are_written_again(tmp_path):
    """Nobody waits for the disk, so a shard may come back whole, cut short or empty."""
    with Store(tmp_path).begin(NAME, {"kind": "rows"}) as writer:
        fill(StoreRows(writer, {"a": 11, "b": 4}, 7, batch_size=3))
        whole, cut, empty = sorted(writer.folder.glob("rows-*.safetensors"))
    cut.write_bytes(cut.read_bytes()[:-4])
    empty.write_bytes(b"")
    with Store(tmp_path).begin(NAME, {"kind": "rows"}) as writer:
        assert list(writer.finished) == [whole.stem]
        keeper = StoreRows(writer, {"a": 11, "b": 4}, 7, batch_size=3)
        fill(keeper)
        assert np.array_equal(np.concatenate(keeper.parts("a")), ROWS)
