"""What extraction says when it cannot go on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.errors import InputError, IsomorphError, NonFiniteError, UnknownNameError
from isomorph.models import extract, wrap_model
from isomorph.stimuli import Stimuli

STIMULI = Stimuli.from_arrays(np.full((6, 8, 8, 3), 7, np.uint8), ids=[f"p{index}" for index in range(6)])


def model_of(module, **options):
    return wrap_model(module, name="net", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255, **options)


@pytest.fixture(scope="module")
def model():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten())
    net.unused = None
    return model_of(net)


LIST = "`isomorph extract user/net --stimuli … --dry-run` lists its layers."


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"layers": "ouput"}, InputError, f"user/net has no layer called 'ouput'. Did you mean 'output'? {LIST}"),
        ({"layers": "blocks.*"}, InputError, f"user/net has no layer that fits 'blocks.*'. {LIST}"),
        ({"layers": 9}, InputError, f"user/net has 2 layers; there is none at position 9. {LIST}"),
        ({"layers": 1.5}, InputError, "a depth lies between 0.0 (the first layer) and 1.0 (the last); got 1.5."),
        ({"layers": []}, InputError, 'layers names no layer; use "all", names, patterns, positions or depths between 0.0 and 1.0.'),
        (
            {"pool": "average"},
            UnknownNameError,
            "no pooling is called 'average'. There are: cls, cls+tokens, flatten, max, mean, tokens.",
        ),
        ({"reduce": "grams"}, UnknownNameError, "no reduction is called 'grams'. Did you mean 'gram'?"),
        ({"precision": "float8"}, UnknownNameError, "no precision is called 'float8'. Did you mean 'float32' or 'float16' or 'bfloat16'?"),
        ({"batch_size": 0}, InputError, "batch_size must be a whole number of at least 1; got 0."),
        ({"sketch_width": 8}, InputError, "sketch_width=8 needs reduce=\"sketch\"; got reduce='features'."),
        (
            {"layers": "0", "pool": "cls"},
            InputError,
            "the layer '0' of user/net cannot be extracted: it is a map of shape (4, 6, 6) and has no tokens.",
        ),
    ],
)
def test_options(model, options, kind, message):
    with pytest.raises(kind) as caught:
        extract(model, STIMULI, **options)
    assert str(caught.value) == message


def test_a_layer_that_was_not_extracted(model):
    extraction = extract(model, STIMULI)
    with pytest.raises(KeyError) as caught:
        extraction["5"]
    assert str(caught.value) == "the extraction holds no layer '5'. There are: 0, 1."


def test_memory_that_is_too_small(model):
    with pytest.raises(InputError) as caught:
        extract(model, STIMULI, memory_limit="1KB")
    text = str(caught.value)
    assert text.startswith("the layers chosen of user/net need ")
    assert text.endswith(' for 6 stimuli, and memory_limit is 1 KB. Give a store, or choose fewer layers, a pooling, or reduce="gram".')
    with pytest.raises(InputError) as caught:
        extract(model, STIMULI, memory_limit="1KB", reduce="gram")
    assert str(caught.value).endswith(
        "even one stimulus at a time, and memory_limit is 1 KB. Raise it, or choose fewer layers or a pooling."
    )


def test_words_for_a_model_of_pictures(model):
    with pytest.raises(InputError) as caught:
        extract(model, Stimuli.from_texts(["a", "b"]))
    assert str(caught.value) == "user/net reads images, but the stimuli are texts."


class Breaks(nn.Module):
    """NaN for bright pictures."""

    def forward(self, x):
        return torch.where(x.amax((1, 2, 3), keepdim=True) > 0.5, torch.nan, x + 1)


@pytest.mark.parametrize("reduce", ["features", "gram", "sketch"])
@pytest.mark.parametrize("batch_size", [2, 6])
def test_nan_names_the_layer_and_the_first_stimulus(reduce, batch_size):
    pixels = np.full((6, 8, 8, 3), 7, np.uint8)
    pixels[3:5] = 255
    stimuli = Stimuli.from_arrays(pixels, ids=[f"p{index}" for index in range(6)])
    net = nn.Sequential(nn.Identity(), Breaks(), nn.Conv2d(3, 2, 3))
    with pytest.raises(NonFiniteError) as caught:
        extract(model_of(net), stimuli, reduce=reduce, batch_size=batch_size)
    assert str(caught.value).startswith("the layer '1' of user/net has ")
    assert str(caught.value).endswith("the first is 'p3'.")
    assert extract(model_of(net), stimuli, layers="0", reduce=reduce)


class Clamp(nn.Module):
    def forward(self, x):
        return x.clamp(max=0.5)


def test_a_layer_that_equals_another_only_for_the_stimuli_of_the_dry_run():
    pixels = np.full((6, 8, 8, 3), 7, np.uint8)
    pixels[3] = 255
    model, stimuli = model_of(nn.Sequential(nn.Identity(), Clamp())), Stimuli.from_arrays(pixels, ids=[f"p{index}" for index in range(6)])
    for options in ({"reduce": "gram"}, {"batch_size": 2}):
        with pytest.raises(InputError) as caught:
            extract(model, stimuli, **options)
        first = "p0" if "reduce" in options else "p2"
        assert str(caught.value) == (
            "the layer '1' of user/net equalled '0' in the dry run but differs for some stimuli "
            f"from {first!r} on. Run again with keep_duplicates=True."
        )
    assert list(extract(model, stimuli, keep_duplicates=True)) == ["0", "1", "output"]
    assert list(extract(model, stimuli, layers="0")) == ["0"]


@pytest.mark.filterwarnings("error")
def test_products_that_overflow():
    class Huge(nn.Module):
        def forward(self, x):
            return x * torch.linspace(0, 1e30, 8)

    pixels = np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(IsomorphError) as caught:
        extract(model_of(Huge()), Stimuli.from_arrays(pixels), reduce="gram")
    assert str(caught.value) == "the layer 'output' of user/net is finite, but its products overflow float32."
