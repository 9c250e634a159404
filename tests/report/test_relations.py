from __future__ import annotations

import base64

import numpy as np
import pytest

from isomorph.report._relations import heatmaps, packed, percentiles, relation_map, shown, square
from isomorph.report._repel import place_labels


def test_percentiles_are_ranks_with_ties_at_their_middle():
    assert percentiles(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]
    assert percentiles(np.array([1.0, 1.0, 5.0])).tolist() == [0.25, 0.25, 1.0]
    assert np.array_equal(percentiles(np.arange(9.0)), percentiles(np.exp(np.arange(9.0))))


def test_drawn_order_goes_by_category(examples):
    record = examples.made_up(count=9).benchmarks[0]
    scattered = type(record.stimuli)(ids=tuple("abcdef"), modality="image", labels=("x", "y", "x", "z", "y", "x"))
    drawn = shown(type(record)(**{**vars(record), "stimuli": scattered}))
    assert drawn.positions.tolist() == [0, 2, 5, 1, 4, 3]
    assert drawn.groups == (("x", 0, 3), ("y", 3, 5), ("z", 5, 6))


def test_the_packed_triangle_is_the_drawn_one(examples):
    results = examples.made_up(count=9)
    record = results.benchmarks[0]
    rdm, drawn = record.targets[0].mean, shown(record)
    levels = np.frombuffer(base64.b64decode(packed(rdm, drawn)), dtype=np.uint8)
    whole = square(rdm, drawn.positions, 9)
    assert np.allclose(levels / 255, whole[np.triu_indices(9, 1)], atol=1 / 255)


def test_many_stimuli_are_thinned_out_over_all_categories(examples):
    record = examples.made_up(count=9).benchmarks[0]
    labels = tuple(f"c{index % 5}" for index in range(1000))
    many = type(record.stimuli)(ids=tuple(map(str, range(1000))), modality="text", labels=labels)
    drawn = shown(type(record)(**{**vars(record), "stimuli": many}))
    assert (len(drawn.positions), drawn.total, len(drawn.groups)) == (256, 1000, 5)
    assert len(set(drawn.positions.tolist())) == 256


def test_targets_come_first_then_models_by_rank(examples):
    results = examples.made_up()
    maps = heatmaps(results, results.benchmarks[0])
    assert [each.name for each in maps[:2]] == ["people", "cortex"]
    order = list(dict.fromkeys(each.name for each in maps[2:]))
    assert order == results.best("people-benchmark", "people")["model"].tolist()


def test_the_map_holds_all_and_states_its_stress(examples):
    results = examples.made_up()
    placed = relation_map(results, results.benchmarks[0])
    assert placed.kinds == ("behaviour", "brain", "model", "model", "model")
    fitted = np.linalg.norm(placed.points[:, None] - placed.points, axis=-1)
    wanted = 1 - placed.similarity
    assert placed.stress == pytest.approx(np.sqrt(((wanted - fitted) ** 2).sum() / (fitted**2).sum()), abs=1e-6)


def test_labels_do_not_overlap():
    points = np.random.default_rng(0).uniform(60, 440, size=(14, 2))
    sizes = np.tile([70.0, 12.0], (14, 1))
    corners = place_labels(points, sizes, size=(500, 500), radius=6)
    for i in range(14):
        assert (corners[i] >= 0).all()
        assert (corners[i] + sizes[i] <= 500).all()
        for j in range(i):
            apart = (np.abs(corners[i] - corners[j]) >= sizes[i] - 1e-9).any()
            assert apart, (i, j)
