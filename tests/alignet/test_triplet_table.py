"""Tables on disk, AligNet's files, and the way from one to the other."""

import json
import subprocess
import sys

import numpy as np
import pytest

from isomorph.alignet import (
    TripletSampler,
    TripletTable,
    alignet_path,
    label_triplets,
    sample_to_table,
    table_from_alignet,
    table_from_triplets,
)
from isomorph.errors import FileError
from isomorph.judgments import Triplets, canonicalise, read_alignet, write_alignet
from isomorph.judgments._npz_stream import NpzStream

RNG = np.random.default_rng(0)
N, IMAGES = 5000, 300
NAMES = tuple(f"n{row:08d}_{row}.JPEG" for row in range(IMAGES))


@pytest.fixture
def table(tmp_path):
    drawn, _ = sample_to_table(TripletSampler(sampling="random", images=IMAGES), N, tmp_path / "drawn", objects=NAMES)
    return label_triplets(RNG.normal(size=(IMAGES, 8)).astype(np.float32), drawn, tmp_path / "table", positional=True)[0]


def test_what_is_written_is_read(table):
    again = TripletTable.open(table.path)
    assert again.objects == NAMES
    assert len(again) == N
    assert isinstance(again.items, np.memmap)
    assert again.items.dtype == np.int32
    assert again.similarities.dtype == np.float32
    part = again[100:103]
    assert isinstance(part, Triplets)
    assert np.array_equal(part.items, table.items[100:103])
    assert np.array_equal(part.similarities, table.similarities[100:103])
    for row in (7, -1, np.int64(7)):
        assert np.array_equal(again[row].items, table.items[[row]])
    with pytest.raises(IndexError):
        again[N]
    assert len(again[[3, 1, 2]]) == 3
    assert np.array_equal(np.load(table.path / "items.npy"), table.items)  # any program can


def test_alignets_file_is_read_by_numpy_and_by_us(table, tmp_path):
    path = tmp_path / "x.npz"
    write_alignet(path, table)
    with np.load(path, allow_pickle=False) as held:
        assert set(held.files) == {"filenames", "similarities", "indices"}
        assert {held[each].shape for each in held.files} == {(N, 3)}
        assert np.array_equal(held["indices"], table.items)
        assert np.array_equal(held["similarities"], table.similarities)
        assert held["filenames"].dtype.kind == "U"
        assert np.array_equal(held["filenames"], np.array(NAMES)[table.items])
    trials = read_alignet(path)
    assert [[trials.objects[each] for each in row] for row in trials.items[:5]] == [
        [NAMES[each] for each in row] for row in table.items[:5]
    ]
    first = path.read_bytes()
    write_alignet(path, table)
    assert path.read_bytes() == first


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_there_and_back(table, tmp_path, precision):
    write_alignet(tmp_path / "x.npz", table)
    again, report = table_from_alignet(tmp_path / "x.npz", tmp_path / "again", precision=precision)
    assert np.array_equal(again.items, table.items)
    assert np.array_equal(again.similarities, np.asarray(table.similarities).astype(precision))
    assert again.objects == NAMES
    assert (report.odd_last, report.third_smallest) == (1.0, 1.0) or precision == "float16"
    write_alignet(tmp_path / "y.npz", again)
    third, _ = table_from_alignet(tmp_path / "y.npz", tmp_path / "third", precision=precision)
    assert np.array_equal(third.similarities, again.similarities)


def test_arrays_may_stand_by_columns(table, tmp_path, monkeypatch):
    """As `numpy.stack([s01, s02, s12]).T` does."""
    monkeypatch.setattr("isomorph.alignet._convert._ROWS", 1000)
    values = np.asfortranarray(table.similarities)
    np.savez(tmp_path / "x.npz", indices=np.array(table.items), similarities=values)
    again, _ = table_from_alignet(tmp_path / "x.npz", tmp_path / "again")
    assert np.array_equal(again.items, table.items)
    assert np.array_equal(again.similarities, values)


def test_no_file_takes_more_memory_than_it_may(table, tmp_path, monkeypatch):
    write_alignet(tmp_path / "x.npz", table)
    np.savez(tmp_path / "columns.npz", indices=np.asfortranarray(table.items), similarities=np.array(table.similarities))
    with (
        NpzStream(tmp_path / "x.npz") as archive,
        pytest.raises(FileError, match="'indices' unpacks to 12,000 bytes, over the limit of 9,999"),
    ):
        next(archive.blocks("indices", 1000, limit_bytes=9_999))
    with NpzStream(tmp_path / "columns.npz") as archive, pytest.raises(FileError, match=r"'indices' unpacks to 60,000 bytes"):
        next(archive.blocks("indices", 100, limit_bytes=9_999))
    monkeypatch.setattr("isomorph.judgments._alignet.LIMIT_BYTES", 1000)
    with pytest.raises(FileError, match="the file names of 300 images take 21,600 bytes, over the limit of 1,000"):
        table_from_alignet(tmp_path / "x.npz", tmp_path / "again")


