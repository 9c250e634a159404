"""The sentences that people read when judgments are not what they should be."""

import pickle

import numpy as np
import pytest

from isomorph.features import Features
from isomorph.judgments import Triplets, load_triplets, pair_similarities, read_levels, score_triplets

NAMES = ("ant", "bee", "cup", "dog", "elk")
ITEMS = np.array([[0, 1, 2], [3, 1, 0], [4, 3, 2]])


def said(action):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the text is what is pinned
        action()
    return str(caught.value)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (
            [[0, 1, 2], [0, 1, 5]],
            "trial 1 shows object 5, but there are 5 objects, 0 to 4. Check the list of objects, and whether the ids count from 1.",
        ),
        (
            [[0, 1, 2], [3, 4, 4]],
            "trial 1 shows the same object twice, and the odd one is one of the pair: items [3, 4, 4]. Three different objects make a "
            "trial; 1 trials have fewer. Leave them out.",
        ),
        (
            [[1, 1, 2]],
            "trial 0 shows the same object twice: items [1, 1, 2]. Three different objects make a trial; 1 trials have fewer. "
            "Leave them out.",
        ),
        (
            [[2, 2, 2]],
            "trial 0 shows three times the same object: items [2, 2, 2]. Three different objects make a trial; 1 trials have fewer. "
            "Leave them out.",
        ),
        ([[0, 1], [2, 3]], "triplets need items with the axes [trial, 3]; got shape (2, 2)."),
        ([[0.0, 1, 2]], "items are whole numbers, rows of the objects; got an array of type float64."),
    ],
)
def test_items(items, sentence):
    assert said(lambda: Triplets(items=np.array(items), objects=NAMES)) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 1 2 3\n", "{path} holds an array of shape (1, 4); a file of triplets has 3 columns, one row a trial."),
        ("0 1 2.5\n", "{path} holds numbers that are not whole (or NaN); objects are counted in whole numbers."),
        ("1 2 3\n4 5 1\n", "{path} shows objects 1 to 5, and there are 5 objects: it counts from 1. Read it with base=1."),
        (
            "0 1 7\n",
            "{path}: trial 0 shows object 7, but there are 5 objects, 0 to 4. Check the list of objects, and whether the ids count from 1.",
        ),
        ("", "{path} holds no trials."),
    ],
)
def test_files_of_numbers(tmp_path, text, sentence):
    path = tmp_path / "t.txt"
    path.write_text(text)
    assert said(lambda: load_triplets(path, objects=NAMES)) == sentence.format(path=path)


def test_a_file_that_seems_to_count_from_one(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("1 2 3\n4 5 1\n")
    assert said(lambda: load_triplets(path)) == (
        f"{path} shows each of the objects 1 to 5 but never 0: it seems to count from 1. Say base=1 if it does, base=0 if "
        "object 0 was never "
        "shown."
    )


def test_hostile_files(tmp_path):
    path = tmp_path / "p.pkl"
    path.write_bytes(pickle.dumps({"p1": [print]}))
    assert said(lambda: read_levels(path)) == (
        f"{path}: the pickle names 'builtins.print'. Pickles can run any code, so only dicts, lists, text, numbers, arrays and plain "
        "tensors are read. Nothing of it was run."
    )
    path = tmp_path / "a.npz"
    np.savez(path, indices=np.array([[{}, 1, 2]]), similarities=np.ones((1, 3)))
    assert said(lambda: load_triplets(path)) == (
        f"{path} holds 'indices' as pickled Python objects, which can run code when they are read, so they never are. Save it again with "
        "plain types, for example array.astype(str) or array.astype(float)."
    )


def test_features_that_do_not_fit():
    trials, x = Triplets(items=ITEMS, objects=NAMES), np.arange(10.0).reshape(5, 2)
    assert said(lambda: score_triplets(Features(x[:4], NAMES[:4]), trials)) == (
        "features: 1 of the 5 objects that the trials show are missing; the first is 'elk'. Leave out such trials with "
        "triplets.restrict(ids)."
    )
    assert said(lambda: score_triplets(Features(x, tuple(f"{each}.jpg" for each in NAMES)), trials)) == (
        "features: 5 of the 5 objects that the trials show are missing; the first is 'ant'. There is a row of that name with "
        "a file's suffix: take "
        "the suffixes away from the ids."
    )
    assert said(lambda: score_triplets(Features(x, tuple("01234"), subject="vit"), trials)) == (
        "'vit': 5 of the 5 objects that the trials show are missing; the first is 'ant'. In 'vit' objects are row numbers, in "
        "the judgments "
        "they have names: give the names (ids=… for features, objects=… for judgments), or join by position on purpose (positional=True)."
    )
    numbered = Triplets(items=ITEMS + 1, objects=tuple("012345"))
    assert said(lambda: score_triplets(Features(x, tuple("01234")), numbered)) == (
        "features: 1 of the 5 objects that the trials show are missing; the first is '5'. The trials show objects 1 to 5 and "
        "there are 5 rows: the "
        "file counts from 1. Read it with base=1."
    )
    x[1] = np.nan
    assert said(lambda: score_triplets(Features(x, NAMES), trials)) == (
        "features has 2 values that are NaN or infinite, in 1 of 5 stimuli; the first is 'bee'."
    )
    x[1] = 0
    assert said(lambda: pair_similarities(Features(x, NAMES), trials, similarity="cosine")) == (
        "a cosine needs rows of some length, but 1 objects have length 0; the first is 'bee'. Leave them out, or use similarity='dot' or "
        "'euclidean'."
    )
