"""The texts of what can go wrong with networks whose weights their authors publish at a URL."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from isomorph.errors import IsomorphError
from isomorph.models import load_model, model_card


def message(name: str) -> str:
    with pytest.raises(IsomorphError) as caught:
        load_model(name)
    return str(caught.value)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there: no network
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_names() -> None:
    assert message("published/cornet_x.imagenet1k").startswith(
        "no model is called 'published/cornet_x.imagenet1k'. Did you mean 'published/cornet_"
    )
    assert message("published/cornet_s").startswith("no model is called 'published/cornet_s'. Did you mean 'published/cornet_s.imagenet1k'")


def test_no_network(checkpoints: Path) -> None:
    assert message("published/cornet_z.imagenet1k") == (
        "the weights of 'published/cornet_z.imagenet1k' are not in torch's cache and "
        "https://s3.amazonaws.com/cornet-models/cornet_z-5c427c9c.pth cannot be reached. Put the file there as cornet_z-5c427c9c.pth "
        "(the folder hub/checkpoints under $TORCH_HOME), or use untrained weights: 'published/cornet_z.random-0'."
    )
    assert list(checkpoints.iterdir()) == []


def test_a_file_with_other_bytes_than_its_name_says(checkpoints: Path) -> None:
    file = checkpoints / "cornet_z-5c427c9c.pth"
    torch.save({"state_dict": load_model("published/cornet_z.random-0").module.state_dict()}, file)
    text = message("published/cornet_z.imagenet1k")
    assert text.startswith(f"the weight file of 'published/cornet_z.imagenet1k' does not hold the bytes it should: {file} has the SHA-256 ")
    assert text.endswith(
        "expected 5c427c9c…. Delete that file to have it fetched or installed again; if it stays wrong, it was changed at its source."
    )


@pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
def test_weights_that_cannot_be_had() -> None:
    assert message("published/harmonized_vgg16.clickme") == (
        "the weights of 'published/harmonized_vgg16.clickme' cannot be read here: they are an HDF5 file of Keras 2 (TensorFlow), whose "
        "tensors are not mapped to timm's vgg16. Where that package runs, save the network as ONNX or as a SavedModel and load that. "
        "Untrained: 'published/harmonized_vgg16.random-0'."
    )
    card = model_card("published/harmonized_vgg16.clickme")
    assert card.note.startswith("The weights cannot be read here: they are an HDF5 file of Keras 2")
    assert card.note.endswith("only random weights can be had, in timm's vgg16.")
    assert load_model("published/harmonized_levit_small.random-0").card.objective == "none"