def test_indices_of_a_larger_data_set_keep_their_place(table, tmp_path):
    numbers = RNG.permutation(1_281_167)[:IMAGES]
    write_alignet(tmp_path / "x.npz", table, indices=numbers)
    again, _ = table_from_alignet(tmp_path / "x.npz", tmp_path / "again")
    assert np.array_equal(again.items, numbers[table.items])
    assert again.objects[numbers[5]] == NAMES[5]
    unused = next(each for each in range(1000) if each not in set(numbers))
    assert again.objects[unused] == f"#{unused}"
    nameless, _ = table_from_alignet(tmp_path / "x.npz", tmp_path / "nameless", names=False)
    assert nameless.objects[3] == "3"


def test_both_readings_of_the_order_are_reported_and_any_order_sorted(table, tmp_path):
    items, values = np.array(table.items), np.array(table.similarities)
    values[:1000] = values[:1000, [0, 2, 1]]  # images 0 and 1 change places: the odd one stays last, s12 is no longer least
    items[:1000] = items[:1000, [1, 0, 2]]
    values[1000:1500] = values[1000:1500, [1, 0, 2]]  # images 1 and 2: the odd one does not stand last
    items[1000:1500] = items[1000:1500, [0, 2, 1]]
    moved = Triplets(items=items, objects=NAMES, similarities=values)
    write_alignet(tmp_path / "x.npz", moved)
    as_it_is, report = table_from_alignet(tmp_path / "x.npz", tmp_path / "as_it_is")
    assert (report.odd_last, report.third_smallest, report.moved) == (0.9, 0.8, 0)
    assert np.array_equal(as_it_is.items, items)
    with pytest.warns(UserWarning, match="odd one does not stand last"):
        read_alignet(tmp_path / "x.npz")
    by_rank, report = table_from_alignet(tmp_path / "x.npz", tmp_path / "sorted", canonical=True)
    assert report.moved == 0.3
    assert np.array_equal(by_rank.items, table.items)
    assert np.array_equal(by_rank.similarities, table.similarities)
    assert np.array_equal(np.sort(canonicalise(moved).items[:, :2]), np.sort(table.items[:, :2]))


def test_judgments_of_any_format_become_a_table(tmp_path):
    trials = Triplets(items=np.array([[0, 1, 2], [2, 0, 1]]), objects=("a", "b", "c"))
    table = table_from_triplets(trials, tmp_path / "t")
    assert table.similarities is None
    assert np.array_equal(table[:].items, trials.items)
    assert table.objects == trials.objects


def test_a_table_is_replaced_whole_and_nothing_is_left_beside_it(table, tmp_path):
    sample_to_table(TripletSampler(sampling="random", images=IMAGES), 10, table.path)
    assert len(TripletTable.open(table.path)) == 10
    assert {each.name for each in tmp_path.iterdir()} == {"drawn", "table"}
    assert {each.name for each in table.path.iterdir()} == {"items.npy", "header.json"}


def test_a_resumed_sample_is_the_same(tmp_path):
    from isomorph.alignet import _sample

    of = TripletSampler(sampling="random", images=IMAGES)
    writer = _sample.TableWriter(tmp_path / "t", 600_000, _sample.spec.fingerprint({"sampling": of.facts}), precision=None)
    with writer:
        writer.write(0, next(iter(of.blocks(600_000))))
    table, facts = sample_to_table(of, 600_000, tmp_path / "t")
    assert np.array_equal(table.items, of.draw(600_000))
    assert facts.n == 600_000


def test_the_paths_of_alignet():
    path = alignet_path("root", transform="untransformed", split="train", sampling="cluster_border_500")
    assert path.parts == ("root", "untransformed", "train_cluster_border_500.npz")


MEMORY = """
import resource, sys
import numpy as np
from isomorph.alignet import table_from_alignet
from isomorph.judgments import write_alignet, Triplets
from isomorph.alignet._triplet_table_writer import TableWriter
rng = np.random.default_rng(0)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
n, count = 400_000, 2000
items = rng.integers(count // 3, size=(n, 3)) * 3 + [0, 1, 2]
names = tuple("x" * 60 + str(row) for row in range(count + 3))
table = Triplets(items=items.astype(np.int32), objects=names, similarities=rng.normal(size=(n, 3)))
before = peak()
write_alignet("x.npz", table)
table_from_alignet("x.npz", "t")
print(peak() - before)
"""


def test_memory_stays_far_below_the_file_names(tmp_path):
    """The names of these triplets take 308 MB unpacked."""
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 230


FULL = """
import resource, numpy as np
from isomorph.alignet import TripletSampler, sample_to_table
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
try:
    sample_to_table(TripletSampler(sampling="random", images=300), 1_000_000, "t")
except OSError as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_told_and_what_is_written_is_kept(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "FileError t cannot be written (12,000,000 bytes): File too large. Make room and run again: 262,144 of 1,000,000 triplets are kept."
    )
    of = TripletSampler(sampling="random", images=300)
    table, _ = sample_to_table(of, 1_000_000, tmp_path / "t")
    assert np.array_equal(table.items[:300_000], of.draw(300_000))
    assert json.loads((tmp_path / "t" / "header.json").read_text())["n"] == 1_000_000
