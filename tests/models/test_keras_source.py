import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import isomorph as iso
from isomorph.errors import FetchError, FileError, ShapeError, UnknownNameError
from isomorph.models import list_models, load_model, model_card
from isomorph.stimuli import Stimuli

pytestmark = pytest.mark.skipif(find_spec("keras") is None, reason="needs keras: pip install 'isomorph[keras]'")
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 40, 52, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def keras():
    from isomorph.models._keras_network import keras_on_torch

    return keras_on_torch(needed_by="the tests")


def modules(keras) -> dict[str, object]:
    """The module of each architecture that keras.applications has."""
    found = {}
    for name in dir(keras.applications):
        module = getattr(keras.applications, name)
        if hasattr(module, "preprocess_input"):
            found |= {each: module for each in dir(module) if each[0].isupper()}
    v3 = keras.applications.mobilenet_v3
    return found | {"MobileNetV3Large": v3, "MobileNetV3Small": v3}


def test_every_architecture_of_this_keras_has_a_row(keras) -> None:
    assert list_models("keras/*") == sorted(f"keras/{each}.imagenet" for each in modules(keras))


@pytest.mark.parametrize("name", [each.removeprefix("keras/") for each in list_models("keras/*")])
def test_values_are_those_of_its_own_preprocess_input(keras, name: str) -> None:
    """Per family; other packages gave all of them one preparation."""
    from isomorph.models._keras import KerasSource

    architecture = name.partition(".")[0]
    recipe = KerasSource()._recipe(architecture)
    picture = np.random.default_rng(1).integers(0, 256, (recipe.height_pixels, recipe.width_pixels, 3), dtype=np.uint8)
    same_size = type(recipe)(**{**vars(recipe), "resize": "squash", "resize_pixels": recipe.height_pixels})
    own = modules(keras)[architecture].preprocess_input(picture[None].astype(np.float32), data_format="channels_last")
    np.testing.assert_allclose(same_size([picture]).numpy(), own, rtol=1e-5, atol=2e-5)


def test_layers_equal_those_of_a_keras_model_with_more_outputs(keras) -> None:
    model = load_model("keras/MobileNetV3Small.random-3")
    wanted = ["conv", "expanded_conv_1_project", "activation_*", "predictions"]
    network = model.module._network[0]
    layers = [each.name for each in network.layers]
    names = [next(each for each in layers if each.startswith(prefix.rstrip("*"))) for prefix in wanted]
    found = iso.extract(model, Stimuli.from_arrays(PICTURES), layers=names, batch_size=2)
    assert list(found) == sorted(names, key=layers.index)
    several = keras.Model(network.inputs, [network.get_layer(each).output for each in names])
    expected = several.predict(model.prepare(PICTURES).numpy(), verbose=0)
    for name, values in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[name].values, values.reshape(3, -1), rtol=1e-4, atol=1e-6)
    plan = iso.extract(model, Stimuli.from_arrays(PICTURES), dry_run=True)
    assert plan.layers[0].name == "rescaling"
    assert {each.kind for each in plan.layers} >= {"Rescaling", "Conv2D", "DepthwiseConv2D", "Activation"}


def test_weights_come_from_the_seed_alone(keras) -> None:
    random.seed(7)
    before, policy = random.getstate(), keras.config.dtype_policy().name
    first, again, other = (load_model(f"keras/MobileNetV3Small.random-{seed}") for seed in (0, 0, 1))
    assert random.getstate() == before
    assert keras.config.dtype_policy().name == policy
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.card.objective == "none"
    assert first.card.parameters == sum(each.numel() for name, each in first.module.named_parameters() if "seed" not in name)


@pytest.mark.parametrize("setting", ["channels_first", "mixed_bfloat16"])
def test_the_users_settings_change_nothing_and_stay(keras, setting: str) -> None:
    plain = load_model("keras/MobileNetV3Small.random-0")
    expected = plain.forward(plain.prepare(PICTURES[:1]))
    before = keras.config.image_data_format(), keras.config.dtype_policy()
    (keras.config.set_image_data_format if "channels" in setting else keras.config.set_dtype_policy)(setting)
    try:
        model = load_model("keras/MobileNetV3Small.random-0")
        assert torch.equal(model.forward(model.prepare(PICTURES[:1])), expected)
        assert setting in (keras.config.image_data_format(), keras.config.dtype_policy().name)
    finally:
        keras.config.set_image_data_format(before[0])
        keras.config.set_dtype_policy(before[1])


