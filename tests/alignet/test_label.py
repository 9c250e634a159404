"""Labels against brute force in float64; permutations; what a kill leaves."""

import itertools
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from isomorph.alignet import TripletSampler, TripletTable, label_triplets, sample_to_table, table_from_triplets
from isomorph.alignet._label import write_labels
from isomorph.alignet._label_blocks import Labelling
from isomorph.alignment import FittedTransform
from isomorph.alignment._teacher_triplets import nearest_first
from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets

RNG = np.random.default_rng(0)
N, WIDTH = 400, 37
X = RNG.normal(size=(N, WIDTH)).astype(np.float16)
IDS = tuple(f"i{row}" for row in range(N))
PAIRS = ((0, 1), (0, 2), (1, 2))
MAP = FittedTransform(weights=RNG.normal(size=(WIDTH, 20)), bias=RNG.normal(size=20), mean=np.float64(0.1), std=np.float64(2.0))


@pytest.fixture
def drawn(tmp_path):
    return sample_to_table(TripletSampler(sampling="random", images=N), 20_000, tmp_path / "drawn")[0]


def brute(x, items):
    """The labels of a program that has never heard of blocks: `[n, 3]` float64, and each triplet's own order."""
    products = np.asarray(x, dtype=np.float64) @ np.asarray(x, dtype=np.float64).T
    labels, order = [], []
    for row in np.asarray(items).tolist():
        best = max(itertools.permutations(row), key=lambda each: tuple(products[each[one], each[other]] for one, other in PAIRS))
        order.append(best)
        labels.append([products[best[one], best[other]] for one, other in PAIRS])
    return np.array(labels), np.array(order)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("transform", [None, MAP])
def test_labels_equal_brute_force(drawn, tmp_path, dtype, transform):
    x = X.astype(dtype)
    table, report = label_triplets(x, drawn, tmp_path / "labelled", transform=transform)
    exact = x.astype(np.float64) if transform is None else (x.astype(np.float64) - 0.1) / 2 @ MAP.weights + MAP.bias
    if transform is not None:
        exact = exact.astype(dtype).astype(np.float64)
    labels, order = brute(exact, drawn.items)
    tolerance = 2e-4 if transform is None or dtype != np.float16 else 0.05  # a value may fall on the other side of a float16
    np.testing.assert_allclose(table.similarities, labels, atol=tolerance)
    assert (table.items == order).all(axis=1).mean() > 0.999
    assert report.odd_last == pytest.approx(1.0, abs=1e-3)
    assert report.third_smallest == 1.0
    assert report.moved == pytest.approx(5 / 6, abs=0.02)
    assert report.n == len(drawn)


def test_permutations_of_three_have_one_order():
    similarities = np.array([[3.0, 2.0, 1.0]])
    of = {frozenset(pair): value for pair, value in zip(PAIRS, similarities[0], strict=True)}
    for order in itertools.permutations(range(3)):
        here = np.array([[of[frozenset((order[one], order[other]))] for one, other in PAIRS]])
        items, sorted_similarities = nearest_first(np.array([order]), here)
        assert items.tolist() == [[0, 1, 2]]
        assert sorted_similarities.tolist() == [[3.0, 2.0, 1.0]]


def test_soft_targets_have_no_temperature(drawn, tmp_path):
    table, report = label_triplets(X, drawn, tmp_path / "labelled")
    soft = table.soft_targets(slice(0, 500)).astype(np.float64)
    values = np.exp(table.similarities[:500].astype(np.float64))
    np.testing.assert_allclose(soft, values / values.sum(axis=1, keepdims=True), rtol=1e-5)
    whole = table.soft_targets().astype(np.float64)
    assert report.entropy == pytest.approx(-(whole * np.log(np.maximum(whole, 1e-300))).sum(axis=1).mean(), rel=1e-4)


def test_images_meet_by_name(drawn, tmp_path):
    turned = Features(X[::-1].astype(np.float32), IDS[::-1], subject="a teacher")
    named = table_from_triplets(Triplets(items=np.array(drawn.items), objects=IDS), tmp_path / "named")
    by_name = label_triplets(turned, named, tmp_path / "by_name")[0]
    by_place = label_triplets(X, drawn, tmp_path / "by_place")[0]
    assert np.array_equal(by_name.items, by_place.items)
    np.testing.assert_allclose(by_name.similarities, by_place.similarities, atol=1e-4)
    assert by_name.objects == IDS


