import json
import os
import subprocess
import sys
import tarfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import isomorph as iso
from isomorph.errors import FetchError, FileError, InputError, MissingDependencyError, ModelRunError
from isomorph.models import list_models, load_model, model_card
from isomorph.models._savedmodel_unpack import unpack
from isomorph.models._savedmodel_worker import read_message, write_message
from isomorph.stimuli import Stimuli
from isomorph.stimuli._opencv_cubic import opencv_cubic

needs_tensorflow = pytest.mark.skipif(
    find_spec("tensorflow") is None and "ISOMORPH_TENSORFLOW_PYTHON" not in os.environ,
    reason="needs TensorFlow: pip install 'isomorph[tensorflow]'",
)
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 20, 26, 3), dtype=np.uint8)

# What TensorFlow writes, and what it computes itself for a saved batch; in a process of its own.
MAKE = """
import sys
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
batch = np.load(folder + "/batch.npy", allow_pickle=False)


class Network(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(tf.random.stateless_normal((3, 3, 3, 4), (1, 2)))
        self.weights = tf.Variable(tf.random.stateless_normal((192, 6), (3, 4)))

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="images")])
    def run(self, images):
        tokens = tf.reshape(tf.nn.conv2d(images, self.kernel, 1, "SAME"), (-1, 64, 4))
        logits = tf.reshape(images, (-1, 192)) @ self.weights
        return {"pre_logits": logits, "layer_10": tokens * 2, "layer_2": tf.nn.gelu(tokens), "count": tf.size(images)}


class Fixed(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([2, 8, 8, 3], tf.float32, name="images")])
    def run(self, images):
        return {"y": tf.reduce_sum(images, (1, 2))}


class Writer(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="images")])
    def run(self, images):
        tf.io.write_file(folder + "/written", "x")
        return {"y": images}


class Saver(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="images")])
    def run(self, images):
        tf.raw_ops.SaveV2(prefix=folder + "/written", tensor_names=["a"], shape_and_slices=[""], tensors=[images])
        return {"y": images}


class Two(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name=name) for name in ("left", "right")])
    def run(self, left, right):
        return {"y": left + right}


for name, module in dict(plain=Network(), fixed=Fixed(), writer=Writer(), saver=Saver(), two=Two()).items():
    tf.saved_model.save(module, f"{folder}/{name}", signatures={"serving_default": module.run})
outputs = tf.saved_model.load(folder + "/plain").signatures["serving_default"](images=tf.constant(batch))
np.savez(folder + "/outputs.npz", **{name: each.numpy() for name, each in outputs.items()})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("savedmodels")
    batch = np.stack([opencv_cubic(each, 8, 8) for each in PICTURES]).astype(np.float32) / 255
    np.save(made / "batch.npy", batch)
    python = os.environ.get("ISOMORPH_TENSORFLOW_PYTHON") or sys.executable
    subprocess.run([python, "-c", MAKE, str(made)], check=True, capture_output=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    return made


@pytest.fixture(scope="module")
def model(folder):
    return load_model(f"savedmodel/{folder}/plain", recipe={"interpolation": "opencv-cubic"})


@needs_tensorflow
def test_outputs_are_layers_and_equal_tensorflows_own(folder, model) -> None:
    found = iso.extract(model, Stimuli.from_arrays(PICTURES), batch_size=2)
    assert list(found) == ["layer_2", "layer_10", "pre_logits"]
    assert "count" in found.unusable
    with np.load(folder / "outputs.npz", allow_pickle=False) as own:
        for layer in found:
            np.testing.assert_allclose(found[layer].values, own[layer].reshape(5, -1), rtol=1e-5, atol=1e-6)
    assert model.card.parameters == 108 + 1152
    assert model.card.recipe["layout"] == "nhwc"
    tokens = iso.extract(model, Stimuli.from_arrays(PICTURES), layers=["layer_2"], pool="mean")
    assert tokens["layer_2"].width == 4


@needs_tensorflow
def test_a_fixed_number_of_pictures_is_filled_up(folder) -> None:
    model = load_model(f"savedmodel/{folder}/fixed")
    batch = model.prepare(PICTURES)
    torch.testing.assert_close(model.forward(batch), batch.sum((1, 2)))


@needs_tensorflow
@pytest.mark.parametrize(("name", "operation"), [("writer", "WriteFile"), ("saver", "SaveV2")])
def test_graphs_that_reach_beyond_themselves_are_refused(folder, name: str, operation: str) -> None:
    with pytest.raises(FileError, match=f"operations that reach beyond it .*{operation}"):
        load_model(f"savedmodel/{folder}/{name}")
    assert not list(folder.glob("written*"))


@needs_tensorflow
def test_two_inputs_and_a_damaged_graph_are_refused(folder, tmp_path) -> None:
    with pytest.raises(InputError, match=r"has 2 inputs \(left, right\); a model of pictures has one"):
        load_model(f"savedmodel/{folder}/two")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 40)
    with pytest.raises(FileError, match="is not a SavedModel that TensorFlow reads: DecodeError"):
        load_model(f"savedmodel/{tmp_path}")


@needs_tensorflow
def test_a_killed_worker_is_a_sentence_and_workers_end_with_their_parent(folder) -> None:
    code = f"""
