"""Models that plans know without loading them: what a store remembers, what it never does, and what happens if it is wrong."""

from __future__ import annotations

import json

import pytest

from isomorph.errors import StoreError
from isomorph.models import load_model, model_card
from isomorph.models._model_memory import recall
from isomorph.models._named_model import NamedModel, loaded, named_models
from isomorph.store import Store


def never(name: str):
    raise AssertionError(f"{name} was loaded")


@pytest.mark.parametrize("name", ["bundled/mobilenet_v2.random-3", "bundled/pixels"])
def test_a_store_remembers_what_the_model_is(name, tmp_path):
    store, model = Store(tmp_path), load_model(name)
    (first,) = named_models([name], device="cpu", store=store)
    assert (first.fingerprint, first.card, first.seen) == (model.fingerprint, model.card, ())
    again = NamedModel(asked=name, store=store, build=never)
    assert (again.fingerprint, again.card, again.name, again.modality) == (model.fingerprint, model.card, name, model.modality)
    assert loaded(first).fingerprint == model.fingerprint
    assert loaded(model) is model


def test_names_and_modalities_load_nothing(tmp_path):
    name = "timm/test_vit.random-0"
    unknown = NamedModel(asked=name, store=Store(tmp_path), build=never)
    assert (unknown.name, unknown.modality, unknown.known) == (name, "image", model_card(name))


def test_what_is_remembered_wrongly_is_refused_and_forgotten(tmp_path):
    name, store = "bundled/pixels", Store(tmp_path)
    (model,) = named_models([name], device="cpu", store=store)
    right = model.fingerprint
    (path,) = (tmp_path / "models").iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "0" * 64}))
    (wrong,) = named_models([name], device="cpu", store=store)
    assert wrong.fingerprint == "0" * 64
    with pytest.raises(StoreError, match=r"^bundled/pixels is not what the store .* remembers of it: .*run again"):
        wrong.load()
    assert recall(store, name) is None
    (mended,) = named_models([name], device="cpu", store=store)
    assert mended.fingerprint == right


@pytest.mark.parametrize("content", ["", "{", '{"card": 1}', "[]"])
def test_a_damaged_memory_is_none(content, tmp_path):
    name, store = "bundled/pixels", Store(tmp_path)
    (model,) = named_models([name], device="cpu", store=store)
    right = model.fingerprint
    (path,) = (tmp_path / "models").iterdir()
    path.write_text(content)
    assert recall(store, name) is None
    (again,) = named_models([name], device="cpu", store=store)
    assert again.fingerprint == right


def test_models_whose_files_are_not_known_are_not_remembered(tmp_path):
    (tmp_path / "models").mkdir()
    store = Store(tmp_path)
    for name in ("timm/resnet18.a1_in1k", "hf/some-folder.random-0"):
        assert recall(store, name) is None
    assert not list((tmp_path / "models").iterdir())
