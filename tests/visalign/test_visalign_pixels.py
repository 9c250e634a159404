"""A small network trained from its first weights on VisAlign's ten classes, to a submission that its leaderboard reads."""

from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from isomorph.perception import VISALIGN_OUTCOMES, read_submission
from isomorph.visalign import AbstentionPart, NetworkPart, Pictures, SetPart, Training, VisalignStudy, demo_study

CLASSES = VISALIGN_OUTCOMES[:-1]


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """Ten folders of pictures, one hue each, light and dark, with noise."""
    root, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for at, name in enumerate(CLASSES):
        (root / name).mkdir()
        for row in range(11):
            hue = 127 + 120 * np.cos(2 * np.pi * (at / 10 + np.array([0, 1 / 3, 2 / 3])))
            pixels = np.clip(hue + rng.normal(0, 12, (72, 72, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{row}_{name}.png")
    return root


@pytest.fixture(scope="module")
def study(colours, tmp_path_factory):
    return VisalignStudy(
        name="colours",
        set=SetPart(
            classes={name: Pictures(source=str(colours / name)) for name in CLASSES},
            train=6,
            validation=2,
            test=3,
            corruptions=("gaussian_noise",),
            severities=(2, 9),
        ),
        network=NetworkPart(architecture="mlp_small", training=Training(epochs=6, learning_rate=5e-3, clip=1.0, keep=1)),
        abstention=AbstentionPart(
            options={
                "knn": {"k": 3},
                "mds": {"shrinkage": 0.1},
                "tapudd": {"components": [1, 2], "regularisation": 0.1},
                "odin": {"temperature": 10.0},
            },
            corruptions=("gaussian_noise",),
            severities=(5,),
        ),
        seeds=(45, 46),
        replicates=0,
        out=tmp_path_factory.mktemp("out"),
    )


@pytest.fixture(scope="module")
def outcome(study):
    return study.run()


def test_it_learns_from_pixels(outcome):
    assert min(each.accuracy for each in outcome.networks.values()) >= 0.5
    accuracy = outcome.scores[outcome.scores["metric"] == "accuracy"]["value"]
    assert accuracy.min() >= 0.5  # chance is 0.1


def test_every_method_answers_and_the_leaderboard_reads_it(outcome):
    assert len(outcome.answers) == 13
    for path, answers in zip(outcome.submissions, outcome.answers.values(), strict=True):
        found = read_submission(path, names=outcome.data.test.ids)
        assert (found.probabilities == answers.probabilities / answers.probabilities.sum(axis=1, keepdims=True)).all()
    assert outcome.data.outcomes == VISALIGN_OUTCOMES


def test_noise_raises_abstention(outcome):
    table = outcome.summary[outcome.summary["metric"] == "abstention"].set_index(["model", "group"])["mean"]
    rises = [table[name, "severity 9"] - table[name, "severity 2"] for name in {name for name, _ in table.index}]
    assert np.mean(rises) > 0.1
    assert np.mean(np.array(rises) > 0) > 0.5


def test_passes_differ_and_steps_are_those_of_the_network(outcome, study):
    run = study.start()
    held = run.evidence[45]
    assert np.ptp(held["test/passes"], axis=0).max() > 1e-3
    assert not np.allclose(held["test/odin"], held["test/logits"])
    assert held["test/features"].shape == (len(outcome.data.test), 64)


@pytest.mark.skipif(find_spec("timm") is None, reason="the demo's network needs timm")
def test_the_demo_is_a_study_of_all_seven_methods(tmp_path):
    study = demo_study(tmp_path)
    assert len(study.abstention.methods) == 7
    assert set(study.set.missing) == {"2", "5", "6"}
