"""Networks of ours with published weights: sizes, recurrence, names of the weights; random weights only, for nothing is fetched here."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph.models import extract, list_models, load_model, model_card, outline
from isomorph.stimuli import Stimuli

needs_timm = pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
needs_torchvision = pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision: pip install 'isomorph[torchvision]'")
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3), dtype=np.uint8)
EVERY = [*list_models("published/*"), *list_models("ssl/*")]


def parameters(name: str) -> int:
    return sum(each.numel() for each in outline(name).parameters())


# Two have published counts: 53.4 M (CORnet-S, Kubilius et al. 2019, table 1) and 25.6 M less the 2.05 M of the classifier (ResNet-50). The
# others follow from the layers: weights, biases and the two numbers a channel of each normalisation.
SIZES = {
    "cornet_s": 53_416_616,
    "cornet_z": sum(each * 9 for each in (64 * 128, 128 * 256, 256 * 512)) + 3 * 64 * 49 + 64 + 128 + 256 + 512 + 513_000,
    "cornet_r": 3 * 64 * 49
    + 9 * (64 * 128 + 128 * 256 + 256 * 512)
    + 9 * (64**2 + 128**2 + 256**2 + 512**2)
    + 5 * (64 + 128 + 256 + 512)
    + 513_000,
}


def test_sizes_are_the_published_ones() -> None:
    for name, size in SIZES.items():
        assert parameters(f"published/{name}.random-0") == size, name
    assert parameters("published/cornet_rt.random-0") == SIZES["cornet_r"]


@needs_torchvision
def test_ecoset_networks_are_torchvisions_with_565_outputs() -> None:
    # torchvision's own counts for 1,000 classes, less (1000 − 565) × (width + 1) of the last layer (Inception has a second of 768).
    sizes = {
        "alexnet": (61_100_840, 4097),
        "vgg16": (138_357_544, 4097),
        "resnet50": (25_557_032, 2049),
        "inception_v3": (27_161_264, 2818),
    }
    for name, (size, width) in sizes.items():
        assert parameters(f"published/{name}.random-0") == size - 435 * width, name
        network = outline(f"published/{name}.random-0")
        assert network(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 565)


@needs_timm
def test_dreamsims_are_base_transformers() -> None:
    # A ViT-B/16 has 85,798,656 parameters without its classifier; the final norm (2 × 768) is not read.
    assert parameters("published/dreamsim_dino_vitb16.random-0") == 85_798_656 - 1536
    # Two of CLIP's: no bias of the patches (768), a norm before the blocks (1,536), a projection to 512.
    tower = 85_798_656 - 768 + 1536 + 768 * 512
    assert parameters("published/dreamsim_ensemble.random-0") == 85_798_656 - 1536 + 2 * tower
    widths = {"ensemble": 1792, "dino_vitb16": 768, "clip_vitb32": 512, "dinov2_vitb14": 768, "dino_vitb16_patch": 1536}
    for name, width in widths.items():
        network = outline(f"published/dreamsim_{name}.random-0")
        assert network(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, width)


@pytest.mark.skipif(find_spec("timm") is None or find_spec("torchvision") is None, reason="needs timm and torchvision")
@pytest.mark.parametrize("name", EVERY)
def test_every_row_builds_and_has_a_complete_card(name: str) -> None:
    card = model_card(name)
    assert card.name == name
    assert card.objective
    assert card.training_data
    assert card.citation
    assert card.upstream.startswith("https://")
    assert card.weights_sha256 or "digest" in card.note or "cannot be read" in card.note
    drawn = model_card(f"{name.partition('.')[0]}.random-3")
    assert (drawn.objective, drawn.training_data, drawn.weights_sha256) == ("none", "none", "")
    side = card.recipe["height_pixels"]
    assert outline(name)(torch.empty(1, 3, side, side, device="meta")).ndim == 2


@pytest.mark.parametrize("kind", ["z", "r", "rt"])
def test_random_cornets_run_and_come_from_their_seed(kind: str) -> None:
    model, again = load_model(f"published/cornet_{kind}.random-1"), load_model(f"published/cornet_{kind}.random-1")
    assert model.fingerprint == again.fingerprint != load_model(f"published/cornet_{kind}.random-2").fingerprint
    out = model.forward(model.prepare(PICTURES))
    assert out.shape == (2, 1000)
    assert not torch.equal(out[0], out[1])
    assert model.card.parameters == parameters(f"published/cornet_{kind}.random-0")


def test_cornet_s_runs_its_areas_two_four_and_two_times() -> None:
    model = load_model("published/cornet_s.random-0")
    times = {"V1.output": 1, "V2.output": 2, "V4.output": 4, "IT.output": 2}
    names = [f"{area}:{step}" if step > 1 else area for area, count in times.items() for step in range(1, count + 1)]
    found = extract(model, Stimuli.from_arrays(PICTURES), layers=names, keep_duplicates=True)
    assert list(found) == names
    assert found["V4.output:4"].values.shape == (2, 256 * 14 * 14)
    assert found["IT.output:2"].values.shape == (2, 512 * 7 * 7)
    assert not np.array_equal(found["V4.output:3"].values, found["V4.output:4"].values)


def test_cornet_s_by_hand() -> None:
    """One area written out: bottleneck, one stride, its own normalisation at each step."""
    area = load_model("published/cornet_s.random-0").module.V2
    x = torch.rand(1, 64, 8, 8)
    conv, norm, relu = torch.nn.functional.conv2d, torch.nn.functional.batch_norm, torch.relu

    def normed(layer: torch.nn.Module, y: torch.Tensor) -> torch.Tensor:
        return norm(y, layer.running_mean, layer.running_var, layer.weight, layer.bias)

    torch.manual_seed(0)
    for layer in area.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    y = conv(x, area.conv_input.weight)
    first = relu(normed(area.norm1_0, conv(y, area.conv1.weight)))
    first = relu(normed(area.norm2_0, conv(first, area.conv2.weight, stride=2, padding=1)))
    first = relu(normed(area.norm3_0, conv(first, area.conv3.weight)) + normed(area.norm_skip, conv(y, area.skip.weight, stride=2)))
    second = relu(normed(area.norm1_1, conv(first, area.conv1.weight)))
    second = relu(normed(area.norm2_1, conv(second, area.conv2.weight, padding=1)))
    second = relu(normed(area.norm3_1, conv(second, area.conv3.weight)) + first)
    torch.testing.assert_close(area(x), second)


@pytest.mark.parametrize(("kind", "delayed"), [("r", False), ("rt", True)])
def test_recurrent_areas_see_the_one_below_now_or_a_step_before(kind: str, delayed: bool) -> None:
    network = load_model(f"published/cornet_{kind}.random-0").module
    areas = [network.V1, network.V2, network.V4, network.IT]
    seen: dict[int, list[tuple[torch.Tensor, torch.Tensor]]] = {place: [] for place in range(4)}
    for place, area in enumerate(areas):
        area.register_forward_hook(lambda module, inputs, output, place=place: seen[place].append((inputs[0], output)))
    picture = torch.rand(1, 3, 64, 64)
    network(picture)
    for place in range(4):
        assert len(seen[place]) == 5
        for step in range(1, 5):
            expected = picture if place == 0 else seen[place - 1][step - 1 if delayed else step][1]
            assert seen[place][step][0] is expected
    # At the first step nothing has arrived above V1, whatever the picture is.
    other = torch.rand(1, 3, 64, 64)
    network(other)
    assert torch.equal(seen[1][0][1], seen[1][5][1])
    assert not torch.equal(seen[0][0][1], seen[0][5][1])


@needs_timm
def test_dreamsims_output_is_centred_and_its_plain_embedding_is_a_layer() -> None:
    model = load_model("published/dreamsim_open_clip_vitb32.random-0")
    found = extract(model, Stimuli.from_arrays(PICTURES), layers=["embedding", "output"], keep_duplicates=True)
    plain, out = found["embedding"].values, found["output"].values
    assert plain.shape == (2, 512)
    expected = plain - plain.mean(1, keepdims=True)
    np.testing.assert_allclose(out, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert model.card.recipe["resize"] == "squash"
    batch = model.prepare(PICTURES)
    assert (float(batch.min()), float(batch.max())) == (0.0, 1.0) or (batch.min() >= 0 and batch.max() <= 1)


def test_listing_and_reading_cards_imports_nothing_heavy() -> None:
    import subprocess

    script = (
        "import sys; from isomorph.models import list_models, model_card; "
        "[model_card(each) for source in ('published', 'ssl') for each in list_models(source + '/*')]; "
        "print([each for each in ('torch', 'timm', 'torchvision', 'pandas') if each in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"
