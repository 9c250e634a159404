"""The texts of what can go wrong with models of transformers, sentence encoders and towers."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph import Stimuli
from isomorph.errors import FetchError, IsomorphError
from isomorph.models import extract, load_model, model_card

if find_spec("transformers") is None:
    pytest.skip("needs transformers: pip install 'isomorph[hf]'", allow_module_level=True)

VIT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "image_size": 32, "patch_size": 8}
PREPARED = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}}


def message(call, *arguments, **options) -> str:
    with pytest.raises(IsomorphError) as caught:
        call(*arguments, **options)
    return str(caught.value)


@pytest.fixture
def vit(tmp_path):
    """A folder with a tiny ViT."""
    from isomorph.models._torchvision_guard import import_beside_torchvision

    transformers = import_beside_torchvision("transformers")
    transformers.ViTModel(transformers.ViTConfig(**VIT)).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPARED))
    return tmp_path


@pytest.fixture
def offline(tmp_path, monkeypatch: pytest.MonkeyPatch):
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def test_names(offline) -> None:
    assert message(load_model, "hf/facebook/dinov2-base/x") == (
        "no model is called 'hf/facebook/dinov2-base/x'. Did you mean 'hf/facebook/dinov2-base' or 'hf/facebook/dinov2-large' or "
        "'hf/facebook/dinov2-small'?"
    )
    text = message(load_model, "hf/facebook/dinov2-bse")
    assert text.startswith("'hf/facebook/dinov2-bse' is neither in the catalogue nor in the hub's cache, and the hub cannot be reached (")
    assert "Did you mean 'hf/facebook/dinov2-base' or " in text
    assert text.endswith(
        "Load it once on a machine with a network and copy its cache (the folder $HF_HOME), or name a folder with its files: 'hf/./FOLDER'."
    )
    with pytest.raises(FetchError, match=r"sentence_transformers/\./FOLDER"):
        load_model("sentence_transformers/someone/encoder")


def test_a_hub_that_cannot_be_reached(offline) -> None:
    text = message(load_model, "hf/facebook/dinov2-small")
    assert text.startswith("the weights of 'hf/facebook/dinov2-small' are not in the hub's cache and their hub cannot be reached (")
    assert text.endswith("or use untrained weights: 'hf/facebook/dinov2-small.random-0'.")


def test_folders(tmp_path, vit) -> None:
    assert message(load_model, f"hf/{tmp_path}/none") == f"there is no folder {tmp_path}/none to load a model from."
    empty = tmp_path / "empty"
    empty.mkdir()
    assert message(load_model, f"hf/{empty}") == (
        f"the folder {empty} holds no config.json; a model that was saved by save_pretrained has one."
    )
    config = json.loads((vit / "config.json").read_text())
    (vit / "model.safetensors").rename(vit / "elsewhere")
    assert message(load_model, f"hf/{vit}") == (
        f"the folder {vit} holds no weights: there is no model.safetensors and no pytorch_model.bin. 'hf/{vit}.random-0' is the same "
        "network untrained."
    )
    (vit / "model.safetensors").write_bytes(b"\x10" * 40)
    assert message(load_model, f"hf/{vit}").startswith(f"the folder {vit} cannot be read as a model of transformers: ")
    (vit / "config.json").write_text(json.dumps(config | {"model_type": "mine", "auto_map": {"AutoModel": "mine.Mine"}}))
    (vit / "mine.py").write_text("raise SystemExit('this ran')")
    text = message(load_model, f"hf/{vit}")
    assert text.startswith(f"the config.json of {vit} says model_type 'mine', which transformers ")
    assert "code that comes with weights is never run" in text


def test_pickled_weights_are_read_as_tensors_or_not_at_all(vit) -> None:
    from safetensors.torch import load_file

    before = load_model(f"hf/{vit}").weights
    state = load_file(vit / "model.safetensors")
    (vit / "model.safetensors").unlink()
    torch.save(state, vit / "pytorch_model.bin")
    assert load_model(f"hf/{vit}").weights == before

    class Hostile:
        def __reduce__(self):
            return (print, ("this ran",))

    torch.save({**state, "extra": Hostile()}, vit / "pytorch_model.bin")
    text = message(load_model, f"hf/{vit}")
    assert text.startswith(f"{vit / 'pytorch_model.bin'} is not a file of weights that can be read safely: ")
    state.pop("layernorm.weight")
    torch.save(state, vit / "pytorch_model.bin")
    assert message(load_model, f"hf/{vit}") == f"the weights of {vit} lack 1 tensors of ViTModel; the first is 'layernorm.weight'."


def test_preparations_that_no_recipe_can_say(vit) -> None:
    def said(**changes) -> str:
        (vit / "preprocessor_config.json").write_text(json.dumps(PREPARED | changes))
        return message(load_model, f"hf/{vit}")

    way_out = "Load the network with transformers and pass it to wrap_model with a function that prepares its pictures."
    front = f"'hf/{vit}' prepares pictures with "
    assert said(blur_radius=3) == f"{front}blur_radius=3, which an image recipe cannot say. {way_out}"
    assert said(resample=1) == f"{front}resample=1 (lanczos), which an image recipe cannot say. {way_out}"
    assert said(do_resize=False).startswith(f"{front}do_resize=False: pictures of different sizes make no batch")
    assert said(image_processor_type="MineImageProcessor").startswith(f"{front}the processor 'MineImageProcessor'")
    assert said(size={"shortest_edge": 32}).startswith(f"{front}size={{'shortest_edge': 32}} with do_center_crop=False, crop_size=None")
    (vit / "preprocessor_config.json").unlink()
    assert message(load_model, f"hf/{vit}") == (
        f"{vit} does not say how pictures are prepared: it has no preprocessor_config.json. Put the one of the model that it was "
        "fine-tuned from beside its config.json."
    )


def test_towers(vit) -> None:
    assert message(load_model, f"hf/{vit}:text") == f"'hf/{vit}' reads images alone; it has no tower of texts."
    assert message(load_model, "bundled/pixels", modality="text") == "'bundled/pixels' reads images alone; it has no tower of texts."
    assert message(load_model, "hf/openai/clip-vit-base-patch32:text", modality="image") == (
        "'hf/openai/clip-vit-base-patch32:text' is the tower of texts, but modality='image' was asked for; leave one of the two out."
    )
    assert message(load_model, "bundled/pixels", modality="sound") == "modality must be 'image' or 'text'; got 'sound'."
    assert model_card("bundled/pixels:image").name == "bundled/pixels"
    model = load_model(f"hf/{vit}")
    assert message(extract, model, Stimuli.from_texts(["a", "b"])) == f"hf/{vit} reads images, but the stimuli are texts."
    sound = load_model(f"hf/{vit}.random-1")
    assert message(sound.prepare, [np.zeros((3, 3))]) == "a picture must be uint8 [height, width, 3]; got float64 [3, 3]."


def test_a_tokeniser_that_is_not_there(tmp_path) -> None:
    from isomorph.models._torchvision_guard import import_beside_torchvision

    transformers = import_beside_torchvision("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 9}
    transformers.BertModel(transformers.BertConfig(**sizes)).save_pretrained(tmp_path)
    text = message(load_model, f"hf/{tmp_path}")
    assert text == f"{tmp_path} holds no tokeniser that can be read: put its tokenizer.json beside config.json."


@pytest.mark.skipif(find_spec("sentence_transformers") is None, reason="needs sentence-transformers")
def test_modules_of_sentence_encoders(tmp_path, vit) -> None:
    name = f"sentence_transformers/{vit}"
    assert message(load_model, name) == f"the folder {vit} holds no modules.json; a model that was saved by save_pretrained has one."

    def said(*kinds: str, path: str = "") -> str:
        listed = [{"idx": index, "path": path, "type": each} for index, each in enumerate(kinds)]
        (vit / "modules.json").write_text(json.dumps(listed))
        return message(load_model, name)

    assert said("sentence_transformers.models.CLIPModel") == (
        f"{name!r} begins with sentence_transformers.models.CLIPModel; sentence encoders that begin with a Transformer are understood."
    )
    owner = "sentence_transformers.models."
    assert said(f"{owner}Transformer", path="../../elsewhere") == (
        f"{vit} names a folder outside itself, '../../elsewhere'; nothing is read there."
    )
    assert said(f"{owner}Transformer", "os.system").startswith(
        f"{name!r} has a module of the type 'os.system'; Pooling, Normalize and Dense of sentence-transformers are understood"
    )
