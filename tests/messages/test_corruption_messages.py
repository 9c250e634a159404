"""The sentences about corruptions and attacks, word for word."""

import re

import numpy as np
import pytest

from isomorph.errors import IdError, InputError, ShapeError, UnknownNameError
from isomorph.stimuli import Stimuli, corrupt, corrupted

GRAY = np.full((32, 32, 3), 128, dtype=np.uint8)
PHOTOS = Stimuli.from_arrays([GRAY, GRAY[:10]], ["a", "small"])


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_unknown_name() -> None:
    with said(UnknownNameError, "no corruption is called 'gausian_noise'. Did you mean 'gaussian_noise' or 'shot_noise'?"):
        corrupt(GRAY, "gausian_noise")
    with said(UnknownNameError, "no corruption is called 'night'. There are 16; `isomorph.stimuli.CORRUPTIONS` holds them."):
        corrupted(PHOTOS, "night")


@pytest.mark.parametrize(("severity", "shown"), [(0, "0"), (11, "11"), (2.5, "2.5"), (True, "True"), ("3", "'3'")])
def test_severity(severity: object, shown: str) -> None:
    with said(InputError, f"the severity of 'fog' is a whole number from 1 to 10; got {shown}."):
        corrupt(GRAY, "fog", severity)


@pytest.mark.parametrize(
    ("seed", "shown"),
    [(float("nan"), "nan"), (-1, "-1"), (1.0, "1.0"), ("3", "'3'"), (None, "None"), (True, "True")],
)
def test_seed(seed: object, shown: str) -> None:
    sentence = f"the seed of a corruption is a whole number of 0 or more; got {shown}."
    with said(InputError, sentence):
        corrupt(GRAY, "fog", seed=seed)
    with said(InputError, sentence):
        corrupted(PHOTOS, "fog", seed=seed)
    assert (corrupt(GRAY, "fog", seed=np.int64(2)) == corrupt(GRAY, "fog", seed=2)).all()


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [(GRAY / 255, "float64 [32, 32, 3]"), (GRAY[..., 0], "uint8 [32, 32]"), (np.dstack([GRAY, GRAY[..., :1]]), "uint8 [32, 32, 4]")],
)
def test_no_picture(pixels: np.ndarray, shown: str) -> None:
    with said(ShapeError, f"a picture to corrupt must be uint8 [height, width, 3]; got {shown}. `Stimuli` gives every picture so."):
        corrupt(pixels, "fog")


def test_too_small() -> None:
    text = "a picture to corrupt must have 16 or more pixels on each side; got 10 × 32. Enlarge it first."
    with said(ShapeError, text):
        corrupt(GRAY[:10], "fog")
    with said(ShapeError, f"the picture 'small': {text}"):
        corrupted(PHOTOS, "fog")[1]


def test_stimuli() -> None:
    with said(InputError, "only pictures are corrupted, and these 2 stimuli are texts."):
        corrupted(Stimuli.from_texts(["a", "b"]), "fog")
    with said(InputError, "VisAlign's names hold the class of each picture, and these 2 have no labels."):
        corrupted(PHOTOS, "fog", ids="visalign")
    with said(InputError, "ids must be 'same' or 'visalign'; got 'other'."):
        corrupted(PHOTOS, "fog", ids="other")
    doubled = Stimuli.from_arrays([GRAY, GRAY], ["x/a.png", "y/a.png"], metadata={"label": ["bear", "bear"]})
    with said(IdError, "corrupted pictures has 1 ids that stand more than once; the first is 'a-bear-fog-1'. Ids must be unique."):
        corrupted(doubled, "fog", ids="visalign")


def attack(**options: object):
    import torch

    from isomorph.models import ImageRecipe, fgsm, wrap_model

    recipe = ImageRecipe(height_pixels=8, width_pixels=8, resize_pixels=8)
    net = options.pop("net", None) or torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3))
    return fgsm(wrap_model(net, name="net", preprocess=options.pop("preprocess", recipe)), [GRAY, GRAY], **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"space": "pixel"}, "fgsm's space is 'normalised' or 'pixels'; got 'pixel'."),
        ({"loss": "nll"}, "fgsm's loss is 'cross-entropy' or 'raw-logits'; got 'nll'."),
        ({"epsilon": 0}, "fgsm's epsilon must be a number above 0; got 0."),
        ({"clamp": -3}, "fgsm's clamp must be a number above 0; got -3."),
        ({"labels": [1]}, "fgsm needs one label a picture; got 1 labels for 2 pictures."),
        ({"labels": {"0": 1}}, "1 of 2 pictures have no label; the first is '1'. None is a label, too."),
        ({"labels": [0, "bear"]}, "the label of '1' must be the index of a class, from 0, or None; got 'bear'."),
        ({"labels": [0, 3]}, "user/net has 3 classes, from 0; a label is 3."),
        (
            {"preprocess": np.asarray},
            "fgsm must know how user/net turns pixels into values, to turn values back into pixels, and its recipe is no ImageRecipe. "
            "Wrap the network with wrap_model(…, preprocess=ImageRecipe(…)).",
        ),
    ],
)
def test_attack(options: dict, text: str) -> None:
    with said(InputError, text):
        attack(**options)


def test_networks_that_cannot_be_attacked() -> None:
    import torch

    with said(InputError, "no gradient reaches the pixels of user/net; fgsm needs a network that runs on torch, with gradients."):
        attack(net=lambda batch: batch.detach().flatten(1))
    with said(InputError, "user/net gives [2, 3, 8, 8] where a classifier gives [picture, class]; fgsm needs its logits."):
        attack(net=torch.nn.Identity())


def test_no_picture_is_adversarial() -> None:
    with said(
        InputError,
        "user/net still recognises all 2 pictures after a step of 1e-06; none is adversarial. Take a larger epsilon.",
    ):
        _ = attack(epsilon=1e-6).stimuli
