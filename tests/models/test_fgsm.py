"""Pictures that make a classifier err."""

import numpy as np
import pytest
import torch

from isomorph.errors import MissingDependencyError
from isomorph.models import ImageRecipe, Model, fgsm, load_model, wrap_model
from isomorph.models._layout_recipe import LayoutRecipe
from isomorph.stimuli import Stimuli

SIDE = 12


def network(seed: int = 0, channels: int = 3) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 8, 3), torch.nn.GELU(), torch.nn.AdaptiveAvgPool2d(3), torch.nn.Flatten(), torch.nn.Linear(72, 5)
    )


def model(net: torch.nn.Module | None = None, recipe: type[ImageRecipe] = ImageRecipe, **options: object) -> Model:
    sides = {"height_pixels": SIDE, "width_pixels": SIDE, "resize_pixels": SIDE}
    return wrap_model(net or network(), name="net", preprocess=recipe(**sides, **options))


def noise(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def slopes(net: torch.nn.Module, values: torch.Tensor, target: int, loss: str) -> torch.Tensor:
    """The derivative of the loss by central differences, in float64."""
    net = net.double()
    step = 1e-5
    out = torch.zeros_like(values, dtype=torch.float64)
    for each in np.ndindex(*values.shape):
        ends = []
        for sign in (1, -1):
            moved = values.double().clone()
            moved[each] += sign * step
            logits = net(moved[None])[0]
            ends.append(-(logits.log_softmax(0) if loss == "cross-entropy" else logits)[target])
        out[each] = (ends[0] - ends[1]) / (2 * step)
    net.float()
    return out


@pytest.mark.parametrize("loss", ["cross-entropy", "raw-logits"])
def test_one_step_up_the_slope(loss: str) -> None:
    with torch.no_grad():
        slope = slopes(network(), model().prepare(noise(1))[0], 2, loss).numpy()
    std = np.array(ImageRecipe().std)
    pixels = noise(1)[0].astype(float)
    levels = 0.3 * 255 * std * np.sign(slope).transpose(1, 2, 0)
    found = fgsm(model(), noise(1), [2], epsilon=0.3, loss=loss)
    sure = np.abs(slope).transpose(1, 2, 0) > 1e-8
    np.testing.assert_array_equal(found.pixels[0][sure], np.clip(np.rint(pixels + levels), 0, 255)[sure])
    assert sure.mean() > 0.95
    in_pixels = fgsm(model(), noise(1), [2], epsilon=8 / 255, loss=loss, space="pixels")
    np.testing.assert_array_equal(in_pixels.pixels[0][sure], np.clip(pixels + 8 * np.sign(slope).transpose(1, 2, 0), 0, 255)[sure])


def test_the_loss_grows_and_only_errors_are_kept():
    shown = Stimuli.from_arrays(noise(40), [f"n{each}" for each in range(40)])
    found = fgsm(model(), shown, epsilon=0.1, batch_size=7)
    np.testing.assert_array_equal(found.targets, found.before)
    assert 0 < found.kept.sum() < 40
    net = model()
    logits = net.module(net.prepare(list(found.pixels)))
    np.testing.assert_array_equal(logits.argmax(1).numpy(), found.after)
    kept = found.stimuli
    assert kept.ids == tuple(each for each, errs in zip(shown.ids, found.kept, strict=True) if errs)
    assert (kept.metadata["after"] != kept.metadata["target"]).all()
    np.testing.assert_array_equal(kept[0], found.pixels[np.flatnonzero(found.kept)[0]])
    whole = fgsm(model(), shown, epsilon=0.1, batch_size=40)
    np.testing.assert_array_equal(whole.pixels, found.pixels)


def test_labels_by_id_and_the_models_own_answer_where_there_is_none():
    shown = Stimuli.from_arrays(noise(3), ["a", "b", "c"])
    found = fgsm(model(), shown, {"c": 4, "b": None, "a": 1, "d": 0})
    np.testing.assert_array_equal(found.targets, [1, found.before[1], 4])


def test_a_step_of_a_third_of_a_level_is_no_attack_on_a_file():
    """VisAlign's smallest two steps, 0.005 and 0.01, are less than one of 256 levels."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIDE * SIDE * 3, 2, bias=False))
    stored, floats = (fgsm(model(net), noise(300), epsilon=0.005, rounded=rounded) for rounded in (True, False))
    np.testing.assert_array_equal(stored.pixels, noise(300))
    np.testing.assert_array_equal(stored.after, stored.before)
    assert floats.kept.any()


def test_values_stay_what_a_pixel_can_be_or_within_the_clamp():
    white = np.full((1, SIDE, SIDE, 3), 255, dtype=np.uint8)
    net, seen = network(), []
    net[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().clone()))
    fgsm(model(net), white, epsilon=0.5, rounded=False)
    fgsm(model(net), white, epsilon=0.5, rounded=False, clamp=1.0)
    recipe = ImageRecipe()
    top = (1 - torch.tensor(recipe.mean)) / torch.tensor(recipe.std)
    assert (seen[1].amax((0, 2, 3)) <= top + 1e-6).all()
    assert seen[3].abs().max() == 1


def test_channels_in_another_order_and_on_another_scale():
    plain = fgsm(model(), noise(), epsilon=8 / 255, space="pixels")
    net = network()
    recipe = ImageRecipe()
    scale = {name: tuple(255 * each for each in getattr(recipe, name)[::-1]) for name in ("mean", "std")}
    swapped = fgsm(model(_Scaled(net), channels="bgr", maximum=255.0, **scale), noise(), epsilon=8 / 255, space="pixels")
    np.testing.assert_array_equal(swapped.pixels, plain.pixels)
    last = fgsm(model(_Last(net), LayoutRecipe, layout="nhwc"), noise(), epsilon=8 / 255, space="pixels")
    np.testing.assert_array_equal(last.pixels, plain.pixels)
    np.testing.assert_array_equal(last.after, plain.after)


class _Scaled(torch.nn.Module):
    """Takes blue first, and white as 255."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.net(x.flip(1))}


class _Last(torch.nn.Module):
    """Takes the channels last."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x.permute(0, 3, 1, 2))


def test_an_imagenet_classifier_is_led_away_from_what_it_recognised():
    from isomorph.benchmarks import packaged_photographs

    try:
        net, photos = load_model("bundled/efficientnet_lite0.imagenet1k"), packaged_photographs()[:4]
    except MissingDependencyError as error:
        pytest.skip(str(error))
    found = fgsm(net, photos, epsilon=0.1)
    assert found.kept.sum() >= 3
    again = net.with_recipe(resize_pixels=224)
    output = again.forward(again.prepare(list(found.stimuli)))
    np.testing.assert_array_equal(output.argmax(1).numpy(), found.after[found.kept])
    clean = net.forward(net.prepare(list(photos)))
    np.testing.assert_array_equal(clean.argmax(1).numpy(), found.before)
