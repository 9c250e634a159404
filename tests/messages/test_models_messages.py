"""The texts of what can go wrong with models."""

from importlib.util import find_spec

import numpy as np
import pytest

from isomorph.errors import FetchError, IsomorphError
from isomorph.models import TextRecipe, list_models, load_model
from isomorph.models._device import available_devices


def message(call, *arguments, **options) -> str:
    with pytest.raises(IsomorphError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def test_names() -> None:
    assert message(load_model, "tim/resnet18") == "no model source is called 'tim'. Did you mean 'timm'?"
    assert message(load_model, "bundled/pixles") == "no model is called 'bundled/pixles'. Did you mean 'bundled/pixels'?"
    assert message(load_model, "resnet18") == (
        "'resnet18' is not a model's name; it reads 'source/architecture.tag', such as 'bundled/efficientnet_lite0.imagenet1k'."
    )
    assert message(list_models, "bundled/*", license="MIT") == "no model fact is called 'license'. Did you mean 'licence'?"


def test_devices() -> None:
    there = ", ".join(map(repr, available_devices()))
    assert message(load_model, "bundled/pixels", device="cuda:64") == f"this machine has no device 'cuda:64'; it has {there}."
    assert message(load_model, "bundled/pixels", device="gpu") == f"'gpu' is not a device's name; this machine has {there}."


def test_recipes() -> None:
    pixels = load_model("bundled/pixels")
    assert message(pixels.with_recipe, crop=3) == (
        "ImageRecipe: no option is called 'crop'. There are: channels, height_pixels, interpolation, maximum, mean, resize, resize_pixels, "
        "std, width_pixels."
    )
    assert message(pixels.with_recipe, resize_pixels=0) == "the image recipe needs resize_pixels of at least 1; got 0."
    assert message(pixels.prepare, []) == "bundled/pixels was given no stimuli to prepare."
    grey = np.zeros((5, 6), dtype=np.float32)
    assert message(pixels.prepare, [grey]) == "a picture must be uint8 [height, width, 3]; got float32 [5, 6]."


def test_texts() -> None:
    assert message(TextRecipe(max_tokens=2).fit, "one two three", [1, 2, 3]) == (
        "the text 'one two three' has 3 tokens; the model reads 2. Shorten it, or load the model with recipe={'too_long': 'truncate'}."
    )
    assert message(TextRecipe().fit, "?", []) == "the text '?' holds no token that the model knows."


@pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FetchError) as caught:
        load_model("timm/test_vit.r160_in1k")
    text = str(caught.value)
    assert text.startswith("the weights of 'timm/test_vit.r160_in1k' are not in timm's cache and their hub cannot be reached (")
    assert text.endswith(
        "Load them once on a machine with a network and copy its cache (the folder $HF_HOME), "
        "or use untrained weights: 'timm/test_vit.random-0'."
    )
