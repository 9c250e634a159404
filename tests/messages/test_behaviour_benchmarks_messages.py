"""The sentences that people read when models' answers do not fit what people were asked."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from isomorph.benchmarks import BehaviourMatch, LabelMatch
from isomorph.perception import Answers, Trials
from isomorph.results import answer, answer_logits, evaluate_behaviour, leaderboard
from isomorph.stimuli import Stimuli

_SPEC = importlib.util.spec_from_file_location(
    "behaviour_example", Path(__file__).parents[1] / "benchmarks_room" / "test_behaviour_match.py"
)
example = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(example)
NOISE = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8), ["a", "b", "c"])


def said(action):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the text is what is pinned
        action()
    return str(caught.value)


def two_sets():
    sketch = [Trials.from_answers(example.decided(f"subject-0{at}", ["cat", "cat", "dog", "na"]), dataset="sketch") for at in (1, 2)]
    return BehaviourMatch(name="pets", people=Trials.joined([example.people(), *sketch]), dropped="none")


def test_images_that_only_one_side_knows():
    some = example.model(ids=("cat1", "cat2", "bear1"))
    assert said(lambda: example.benchmark().join(some)) == (
        "edge: net answered 1 images (bear1), which nobody was asked about; edge: net did not answer 2 images (dog1.png, dog2.png) of the "
        "4 that people saw. Compare what all answered: missing='drop'."
    )
    assert said(lambda: example.benchmark().join(example.model(ids=("x1", "x2", "x3", "x4")))) == (
        "edge: people saw none of 4 images that net answered, such as 'x1'; theirs are called 'cat1.png'. Give the pictures upstream's "
        "names, or the conditions: Answers(..., conditions=[…])."
    )
    assert said(lambda: example.benchmark().join(example.model(ids=("a/cat1", "b/cat1.jpg", "cat2", "dog1")))) == (
        "edge: net answered one image twice, as 'a/cat1' and as 'b/cat1.jpg'."
    )


def test_classes_that_nobody_asked_for():
    net = Answers(ids=["cat1"], outcomes=["cat", "lynx", "wolf"], probabilities=[[1, 0, 0]], subject="net")
    assert said(lambda: example.benchmark().join(net)) == (
        "net answers with 3 classes and pets asks for 2 categories: it has 'lynx', 'wolf' and lacks 'dog'. Map them: answer(…, "
        "mapping='imagenet-16'), or answers.mapped(members)."
    )


def test_trials_with_other_words_or_without_a_model():
    table = Trials.from_answers(
        Answers.from_decisions(["cat1.png", "cat2.png"], ["cat", "lynx"], ["cat", "lynx"], truth=["cat", "cat"], subject="net"),
        dataset="edge",
    )
    assert said(lambda: example.benchmark().join(table)) == (
        "the trials of net hold 1 responses that are none of the 2 categories of pets: 'lynx'. Map them: trials.mapped(members)."
    )
    assert said(lambda: example.benchmark().join(example.people())) == (
        "the trials given to pets are of people alone ('subject-*'); there is no model to compare."
    )


def test_a_data_set_that_has_no_scores():
    rows = example.benchmark().score(example.model(), replicates=0)
    assert said(lambda: leaderboard(rows, target="edges")) == "no data set is called 'edges'. Did you mean 'edge'?"


def test_data_sets_and_names():
    assert said(lambda: two_sets().join({"edge": example.model()})) == (
        "not every model answered every data set: net lacks sketch. Ask about some: benchmark.take([…]); or leave out for all what one "
        "lacks: missing='drop'."
    )
    assert said(lambda: two_sets().join(example.model())) == (
        "the answers of 'net' do not say which of 2 data sets of pets they are to. Give {'edge': answers}, or "
        "Answers(..., provenance='edge')."
    )
    assert said(lambda: two_sets().join({"edges": example.model()})).startswith("no data set is called 'edges'. Did you mean 'edge'")
    assert said(lambda: example.benchmark().join(example.model(subject=""))) == (
        "answers are compared under a name; give Answers(..., subject='my-model')."
    )
    assert said(lambda: example.benchmark().join(example.model(subject="subject-01"))) == (
        "the benchmark holds published answers of 'subject-01' already; call yours otherwise: Answers(..., subject=…)."
    )
    assert said(lambda: example.benchmark().stimuli("edge")) == (
        "the pictures of 'edge' are not in the catalogue of public data; those of none are. Show models your own copy under upstream's "
        "file names: stimuli={'edge': Stimuli.from_folder(…)}."
    )
    assert said(lambda: LabelMatch(name="x", people=example.model())) == (
        "x needs people's votes and the truth: Answers.from_counts(…, truth=[…])."
    )
    assert said(lambda: evaluate_behaviour([], LabelMatch(name="x", people=example.benchmark().join([]).votes["edge"]))).startswith(
        "x does not ask for trials of pictures."
    )


def test_a_model_without_class_outputs():
    import torch

    from isomorph.models import ImageRecipe, wrap_model

    recipe = ImageRecipe(height_pixels=32, width_pixels=32, resize_pixels=32)
    maps = wrap_model(torch.nn.Conv2d(3, 4, 3), name="maps", preprocess=recipe)
    assert said(lambda: answer(maps, NOISE)) == (
        "user/maps gives [3, 4, 30, 30] for 3 pictures where a classifier gives [3, class]: it has no class outputs. Take a model with its "
        "head; or fit a probe to its features (isomorph.probes) and give the logits to answer_logits."
    )
    head = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 5))
    small = wrap_model(head, name="small", preprocess=recipe)
    assert said(lambda: answer(small, NOISE, mapping="imagenet-16")) == (
        "user/small has 5 outputs; 'imagenet-16' knows ImageNet's 1,000 classes in their usual order. Give a classifier with its head, or "
        "a map of its own outputs: mapping={'bird': [0, 3], …} or a JSON file."
    )
    assert said(lambda: answer(small, NOISE, classes=["cat", "dog"])) == (
        "user/small has 5 outputs, and 2 classes were named. Name each output once, in the model's order."
    )
    assert said(lambda: answer(small, Stimuli.from_texts(["a word"]))) == (
        "answers are classes of pictures, but the stimuli are texts. Take a classifier of pictures, and pictures."
    )
    assert "names outcome 9, but there are 5" in said(lambda: answer(small, NOISE, mapping={"cat": [9]}))


def test_answers_are_no_geometries():
    from isomorph.benchmarks import load_geometry_match
    from isomorph.results import evaluate

    assert said(lambda: load_geometry_match("model-vs-human")) == (
        "model-vs-human asks for answers and holds no brains or geometries. Score answers with load_benchmark('model-vs-human').score(…); "
        "model-vs-human and shape-bias also by `isomorph evaluate MODEL --benchmarks NAME`, or in a study."
    )
    assert said(lambda: evaluate("bundled/pixels", "cifar-10h")) == (
        "cifar-10h asks for answers to pictures that are not in the catalogue, so that no model can be shown them here. Score answers that "
        "you have: load_benchmark('cifar-10h').score(…)."
    )


def test_logits_that_are_none():
    assert said(lambda: answer_logits([[1.0, np.nan]], ["a.png"], subject="net")).startswith("the logits of net")
    assert said(lambda: answer_logits([1.0, 2.0], ["a.png"], subject="net")) == (
        "net: logits are [item, class], one row for each of 1 items; got the shape (2,)."
    )


def test_a_table_of_abstention_without_values():
    import pandas as pd

    from isomorph.report import perception_report
    from isomorph.results import behaviour_results

    results = behaviour_results(example.benchmark(), example.model(), replicates=0)
    assert said(lambda: perception_report(results, abstention=pd.DataFrame({"method": ["odin"], "score": [1.0]}))) == (
        "a table of abstention has the columns method, category and value; this one lacks category, value. It has method, score."
    )
