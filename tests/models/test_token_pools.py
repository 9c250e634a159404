"""thingsvision's three token options, on tensors made by hand and on small vision transformers, in every reduction."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph.models import extract, wrap_model
from isomorph.models._reduce import CannotPoolError, pooled
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.stimuli import Stimuli

TOKENS = torch.arange(2 * 4 * 3.0).reshape(2, 4, 3)


def test_the_class_token_stands_before_the_mean_of_the_others():
    both = pooled(TOKENS, "cls+tokens", items=2)
    assert both.tolist() == [[0, 1, 2, 6, 7, 8], [12, 13, 14, 18, 19, 20]]


def test_registers_take_no_part_in_either_half():
    both = pooled(TOKENS, "cls+tokens", items=2, prefix_tokens=3)
    assert both[0].tolist() == [0, 1, 2, 9, 10, 11]


def test_padding_takes_no_part():
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]).bool()
    assert pooled(TOKENS, "cls+tokens", items=2, mask=mask)[0].tolist() == [0, 1, 2, 3, 4, 5]


def test_it_is_thingsvisions_concatenation():
    x = torch.randn(5, 9, 7)
    expected = torch.cat((x[:, 0], x[:, 1:].mean(dim=1)), dim=1)
    assert torch.equal(pooled(x, "cls+tokens", items=5), expected)


@pytest.mark.parametrize(
    ("tensor", "prefix", "reason"),
    [
        (TOKENS, 0, "the model has no class token"),
        (TOKENS, 4, "it has 4 tokens, none after the first 4"),
        (torch.ones(2, 3, 4, 5), 1, "it is a map of shape (3, 4, 5) and has no tokens"),
    ],
)
def test_what_has_no_such_pooling(tensor, prefix, reason):
    with pytest.raises(CannotPoolError) as error:
        pooled(tensor, "cls+tokens", items=2, prefix_tokens=prefix)
    assert str(error.value) == reason


def vit(registers):
    if find_spec("timm") is None:
        pytest.skip("needs timm")
    timm = import_beside_torchvision("timm")
    torch.manual_seed(0)
    size = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 5, "reg_tokens": registers}
    network = timm.models.vision_transformer.VisionTransformer(**size).eval()
    return wrap_model(network, name="small vit", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)


@pytest.fixture(params=[0, 4], ids=["plain", "registers"])
def model(request):
    return vit(request.param)


@pytest.fixture
def pictures():
    return Stimuli.from_arrays(np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), dtype=np.uint8))


def test_a_transformer_gives_its_class_token_and_the_mean_of_its_patches(model, pictures):
    x = extract(model, pictures, layers=["norm"], pool="cls+tokens")["norm"].values
    with torch.inference_mode():
        tokens = model.module.forward_features(model.prepare([pictures[row] for row in range(6)]))
    assert tokens.shape[1] == model.module.num_prefix_tokens + 16
    expected = torch.cat([tokens[:, 0], tokens[:, model.module.num_prefix_tokens :].mean(1)], dim=1)
    assert np.allclose(x, expected.numpy(), atol=1e-5)


def test_the_plan_knows_the_width(model, pictures):
    options = {"layers": ["patch_embed.norm", "blocks.*", "norm", "head"], "pool": "cls+tokens"}
    plan = extract(model, pictures, dry_run=True, **options)
    done = extract(model, pictures, **options)
    widths = {layer.name: layer.width for layer in plan.layers}
    assert widths == {name: x.width for name, x in done.items()}
    assert widths["norm"] == 48
    assert widths["head"] == 5


def test_grams_and_sketches_are_of_the_pooled_rows(model, pictures):
    options = {"layers": ["norm"], "pool": "cls+tokens"}
    x = extract(model, pictures, **options)["norm"].values.astype(np.float64)
    gram = extract(model, pictures, reduce="gram", **options)["norm"]
    assert gram.width == 48
    assert np.allclose(gram.raw(), x @ x.T, rtol=1e-4)
    sketch = extract(model, pictures, reduce="sketch", sketch_width=16, **options)["norm"]
    assert sketch.values.shape == (6, 16)
    assert sketch.provenance["reduction"] == "sketch(16)"
    whole = extract(model, pictures, reduce="sketch", sketch_width=48, **options)["norm"]
    assert np.array_equal(whole.values, x)
