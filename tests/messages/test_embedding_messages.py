"""The sentences about odd-one-out embeddings, word for word."""

import re

import numpy as np
import pytest

from isomorph.alignment import VICE, OddOneOutEmbedding, SPoSE, sample_triplets
from isomorph.errors import FileError, InputError, NonFiniteError, ShapeError
from isomorph.judgments import Triplets

TRIALS = Triplets(items=np.array([[0, 1, 2], [0, 1, 3], [2, 3, 0], [2, 3, 1]] * 20), objects=("ant", "bee", "cup", "dog"))
EMBEDDING = OddOneOutEmbedding(objects=("ant", "bee", "cup"), mean=np.ones((3, 2)), scale=None, method="SPoSE")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dimensions": 0}, "SPoSE needs dimensions of at least 1; got 0."),
        ({"batch_size": 0}, "SPoSE needs batch_size of at least 1; got 0."),
        ({"learning_rate": 0.0}, "SPoSE needs a learning rate above 0; got 0."),
        ({"validation": 1.0}, "SPoSE can hold out a share of trials from 0 to below 1; got validation=1."),
        ({"seeds": ()}, "SPoSE needs at least one seed, each once; got seeds=()."),
        ({"seeds": (1, 1)}, "SPoSE needs at least one seed, each once; got seeds=(1, 1)."),
        ({"penalty": -0.5}, "SPoSE needs a penalty of at least 0; got -0.5."),
    ],
)
def test_options(options, text):
    with said(InputError, text):
        SPoSE(**options)


def test_prior():
    with said(InputError, "VICE needs a spike narrower than the slab, both above 0; got spike=2, slab=1."):
        VICE(spike=2.0)
    with said(InputError, "VICE needs spike_share between 0 and 1; got 1."):
        VICE(spike_share=1.0)


def test_objects_never_judged():
    text = (
        "2 of 6 objects stand in no trial, the first is 'elk'; nothing says where they belong. "
        "Leave them out: triplets.restrict(the objects that were shown)."
    )
    with said(InputError, text):
        VICE().fit(Triplets(items=TRIALS.items, objects=(*TRIALS.objects, "elk", "fox")))


def test_no_trials():
    with said(InputError, "VICE needs many trials; there are none, on 1 object."):
        VICE().fit(Triplets(items=np.zeros((0, 3), dtype=int), objects=("ant",)))
    with said(InputError, "SPoSE needs many trials; there is 1, on 4 objects."):
        SPoSE().fit(TRIALS.take([0]))


def test_trials_of_one_kind():
    with said(InputError, "all 20 trials show the same three objects; SPoSE needs trials that share some objects, not all."):
        SPoSE().fit(Triplets(items=np.array([[0, 1, 2]] * 20), objects=("ant", "bee", "cup")))


def test_two_alternatives():
    text = "VICE is fitted to odd-one-out trials, in which people compared all three pairs; these are two-alternative."
    with said(InputError, text):
        VICE().fit(Triplets(items=TRIALS.items, objects=TRIALS.objects, task="two-alternative"))


def test_choices_without_dimensions():
    rng = np.random.default_rng(0)
    chance = Triplets(items=rng.permuted(np.tile(np.arange(8), (300, 1)), axis=1)[:, :3], objects=tuple("abcdefgh"))
    text = (
        "SPoSE finds no dimension that these 300 trials on 8 objects need: they are too few, the choices look like chance, the fit was too "
        "short (50 epochs, learning rate 0.05), or its pull to 0 is too strong."
    )
    with said(InputError, text):
        SPoSE(penalty=0.5, dimensions=3, epochs=50, learning_rate=0.05).fit(chance)


def test_divergence():
    with said(NonFiniteError, "the embedding diverged in epoch 1: the loss is nan. Lower the learning rate, now 1e+30."):
        VICE(learning_rate=1e30, epochs=4, window=1, dimensions=3, batch_size=8).fit(TRIALS)


