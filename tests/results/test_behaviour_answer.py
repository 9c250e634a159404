"""Classifiers answer pictures: probabilities, categories, names, and the way onto the leaderboard."""

import numpy as np
import pytest

from isomorph.benchmarks import BehaviourMatch, load_benchmark
from isomorph.errors import FetchError, FileError, MissingDependencyError
from isomorph.models import ImageRecipe, load_model, wrap_model
from isomorph.perception import Answers, Trials, read_trials
from isomorph.results import answer, answer_logits, evaluate_behaviour
from isomorph.stimuli import Stimuli

NOISE = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def tiny(outputs=4):
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, outputs))
    return wrap_model(net, name="tiny", preprocess=ImageRecipe(height_pixels=16, width_pixels=16, resize_pixels=16))


def test_probabilities_are_the_softmax_in_double_precision():
    model, shown = tiny(), Stimuli.from_arrays(NOISE, list("abcde"), metadata={"label": ["0", "1", "0", "2", "9"]})
    found = answer(model, shown, batch_size=2, dataset="edge")
    logits = model.forward(model.prepare(list(NOISE))).numpy().astype(float)
    np.testing.assert_allclose(found.probabilities, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-6)
    assert (found.subject, found.provenance, found.outcomes) == ("tiny", "edge", ("0", "1", "2", "3"))
    assert found.truth == ("0", "1", "0", "2", "")


def test_categories_take_the_mean_of_their_members(tmp_path):
    logits = np.log([[0.3, 0.3, 0.4], [0.1, 0.1, 0.8]])
    members = {"cat": ["lynx", "tabby"], "dog": ["pug"]}
    found = answer_logits(logits, ["a", "b"], subject="net", classes=["lynx", "tabby", "pug"], mapping=members, labels=["dog", "cow"])
    np.testing.assert_allclose(found.probabilities, [[0.3 / 0.7, 0.4 / 0.7], [0.1 / 0.9, 0.8 / 0.9]])
    assert found.truth == ("dog", "")
    (tmp_path / "map.json").write_text('{"cat": [0, 1], "dog": [2]}')
    again = answer_logits(logits, ["a", "b"], subject="net", mapping=tmp_path / "map.json")
    np.testing.assert_allclose(again.probabilities, found.probabilities)


def test_large_logits_stay_finite():
    found = answer_logits([[1e4, 0.0], [-1e4, 0.0]], ["a", "b"], subject="net")
    assert found.probabilities.tolist() == [[1, 0], [0, 1]]


def test_own_pictures_and_categories_reach_the_leaderboard(tmp_path):
    names = [f"{at}.png" for at in range(5)]
    truth = ["cat", "dog", "cat", "dog", "cat"]
    people = [
        Trials.from_answers(Answers.from_decisions(names, ("cat", "dog"), each, truth=truth, subject=f"subject-{at}"), dataset="mine")
        for at, each in enumerate([truth, truth[::-1], ["cat", "dog", "dog", "dog", "cat"]])
    ]
    bench = BehaviourMatch(name="own", people=Trials.joined(people), dropped="none")
    shown = {"mine": Stimuli.from_arrays(NOISE, names)}
    results = evaluate_behaviour(tiny(), bench, stimuli=shown, mapping={"cat": [0, 1], "dog": [2, 3]}, replicates=10)
    assert results.models == ("tiny",)
    assert {"error_consistency", "hellinger", "aurc", "reliability(c=0n)", "ece"} <= set(results.leaderboard.columns)
    results.save(tmp_path)
    assert len(read_trials(tmp_path / "trials")) == 5


def test_a_bundled_model_answers_drawings_as_trials_can_be_joined_to_people():
    try:
        model, bench = load_model("bundled/squeezenet1_1.imagenet1k"), load_benchmark("model-vs-human").take(["edge"])
        shown = bench.stimuli("edge")
        shown = shown.take(shown.ids[::16])
        shown[0]
    except (FetchError, FileError, MissingDependencyError) as error:
        pytest.skip(f"the weights or the pictures are not at hand: {error}")
    found = answer(model, shown, mapping="imagenet-16", dataset="edge")
    assert found.truth == shown.labels
    assert len(found.outcomes) == 16
    joined = bench.join(found, missing="drop")
    assert joined.trials.models == ("bagnet33", "simclr-resnet50x1", "squeezenet1-1.imagenet1k")
    assert len(joined.trials) == 10 * (10 + 3)
    assert 0 < (found.decisions() == found.truth_columns).mean() < 1
