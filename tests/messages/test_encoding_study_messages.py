"""What a study of brains says when it cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from isomorph.brains import Recording
from isomorph.errors import IdError, InputError, UnknownNameError
from isomorph.results import EncodingStudy
from isomorph.results._encoding_options import protocol_with
from isomorph.results._encoding_shown import read_shown
from isomorph.store import Store


def study(**options):
    return EncodingStudy(**{"name": "mine", "models": ("bundled/pixels",), "recordings": ("kriegeskorte-92",)} | options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"models": ()}, "the study 'mine' names no models."),
        ({"recordings": ()}, "the study 'mine' names no recordings."),
        ({"recordings": ("a", "b", "a")}, "the study 'mine' names the recording 'a' 2 times; once is enough."),
        (
            {"stimuli": {"algonauts-78": "photos"}},
            "the study 'mine' has stimuli of 'algonauts-78', which is none of its recordings: kriegeskorte-92.",
        ),
    ],
)
def test_studies_that_cannot_be(options, sentence):
    with pytest.raises(InputError) as raised:
        study(**options)
    assert str(raised.value) == sentence


def test_models_that_see_other_things():
    with pytest.raises(InputError) as raised:
        study(models=("bundled/glove_6b_50d",)).model_names({"image"})
    assert str(raised.value) == (
        "bundled/glove_6b_50d takes text stimuli, but the recordings (kriegeskorte-92) showed image stimuli. Leave the model out, or add a "
        "recording of text stimuli."
    )
    with pytest.raises(InputError) as raised:
        study(models=("nobody/*",)).model_names({"image"})
    assert str(raised.value) == (
        "the study 'mine' asks for the models 'nobody/*', and none that take image stimuli match. `isomorph list models` shows all."
    )
    assert all(name.startswith("bundled/") for name in study(models=("bundled/*",)).model_names({"text"}))


def test_options_are_named_with_their_place(tmp_path):
    (tmp_path / "it.toml").write_text('models = ["bundled/pixels"]\nrecordings = ["kriegeskorte-92"]\nprotokol = "net2brain"\n')
    with pytest.raises(InputError) as raised:
        EncodingStudy.load(tmp_path / "it.toml")
    assert str(raised.value).startswith("it.toml: no option is called 'protokol'. Did you mean 'protocol' or 'pool'?")


def test_protocols_and_their_options():
    with pytest.raises(UnknownNameError, match=r"no protocol is called 'conwell'\. Did you mean 'conwell2024'\?"):
        protocol_with("conwell")
    with pytest.raises(InputError) as raised:
        protocol_with("conwell2024", cv=1)
    assert str(raised.value) == "cv is 'loo' or a number of folds, at least 2; got 1."
    with pytest.raises(InputError) as raised:
        protocol_with("net2brain", alphas=(1.0,))
    assert str(raised.value) == (
        "the protocol 'net2brain' fits PrincipalRegression, which has no penalties to choose: leave out alphas and cv."
    )
    assert protocol_with("conwell2024", alphas=(1, 2), cv=4).regression.folds == 4
    assert protocol_with("conwell2024") == protocol_with("conwell2024", cv="loo")


@pytest.fixture
def ours(tmp_path):
    Recording(ids=("cat.png", "dog.png"), responses=np.eye(2, 12), bad_units="keep", name="x").save(tmp_path / "ours")
    return tmp_path


def test_recordings_that_nobody_knows(ours):
    with pytest.raises(InputError) as raised:
        read_shown("kriegeskorte-93")
    assert str(raised.value).startswith("recordings: no benchmark is called 'kriegeskorte-93'. Did you mean 'kriegeskorte-92'?")
    assert str(raised.value).endswith("Nor is there such a file or folder beside the study's file.")
    with pytest.raises(InputError) as raised:
        read_shown("lancaster-words")
    assert str(raised.value).startswith("the benchmark 'lancaster-words' has no brains: ")


def test_what_was_shown_must_be_known(ours):
    with pytest.raises(InputError) as raised:
        read_shown(str(ours / "ours"))
    assert str(raised.value) == (
        "the recording 'ours' does not say what was shown; give the study a folder of pictures or a table of texts: "
        'stimuli = {"ours" = "pictures"}.'
    )
    (ours / "texts.csv").write_text("id,text\ncat.png,a cat\nbird.png,a bird\n")
    with pytest.raises(IdError) as raised:
        read_shown(str(ours / "ours"), stimuli=ours / "texts.csv")
    assert str(raised.value) == (
        "texts.csv lacks 1 of the 2 stimuli of 'ours'; the first is 'dog.png' (there is, for example, 'bird.png'). The ids of pictures are "
        "their file names."
    )


def test_regions_that_a_recording_lacks(ours):
    (ours / "texts.csv").write_text("id,text\ncat.png,a cat\ndog.png,a dog\n")
    asked = study(models=("bundled/glove_6b_50d",), recordings=(str(ours / "ours"),), stimuli={str(ours / "ours"): ours / "texts.csv"})
    try:
        next(asked.plan(Store(ours / "store")))
    except ImportError as error:
        pytest.skip(str(error))
    from dataclasses import replace

    with pytest.raises(UnknownNameError, match="no region of 'ours' is called 'V4'"):
        next(replace(asked, regions=("V4",)).plan(Store(ours / "store")))
