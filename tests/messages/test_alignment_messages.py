"""The sentences about affine alignment, word for word."""

import re
import shutil
import zipfile

import numpy as np
import pytest

from isomorph.alignment import FittedTransform, Global, GLocal, Ridge, load_transform, object_folds, search, transform_to_file
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError, UnknownNameError
from isomorph.features import Features

X = Features(np.random.default_rng(0).normal(size=(20, 4)), tuple(f"o{row}" for row in range(20)), "norm", "user/net", {"model": "m" * 64})
ITEMS = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
MAP = FittedTransform(weights=np.eye(4), layer="norm", model="user/net", model_fingerprint="m" * 64)


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_a_transform_of_another_model():
    other = Features(X.values, X.ids, "norm", "user/other", {"model": "n" * 64})
    with said(InputError, "the transform was fitted to features of 'user/net', but these are of 'user/other'. Fit one to this model."):
        MAP.transform(other)
    with said(
        InputError,
        "the transform was fitted to features of 'user/net' with other weights or another preparation, but these are of 'user/net'. "
        "Fit one to this model.",
    ):
        MAP.transform(Features(X.values, X.ids, "norm", "user/net", {"model": "n" * 64}))
    with said(InputError, "the transform fits the layer 'norm' of user/net, but these features were read at 'head'."):
        MAP.transform(Features(X.values, X.ids, "head", "user/net", {"model": "m" * 64}))


def test_a_transform_of_another_width():
    with said(
        ShapeError,
        "the transform takes 4 features a stimulus (user/net at norm), but the features have shape (20, 3). "
        "Read them at the layer it was fitted to.",
    ):
        MAP.transform(X.values[:, :3])


def test_features_that_are_not_numbers(tmp_path):
    values = X.values.copy()
    values[3, 1] = np.nan
    bad = Features(values, X.ids)
    with said(NonFiniteError, "the feature matrix has 1 values that are NaN or infinite, in 1 of 20 stimuli; the first is 'o3'."):
        MAP.transform(bad)
    with pytest.raises(NonFiniteError):
        transform_to_file(bad, MAP, tmp_path / "y.npy")
    assert not list(tmp_path.iterdir())
    with said(
        NonFiniteError, "the feature matrix of the objects has 1 values that are NaN or infinite, in 1 of 20 stimuli; the first is 'o3'."
    ):
        Global().fit(bad, ITEMS)


def test_fitting_without_what_it_needs():
    with said(InputError, "GLocal keeps neighbourhoods: pass features of many other pictures as preserve=…, or use Global."):
        GLocal().fit(X, ITEMS)
    with said(InputError, "Global keeps no neighbourhoods, so preserve=… would do nothing; use GLocal, or leave it out."):
        Global().fit(X, ITEMS, preserve=X)
    with said(
        ShapeError,
        "the feature matrix to preserve has 3 features a stimulus, but 4 are needed; read both at the same layer of one model.",
    ):
        GLocal().fit(X, ITEMS, preserve=Features(X.values[:, :3], X.ids))


def test_bad_trials():
    with said(ShapeError, "the triplets need whole numbers with the axes [trial, 3]; got int64 of shape (3, 2)."):
        Global().fit(X, ITEMS[:, :2])
    with said(ShapeError, "the triplets hold no trial; nothing can be fitted."):
        Global().fit(X, ITEMS[:0])
    with said(
        IdError,
        "trial 2 of the triplets shows [6, 7, 20], but the features have 20 rows, 0 to 19. Check whether the numbers count from 1.",
    ):
        Global().fit(X, np.array([[0, 1, 2], [3, 4, 5], [6, 7, 20]]))
    with said(InputError, "trial 1 of the triplets shows one object twice: [3, 4, 3]. Leave such trials out (1 in all)."):
        Global().fit(X, np.array([[0, 1, 2], [3, 4, 3]]))


def test_options():
    with said(InputError, "alpha lies between 0 (people's choices alone) and 1 (neighbourhoods alone); got 1.5."):
        GLocal(alpha=1.5)
    with said(InputError, "optimiser must be 'adam' or 'sgd'; got 'adamw'."):
        Global(optimiser="adamw")
    with said(InputError, "learning_rate must be above 0; got -1."):
        Global(learning_rate=-1)
    with said(InputError, "the published sets of defaults are 'final' and 'shipped'; got 'paper'."):
        GLocal.published("paper")
    with said(InputError, "alphas must be one or more numbers above 0; got (0.0,)."):
        Ridge(alphas=(0.0,))


def test_too_little_to_hold_out():
    with said(
        InputError,
        "holding 4 of 9 objects out leaves too little to stop early by: 0 trials to train on, 0 held out, 3 mixed ones dropped. "
        "Hold out a larger share, pass validation=… trials, or train to the last epoch with hold_out=0.",
    ):
        Global(hold_out=0.4, seed=1).fit(X, ITEMS)
    with said(InputError, "4 folds over 9 objects cannot be made: it takes at least 2 folds with 3 objects each."):
        object_folds(ITEMS, 4)
    with said(InputError, "Global has no option 'lam' to search; it has " + ", ".join(Global.__dataclass_fields__) + "."):
        search(Global(), X, ITEMS, {"lam": [1]})


def test_training_that_diverges():
    wild = Global(learning_rate=1e30, clip=None, optimiser="sgd")
    sentence = "training diverged with learning_rate=1e+30: the weights are NaN. Lower it, or set clip=1.0."
    with np.errstate(all="ignore"), said(NonFiniteError, sentence):
        wild.fit(X, ITEMS)