def test_images_that_are_never_shown_may_be_missing(tmp_path):
    trials = Triplets(items=np.array([[0, 3, 2]]), objects=("i0", "none", "i2", "i3"))
    table, _ = label_triplets(Features(X.astype(np.float32), IDS), trials, tmp_path / "t")
    assert set(table.items[0]) == {0, 2, 3}
    np.testing.assert_allclose(table.similarities, brute(X[[0, 0, 2, 3]], table.items)[0], atol=1e-4)


def test_ties_are_counted(tmp_path):
    table, report = label_triplets(
        np.ones((3, 4), np.float32), Triplets(items=np.array([[2, 0, 1]]), objects=("0", "1", "2")), tmp_path / "t"
    )
    assert (report.odd_last, report.third_smallest, report.tied, report.moved) == (0, 1, 1, 0)
    assert table.similarities.tolist() == [[4, 4, 4]]


PROGRAM = """
import sys, numpy as np
from isomorph.alignet import TripletTable
from isomorph.alignet._label import write_labels
from isomorph.alignet._label_blocks import Labelling
from isomorph.engine import Progress
labelling = Labelling.of(np.load("x.npy", mmap_mode="r"), TripletTable.open("drawn"), "labelled", block=2000)
write_labels(labelling, "labelled", Progress(quiet=True))
"""


def test_mapped_features_are_kept_when_labelling_ends_early(drawn, tmp_path):
    half, huge = X.copy(), FittedTransform(weights=np.eye(WIDTH) * 300)
    with pytest.raises(InputError, match="beyond what float16 holds"):
        label_triplets(half, drawn, tmp_path / "t", transform=huge, precision="float16")
    mapped = tmp_path / ".t.partial" / "features.npy"
    before = mapped.stat().st_mtime_ns
    with pytest.raises(InputError, match="beyond what float16 holds"):
        label_triplets(half, drawn, tmp_path / "t", transform=huge, precision="float16")
    assert mapped.stat().st_mtime_ns == before
    label_triplets(half, drawn, tmp_path / "t", transform=huge)
    assert not mapped.exists()


def test_a_killed_run_goes_on_where_it_stopped(drawn, tmp_path):
    np.save(tmp_path / "x.npy", RNG.normal(size=(N, 4000)).astype(np.float16))
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path)
    cursor, until = tmp_path / ".labelled.partial" / "cursor.json", time.monotonic() + 120
    while (not cursor.exists() or '"done": 0' in cursor.read_text()) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert cursor.exists(), "the program ended before it could be killed"
    before = (tmp_path / ".labelled.partial" / "similarities.npy").stat().st_ino
    x = np.load(tmp_path / "x.npy")
    table, report = label_triplets(x, drawn, tmp_path / "labelled")
    assert (tmp_path / "labelled" / "similarities.npy").stat().st_ino == before
    anew, again = label_triplets(x, drawn, tmp_path / "anew")
    assert np.array_equal(table.items, anew.items)
    assert np.array_equal(table.similarities, anew.similarities)
    assert report.entropy == pytest.approx(again.entropy, rel=1e-6)
    assert report.n == len(drawn)
    assert isinstance(TripletTable.open(tmp_path / "labelled"), TripletTable)


def test_labels_of_images_with_other_names_are_begun_anew(tmp_path):
    """The same numbers under other names are other images: nothing that an interrupted run has labelled may stay."""
    x = X.astype(np.float32)
    x[-1] = 1e6
    items = np.concatenate([1 + RNG.permuted(np.tile(np.arange(N - 2), (1000, 1)), axis=1)[:, :3], [[0, 1, 2]]])
    trials = Triplets(items=items.astype(np.int32), objects=IDS)
    other = Labelling.of(Features(x, IDS[::-1]), trials, tmp_path / "t", precision="float16", block=500)
    with pytest.raises(InputError, match="beyond what float16 holds"):  # the last triplet shows the image of large numbers
        write_labels(other, tmp_path / "t", Progress(quiet=True))
    assert (tmp_path / ".t.partial" / "cursor.json").is_file()
    table, _ = label_triplets(Features(x, IDS), trials, tmp_path / "t", precision="float16")
    np.testing.assert_allclose(table.similarities, brute(x, items)[0], rtol=2e-3, atol=2e-3)