@pytest.fixture(scope="module")
def saved(keras, tmp_path_factory) -> tuple[Path, np.ndarray, np.ndarray]:
    """A model with a model inside, its batch and Keras's own output."""
    layers = keras.layers
    inner = keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(5, 3, name="conv"), layers.ReLU(name="relu")], name="block")
    pixels = keras.Input((8, 8, 3))
    x = inner(layers.Conv2D(4, 1, name="stem")(pixels))
    model = keras.Model(pixels, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)))
    path = tmp_path_factory.mktemp("keras") / "net.keras"
    model.save(path)
    batch = np.random.default_rng(2).uniform(0, 255, (3, 8, 8, 3)).astype(np.float32)
    return path, batch, model.predict(batch, verbose=0)


def test_a_file_of_keras(saved) -> None:
    path, batch, expected = saved
    model = load_model(f"keras/{path}")
    np.testing.assert_allclose(model.forward(torch.from_numpy(batch)).numpy(), expected, rtol=1e-5, atol=1e-4)
    found = iso.extract(model, Stimuli.from_arrays(PICTURES))
    assert list(found) == ["stem", "block/conv", "block/relu", "pool", "head"]
    assert found.duplicates == {"block": "block/relu", "output": "head"}
    assert model.card.recipe["maximum"] == 255
    assert model_card(f"keras/{path}").weights_sha256 == model.card.weights_sha256
    wrong = model.with_recipe(height_pixels=16)
    with pytest.raises(ShapeError, match=r"takes pictures of \[8, 8, 3\], but the recipe prepares \[16, 8, 3\]"):
        wrong.forward(wrong.prepare(PICTURES))


def test_files_with_code_in_them_are_refused(keras, tmp_path) -> None:
    pixels = keras.Input((8, 8, 3))
    path = tmp_path / "code.keras"
    keras.Model(pixels, keras.layers.Lambda(lambda x: x * 2)(pixels)).save(path)
    with pytest.raises(FileError, match=r"code\.keras is not a model that Keras reads safely: "):
        load_model(f"keras/{path}")
    path.write_bytes(b"nothing")
    with pytest.raises(FileError, match="File is not a zip file"):
        load_model(f"keras/{path}")
    whole = tmp_path / "whole.h5"
    whole.write_bytes(b"")
    with pytest.raises(FileError, match="is a whole model in HDF5, which may hold code, and is not read"):
        load_model(f"keras/{whole}")


def test_weights_alone_go_into_the_named_architecture(keras, tmp_path) -> None:
    drawn = load_model("keras/MobileNetV3Small.random-5")
    path = tmp_path / "mine.weights.h5"
    drawn.module._network[0].save_weights(path)
    filled = load_model(f"keras/MobileNetV3Small@{path}")
    batch = drawn.prepare(PICTURES)
    assert torch.equal(filled.forward(batch), drawn.forward(batch))
    with pytest.raises(FileError, match=r"mine\.weights\.h5 does not hold the weights of MobileNetV2: "):
        load_model(f"keras/MobileNetV2@{path}")
    with pytest.raises(FileError, match=r"there is no file .*absent\.weights\.h5"):
        load_model(f"keras/MobileNetV2@{tmp_path}/absent.weights.h5")


def test_another_backend_is_a_sentence() -> None:
    code = "from isomorph.models import load_model\nload_model('keras/VGG16.random-0')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": "jax"}, check=False
    )
    assert done.stderr.strip().splitlines()[-1] == (
        "isomorph.errors.InputError: 'keras/VGG16.random-0' needs Keras on torch, but in this process Keras is set to 'jax'. Set "
        "KERAS_BACKEND=torch before anything imports Keras."
    )


def test_without_a_network(keras, monkeypatch, tmp_path) -> None:
    from urllib.error import URLError

    def unreachable(*arguments):
        raise URLError("no route")

    monkeypatch.setattr(sys.modules[keras.utils.get_file.__module__], "urlretrieve", unreachable)
    monkeypatch.setattr(keras.config, "keras_home", lambda: str(tmp_path), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FetchError, match=r"are not in Keras's cache and their server cannot be reached: URL fetch failure on .* untrained"):
        load_model("keras/MobileNetV3Small")


def test_names(keras) -> None:
    assert model_card("keras/ResNet50").name == "keras/ResNet50.imagenet"
    assert model_card("keras/ResNet50").recipe["channels"] == "bgr"
    assert model_card("keras/EfficientNetB3.random-1").recipe["height_pixels"] == 300
    with pytest.raises(UnknownNameError, match=r"Did you mean 'keras/ResNet50\.imagenet'"):
        load_model("keras/Resnet50")
