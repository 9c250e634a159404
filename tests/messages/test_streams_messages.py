"""The sentences about shards that are named in a text and studies of extraction, word for word."""

import re

import pytest

from isomorph.cli import main
from isomorph.errors import FileError, InputError, UnknownNameError
from isomorph.results import ExtractionStudy
from isomorph.stimuli import ShardStream, shard_names
from isomorph.stimuli import _shard_stream as shard_stream
from isomorph.store import Store

MEANT = "Write a range of numbers, {00000..00999}, or a list, {train,more}."


def said(error: type[Exception], text: str):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("s3://a/{0-9}.tar", "{0-9} of 's3://a/{0-9}.tar' is neither a range nor a list. " + MEANT),
        ("s3://a/{9..0}.tar", "the range {9..0} of 's3://a/{9..0}.tar' runs down. " + MEANT),
        ("s3://a/{0..9.tar", "the braces of 's3://a/{0..9.tar' do not pair. " + MEANT),
        ("s3://a/*.tar", "'s3://a/*.tar' is a pattern, and addresses are not listed. " + MEANT),
        (
            "s3://a/{0..999}/{0..999}.tar",
            "'s3://a/{0..999}/{0..999}.tar' stands for more than 100,000 shards. Use fewer, larger ones, or several studies.",
        ),
        ("{0..999999999}.tar", "'{0..999999999}.tar' stands for more than 100,000 shards. Use fewer, larger ones, or several studies."),
    ],
)
def test_names(text, sentence):
    with said(InputError, sentence):
        shard_names(text)


def test_files(tmp_path):
    with said(FileError, f"no file matches '{tmp_path}/*.tar', which should name tar shards."):
        shard_names(str(tmp_path / "*.tar"))
    with said(FileError, f"the folder {tmp_path} holds no tar shards (*.tar)."):
        shard_names(str(tmp_path))


def test_too_many_for_one_set(tmp_path, monkeypatch):
    monkeypatch.setattr(shard_stream, "MOST_WHOLE", -1)
    (tmp_path / "0.tar").write_bytes(bytes(10240))
    with said(
        InputError,
        "0 pictures in 1 shards are too many for one set of stimuli, which names each of them: -1 at most. Write a study with "
        '`shards = "…"`, whose units are slices, or take fewer shards.',
    ):
        ShardStream(str(tmp_path / "0.tar"), store=Store(tmp_path / "store")).whole()


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"models": ()}, InputError, "the study 'x' names no models."),
        ({"shards": ""}, InputError, "the study 'x' names no shards."),
        ({"slice": 0}, InputError, "slice of the study 'x' must be between 1 and 1,000,000 pictures; got 0."),
        ({"together": 0}, InputError, "together of the study 'x' must be a number of shards; got 0."),
        (
            {"reduce": "sketch"},
            InputError,
            "the study 'x' needs a sketch_width: by itself it follows from the pictures of a slice, which differ.",
        ),
        (
            {"reduce": "gram"},
            InputError,
            "the study 'x' asks for reduce = \"gram\", which holds the products of all pairs of pictures, and its units see slices. Take "
            '"features" or "sketch", and make Gram matrices of a sample.',
        ),
        ({"batch_size": 0}, InputError, "batch_size must be a whole number of at least 1; got 0."),
        ({"pool": "median"}, UnknownNameError, None),
    ],
)
def test_studies(options, error, sentence):
    with said(error, sentence) if sentence else pytest.raises(error):
        ExtractionStudy(**({"name": "x", "models": ("bundled/pixels",), "shards": "{0..9}.tar"} | options))


@pytest.mark.parametrize(
    ("model", "why"),
    [("bundled/minilm_l6_v2", "it reads texts, but shards hold pictures"), ("nothing/*", "none that sees pictures matches")],
)
def test_models_of_a_study(model, why):
    with said(InputError, f"the study 'x' asks for the models {model!r}, and {why}. `isomorph list models` shows all."):
        ExtractionStudy(name="x", models=(model,), shards="0.tar").model_names()


def test_shards_without_pictures(tmp_path):
    (tmp_path / "0.tar").write_bytes(bytes(10240))
    study = ExtractionStudy(name="x", models=("bundled/pixels",), shards=str(tmp_path / "0.tar"))
    with said(InputError, "the 1 shards of the study 'x' hold no pictures."):
        study.run(Store(tmp_path / "store"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--part", "1/2", "--out", "x.npz"], "--out needs the whole extraction, and --part makes a share of it"),
        (["--part", "1/2", "--dry-run"], "--dry-run needs the whole extraction, and --part makes a share of it"),
        (["--part", "3/2"], "a part is i/N with 1 ≤ i ≤ N ≤ 1,000,000, such as 1/8; got 3/2."),
    ],
)
def test_parts_of_an_extraction(words, sentence, capsys):
    assert main(["extract", "bundled/pixels", "--stimuli", "photos", *words]) == 2
    assert sentence in capsys.readouterr().err