def test_unknown_objects():
    text = (
        "the trials show 1 object that this SPoSE embedding has not, such as 'dog'. "
        "Leave their trials out: triplets.restrict(embedding.objects)."
    )
    with said(InputError, text):
        EMBEDDING.posterior(TRIALS)


def test_questions_that_have_no_answer():
    with said(InputError, "a posterior needs at least 1 draw of the embedding; got 0."):
        EMBEDDING.posterior(TRIALS.restrict(EMBEDDING.objects), draws=0)
    with said(InputError, "this SPoSE embedding has one run; whether it is found again takes more: seeds=(0, 1, 2)."):
        EMBEDDING.reproducibility()


def test_triplets_that_groups_do_not_allow():
    with said(InputError, "triplets are drawn 'random', 'between', 'border', 'within'; got 'near'."):
        sample_triplets("abc", 5, kind="near")
    with said(InputError, "'border' triplets are drawn by groups; pass groups=…, one for each object."):
        sample_triplets("abc", 5, kind="border")
    with said(ShapeError, "there are 3 objects but 2 groups; each object needs its own."):
        sample_triplets("abc", 5, kind="border", groups=[0, 1])
    with said(InputError, "'between' triplets need 3 groups; there are 4 objects in 2 groups."):
        sample_triplets("abcd", 5, kind="between", groups=[0, 0, 1, 1])
    with said(InputError, "'within' triplets need a group of 3; there are 4 objects in 2 groups."):
        sample_triplets("abcd", 5, kind="within", groups=[0, 0, 1, 1])
    with said(InputError, "'random' triplets need 3 objects; there are 2 objects in 1 group."):
        sample_triplets("ab", 5)


def test_files(tmp_path):
    with said(InputError, "an embedding is written as .safetensors; got 'e.pkl'."):
        EMBEDDING.save(tmp_path / "e.pkl")
    with said(FileError, f"there is no file {tmp_path / 'none.npz'}."):
        OddOneOutEmbedding.load(tmp_path / "none.npz")
    (tmp_path / "e.pkl").write_bytes(b"x")
    with said(FileError, f"{tmp_path / 'e.pkl'} has the suffix '.pkl'; embeddings are read from .safetensors, .npz and .npy."):
        OddOneOutEmbedding.load(tmp_path / "e.pkl")
    np.save(tmp_path / "e.npy", np.ones((3, 2)))
    with said(InputError, "e.npy does not say which object stands in which row; pass objects=… in the order of its rows."):
        OddOneOutEmbedding.load(tmp_path / "e.npy")
    text = f"{tmp_path / 'e.npy'} has means of shape (3, 2); 2 objects need that many rows, the same in all parts."
    with said(FileError, text):
        OddOneOutEmbedding.load(tmp_path / "e.npy", objects=["ant", "bee"])
    np.savez(tmp_path / "e.npz", weights=np.ones((3, 2)))
    with said(FileError, f"{tmp_path / 'e.npz'} is no embedding: it lacks 'pruned_loc' and 'pruned_scale'; it holds weights."):
        OddOneOutEmbedding.load(tmp_path / "e.npz", objects=["ant"])


def test_damaged_and_hostile_files(tmp_path):
    path = EMBEDDING.save(tmp_path / "e.safetensors")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileError, match="holds no embedding of Isomorph, or is damaged: "):
        OddOneOutEmbedding.load(path)
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="is no array of numbers: "):
        OddOneOutEmbedding.load(tmp_path / "object.npy", objects=["ant"])
    np.save(tmp_path / "nan.npy", np.array([[1.0], [np.nan]]))
    text = "the matrix of means in nan.npy has 1 values that are NaN or infinite, in 1 of 2 objects; the first is 'bee'."
    with said(NonFiniteError, text):
        OddOneOutEmbedding.load(tmp_path / "nan.npy", objects=["ant", "bee"])
