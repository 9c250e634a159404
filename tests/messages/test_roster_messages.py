"""The texts of what can go wrong with models whose weights are elsewhere, and with rosters."""

from importlib.util import find_spec

import pytest
import torch

from isomorph.errors import FetchError, IsomorphError
from isomorph.models import load_model, outline, roster


def message(call, *args, **options) -> str:
    with pytest.raises(IsomorphError) as caught:
        call(*args, **options)
    return str(caught.value)


def test_names() -> None:
    assert message(roster, "things") == "no roster is called 'things'. There are: similarity-consistency."
    assert message(outline, "bundled/pixels") == (
        "'bundled/pixels' comes from a source of finished networks, which has no outlines; load the model instead."
    )
    assert message(load_model, "hf/a/b/c").startswith("no model is called 'hf/a/b/c'.")


@pytest.fixture
def checkpoints(tmp_path, monkeypatch: pytest.MonkeyPatch):
    if find_spec("torchvision") is None:
        pytest.skip("needs torchvision: pip install 'isomorph[torchvision]'")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_files_of_weights_that_are_not_what_they_should_be(checkpoints) -> None:
    file = checkpoints / "ssl-resnet50-vicreg.pth"
    torch.save({"state_dict": {"conv1.weight": torch.zeros(3)}}, file)
    assert message(load_model, "ssl/resnet50.vicreg") == (
        f"{file} does not hold this network: of its 318 tensors 264 are missing and 1 have another shape; the first is 'bn1.weight'."
    )
    torch.save({"model": {"x": torch.zeros(1)}, "written by": object()}, file)
    text = message(load_model, "ssl/resnet50.vicreg")
    assert text.startswith(f"{file} holds more than tensors, or is damaged, and is not read: ")
    assert text.endswith(
        "If you trust where it comes from, save the tensors of its network alone with torch.save(state_dict, path), and put that file in "
        "its place."
    )
    file.write_bytes(b"not a checkpoint")
    assert message(load_model, "ssl/resnet50.vicreg").startswith(f"{file} holds more than tensors, or is damaged, and is not read: ")


def test_a_network_that_cannot_be_reached(checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert message(load_model, "ssl/resnet50.vicreg") == (
        "the weights of 'ssl/resnet50.vicreg' are not in torch's cache and https://dl.fbaipublicfiles.com/vicreg/resnet50.pth cannot be "
        "reached. Put the file there as ssl-resnet50-vicreg.pth (the folder hub/checkpoints under $TORCH_HOME), or use untrained "
        "weights: 'ssl/resnet50.random-0'."
    )
    assert not any(checkpoints.iterdir())


@pytest.mark.parametrize(
    ("package", "name", "untrained"),
    [
        ("open_clip", "open_clip/ViT-B-16.openai", "open_clip/ViT-B-16.random-0"),
        ("transformers", "hf/align_base.kakaobrain", "hf/align_base.random-0"),
    ],
)
def test_a_hub_that_cannot_be_reached(package: str, name: str, untrained: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(package) is None:
        pytest.skip(f"needs {package}")
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FetchError) as caught:
        load_model(name)
    text = str(caught.value)
    assert text.startswith(f"the weights of {name!r} are not in the hub's cache and their hub cannot be reached (")
    assert text.endswith(
        f"Load them once on a machine with a network and copy its cache (the folder $HF_HOME), or use untrained weights: {untrained!r}."
    )
