"""Fitted transforms: what they compute, for whom, and how they are kept."""

import numpy as np
import pytest
import torch

from isomorph.alignment import FittedTransform, Global, Ridge, list_transforms, load_transform, transform_to_file
from isomorph.features import Features, load_features

PUBLISHED = {  # the specification's table: width, bias, mean, std
    "clip_ViT-L/14": ("visual", 768, False, 0.0029, 0.6942),
    "dino-vit-base-p16": ("norm", 768, True, -0.0021, 2.4016),
    "dinov2-vit-base-p14": ("norm", 768, True, -0.00774, 1.7008),
    "resnet18": ("avgpool", 512, True, 0.8854, 0.9159),
}


@pytest.mark.filterwarnings("ignore:resnet18")
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_transforms_are_what_was_published(name, data_path):
    module, width, bias, mean, std = PUBLISHED[name]
    path = data_path("glocal-transforms", f"{name}/{module}/transform.npz")
    fitted = load_transform(f"glocal/{name}")
    with np.load(path, allow_pickle=False) as file:
        raw = {key: file[key].astype(np.float64) for key in file.files}
    assert (fitted.model, fitted.layer, fitted.width, fitted.bias is not None) == (name, module, width, bias)
    assert float(fitted.mean) == pytest.approx(mean, abs=6e-5)
    assert float(fitted.std) == pytest.approx(std, abs=6e-5)
    x = np.random.default_rng(0).normal(size=(7, width)) * 3
    expected = ((x - raw["mean"]) / raw["std"]) @ raw["weights"] + raw.get("bias", 0)
    np.testing.assert_allclose(fitted.transform(x), expected, rtol=0, atol=1e-9)
    diagonal = np.diagonal(fitted.weights).mean()
    away = np.abs(fitted.weights[~np.eye(width, dtype=bool)]).mean()
    assert 0.05 < diagonal < 0.13
    assert away < 1e-3


def test_every_published_name_is_listed():
    assert list_transforms() == [f"glocal/{name}" for name in PUBLISHED]


def any_transform(width=6, out=4, column=True, bias=True):
    rng = np.random.default_rng(0)
    mean, std = (rng.normal(size=width), rng.uniform(0.5, 2, width)) if column else (rng.normal(), 1.7)
    return FittedTransform(
        weights=rng.normal(size=(width, out)),
        bias=rng.normal(size=out) if bias else None,
        mean=mean,
        std=std,
        method="gLocal",
        options={"alpha": 0.1, "clip": None},
        seen=("a", "b"),
        layer="norm",
        model="user/net",
        model_fingerprint="f" * 64,
        history=({"epoch": 1.0, "odd_one_out": 1.05},),
        notes=("one",),
    )


def by_formula(fitted, x):
    return ((x - fitted.mean) / fitted.std) @ fitted.weights + (0 if fitted.bias is None else fitted.bias)


@pytest.mark.parametrize("column", [True, False])
def test_what_comes_in_comes_out(column):
    fitted = any_transform(column=column)
    x = np.random.default_rng(1).normal(size=(5, 6))
    before = x.copy()
    np.testing.assert_allclose(fitted.transform(x), by_formula(fitted, x), atol=1e-12)
    np.testing.assert_allclose(fitted.transform(x[0]), by_formula(fitted, x)[0], atol=1e-12)
    single = fitted.transform(x.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, by_formula(fitted, x), atol=1e-5)
    tensor = torch.tensor(x, requires_grad=True)
    mapped = fitted.transform(tensor)
    assert mapped.dtype == torch.float64
    np.testing.assert_allclose(mapped.detach().numpy(), by_formula(fitted, x), atol=1e-12)
    mapped.sum().backward()
    features = fitted.transform(Features(x, tuple("abcde"), subject="user/net"))
    assert (features.ids, features.subject, features.provenance["transform"]) == (tuple("abcde"), "user/net+gLocal", fitted.digest)
    np.testing.assert_array_equal(x, before)


def test_a_large_mean_costs_no_digits():
    fitted = FittedTransform(weights=np.eye(3), mean=np.float64(1e4), std=np.float64(0.01))
    x = (1e4 + np.random.default_rng(0).normal(size=(4, 3))).astype(np.float32)
    np.testing.assert_allclose(fitted.transform(x), (x.astype(np.float64) - 1e4) / 0.01, rtol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    fitted, x = any_transform(), np.random.default_rng(0).normal(size=(1000, 6))
    whole = fitted.transform(x)
    monkeypatch.setattr("isomorph.alignment._apply._BLOCK_BYTES", 999)
    np.testing.assert_allclose(fitted.transform(x), whole, atol=1e-13)


@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_saving_and_loading(tmp_path, column, bias, suffix):
    fitted = any_transform(column=column, bias=bias)
    path = fitted.save(tmp_path / f"map{suffix}")
    again = FittedTransform.load(path)
    x = np.random.default_rng(1).normal(size=(5, 6))
    np.testing.assert_allclose(again.transform(x), fitted.transform(x), rtol=0, atol=1e-12)
    if suffix == ".safetensors":
        assert again.facts == fitted.facts
        assert again.digest == fitted.digest
    else:
        with np.load(path, allow_pickle=False) as file:
            assert file["mean"].shape == file["std"].shape == ()


def test_a_published_file_survives_the_round_trip(tmp_path, data_path):
    data_path("glocal-transforms", "dinov2-vit-base-p14/norm/transform.npz")
    fitted = load_transform("glocal/dinov2-vit-base-p14")
    again = load_transform(fitted.save(tmp_path / "copy.npz"))
    assert (again.digest, again.model) == (fitted.digest, fitted.model)  # known by its numbers, whatever it is called
    with np.load(tmp_path / "copy.npz", allow_pickle=False) as file:
        assert file["weights"].dtype == np.float32


def test_fitted_maps_say_where_they_come_from(tmp_path):
    rng = np.random.default_rng(0)
    x = Features(rng.normal(size=(20, 4)), tuple(map(str, range(20))), "norm", "user/net", {"model": "abc"})
    for fitted in (Global(epochs=2).fit(x, np.array([[0, 1, 2], [3, 4, 5]])), Ridge().fit(x, Features(rng.normal(size=(6, 2)), x.ids[:6]))):
        assert (fitted.layer, fitted.model, fitted.model_fingerprint, fitted.seen) == ("norm", "user/net", "abc", x.ids[:6])
        assert FittedTransform.load(fitted.save(tmp_path / "map.safetensors")).options == fitted.options


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_streaming_to_a_file(tmp_path, suffix):
    fitted = any_transform()
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32))
    x = load_features(tmp_path / "x.npy")
    transform_to_file(x, fitted, tmp_path / f"y{suffix}")
    again = load_features(tmp_path / f"y{suffix}")
    assert again.values.dtype == np.float32
    assert again.ids == x.ids
    np.testing.assert_array_equal(again.values, fitted.transform(np.asarray(x.values)))
    transform_to_file(x, fitted, tmp_path / f"z{suffix}", precision="float64")
    exact = load_features(tmp_path / f"z{suffix}").values
    np.testing.assert_allclose(exact, by_formula(fitted, np.asarray(x.values, np.float64)), rtol=0, atol=1e-9)
    assert not list(tmp_path.glob(".*"))
