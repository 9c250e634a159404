"""The teacher: people's probabilities are handed on to features, and triplets are drawn and labelled."""

import numpy as np
import pytest

from isomorph.alignment import Global, OddOneOutEmbedding, UncertaintyDistillation, choice_divergence, sample_triplets
from isomorph.features import Features
from isomorph.judgments import PAIRS, Triplets

NAMES = tuple(f"thing {each}" for each in range(60))
GROUPS = [each % 4 for each in range(60)]


@pytest.fixture(scope="module")
def world():
    """People use two of the six directions that the model's features have."""
    rng = np.random.default_rng(0)
    people = rng.gamma(2.0, 0.6, size=(60, 2))
    noise = rng.normal(size=(60, 4)) * 2
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    x = Features(np.column_stack([people, noise]) @ turn, NAMES, subject="a model")
    embedding = OddOneOutEmbedding(objects=NAMES, mean=people, scale=np.full(people.shape, 0.1), method="VICE")
    return x, embedding, sample_triplets(NAMES, 8000, seed=1)


@pytest.fixture(scope="module")
def teacher(world):
    return UncertaintyDistillation(map=Global(strength=1e-3, learning_rate=0.02, epochs=30)).fit(world[0], world[2], world[1])


def test_map_halves_the_divergence_on_unseen_objects(teacher):
    assert teacher.divergence < teacher.untransformed / 2
    assert len(teacher.held_out) == 15
    assert not set(teacher.held_out) & set(teacher.transform.seen)
    assert str(teacher).startswith("KL 0.")


def test_entropies_of_the_teacher_follow_those_of_people(world, teacher):
    x, embedding, trials = world
    held = trials.take(~trials.mixed([each in teacher.held_out for each in NAMES]))
    y = teacher.transform.transform(x).values
    logits = np.stack([(y[held.items[:, a]] * y[held.items[:, b]]).sum(axis=1) for a, b in PAIRS], axis=1)
    q = np.exp(logits - logits.max(axis=1, keepdims=True))
    q /= q.sum(axis=1, keepdims=True)
    assert np.corrcoef(-(q * np.log(q)).sum(axis=1), embedding.posterior(held).entropy)[0, 1] > 0.6


def test_strong_pull_leaves_the_geometry(world):
    x, embedding, trials = world
    fitted = UncertaintyDistillation(map=Global(strength=1e4, learning_rate=0.01, epochs=5, bias=False)).fit(x, trials, embedding)
    weights = fitted.transform.weights
    assert np.abs(weights - np.eye(6) * np.diagonal(weights).mean()).max() < 0.01 * np.diagonal(weights).mean()
    assert fitted.divergence == pytest.approx(fitted.untransformed, rel=0.1)


def test_labels_have_the_odd_one_last(world, teacher):
    x, _, trials = world
    labelled = teacher.label(x, trials)
    s = labelled.similarities
    assert (s[:, 0] >= s[:, 1]).all()
    assert (s[:, 1] >= s[:, 2]).all()
    y = teacher.transform.transform(x).values
    np.testing.assert_allclose(s[:, 1], (y[labelled.items[:, 0]] * y[labelled.items[:, 2]]).sum(axis=1))
    np.testing.assert_allclose(s[:, 2], (y[labelled.items[:, 1]] * y[labelled.items[:, 2]]).sum(axis=1))
    np.testing.assert_array_equal(np.sort(labelled.items, axis=1), np.sort(trials.items, axis=1))
    assert labelled.soft is None


def test_divergence_by_hand():
    e = np.array([[1.0, 0.0], [0.5, 0.0], [0.0, 1.0]])
    q = np.exp([0.5, 0.0, 0.0]) / np.exp([0.5, 0.0, 0.0]).sum()

    def divergence(p, embedding):
        return choice_divergence(embedding, Triplets(items=np.array([[0, 1, 2]]), objects=("a", "b", "c"), soft=np.array([p])))

    assert divergence(q, e) == pytest.approx(0, abs=1e-12)
    assert divergence([0.0, 1.0, 0.0], e) == pytest.approx(-np.log(q[1]))
    assert np.isfinite(divergence(q, 1e4 * e))


@pytest.mark.parametrize(("kind", "count"), [("between", 3), ("border", 2), ("within", 1)])
def test_drawn_triplets_have_their_groups(kind, count):
    drawn = sample_triplets(NAMES, 3000, kind=kind, groups=GROUPS, seed=2)
    of = np.sort(np.array(GROUPS)[drawn.items], axis=1)
    assert set((np.diff(of, axis=1) > 0).sum(axis=1) + 1) == {count}
    shares = np.bincount(drawn.items.ravel(), minlength=60) / 9000 * 60
    assert 0.7 < shares.min() < shares.max() < 1.35


def test_random_triplets_are_even_over_triples():
    drawn = sample_triplets(tuple("abcde"), 20_000)
    _, counts = np.unique(np.sort(drawn.items, axis=1), axis=0, return_counts=True)
    assert len(counts) == 10
    assert np.abs(counts / 2000 - 1).max() < 0.1
