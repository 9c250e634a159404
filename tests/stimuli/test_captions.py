"""Captions of pictures: ids, groups, and one row a picture in every reduction, in memory, in the store and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file

from isomorph import Features
from isomorph.cli import main
from isomorph.errors import IdError, InputError, MissingDependencyError
from isomorph.features import load_features
from isomorph.geometry import Gram
from isomorph.models import extract, load_model, stored_extraction, wrap_model
from isomorph.stimuli import Stimuli
from isomorph.store import Store

TABLE = pd.DataFrame(
    {
        "image": ["dog.jpg", "cat.jpg", "dog.jpg", "saw.jpg", "dog.jpg", "cat.jpg"],
        "caption": ["a dog", "a cat on a mat", "a brown dog runs", "one saw", "dog", "the cat sleeps"],
        "annotator": [1, 2, 3, 4, 5, 6],
    }
)
PICTURES = ("dog.jpg", "cat.jpg", "saw.jpg")
MEMBERS = {"dog.jpg": [0, 2, 4], "cat.jpg": [1, 5], "saw.jpg": [3]}


@pytest.fixture
def captions():
    return Stimuli.from_texts(TABLE, column="caption", group="image")


class Letters(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.same, self.second = torch.nn.Linear(26, 40), torch.nn.Identity(), torch.nn.Linear(40, 7)

    def forward(self, counts):
        return self.second(self.same(self.first(counts)))


@pytest.fixture
def model():
    def count(text):
        return torch.tensor([float(text.count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"])

    return wrap_model(Letters(), name="letters", preprocess=count, modality="text")


def test_captions_are_numbered_within_their_picture(captions):
    assert captions.ids == ("dog.jpg#1", "cat.jpg#1", "dog.jpg#2", "saw.jpg#1", "dog.jpg#3", "cat.jpg#2")
    assert captions.groups == dict(zip(captions.ids, TABLE["image"], strict=True))
    assert list(captions.metadata["image"]) == list(TABLE["image"])
    assert captions[2] == "a brown dog runs"


def test_groups_follow_their_captions(captions):
    part = captions.take(["saw.jpg#1", "dog.jpg#3"])
    assert part.groups == {"saw.jpg#1": "saw.jpg", "dog.jpg#3": "dog.jpg"}
    assert captions[4:].groups == {"dog.jpg#3": "dog.jpg", "cat.jpg#2": "cat.jpg"}
    assert Stimuli.from_texts(TABLE, column="caption").groups is None


def test_groups_change_nothing_about_the_texts(captions):
    assert captions.digest == Stimuli.from_texts(list(TABLE["caption"]), ids=captions.ids).digest


def test_files_numbers_and_ids_of_ones_own(tmp_path):
    table = TABLE.assign(image=[7, 8, 7, 9, 7, 8], id=list("uvwxyz"))
    table.to_csv(tmp_path / "captions.csv", index=False)
    captions = Stimuli.from_texts(tmp_path / "captions.csv", group="image")  # one column is left that holds texts
    assert captions.ids == tuple("uvwxyz")
    assert set(captions.groups.values()) == {"7", "8", "9"}
    assert Stimuli.from_texts(tmp_path / "captions.csv", group="image", ids="annotator").ids == tuple("123456")


def test_names_of_digits_keep_their_zeros(tmp_path):
    (tmp_path / "coco.csv").write_text("image,caption\n000139,a room\n000139,a table\n000285,a bear\n")
    captions = Stimuli.from_texts(tmp_path / "coco.csv", group="image")
    assert captions.ids == ("000139#1", "000139#2", "000285#1")
    (tmp_path / "words.tsv").write_text("id\ttext\n007\tbond\n")
    assert Stimuli.from_texts(tmp_path / "words.tsv").ids == ("007",)


@pytest.mark.parametrize("bad", [None, np.nan, "", "  "])
@pytest.mark.parametrize("column", ["image", "caption"])
def test_absent_captions_and_pictures(column, bad):
    table = TABLE.astype({column: object})
    table.loc[3, column] = bad
    with pytest.raises(InputError):
        Stimuli.from_texts(table, column="caption", group="image")


def test_doubled_ids_and_unknown_columns():
    with pytest.raises(IdError):
        Stimuli.from_texts(TABLE, column="caption", group="image", ids="image")
    with pytest.raises(InputError):
        Stimuli.from_texts(TABLE, column="caption", group="picture")
    with pytest.raises(InputError):
        Stimuli.from_texts(TABLE, column="caption", group="caption")
    with pytest.raises(IdError):
        Stimuli.from_texts(TABLE.replace({"image": {"saw.jpg": "dog.jpg "}}), column="caption", group="image")


def test_the_mean_of_features_is_summed_in_float64():
    values = np.array([[1e8], [1.0], [-1e8], [5.0]], dtype=np.float32)
    x = Features(values, ("a", "b", "c", "d"), layer="l", subject="s", provenance={"n": 1})
    means = x.grouped({"a": "x", "b": "x", "c": "x", "d": "y", "unused": "z"})
    assert means.values.tolist() == [[np.float32(1 / 3)], [5.0]]
    assert means.values.dtype == np.float32
    assert (means.ids, means.layer, means.subject) == (("x", "y"), "l", "s")
    assert means.provenance == {"n": 1, "grouped": {"groups": 2, "rows": 4, "fewest": 1, "most": 3}}


def expected(x):
    return np.stack([x.values[rows].astype(np.float64).mean(0) for rows in MEMBERS.values()])


def test_features_and_sketches_are_means_of_rows(model, captions):
    for options in ({}, {"reduce": "sketch", "sketch_width": 16}):
        whole = extract(model, captions, **options)
        pictures = whole.grouped(captions.groups)
        assert pictures.ids == PICTURES
        assert list(pictures) == list(whole)
        for name, x in pictures.items():
            assert np.allclose(x.values, expected(whole[name]), rtol=1e-6)
            assert x.values.dtype == np.float32
            assert x.provenance["reduction"] == whole[name].provenance["reduction"]
        assert pictures["same"] is pictures["first"]  # a layer that was left out


def test_gram_matrices_are_those_of_the_means(model, captions):
    grams = extract(model, captions, reduce="gram").grouped(captions.groups)
    x = extract(model, captions)
    for name, gram in grams.items():
        direct = Gram.from_features(Features(expected(x[name]), PICTURES))
        assert np.allclose(gram.raw(), direct.raw(), rtol=1e-5)
        assert np.allclose(gram.centred, direct.centred, atol=1e-5 * direct.centred.max())
        assert np.allclose(gram.mean_product, direct.mean_product, rtol=1e-5)
        assert np.allclose(gram.row_sums, direct.row_sums, rtol=1e-4)
        assert np.allclose(gram.rdm("correlation").values, direct.rdm("correlation").values, atol=1e-5)
        assert (gram.ids, gram.width) == (PICTURES, direct.width)


def test_the_store_keeps_pictures_beside_captions(model, captions, tmp_path):
    store = Store(tmp_path)
    whole = extract(model, captions, store=store)
    pictures = whole.grouped(captions.groups, store=store)
    assert pictures.fingerprint != whole.fingerprint
    assert pictures.fingerprint == whole.grouped(captions.groups).fingerprint
    again = stored_extraction(store, pictures.fingerprint)
    assert again.ids == PICTURES
    assert np.array_equal(again["second"].values, whole.grouped(captions.groups)["second"].values)
    assert again.provenance["grouped"] == {"groups": 3, "rows": 6, "fewest": 1, "most": 3, "extraction": whole.fingerprint}
    assert whole.grouped(captions.groups, store=tmp_path).fingerprint == pictures.fingerprint
    others = captions.groups | {"saw.jpg#1": "dog.jpg"}
    assert whole.grouped(others, store=store).fingerprint != pictures.fingerprint
    assert len([each for each in store.entries() if each.complete]) == 3


def test_a_duplicate_that_was_asked_for_alone(model, captions, tmp_path):
    pictures = extract(model, captions, layers=["same"]).grouped(captions.groups, store=tmp_path)
    assert list(pictures) == ["same"]
    assert np.allclose(pictures["same"].values, expected(extract(model, captions)["first"]), rtol=1e-6)


def test_what_cannot_be_grouped(model, captions):
    whole = extract(model, captions)
    with pytest.raises(InputError):
        whole.grouped(None)
    with pytest.raises(IdError):
        whole.grouped({"dog.jpg#1": "dog.jpg"})


@pytest.fixture
def words(tmp_path, monkeypatch):
    try:
        load_model("bundled/wordllama_256")
    except MissingDependencyError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("ISOMORPH_STORE", str(tmp_path / "store"))
    TABLE.to_csv(tmp_path / "captions.csv", index=False)
    return ["extract", "bundled/wordllama_256", "--stimuli", str(tmp_path / "captions.csv"), "--column", "caption"]


def test_the_command_line_gives_one_row_a_picture(words, tmp_path, capsys):
    out, folder = tmp_path / "x.safetensors", tmp_path / "folders"
    assert main([*words, "--group", "image", "--out", str(out), "--thingsvision", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["n"] == 3
    assert {name: answer["grouped"][name] for name in ("groups", "rows", "fewest", "most")} == {
        "groups": 3, "rows": 6, "fewest": 1, "most": 3,
    }  # fmt: skip
    arrays = load_file(out)
    for layer in answer["layers"]:
        kept = stored_extraction(Store(), answer["fingerprint"])[layer["layer"]]
        x = load_features(folder / layer["layer"])
        assert x.ids == kept.ids == PICTURES
        assert np.array_equal(x.values, kept.values)
        assert np.array_equal(arrays[layer["layer"]], kept.values)
        assert (x.subject, x.layer) == ("bundled/wordllama_256", layer["layer"])


def test_the_command_line_says_how_many_texts_a_picture_has(words, tmp_path, capsys):
    assert main([*words, "--group", "image"]) == 0
    assert "means of 6 texts, 1 to 3 each" in capsys.readouterr().out
    assert main([*words, "--group", "image", "--reduce", "gram", "--thingsvision", str(tmp_path / "new")]) == 1
    assert not (tmp_path / "new").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    assert main([*words, "--thingsvision", str(tmp_path / "full")]) == 1
    assert main(["extract", "bundled/pixels", "--stimuli", str(tmp_path), "--group", "image"]) == 1
