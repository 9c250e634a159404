"""The 92 photographs: what is in them, and that pictures, cortex and judgments stand in one order."""

import numpy as np
import pytest

from isomorph import load_benchmark
from isomorph.errors import FetchError


@pytest.fixture(scope="module")
def benchmark():
    try:
        return load_benchmark("kriegeskorte-92")
    except FetchError as error:
        pytest.skip(f"the 92 photographs are not at hand: {error}")


def square(condensed):
    matrix = np.zeros((92, 92))
    matrix[np.triu_indices(92, 1)] = condensed
    return matrix + matrix.T


def r(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def within_category_maximum(x, y, labels, permutations=200):
    """The largest correlation with `y` when the stimuli of `x` trade places within their category."""
    rng, upper, labels = np.random.default_rng(0), np.triu_indices(92, 1), np.array(labels)
    values = []
    for _ in range(permutations):
        order = np.arange(92)
        for label in set(labels):
            members = np.flatnonzero(labels == label)
            order[members] = rng.permutation(members)
        values.append(r(square(x)[np.ix_(order, order)][upper], y))
    return max(values)


def test_it_holds_what_was_published(benchmark):
    human, monkey, judged = benchmark.targets
    assert [each.name for each in benchmark.targets] == ["human IT", "monkey IT", "human judgments"]
    assert [each.rdms.shape for each in benchmark.targets] == [(4, 2, 4186), (1, 1, 4186), (16, 1, 4186)]
    assert [each.kind for each in benchmark.targets] == ["brain", "brain", "behaviour"]
    assert "one RDM" in monkey.note
    assert len(human.subjects) == 4
    assert len(judged.subjects) == 16
    assert len(benchmark.stimuli) == 92
    assert benchmark.stimuli[0].shape == (175, 175, 3)
    assert benchmark.labels[0] == "human bodypart"
    assert benchmark.labels[-1] == "artificial inanimate"


def test_human_and_monkey_agree_as_published(benchmark):
    human, monkey, _ = benchmark.targets
    assert r(human.mean, monkey.mean) == pytest.approx(0.49121, abs=1e-5)


def test_judgments_stand_in_the_order_of_the_cortex_even_within_categories(benchmark):
    human, monkey, judged = (each.mean for each in benchmark.targets)
    assert r(judged, human) == pytest.approx(0.4675, abs=1e-4)
    assert r(judged, human) > within_category_maximum(judged, human, benchmark.labels)
    assert r(judged, monkey) > within_category_maximum(judged, monkey, benchmark.labels)


def test_pictures_stand_in_the_order_of_the_cortex_even_within_categories(benchmark):
    images = np.stack([benchmark.stimuli[index] for index in range(92)]).astype(float)
    silhouettes = (np.abs(images - images[:, :1, :1]).sum(axis=-1) > 0).reshape(92, -1).astype(float)
    outline = 1 - np.corrcoef(silhouettes)[np.triu_indices(92, 1)]
    monkey = benchmark.targets[1].mean
    assert r(outline, monkey) == pytest.approx(0.3403, abs=1e-3)
    assert r(outline, monkey) > within_category_maximum(outline, monkey, benchmark.labels)


def test_the_fingerprint_is_the_question(benchmark):
    from dataclasses import replace

    again = load_benchmark("kriegeskorte-92")
    assert again.fingerprint == benchmark.fingerprint
    assert replace(again, comparisons=("spearman",)).fingerprint != benchmark.fingerprint
    assert replace(again, targets=again.targets[:1]).fingerprint != benchmark.fingerprint
