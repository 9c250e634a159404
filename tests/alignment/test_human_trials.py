"""What a fitted map gains on objects that it has not seen: simulated people, nothing to learn, and real trials."""

from dataclasses import replace

import numpy as np
import pytest

import isomorph as iso
from isomorph.alignment import Global, GLocal, Naive, held_out_gain, object_folds, search
from isomorph.errors import FetchError, InputError, IsomorphError, MissingDependencyError
from isomorph.features import Features
from isomorph.judgments import Triplets, load_triplets, score_triplets, things_ids, triplets_from_similarities
from isomorph.models import model_card

QUICK = {"bias": False, "epochs": 30, "batch_size": 4096}


def simulated(objects=1200, trials=2000, seed=0, weight=True):
    """Objects in few trials each, and people who care for half of the features; or who guess."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(objects, 12))
    shown = np.stack([rng.permutation(objects)[:3] for _ in range(trials)])
    seen = x * np.repeat([1.3 if weight else 0.0, 0.0], 6)
    s = np.stack([(seen[shown[:, a]] * seen[shown[:, b]]).sum(1) for a, b in ((0, 1), (0, 2), (1, 2))], 1)
    choice = (s + rng.gumbel(size=s.shape)).argmax(axis=1)
    order = np.array([[0, 1, 2], [0, 2, 1], [1, 2, 0]])[choice]
    names = tuple(f"o{each}" for each in range(objects))
    return Features(x, names), Triplets(items=np.take_along_axis(shown, order, axis=1), objects=names)


def test_folds_by_trials_test_each_trial_once_and_train_on_none_of_its_objects():
    _, trials = simulated(trials=800)
    folds = object_folds(trials, 20, by="trials")
    assert sorted(np.concatenate([each.test for each in folds])) == list(range(800))
    for each in folds:
        assert not np.intersect1d(trials.items[each.train], trials.items[each.test]).size
        assert len(each.train) + len(each.test) + each.dropped == 800
        clean = ~np.isin(trials.items, trials.items[each.test]).any(axis=1)
        assert np.array_equal(each.train, np.flatnonzero(clean))  # nothing more is dropped than must be


def test_a_map_raises_accuracy_where_there_is_something_to_learn():
    x, trials = simulated()
    gain = held_out_gain(Global(**QUICK), x, trials, grid={"strength": [0.01, 0.1]}, folds=10, search_folds=5, similarity="dot")
    assert gain.verdict == "raises"
    assert gain.difference.low > 0.02
    assert gain.nll_difference.high < 0
    assert gain.untested == 0
    assert all(0.02 < each["strength"] < 0.05 for each in gain.chosen)  # 0.1 in the search's folds, which have a third of the trials
    assert gain.before == pytest.approx(score_triplets(x, trials, similarity="dot", replicates=0).accuracy)
    assert gain.after - gain.before == pytest.approx(gain.difference.value)
    assert str(gain).startswith("global raises accuracy on held-out objects: 0.")
    assert gain.to_plain()["n"] == 2000


def test_a_map_gains_nothing_from_people_who_guess():
    x, trials = simulated(weight=False)
    gain = held_out_gain(Global(**QUICK, strength=0.1), x, trials, folds=12)
    assert gain.verdict == "neither"
    assert abs(gain.after - 1 / 3) < 0.04
    assert "does not surely change accuracy" in str(gain)
    assert "which includes 0" in str(gain)


def test_a_map_that_forgets_lowers_accuracy():
    x, trials = simulated(trials=1500)
    people = Features(x.values * np.repeat([1.0, 0.1], 6), x.ids)  # these features lack little
    assert held_out_gain(Naive(strength=0.0, initial="random", epochs=2), people, trials, folds=12).verdict == "lowers"


def test_nothing_leaks_through_objects():
    """Features that only name their object let a map learn by heart; on unseen objects that is worth nothing."""
    _, trials = simulated(objects=60, trials=1500)
    names = Features(np.eye(60), trials.objects)
    seen = Global(**QUICK, strength=1e-4, standardise="none").fit(names, trials)
    assert score_triplets(seen.transform(names), trials, replicates=0).accuracy > 0.5
    gain = held_out_gain(Global(**QUICK, strength=1e-4, standardise="none"), names, trials, folds=4, by="objects")
    assert abs(gain.after - 1 / 3) < 0.1
    assert gain.untested == len(trials) - len(gain.trials) > 0
    people = replace(trials, participants=("a", "b") * 750)
    again = held_out_gain(Global(epochs=2), names, people, folds=4, by="objects", resample="participants", replicates=50)
    assert len(again.trials.participants) == len(again.trials)


def test_without_replicates_there_is_no_interval_and_no_verdict():
    x, trials = simulated(trials=300)
    gain = held_out_gain(Global(epochs=1), x, np.asarray(trials.items), folds=10, replicates=0)
    assert (gain.difference.low, gain.verdict) == (None, "neither")
    assert "without an interval" in str(gain)


def test_a_search_by_trials_uses_them_all():
    x, trials = simulated(trials=600)
    found = search(Global(epochs=2), x, trials, {"strength": [0.1, 1.0]}, folds=12, by="trials")
    assert min(found.shares_kept) > 0.3
    with pytest.raises(InputError, match="folds are made by 'objects' or 'trials'; got 'people'"):
        object_folds(trials, 4, by="people")


def short(x, width=64):
    """Rows of length 1 on their first axes."""
    values = x.values / np.linalg.norm(x.values, axis=1, keepdims=True)
    return replace(x, values=values @ np.linalg.svd(values, full_matrices=False)[2][:width].T)


def words(name):
    try:
        model = iso.load_model(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    ids = things_ids()
    shown = iso.Stimuli.from_texts(list(iso.data.read_table(iso.data.path("things", "item_names.tsv"))["Word"]), ids=ids)
    known = []
    for each, word in zip(ids, shown, strict=True):
        try:
            model.prepare([word])
        except IsomorphError:
            continue
        known.append(each)
    return iso.extract(model, shown.take(known), layers=["output"])["output"]


def test_real_trials_on_things_raise_the_accuracy_of_word_vectors(data_path):
    data_path("things", "item_names.tsv")
    trials = load_triplets(data_path("things-odd-one-out", "2171trials_humans.txt"), objects=things_ids())
    x = words("bundled/glove_6b_50d")
    gain = held_out_gain(Global(**QUICK, strength=3.0), short(x), trials.restrict(x.ids), folds=10)
    assert gain.verdict == "raises", str(gain)
    assert gain.nll_difference.high < 0
    assert len(gain.trials) == 2112


def test_real_judgments_of_pictures_raise_the_accuracy_of_a_network():
    try:
        benchmark = iso.load_benchmark("kriegeskorte-92")
        model = iso.load_model("bundled/mobilenet_v2.imagenet1k")
    except (FetchError, MissingDependencyError) as error:
        pytest.skip(str(error))
    people = next(each for each in benchmark.targets if each.kind == "behaviour").mean
    square = np.zeros((92, 92))
    square[np.triu_indices(92, 1)] = -people
    trials = triplets_from_similarities(square + square.T, benchmark.stimuli.ids, trials=12_000)
    x = iso.extract(model, benchmark.stimuli, layers=["classifier.0"])["classifier.0"]
    gain = held_out_gain(Global(**QUICK, strength=1.0), short(x), replace(trials, similarities=None), folds=4, by="objects")
    assert gain.verdict == "raises", str(gain)
    assert len(gain.trials) + gain.untested == 12_000


def test_glocal_says_what_its_authors_say_of_classifiers():
    rng = np.random.default_rng(0)
    names = tuple(map(str, range(30)))
    trials = np.array([rng.permutation(30)[:3] for _ in range(60)])

    def notes(kind, subject, **provenance):
        x = Features(rng.normal(size=(30, 3)), names, subject=subject, provenance=provenance)
        return kind(epochs=1).fit(x, trials, **({"preserve": x} if kind is GLocal else {})).notes

    classifier = "bundled/mobilenet_v2.imagenet1k"
    assert model_card(classifier).objective == "classification"
    for subject in (classifier, f"{classifier}(resize='squash')"):
        (note,) = notes(GLocal, subject)
        assert note.startswith(f"{subject} was trained to classify: ")
        assert "supervised ImageNet networks lose accuracy on downstream tasks" in note
    assert notes(GLocal, "mine", objective="classification")
    assert notes(GLocal, "bundled/minilm_l6_v2") == notes(GLocal, "user/mine") == notes(GLocal, "") == notes(Global, classifier) == ()
