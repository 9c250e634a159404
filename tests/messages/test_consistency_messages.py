"""The consistency room's sentences, word for word."""

import re

import numpy as np
import pandas as pd
import pytest
import torch

from isomorph.consistency import Consistency, ModelSet, Similarities
from isomorph.errors import FileError, IdError, InputError, NonFiniteError, ShapeError

NAMES = ("vgg", "vit", "mae", "dino", "clip")


def make(**changes):
    rng = np.random.default_rng(0)
    values = rng.random((2, 1, 5, 5)).round(2)
    values = (values + values.swapaxes(2, 3)) / 2
    for (d, f, g), value in changes.pop("entries", {}).items():
        values[d, 0, f, g] = value
    for d, f in changes.pop("missing", ()):
        values[d, 0, f] = values[d, 0, :, f] = np.nan
    return Similarities(values, ("pets", "pcam"), ("cka",), NAMES, **changes)


def sentence(text):
    return f"^{re.escape(text)}$"


def test_not_symmetric():
    text = (
        "the similarity matrix of 'pcam' (cka) is not symmetric: 'vgg' – 'mae' is 0.9, but 'mae' – 'vgg' is 0.5, a gap of 0.4. "
        "Use a symmetric measure, or give the mean of the matrix and its transpose if both estimate one thing."
    )
    with pytest.raises(InputError, match=sentence(text)):
        make(entries={(1, 0, 2): 0.9, (1, 2, 0): 0.5})


def test_nan_in_the_middle():
    text = (
        "the similarity matrix of 'pets' (cka): 'vgg' – 'mae' is nan, one of 2 such values. A model "
        "that is missing on a data set must be NaN "
        "in its whole row and column there; compute the others again."
    )
    with pytest.raises(NonFiniteError, match=sentence(text)):
        make(entries={(0, 0, 2): np.nan, (0, 2, 0): np.nan})


def test_nan_on_the_diagonal_alone():
    text = (
        "the similarity matrix of 'pets' (cka): 'vit' has NaN on the diagonal, as a missing model has, but 'vgg' – 'vit' is 0.25. "
        "Set the diagonal to the similarity to itself, or the whole row and column to NaN."
    )
    with pytest.raises(NonFiniteError, match=sentence(text)):
        make(entries={(0, 1, 1): np.nan, (0, 0, 1): 0.25, (0, 1, 0): 0.25})


def test_a_model_missing_on_one_data_set():
    text = (
        "'mae' is missing on 'pcam' (cka), the first of 1 such gaps. Say missing='drop' to use, on each pair of data sets, only the models "
        "that both have; or take the models that are everywhere with Similarities.take."
    )
    with pytest.raises(InputError, match=sentence(text)):
        Consistency()(make(missing=[(1, 2)]))


def test_shapes_and_names():
    start = "similarities have the shape (1, 1, 5, 5), but 2 data sets, 1 measures and 5 models need (2, 1, 5, 5): "
    with pytest.raises(ShapeError, match=sentence(start + "[dataset, measure, model, model].")):
        Similarities(np.zeros((1, 1, 5, 5)), ("pets", "pcam"), ("cka",), NAMES)
    start = "the metadata has no row for 1 of 5 models; the first is 'clip'. Its rows are named 'vgg', 'vit', 'mae', …: "
    with pytest.raises(IdError, match=sentence(start + "names must be equal on both sides.")):
        make(metadata=pd.DataFrame({"kind": list("aabb")}, index=NAMES[:4]))


def test_too_few_pairs_of_models():
    text = (
        "no pair of sets has 10 pairs of models: 'two' with 'two' was skipped: 2 and 2 models make 1 pairs of models, fewer than "
        "minimum_pairs=10. Give larger sets, or lower minimum_pairs knowing that a correlation over so few pairs says little."
    )
    pair = ModelSet.of("vgg", "vit", name="two")
    with pytest.raises(ShapeError, match=sentence(text)):
        Consistency()(make(), pairs=[(pair, pair)])


def test_one_data_set_and_a_bootstrap_over_two():
    with pytest.raises(ShapeError, match=sentence("consistency is between data sets; there is 'pets'. Give two or more.")):
        Consistency()(make().take(datasets=["pets"]))
    text = "resampling data sets needs at least 3 of them; there are 2. Use resample='models'."
    with pytest.raises(ShapeError, match=sentence(text)):
        Consistency(resample="both")(make())


def test_two_sets_with_one_name():
    text = "two sets of models are called 'x', with other rules; their numbers could not be told apart. Rename one."
    one, other = ModelSet("x"), ModelSet("x", exclude={"model": "vgg"})
    with pytest.raises(InputError, match=sentence(text)):
        Consistency(minimum_pairs=3)(make(), pairs=[(one, one), (other, other)])


def test_sets_of_models():
    text = "no model of 5 is in the set 'none': include {'model': 'resnet*'}. Check the patterns."
    with pytest.raises(InputError, match=sentence(text)):
        Consistency()(make(), pairs=[(ModelSet("none", include={"model": "resnet*"}), ModelSet("all"))])
    text = "the set 'x' has the rule 'objective=SSL'; rules read '+column=pattern' or '-column=pattern'."
    with pytest.raises(InputError, match=sentence(text)):
        ModelSet("x", rules=("objective=SSL",))


def test_files(tmp_path):
    text = f"{tmp_path} holds no folder model_similarities/; give the study's own folder, the one above it."
    with pytest.raises(FileError, match=sentence(text)):
        Similarities.from_original(tmp_path)
    torch.save({"a": 1}, tmp_path / "x.pt")
    text = (
        f"{tmp_path / 'x.pt'} cannot be read as a matrix: it holds dict, not one array. Only "
        "tensors and numpy arrays of numbers are read, as "
        "anything else could run code. Where you trust the file, convert it once: numpy.save('similarity_matrix.npy', "
        "torch.load('x.pt', weights_only=False))."
    )
    with pytest.raises(FileError, match=sentence(text)):
        Similarities.from_matrices({"a": tmp_path / "x.pt"})
    with pytest.raises(
        FileError, match=sentence(f"{tmp_path} is not a folder of saved similarities: there is no similarities.json in it.")
    ):
        Similarities.load(tmp_path)
    text = (
        "the similarity matrix of 'b' (similarity) has 2 rows without names, while others have "
        "names or another size, so models cannot meet. "
        "Write one name a line into model_ids.txt beside the file, use a .csv with a header, or give names=…."
    )
    with pytest.raises(ShapeError, match=sentence(text)):
        Similarities.from_matrices({"b": np.eye(2), "a": np.eye(3)})
