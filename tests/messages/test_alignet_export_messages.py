"""The sentences about exports, readouts and imports, word for word."""

import dataclasses
import json
import re

import numpy as np
import pytest
import torch

from isomorph.alignet import Readout, Student, export_student, fit_readout, load_student, readout_from_classifier, siglip_from_flax
from isomorph.errors import FileError, InputError, ShapeError
from isomorph.models import ImageRecipe, wrap_model
from isomorph.stimuli import Stimuli

PICTURES = Stimuli.from_arrays(np.zeros((3, 4, 4, 3), dtype=np.uint8), ids=["a", "b", "c"])


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


class Net(torch.nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.fc = torch.nn.Linear(48, 5)
        self.dropout = dropout

    def forward(self, x):
        return torch.nn.functional.dropout(self.fc(x.flatten(1)), self.dropout, training=True)


def model(dropout=0.0, teach=True):
    torch.manual_seed(0)
    base = wrap_model(Net(dropout), name="tiny", preprocess=ImageRecipe(height_pixels=4, width_pixels=4, resize_pixels=4))
    return dataclasses.replace(base, module=Student.of(base, PICTURES, layer="output", dimensions=2)) if teach else base


def test_a_network_that_cannot_be_copied():
    base = model(teach=False)
    base.module.session = (each for each in "abc")  # as a graph of another program, it cannot be copied
    with said(
        InputError,
        "user/tiny cannot be a student: its network cannot be copied (cannot pickle 'generator' object). Networks of torch can, those of "
        "other programs (Keras, ONNX, TensorFlow) cannot.",
    ):
        Student.of(base, PICTURES)


def test_exports(tmp_path):
    folder = tmp_path / "export"
    with said(InputError, "the formats of an export are 'safetensors', 'torch', 'onnx'; got 'tflite'."):
        export_student(model(), PICTURES, folder, formats=["tflite"])
    with said(InputError, "an export needs a format: one or more of 'safetensors', 'torch', 'onnx'."):
        export_student(model(), PICTURES, folder, formats=[])
    with said(InputError, "'user/tiny' is no student: pass what FineTuning.fit or load_student returned."):
        export_student(model(teach=False), PICTURES, folder)
    with said(
        InputError,
        "the student's network has no layer 'conv1' with one row for each picture; it has 2, among them 'fc', 'output'.",
    ):
        export_student(model(), PICTURES, folder, layers=["conv1"])
    with pytest.raises(
        InputError,
        match=r"^the export to 'safetensors' is no copy: \w+_logits differs by [\d.]+, which is [\d.]+% of its largest value; at most "
        r"0\.01% is allowed\. Nothing was kept\. Does the network draw random numbers when it is evaluated\?$",
    ):
        export_student(model(dropout=0.5), PICTURES, folder, formats=["safetensors"])
    folder.mkdir()
    (folder / "notes").touch()
    with said(InputError, f"{folder} is there already, and is no export of a student. Choose another folder."):
        export_student(model(), PICTURES, folder)


def test_loading(tmp_path):
    folder = tmp_path / "export"
    with said(FileError, f"{folder}/card.json cannot be read: No such file or directory."):
        load_student(folder)
    export_student(model(), PICTURES, folder, formats=["safetensors"])
    with said(
        InputError,
        f"the network of the student in {folder} cannot be built by its name: no model source is called 'user'. There are 13; "
        "`isomorph.models.sources.names()` has them. Pass base=, a model of the same architecture and preparation, such as the one "
        "that the student began as.",
    ):
        load_student(folder)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"version": 2}))
    with said(FileError, f"{folder}/card.json is a card of version 2, and this Isomorph reads version 1. Export it again."):
        load_student(folder)
    (folder / "card.json").write_text(json.dumps(card | {"seen": "all"}))
    with said(FileError, f"{folder}/card.json is damaged: it lacks 'seen', or that is of another type."):
        load_student(folder)


def test_readouts_and_variables():
    with said(InputError, "a readout is fitted by 'logistic' or 'adamw'; got 'ridge'."):
        fit_readout(model(), PICTURES, ["x", "y", "x"], kind="ridge")
    with said(InputError, "a readout needs the class of each picture: pass labels, or pictures that lie in one folder a class."):
        fit_readout(model(), PICTURES)
    with said(ShapeError, "the readout's features have 2 columns, but the pre_logits of user/tiny have 5."):
        fit_readout(model(), np.ones((4, 2)), ["x", "y", "x", "y"])
    with said(
        InputError,
        "the network of user/tiny does not end in one linear map of what its layer 'output' holds, so that it has no classifier to keep; "
        "fit_readout fits one.",
    ):
        readout_from_classifier(model(), PICTURES)
    with said(InputError, "a readout is 'fitted' or a 'classifier'; got 'guessed'."):
        Readout(5, ["x", "y"], kind="guessed")
    with said(
        FileError,
        "these are not the variables of SigLIP's image tower in Flax: 'embedding/kernel' is missing; there are none with such names.",
    ):
        siglip_from_flax({"stem/kernel": np.ones(3)})
