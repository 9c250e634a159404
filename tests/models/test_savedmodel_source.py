import json
import os
import signal
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
from isomorph.models import _savedmodel_worker, list_models, load_model, model_card
from isomorph.models._savedmodel import folder_digest
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
import json
import os
import pathlib
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


for name, module in dict(plain=Network(), fixed=Fixed(), writer=Writer(), saver=Saver()).items():
    tf.saved_model.save(module, f"{folder}/{name}", signatures={"serving_default": module.run})
outputs = tf.saved_model.load(folder + "/plain").signatures["serving_default"](images=tf.constant(batch))
sys.path.insert(0, sys.argv[2])
import _savedmodel_worker as worker

refused = {}
os.mkdir(folder + "/damaged")
open(folder + "/damaged/saved_model.pb", "wb").write(b"\\xff" * 40)
for name in ("plain", "writer", "saver", "damaged"):
    try:
        worker._Served(pathlib.Path(folder, name), "serving_default")
        refused[name] = ""
    except Exception as error:
        refused[name] = f"{type(error).__name__}: {error}"
open(folder + "/refused.json", "w").write(json.dumps(refused))
np.savez(folder + "/outputs.npz", **{name: each.numpy() for name, each in outputs.items()})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("savedmodels")
    batch = np.stack([opencv_cubic(each, 8, 8) for each in PICTURES]).astype(np.float32) / 255
    np.save(made / "batch.npy", batch)
    python = os.environ.get("ISOMORPH_TENSORFLOW_PYTHON") or sys.executable
    command = [python, "-c", MAKE, str(made), str(Path(_savedmodel_worker.__file__).parent)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    return made


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    """From an archive in torch's cache, as AligNet's are."""
    place = tmp_path_factory.mktemp("cache")
    archive = place / "torch" / "checkpoints" / "alignet-Scratch-B-base_model.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as out:
        out.add(folder / "plain", "Scratch-B-base_model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOMORPH_DATA", str(place / "data"))
        patch.setattr(torch.hub, "get_dir", lambda: str(place / "torch"))
        made = load_model("alignet/Scratch-B.base_model")
    assert archive.with_name(f"{archive.name}.sha256").is_file()
    assert (
        folder_digest(place / "data" / "alignet" / "models" / "Scratch-B-base_model" / "Scratch-B-base_model") == made.card.weights_sha256
    )
    return made


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
    assert [name for name, _ in model.module.named_children()] == ["count", "layer_2", "layer_10", "pre_logits"]
    expected = np.load(folder / "batch.npy", allow_pickle=False)
    np.testing.assert_allclose(model.prepare(PICTURES).numpy(), expected, atol=1e-6)
    tokens = iso.extract(model, Stimuli.from_arrays(PICTURES), layers=["layer_2"], pool="mean")
    assert tokens["layer_2"].width == 4


@needs_tensorflow
def test_a_fixed_number_of_pictures_is_filled_up_and_a_killed_worker_is_a_sentence(folder) -> None:
    name = f"savedmodel/{folder}/fixed"
    model = load_model(name)
    batch = model.prepare(PICTURES)
    torch.testing.assert_close(model.forward(batch), batch.sum((1, 2)))
    process = model.module._run.__closure__[0].cell_contents
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ModelRunError) as caught:
        model.forward(batch)
    assert str(caught.value).startswith(
        f"the process that runs TensorFlow for {name} ended with code -9 (it was killed, perhaps for want of memory). It said last: "
    )
    assert str(caught.value).endswith(" Load the model again.")


@needs_tensorflow
def test_graphs_that_reach_beyond_themselves_are_refused(folder) -> None:
    refused = json.loads((folder / "refused.json").read_text())
    assert refused["plain"] == ""
    assert refused["writer"] == "PermissionError: WriteFile"
    assert "SaveV2" in refused["saver"]
    assert refused["damaged"].startswith("DecodeError")
    assert not list(folder.glob("written*"))


@needs_tensorflow
def test_tensorflow_stays_outside_and_ends_with_a_parent_that_is_killed(folder) -> None:
    code = f"""
import os, sys
from isomorph.models import load_model
model = load_model("savedmodel/{folder}/plain")
print(model.module._run.__closure__[0].cell_contents.pid, "tensorflow" in sys.modules, flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    worker, loaded = done.stdout.split()
    assert loaded == "False"
    deadline = time.monotonic() + 30
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()


ANSWER = """#!/bin/sh
exec {python} -c "
import sys
from isomorph.models._savedmodel_worker import write_message
write_message(sys.stdout.buffer, {head})
sys.stdin.buffer.read()
"
"""


@pytest.mark.parametrize(
    ("head", "error", "text"),
    [
        (
            {"ok": True, "inputs": [["left", "float32", [None, 8, 8, 3]], ["right", "float32", [1]]], "outputs": [], "parameters": 0},
            InputError,
            r"has 2 inputs \(left, right\); a model of pictures has one",
        ),
        ({"ok": False, "kind": "PermissionError", "why": "WriteFile"}, FileError, r"operations that reach beyond it \(WriteFile\)"),
        (
            {"ok": False, "kind": "LookupError", "why": "it has no signature 'x'; it has: y"},
            FileError,
            "as a model: it has no signature 'x'",
        ),
        ({"ok": False, "kind": "DecodeError", "why": "Error"}, FileError, "is not a SavedModel that TensorFlow reads: DecodeError: Error"),
    ],
)
def test_what_a_worker_says_becomes_a_sentence(tmp_path, monkeypatch, head, error, text: str) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    python = tmp_path / "python"
    python.write_text(ANSWER.format(python=sys.executable, head=repr({**head, "tensorflow": "2"}).replace('"', '\\"')))
    python.chmod(0o755)
    monkeypatch.setenv("ISOMORPH_TENSORFLOW_PYTHON", str(python))
    with pytest.raises(error, match=text):
        load_model(f"savedmodel/{tmp_path}")


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
