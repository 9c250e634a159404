"""Sets of pictures by name."""

import io
import tarfile

import pytest
from PIL import Image

from isomorph.benchmarks import load_stimuli, stimulus_sets
from isomorph.cli._extract import read_stimuli
from isomorph.errors import UnknownNameError
from isomorph.stimuli import Stimuli

FIRST = {
    "kriegeskorte-92": ("kriegeskorte-92", "Kriegeskorte_Neuron2008_supplementalData.mat"),
    "algonauts-78": ("algonauts-78", "stimuli_data/image_01.jpg"),
}


@pytest.mark.parametrize("name", stimulus_sets.names())
def test_every_set_is_as_declared(name, data_path):
    dataset, file = FIRST.get(name, ("texture-vs-shape", "edges/airplane/airplane1.png"))
    data_path(dataset, file)
    stimuli, facts = load_stimuli(name), stimulus_sets.entry(name).facts
    assert len(stimuli) == facts.get("stimuli", len(stimuli))  # as many photographs as packages are installed
    assert stimuli.modality == facts["modality"]
    assert len(set(stimuli.labels or ())) == facts.get("labels", 0)
    assert stimuli[0].ndim == 3


def test_a_folder_is_its_pictures(tmp_path):
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "cat" / "a.png")
    stimuli = load_stimuli(tmp_path)
    assert isinstance(stimuli, Stimuli)
    assert stimuli.labels == ("cat",)


def test_an_unknown_set_says_what_is_close():
    with pytest.raises(UnknownNameError, match="Did you mean 'edges'"):
        load_stimuli("edge")


@pytest.mark.parametrize("read", [load_stimuli, read_stimuli])
def test_a_folder_of_tar_files_is_its_pictures(read, tmp_path, monkeypatch):
    monkeypatch.setenv("ISOMORPH_STORE", str(tmp_path / "store"))
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "png")
    (tmp_path / "set" / "train").mkdir(parents=True)
    with tarfile.open(tmp_path / "set" / "train" / "0.tar", "w") as tar:
        for name, held in (("s0.png", picture.getvalue()), ("s0.cls", b"3")):
            entry = tarfile.TarInfo(name)
            entry.size = len(held)
            tar.addfile(entry, io.BytesIO(held))
    (tmp_path / "set" / "train" / "nshards.txt").write_text("1\n")
    stimuli = read(tmp_path / "set")
    assert (len(stimuli), stimuli.labels) == (1, ("3",))
