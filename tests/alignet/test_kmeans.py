"""k-means: against scikit-learn from the same centres, out of core, repaired."""

import numpy as np
import pytest
import torch

from isomorph.alignet import Clusters, KMeans, load_groups
from isomorph.alignet._kmeans_init import plus_plus
from isomorph.alignet._kmeans_nearest import CPUKernel, TorchKernel, prepared
from isomorph.alignet._kmeans_pass import Assignment
from isomorph.alignet._kmeans_points import Points

K = 12


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(K, 24)) * 0.8)[rng.integers(K, size=9000)] + rng.normal(size=(9000, 24))


def brute(x, centres):
    squared = ((x.astype(np.float64)[:, None] - centres.astype(np.float64)[None]) ** 2).sum(axis=2)
    return squared.argmin(axis=1), squared.min(axis=1).sum()


@pytest.mark.parametrize("epochs", [1, 5, 60])
def test_equals_scikit_learn_from_the_same_centres(blobs, epochs):
    sklearn = pytest.importorskip("sklearn.cluster", reason="scikit-learn is the reference here")
    start = blobs[:K].copy()
    ours = KMeans(clusters=K, epochs=epochs, tolerance=0).fit(blobs, centres=start)
    theirs = sklearn.KMeans(K, init=start, n_init=1, max_iter=epochs, tol=0).fit(blobs)
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-6)
    assert (ours.assignment == theirs.labels_).mean() > 0.9999
    np.testing.assert_allclose(ours.centres, theirs.cluster_centers_, atol=1e-4)
    assert ours.iterations == theirs.n_iter_


def test_assignment_and_inertia_are_those_of_brute_force(blobs):
    found = KMeans(clusters=K, seed=3).fit(blobs)
    nearest, inertia = brute(blobs, found.centres)
    assert (found.assignment == nearest).mean() > 0.999
    assert found.inertia == pytest.approx(inertia, rel=1e-6)
    assert (found.assign(blobs) == nearest).mean() > 0.9999
    assert found.sizes.sum() == len(blobs)
    assert found.converged


def test_a_large_mean_costs_no_digits(blobs):
    far = blobs + 1000.0
    near, shifted = (KMeans(clusters=K, tolerance=0).fit(each, centres=each[:K]) for each in (blobs, far))
    assert shifted.inertia == pytest.approx(near.inertia, rel=1e-4)
    assert (near.assignment == shifted.assignment).mean() > 0.995


def test_float16_on_disk_gives_what_memory_gives(blobs, tmp_path):
    half = blobs.astype(np.float16)
    np.save(tmp_path / "x.npy", half)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    on_disk, in_memory = (KMeans(clusters=K, seed=1).fit(each) for each in (mapped, half.astype(np.float32)))
    assert np.array_equal(on_disk.assignment, in_memory.assignment)
    assert np.array_equal(on_disk.centres, in_memory.centres)


def test_equal_seeds_give_equal_clusters_and_restarts_the_best(blobs):
    several = [KMeans(clusters=K, seed=seed, epochs=4).fit(blobs) for seed in range(3)]
    best = KMeans(clusters=K, seed=0, restarts=3, epochs=4).fit(blobs)
    assert best.inertia == min(each.inertia for each in several)
    assert np.array_equal(several[1].assignment, KMeans(clusters=K, seed=1, epochs=4).fit(blobs).assignment)


def test_mini_batch_is_nearly_as_good(blobs):
    lloyd = KMeans(clusters=K, restarts=2).fit(blobs)
    mini = KMeans(clusters=K, method="mini-batch", batch=512, epochs=10).fit(blobs)
    assert mini.inertia < 1.05 * lloyd.inertia
    assert brute(blobs, mini.centres)[1] == pytest.approx(mini.inertia, rel=1e-5)


def test_plus_plus_finds_separated_groups():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(40, 8)) * 50
    x = np.repeat(centres, 20, axis=0) + rng.normal(size=(800, 8)) * 0.1
    chosen = plus_plus(x.astype(np.float32), 40, rng)
    assert len(set(brute(chosen, centres)[0])) == 40


@pytest.mark.parametrize("method", ["lloyd", "mini-batch"])
def test_empty_clusters_are_filled(blobs, method):
    start = blobs[:K].copy()
    start[3:7] = 1e4  # no image is nearest to these
    found = KMeans(clusters=K, method=method, epochs=30, batch=1000).fit(blobs, centres=start)
    assert found.sizes.min() > 0
    assert found.inertia < 1.15 * KMeans(clusters=K).fit(blobs).inertia


def test_repair_moves_the_farthest_images_and_keeps_the_sums():
    x = np.array([[0.0], [1.0], [10.0], [30.0], [31.0]])
    centres = np.array([[0.0], [30.0], [500.0], [600.0]])
    state = Assignment(Points(x), 4)
    state.update(centres)
    assert state.counts.tolist() == [3, 2, 0, 0]
    assert state.repair(centres) == 2
    assert state.labels.tolist() == [0, 0, 2, 1, 3] or state.labels.tolist() == [0, 3, 2, 1, 1]
    assert state.counts.min() == 1
    np.testing.assert_allclose(state.means(centres)[2], [10.0])
    np.testing.assert_allclose(state.sums.sum(), 72.0)


def test_as_many_clusters_as_images():
    x = np.random.default_rng(2).normal(size=(7, 3))
    found = KMeans(clusters=7).fit(x)
    assert found.sizes.tolist() == [1] * 7
    assert found.inertia < 1e-6 * ((x - x.mean(axis=0)) ** 2).sum()
    assert KMeans(clusters=3).fit(np.zeros((5, 2))).sizes.min() >= 1  # fewer different points than clusters


def test_rows_of_length_one(blobs):
    found = KMeans(clusters=K, normalise="l2").fit(blobs * np.linspace(1, 100, len(blobs))[:, None])
    unit = blobs / np.linalg.norm(blobs, axis=1, keepdims=True)
    assert found.inertia == pytest.approx(brute(unit, found.centres)[1], rel=1e-5)


def test_the_kernel_of_torch_equals_numpys(blobs):
    x = blobs[:500].astype(np.float32)
    centres, mean = blobs[:K], blobs.mean(axis=0)
    ours, torchs = (prepared(kernel, centres, mean) for kernel in (CPUKernel(), TorchKernel(torch.device("cpu"))))
    labels = ours.nearest(x)
    assert np.array_equal(labels, torchs.nearest(x))
    np.testing.assert_allclose(ours.sums(x, labels), torchs.sums(x, labels), rtol=1e-4, atol=1e-4)


def test_files(blobs, tmp_path):
    found = KMeans(clusters=K, epochs=3).fit(blobs)
    again = Clusters.load(found.save(tmp_path / "c.safetensors"))
    assert np.array_equal(again.centres, found.centres)
    assert np.array_equal(load_groups(tmp_path / "c.safetensors"), found.assignment)
    assert (again.inertia, again.iterations, again.options) == (found.inertia, found.iterations, found.options)
    assert str(again) == str(found)