import json, os, signal, sys, time
import numpy as np
from isomorph.errors import ModelRunError
from isomorph.models import load_model
model = load_model("savedmodel/{folder}/plain")
other = load_model("savedmodel/{folder}/plain")
batch = model.prepare([np.zeros((9, 9, 3), dtype=np.uint8)])
model.forward(batch)
workers = [int(each) for each in open(f"/proc/{{os.getpid()}}/task/{{os.getpid()}}/children").read().split()]
os.kill(workers[0], signal.SIGKILL)
try:
    model.forward(batch)
except ModelRunError as error:
    print(json.dumps([workers, "tensorflow" in sys.modules, str(error)]), flush=True)
os._exit(0) if sys.argv[1] == "hard" else None
"""
    done = subprocess.run([sys.executable, "-c", code, "hard"], check=True, capture_output=True, text=True)
    workers, loaded, message = json.loads(done.stdout.splitlines()[-1])
    assert len(workers) == 2
    assert not loaded
    assert message.startswith(f"the process that runs TensorFlow for savedmodel/{folder}/plain ended with code -9 (it was killed, perhaps")
    assert message.endswith("Load the model again.")
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{each}").exists() for each in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [each for each in workers if Path(f"/proc/{each}").exists()]


def test_another_interpreter_without_tensorflow(tmp_path, monkeypatch) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nshift\nexec {sys.executable} -c \"\nimport sys; sys.modules['tensorflow'] = None\n"
        f'from isomorph.models import _savedmodel_worker as worker\nworker.main()" "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv("ISOMORPH_TENSORFLOW_PYTHON", str(python))
    with pytest.raises(MissingDependencyError, match="TensorFlow and numpy"):
        load_model(f"savedmodel/{tmp_path}")
    python.write_text("#!/bin/sh\necho I am no Python >&2\nexit 3\n")
    with pytest.raises(ModelRunError, match=r"ended with code 3\. It said last: 'I am no Python'\. Load the model again\."):
        load_model(f"savedmodel/{tmp_path}")
    monkeypatch.setenv("ISOMORPH_TENSORFLOW_PYTHON", str(tmp_path / "absent"))
    with pytest.raises(InputError, match="cannot be started: No such file"):
        load_model(f"savedmodel/{tmp_path}")


def test_the_protocol_refuses_what_is_no_message(tmp_path) -> None:
    path = tmp_path / "message"
    with path.open("wb") as stream:
        write_message(stream, {"names": ["a"]}, {"x": np.arange(6.0).reshape(2, 3).T, "none": np.empty((0, 4), np.float32)})
    with path.open("rb") as stream:
        head, arrays = read_message(stream)
    assert head == {"names": ["a"]}
    assert np.array_equal(arrays["x"], np.arange(6.0).reshape(2, 3).T)
    assert arrays["none"].shape == (0, 4)
    for head in ({"arrays": [["x", "object", [1]]]}, {"arrays": [["x", "float32", [-1]]]}, {"arrays": [["x", "float32", [1 << 40]]]}):
        text = json.dumps(head).encode()
        path.write_bytes(len(text).to_bytes(8, "big") + text)
        with path.open("rb") as stream, pytest.raises(ValueError, match="an array"):
            read_message(stream)
    path.write_bytes(b"\xff" * 8)
    with path.open("rb") as stream, pytest.raises(ValueError, match="a head of"):
        read_message(stream)
    path.write_bytes(b"\0\0")
    with path.open("rb") as stream, pytest.raises(EOFError):
        read_message(stream)


def archive(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """Files where the content is bytes, links where it is text."""
    import io

    with tarfile.open(path, "w:gz") as out:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                out.addfile(entry)
            else:
                entry.size = len(content)
                out.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("../out", b"x")], "which leaves the folder"),
        ([("/out", b"x")], "which leaves the folder"),
        ([("a", b"x"), ("a/../../out", b"x")], "which leaves the folder"),
        ([("link", "/etc/passwd")], "'link' is neither a file nor a folder"),
        ([("big", bytes(2000))], "more than 1,000 bytes"),
    ],
)
def test_hostile_archives_are_not_unpacked(tmp_path, members, reason: str) -> None:
    made = archive(tmp_path / "a.tar.gz", *members)
    with pytest.raises(FileError, match=reason):
        unpack(made, tmp_path / "inner" / "folder", limit_bytes=1000)
    assert [each.name for each in tmp_path.iterdir() if each.name != "inner"] == ["a.tar.gz"]
    assert list((tmp_path / "inner").iterdir()) == []


def test_a_broken_archive_leaves_nothing(tmp_path) -> None:
    made = archive(tmp_path / "a.tar.gz", ("a", os.urandom(5000)))
    made.write_bytes(made.read_bytes()[:2000])
    with pytest.raises(FileError, match="cannot be unpacked"):
        unpack(made, tmp_path / "folder")
    assert [each.name for each in tmp_path.iterdir()] == ["a.tar.gz"]


def test_alignets_rows() -> None:
    names = list_models("alignet/*")
    assert len(names) == 24
    assert "alignet/SigLIP2-B.alignet" in names
    card = model_card("alignet/SigLIP2-B")
    assert card.upstream == "https://storage.googleapis.com/alignet/models/SigLIP2-B-alignet.tar.gz"
    assert (card.recipe["resize"], card.recipe["interpolation"], card.recipe["mean"]) == ("squash", "opencv-cubic", (0.0, 0.0, 0.0))
    assert "No digest" in card.note


@needs_tensorflow
def test_an_archive_of_alignet_in_torchs_cache_is_unpacked_and_run(folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    place = tmp_path / "torch" / "checkpoints" / "alignet-Scratch-B-base_model.tar.gz"
    place.parent.mkdir(parents=True)
    with tarfile.open(place, "w:gz") as out:
        out.add(folder / "plain", "Scratch-B-base_model")
    model = load_model("alignet/Scratch-B.base_model")
    assert [name for name, _ in model.module.named_children()] == ["count", "layer_2", "layer_10", "pre_logits"]
    expected = np.load(folder / "batch.npy", allow_pickle=False)
    np.testing.assert_allclose(model.prepare(PICTURES).numpy(), expected, atol=1e-6)
    place.unlink()
    assert load_model("alignet/Scratch-B.base_model").fingerprint == model.fingerprint


def test_without_the_archive_and_a_network(tmp_path, monkeypatch) -> None:
    from urllib.error import URLError

    from isomorph.models import _weights_file

    def unreachable(request):
        raise URLError("no route")

    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(_weights_file.WeightsFile.fetch, "__kwdefaults__", {"open_url": unreachable})
    with pytest.raises(FetchError) as caught:
        load_model("alignet/DINOv2-B")
    assert str(caught.value) == (
        "'alignet/DINOv2-B.alignet' is not at hand and https://storage.googleapis.com/alignet/models/DINOv2-B-alignet.tar.gz cannot be "
        "reached. Put that file into torch's cache as alignet-DINOv2-B-alignet.tar.gz (the folder hub/checkpoints under $TORCH_HOME), or "
        f"unpack it into {tmp_path}/data/alignet/models/DINOv2-B-alignet."
    )
