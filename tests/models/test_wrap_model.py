import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from isomorph.errors import InputError
from isomorph.models import ImageRecipe, ModelCard, wrap_model
from isomorph.models._source_digest import source_digest

IMAGES = [np.full((4, 4, 3), value, dtype=np.uint8) for value in (0, 128, 255)]


def as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image / 255).float().permute(2, 0, 1)


def brighter(image: np.ndarray) -> torch.Tensor:
    return as_tensor(image) + 1


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.9), torch.nn.Linear(48, 5))


def test_a_module_becomes_a_frozen_model() -> None:
    model = wrap_model(net(), name="mine", preprocess=as_tensor)
    assert model.name == "user/mine"
    assert model.card.parameters == 245
    first, second = (model.forward(model.prepare(IMAGES)) for _ in range(2))
    assert torch.equal(first, second)  # dropout is off
    assert not first.requires_grad
    assert model.token_mask(model.prepare(IMAGES)) is None


def test_the_fingerprint_covers_weights_structure_and_preprocessing() -> None:
    def print_of(module: torch.nn.Module, **kwargs: object) -> str:
        return wrap_model(module, **({"name": "mine", "preprocess": as_tensor} | kwargs)).fingerprint  # type: ignore[arg-type]

    changed = net()
    with torch.no_grad():
        changed[2].bias[0] += 1e-3  # type: ignore[index, operator]
    restructured = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.1), net()[2])  # type: ignore[index]
    same = print_of(net())
    assert same == print_of(net())
    others = {
        print_of(changed),
        print_of(restructured),
        print_of(net(), preprocess=brighter),
        print_of(net(), preprocess=ImageRecipe()),
        print_of(net(), name="other"),
    }
    assert len(others | {same}) == 6


class Scale:
    def __init__(self, factor: float, table: tuple[float, ...] = ()) -> None:
        self.factor, self.table = factor, np.array(table)

    def __call__(self, image: np.ndarray) -> torch.Tensor:
        return as_tensor(image) * self.factor

    def method(self, image: np.ndarray) -> torch.Tensor:
        return self(image)


def scaled(image: np.ndarray, factor: float = 1.0) -> torch.Tensor:
    return as_tensor(image) * factor


def closure(factor: float):  # type: ignore[no-untyped-def]
    return lambda image: scaled(image, factor)


def test_the_fingerprint_covers_the_values_that_a_preparation_holds() -> None:
    def print_of(preprocess: object) -> str:
        return wrap_model(net(), name="mine", preprocess=preprocess).fingerprint  # type: ignore[arg-type]

    for make in (closure, Scale, lambda factor: functools.partial(scaled, factor=factor), lambda factor: Scale(factor).method):
        assert print_of(make(1.0)) == print_of(make(1.0))
        assert print_of(make(1.0)) != print_of(make(2.0))
    assert print_of(Scale(1.0, (1.0, 2.0))) != print_of(Scale(1.0, (1.0, 3.0)))
    assert len({print_of(closure(net())), print_of(closure(net()[2]))}) == 2  # type: ignore[index]


def test_a_library_that_a_preparation_carries_is_named_and_not_walked_through() -> None:
    def carrying():  # type: ignore[no-untyped-def]
        import torch as library

        def preparation(image):  # type: ignore[no-untyped-def]
            return library.from_numpy(image)

        return preparation

    before = source_digest(carrying())
    torch.a_part_that_loads_later = object()  # type: ignore[attr-defined]
    try:
        assert source_digest(carrying()) == before
    finally:
        del torch.a_part_that_loads_later  # type: ignore[attr-defined]


def test_the_fingerprint_is_the_same_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import functools, torch\nfrom isomorph.models import wrap_model\n"
        "def scaled(image, function, kinds):\n    return function(image)\n"
        "torch.manual_seed(0)\n"
        "preprocess = functools.partial(scaled, function=lambda image: torch.from_numpy(image), kinds={'a', 'b', 'c'})\n"
        "net = torch.nn.Linear(3, 2)\nnet.extra_repr = lambda: repr(scaled)\n"
        "print(wrap_model(net, name='mine', preprocess=preprocess).fingerprint)\n"
    )
    runs = [subprocess.run([sys.executable, tmp_path / "mine.py"], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert len(runs[0]) == 65
    assert runs[0] == runs[1]


def test_the_fingerprint_follows_the_network() -> None:
    model = wrap_model(net(), name="mine", preprocess=as_tensor)
    before = model.fingerprint
    assert model.fingerprint == before
    model.module[2].weight.data.mul_(2)  # type: ignore[index, operator, union-attr]
    trained = model.fingerprint
    model.module[0] = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.ReLU())  # type: ignore[index, operator]
    assert len({before, trained, model.fingerprint}) == 3


def test_a_function_is_a_model_too() -> None:
    model = wrap_model(lambda batch: batch.mean((2, 3)), name="lab/means", preprocess=as_tensor)
    assert model.name == "lab/means"
    assert model.card.source == "lab"
    torch.testing.assert_close(model.forward(model.prepare(IMAGES))[:, 0], torch.tensor([0, 128 / 255, 1]))
    other = wrap_model(lambda batch: batch.amax((2, 3)), name="lab/means", preprocess=as_tensor)
    assert other.fingerprint != model.fingerprint


def test_an_image_recipe_can_prepare() -> None:
    recipe = ImageRecipe(height_pixels=8, width_pixels=8, resize="squash", resize_pixels=8)
    model = wrap_model(torch.nn.Identity(), name="mine", preprocess=recipe)
    assert model.prepare(IMAGES).shape == (3, 3, 8, 8)
    assert model.with_recipe(height_pixels=4, width_pixels=4).prepare(IMAGES).shape == (3, 3, 4, 4)


def test_dicts_texts_and_masks() -> None:
    def encode(text: str) -> dict[str, torch.Tensor]:
        ids = torch.tensor([ord(each) for each in text.ljust(6)])
        return {"ids": ids, "mask": ids != 32}

    class Sums(torch.nn.Module):
        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return (ids * mask).sum(1, keepdim=True)

    model = wrap_model(Sums(), name="sums", preprocess=encode, modality="text", token_mask=lambda batch: batch["mask"])
    batch = model.prepare(["ab", "abc"])
    assert model.forward(batch).tolist() == [[195], [294]]
    assert model.token_mask(batch).sum(1).tolist() == [2, 3]  # type: ignore[union-attr]


def test_a_card_of_ones_own_keeps_its_facts() -> None:
    card = ModelCard(name="x/y", source="x", licence="MIT", objective="triplets")
    model = wrap_model(net(), name="mine", preprocess=as_tensor, card=card)
    assert (model.card.name, model.card.licence, model.card.objective) == ("user/mine", "MIT", "triplets")


def test_what_cannot_be_wrapped_is_named() -> None:
    with pytest.raises(InputError, match="needs preprocess to be callable; got int"):
        wrap_model(net(), name="mine", preprocess=3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs the model to be callable; got str"):
        wrap_model("resnet", name="mine", preprocess=as_tensor)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="with a function of your own"):
        wrap_model(net(), name="mine", preprocess=as_tensor).with_recipe(resize="squash")
    uneven = wrap_model(net(), name="mine", preprocess=as_tensor)
    with pytest.raises(InputError, match="tensors of different shapes"):
        uneven.prepare([IMAGES[0], np.zeros((5, 4, 3), np.uint8)])
