"""On photographs that go wrong step by step, a real network's abstention rises; VisAlign's released scaling falls."""

import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from isomorph.abstention import Normaliser, Odin, combine, load_method, upstream_compat
from isomorph.benchmarks._packaged_photographs import packaged_photographs
from isomorph.errors import IsomorphError
from isomorph.models import Model, extract, load_model
from isomorph.perception import Answers
from isomorph.stimuli import Stimuli, corrupted

SEVERITIES = (0, 4, 9)
SHOWN = 12
OPTIONS = {"knn": {"k": 3}, "mahalanobis": {"shrinkage": 0.1}, "tapudd": {"components": (1, 2, 5), "regularisation": 0.1}}
METHODS = ["energy", "knn", "mahalanobis", "max-softmax", "tapudd"]


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        return load_model("bundled/efficientnet_lite0.imagenet1k")
    except IsomorphError as error:
        pytest.skip(f"a bundled network is needed: {error}")


@pytest.fixture(scope="module")
def photographs() -> Stimuli:
    try:
        return packaged_photographs()
    except IsomorphError as error:
        pytest.skip(f"packaged photographs are needed: {error}")


@pytest.fixture(scope="module")
def found(model: Model, photographs: Stimuli) -> dict[object, dict[str, np.ndarray]]:
    """Features and logits of 12 photographs for each severity of noise (0: as they were), and of corners of all of them under "train"."""

    def run(pictures: Stimuli) -> dict[str, np.ndarray]:
        features, logits = (each.values for each in extract(model, pictures, layers=[-2, -1]).values())
        return {"features": features, "logits": logits}

    steps = {each: run(noisy(photographs, each, SHOWN)) for each in SEVERITIES}
    corners = [corner for row in range(len(photographs)) for corner in cut(photographs[row])]
    return {**steps, "train": run(Stimuli.from_arrays(corners))}


def noisy(photographs: Stimuli, severity: int, count: int) -> Stimuli:
    shown = photographs.take(photographs.ids[:count])
    return corrupted(shown, "gaussian_noise", severity) if severity else shown


def cut(picture: np.ndarray) -> list[np.ndarray]:
    """The four corners of a picture, four fifths of it each, all at one size."""
    height, width = (int(0.8 * side) for side in picture.shape[:2])
    parts = [picture[rows, columns] for rows in (slice(height), slice(-height, None)) for columns in (slice(width), slice(-width, None))]
    return [np.asarray(Image.fromarray(each).resize((224, 224))) for each in parts]


def masses(found: dict[object, dict[str, np.ndarray]], shares: np.ndarray) -> list[float]:
    """The mean probability of abstaining, as it stands in the answers, for each severity; `shares` are of all items."""
    pi = softmax(np.concatenate([found[each]["logits"] for each in SEVERITIES]).astype(float), axis=1)
    ids = tuple(f"{severity}-{row}" for severity in SEVERITIES for row in range(SHOWN))
    answers = Answers(ids=ids, outcomes=tuple(map(str, range(pi.shape[1]))), probabilities=pi)
    joined = combine(answers, shares)
    return joined.probabilities[:, joined.abstain_column].reshape(len(SEVERITIES), SHOWN).mean(axis=1).tolist()


@pytest.mark.parametrize("name", METHODS)
def test_abstention_rises_with_severity(found: dict[object, dict[str, np.ndarray]], name: str) -> None:
    method = load_method(name, **OPTIONS.get(name, {}))
    scorer = method.fit(found["train"][method.reads])
    scores = np.concatenate([scorer.score(found[each][method.reads]) for each in SEVERITIES])
    normaliser = Normaliser("ecdf").fit(scores[::3])
    mass = masses(found, normaliser(scores))
    assert (np.diff(mass) > 0).all(), mass
    assert mass[-1] - mass[0] > 0.2, mass


def test_as_released_it_falls(found: dict[object, dict[str, np.ndarray]]) -> None:
    scores = np.concatenate([load_method("max-softmax").score(found[each]["logits"]) for each in SEVERITIES])
    mass = masses(found, upstream_compat("msp", scores, np.full((len(scores), 2), 0.5)).abstention)
    assert (np.diff(mass) < 0).all(), mass


def test_the_step_of_odin_tells_severities_apart(model: Model, photographs: Stimuli) -> None:
    odin, means = Odin(temperature=10.0, kind="one-minus-max"), []
    for severity in SEVERITIES:
        shown = noisy(photographs, severity, 6)
        means.append([odin.score(each.run(model, shown)).mean() for each in (odin, Odin(epsilon=0.0))])
    stepped, plain = np.diff(means, axis=0).T
    assert (stepped > np.maximum(plain, 0)).all(), means