def test_a_pickle_is_never_read(tmp_path):
    with said(
        FileError,
        f"{tmp_path}/t.pkl is a pickle, which can run code when it is read, so it never is. Save the weights with np.savez(…, weights=…, "
        "mean=…, std=…), or use the published .npz.",
    ):
        FittedTransform.load(tmp_path / "t.pkl")
    np.savez(tmp_path / "t.npz", weights=np.array([{}], dtype=object), mean=0.0, std=1.0)
    with said(
        FileError,
        f"{tmp_path}/t.npz holds 'weights' as pickled Python objects, which can run code when they are read, so they never are. "
        "Save it again with plain types, for example array.astype(str) or array.astype(float).",
    ):
        FittedTransform.load(tmp_path / "t.npz")


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr("isomorph.alignment._transform_file._LIMIT_BYTES", 8 << 20)


def test_hostile_npz(tmp_path, small_limit):
    path = tmp_path / "t.npz"
    header = b"\x93NUMPY\x01\x00"
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }"
    text += b" " * (118 - len(text) - 1) + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("weights.npy", header + len(text).to_bytes(2, "little") + text + bytes(1 << 20))
    with pytest.raises(FileError, match="promises 40,000,000,000 bytes, but 1,048,576 follow"):
        FittedTransform.load(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("weights.npy", "w", force_zip64=True) as member:
        for _ in range(11):
            member.write(bytes(1 << 20))
    with pytest.raises(FileError, match="unpacks to 11,534,336 bytes, over the limit of 8,388,608"):
        FittedTransform.load(path)
    np.savez(path, weights=np.eye(3))
    with said(FileError, f"{path} is no transform: it lacks 'mean' and 'std'; it holds weights."):
        FittedTransform.load(path)
    np.savez(path, weights=np.eye(3), mean=0.0, std=0.0)
    with said(FileError, f"{path} is no transform: a transform divides by its std, which must be above 0; the least is 0."):
        FittedTransform.load(path)
    np.savez(path, weights=np.eye(3), bias=np.zeros(2), mean=0.0, std=1.0)
    with said(FileError, f"{path} is no transform: a transform with weights (3, 3) cannot have bias of shape (2,)."):
        FittedTransform.load(path)
    np.savez(path, weights=np.full((3, 3), np.nan), mean=0.0, std=1.0)
    with said(FileError, f"{path} is no transform: the transform's weights hold 9 values that are NaN or infinite."):
        FittedTransform.load(path)
    np.savez(path, weights=np.full((3, 3), "x"), mean=0.0, std=1.0)
    with said(FileError, f"{path} is no transform: its 'weights' are of type <U1, not numbers."):
        FittedTransform.load(path)
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(FileError, match=r"cannot be read as an \.npz file"):
        FittedTransform.load(path)


def test_damaged_files_of_ours(tmp_path):
    path = MAP.save(tmp_path / "t.safetensors")
    whole = path.read_bytes()
    for at in (3, 40, len(whole) // 2):
        path.write_bytes(whole[:at])
        with pytest.raises(FileError, match="holds no transform of Isomorph, or is damaged"):
            FittedTransform.load(path)
    path.write_bytes(whole.replace(b'"seen":null', b'"seen":1234'))
    with said(FileError, f"{path} holds no transform of Isomorph, or is damaged: _Facts.seen must be a list; got 1234."):
        FittedTransform.load(path)
    with said(FileError, f"there is no file {tmp_path}/none.npz."):
        FittedTransform.load(tmp_path / "none.npz")
    with said(FileError, f"{tmp_path}/map.txt has the suffix '.txt'; transforms are read from .safetensors and .npz."):
        (tmp_path / "map.txt").write_text("")
        FittedTransform.load(tmp_path / "map.txt")


def test_the_wrongly_published_dinov2_transform(tmp_path, data_path):
    dino = data_path("glocal-transforms", "dino-vit-base-p16/norm/transform.npz")
    wrong = tmp_path / "dinov2-vit-base-p14" / "norm" / "transform.npz"
    wrong.parent.mkdir(parents=True)
    shutil.copy(dino, wrong)
    with said(
        FileError,
        f"{wrong} says DINOv2, but holds the transform of DINO (version 1) ViT-B/16: since March 2024 the published file of "
        "dinov2-vit-base-p14 is a copy of dino-vit-base-p16's. The right one is load_transform('glocal/dinov2-vit-base-p14'); "
        "if you want that of DINO, it is 'glocal/dino-vit-base-p16'.",
    ):
        load_transform(wrong)
    shutil.copy(wrong, tmp_path / "temp.npz")  # under any other name it is known for what it is
    wide = Features(np.ones((2, 768)), ("a", "b"), "norm", "timm/vit_base_patch14_dinov2.lvd142m")
    with said(
        InputError,
        "the transform is that of dino-vit-base-p16, but these features are of 'timm/vit_base_patch14_dinov2.lvd142m'; "
        "its own is 'glocal/dinov2-vit-base-p14'.",
    ):
        load_transform(tmp_path / "temp.npz").transform(wide)
    data_path("glocal-transforms", "dinov2-vit-base-p14/norm/transform.npz")
    assert load_transform("glocal/dinov2-vit-base-p14").transform(wide).width == 768


def test_the_authors_caution(data_path):
    data_path("glocal-transforms", "resnet18/avgpool/transform.npz")
    with pytest.warns(UserWarning, match="supervised ImageNet networks lose accuracy on downstream tasks"):
        load_transform("glocal/resnet18")


def test_unknown_names():
    with said(
        UnknownNameError,
        "no transform is called 'glocal/dinov2-base'. Did you mean 'glocal/dinov2-vit-base-p14' or 'glocal/dino-vit-base-p16'?",
    ):
        load_transform("glocal/dinov2-base")
