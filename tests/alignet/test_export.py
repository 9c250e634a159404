"""Exports compute what the student computes, are there whole or not at all, and load in a few lines."""

import dataclasses
import json
import re
import resource
import shutil
from collections import Counter

import numpy as np
import onnxruntime
import pytest
import torch

from isomorph.alignet import FineTuning, Student, TripletLoss, export_student, load_student
from isomorph.alignet._export_card import readme
from isomorph.errors import DigestError, FileError, InputError, MissingDependencyError
from isomorph.judgments import Triplets
from isomorph.models import ImageRecipe, extract, load_model, wrap_model
from isomorph.models._weights import weights_digest
from isomorph.stimuli import Stimuli

RECIPE = ImageRecipe(height_pixels=8, width_pixels=8, resize_pixels=8, interpolation="opencv-cubic", resize="squash")
N = 12


class Net(torch.nn.Module):
    """Two blocks that work in place, a layer whose own output is read, and a classifier that no export needs."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.blocks = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.Conv2d(6, 6, 3))
        self.body = torch.nn.Linear(96, 8)
        self.fc = torch.nn.Linear(8, 5)
        self.dropout = dropout

    def forward(self, x):
        for block in self.blocks:
            x = torch.nn.functional.relu_(block(x))
        x = torch.nn.functional.dropout(x, self.dropout, training=True) if self.dropout else x
        return self.fc(torch.relu(self.body(x.flatten(1))))


def net(dropout=0.0, seed=3):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return wrap_model(Net(dropout), name="tiny", preprocess=RECIPE)


def pictures(count=N):
    values = np.random.default_rng(0).integers(0, 256, size=(count, 10, 12, 3), dtype=np.uint8)
    return Stimuli.from_arrays(values, ids=[f"p{row}" for row in range(count)])


def taught(folder, model=None, **options):
    rng = np.random.default_rng(1)
    items = np.array([rng.permutation(N)[:3] for _ in range(40)], dtype=np.int32)
    triplets = Triplets(items=items, objects=pictures().ids, similarities=np.sort(rng.normal(size=(40, 3)))[:, ::-1])
    method = FineTuning(steps=3, batch_size=8, warmup=1, learning_rate=1e-2, dimensions=16, loss=TripletLoss(temperature=1.0))
    return method.fit(model or net(), pictures(), triplets, folder=folder, layer="body", seen=("a", "b"), **options)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return taught(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def export(student, tmp_path_factory):
    return export_student(student, pictures(), tmp_path_factory.mktemp("made") / "export", facts={"teacher_transform": "sha256:abc"})


def test_every_format_is_there_and_equals_eager(student, export):
    names = {path.name for path in export.paths}
    assert names == {"student.safetensors", "student.pt2", "student.onnx", "card.json", "README.md", "seen.json"}
    assert export.checks["safetensors"] == 0
    assert all(0 <= share < 1e-5 for share in export.checks.values())
    assert export.layers == {"layer_0": "blocks.0", "layer_1": "blocks.1"}
    batch = student.model.prepare(list(pictures()))
    right = student.model.forward(batch)
    program = torch.export.load(export.folder / "student.pt2").module()
    session = onnxruntime.InferenceSession(export.folder / "student.onnx")
    for count in (1, 5, N):  # five was never traced nor checked
        theirs = dict(
            zip([each.name for each in session.get_outputs()], session.run(None, {"pictures": batch[:count].numpy()}), strict=True)
        )
        ours = program(batch[:count])
        assert set(theirs) == set(ours) == {"pre_logits", "triplet_logits", "layer_0", "layer_1"}
        for name in ("pre_logits", "triplet_logits"):
            np.testing.assert_allclose(ours[name].numpy(), right[name][:count].numpy(), rtol=0, atol=1e-4 * float(right[name].abs().max()))
            np.testing.assert_allclose(theirs[name], right[name][:count].numpy(), rtol=0, atol=1e-4 * float(right[name].abs().max()))


def test_layers_are_what_extraction_finds(student, export):
    session = onnxruntime.InferenceSession(export.folder / "student.onnx")
    first, second = session.run(["layer_0", "layer_1"], {"pictures": student.model.prepare(list(pictures())).numpy()})
    found = extract(student.model, pictures(), layers=["network.blocks.0", "network.blocks.1"])
    assert first.min() < 0  # before the operation in place
    np.testing.assert_allclose(first.reshape(N, -1), found["network.blocks.0"].values, atol=1e-5)
    np.testing.assert_allclose(second.reshape(N, -1), found["network.blocks.1"].values, atol=1e-5)


def test_the_graph_holds_nothing_it_does_not_need(export):
    import onnx

    kinds = Counter(node.op_type for node in onnx.load(export.folder / "student.onnx").graph.node)
    assert kinds["Gemm"] + kinds["MatMul"] == 2  # body and triplet head, not the classifier


def test_onnx_is_a_model_by_its_path(student, export):
    recipe = json.loads((export.folder / "card.json").read_text())["recipe"]
    model = load_model(f"onnx/{export.folder}/student.onnx", recipe=recipe)
    batch = model.prepare(list(pictures()))
    assert torch.equal(batch, student.model.prepare(list(pictures())))
    found = extract(model, pictures(), layers=["pre_logits"])["pre_logits"].values
    right = student.model.forward(batch)["pre_logits"].numpy()
    np.testing.assert_allclose(found, right, atol=1e-4 * np.abs(right).max())


def test_the_lines_of_the_card_run(student, export):
    text = (export.folder / "README.md").read_text(encoding="utf-8")
    blocks = [block.replace("FOLDER", str(export.folder)) for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)]
    assert len(blocks) == 3
    picture = pictures()[4]
    right = student.model.forward(student.model.prepare([picture]))["triplet_logits"].numpy()
    for block in blocks:
        assert len([line for line in block.splitlines() if line and "import" not in line]) <= 5
        held = {"picture": picture, "base": net(seed=1)}
        exec(compile(block, "README.md", "exec"), held)  # what a reader would do
        outputs = held["outputs"]
        if isinstance(outputs, list):
            outputs = dict(zip([each.name for each in held["session"].get_outputs()], outputs, strict=True))
        np.testing.assert_allclose(np.asarray(outputs["triplet_logits"]), right, atol=1e-5 * np.abs(right).max())


def test_the_card_says_what_is_known(student, export):
    card = json.loads((export.folder / "card.json").read_text(encoding="utf-8"))
    assert card["weights"] == student.model.weights
    assert card["training"]["options"]["loss"]["temperature"] == 1.0
    assert card["training"]["steps"] == 3
    assert card["facts"] == {"teacher_transform": "sha256:abc"}
    assert card["seen"] == 2
    assert json.loads((export.folder / "seen.json").read_text()) == ["a", "b"]
    assert card["outputs"]["triplet_logits"] == [16]
    text = (export.folder / "README.md").read_text(encoding="utf-8")
    for words in (
        "user/tiny+alignet",
        "opencv-cubic",
        "3 of 8 triplets",
        "sha256:abc",
        "It has no `i1k_logits`",
        "The licence of the weights",
    ):
        assert words in text


def test_a_student_whose_log_was_lost_is_exported_all_the_same(student, tmp_path):
    lost = dataclasses.replace(student, history=[])
    assert str(lost) == "user/tiny+alignet, 3 steps; its log is lost"
    made = export_student(lost, pictures(), tmp_path / "export", formats=["safetensors"])
    assert "| Loss at the last step | not known: the log is lost |" in (made.folder / "README.md").read_text(encoding="utf-8")
    assert load_student(made.folder, base=net(seed=9)).fingerprint == student.model.fingerprint


def test_facts_of_several_lines_stay_in_their_row(export):
    card = json.loads((export.folder / "card.json").read_text(encoding="utf-8"))
    assert "| by | a \\| b c |\n" in readme(card | {"facts": {"by": "a | b\n\nc"}})


def test_a_user_network_comes_back_with_its_base(student, export):
    back = load_student(export.folder, base=net(seed=9))
    assert back.fingerprint == student.model.fingerprint
    assert back.seen == ("a", "b")
    batch = back.prepare(list(pictures()))
    for name, right in student.model.forward(batch).items():
        assert torch.equal(back.forward(batch)[name], right)
    with pytest.raises(InputError, match=r"cannot be built by its name: .* Pass base=, a model of the same architecture"):
        load_student(export.folder)
    with pytest.raises(InputError, match="prepares pictures in another way"):
        load_student(export.folder, base=net().with_recipe(interpolation="bicubic"))
    other = wrap_model(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 8)), name="other", preprocess=RECIPE)
    with pytest.raises(FileError, match="does not hold the weights of such a student"):
        load_student(export.folder, base=other)


def test_a_function_prepares_the_pictures(tmp_path):
    def scaled(picture):
        return torch.from_numpy(picture[:8, :8]).permute(2, 0, 1).float() / 255

    model = wrap_model(net().module, name="tiny", preprocess=scaled)
    fitted = taught_by_hand(model)
    export = export_student(fitted, pictures(1), tmp_path / "export", formats=["safetensors", "torch"])
    text = (export.folder / "README.md").read_text(encoding="utf-8")
    assert "By a function of its author's" in text
    assert "outputs = program(pictures)" in text
    assert "ImageRecipe" not in text
    assert load_student(export.folder, base=model).fingerprint == fitted.fingerprint


def test_a_named_network_is_built_anew(tmp_path):
    size = {"height_pixels": 32, "width_pixels": 32, "resize_pixels": 32}
    for name in ("bundled/mobilenet_v2.random-4", "timm/test_vit.random-5"):
        model = load_model(name, recipe=size)
        fitted = taught_by_hand(model)
        folder = tmp_path / name.replace("/", "-")
        export_student(fitted, pictures(2), folder, formats=["safetensors"])
        back = load_student(folder)
        assert back.fingerprint == fitted.fingerprint
        assert back.card == fitted.card


def taught_by_hand(model):
    module = Student.of(model, pictures(2), dimensions=4)
    card = dataclasses.replace(model.card, name=f"{model.name}+alignet")
    return dataclasses.replace(model, module=module, card=card, weights=weights_digest(module.state_dict()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layers"),
    [("bundled/efficientnet_lite0.imagenet1k", 7), ("bundled/mobilenet_v2.random-0", 19), ("timm/vit_tiny_patch16_224.random-0", 12)],
)
def test_real_networks_export_in_every_format(tmp_path, name, layers):
    model = load_model(name, recipe={"height_pixels": 64, "width_pixels": 64, "resize_pixels": 64})
    export = export_student(taught_by_hand(model), pictures(3), tmp_path / "export")
    assert set(export.checks) == {"safetensors", "torch", "onnx"}
    assert all(share < 1e-4 for share in export.checks.values())
    assert len(export.layers) == layers


def test_weights_that_are_too_many_for_one_onnx_file_stand_beside_it(student, tmp_path, monkeypatch):
    monkeypatch.setattr("isomorph.alignet._export_formats.BESIDE_BYTES", 1000)  # as if a gigabyte had been reached
    export = export_student(student, pictures(), tmp_path / "export", formats=["onnx"])
    assert (export.folder / "student.onnx.data").stat().st_size > 3000
    model = load_model(f"onnx/{export.folder}/student.onnx", recipe=json.loads((export.folder / "card.json").read_text())["recipe"])
    right = student.model.forward(model.prepare([pictures()[0]]))["triplet_logits"].numpy()
    found = extract(model, pictures()[:1], layers=["triplet_logits"])["triplet_logits"].values
    np.testing.assert_allclose(found, right, atol=1e-4 * np.abs(right).max())


def test_named_layers(student, tmp_path):
    made = export_student(student, pictures(), tmp_path / "made", formats=["torch"], layers=["network.fc", "blocks.1"])
    assert made.layers == {"layer_0": "fc", "layer_1": "blocks.1"}
    outputs = torch.export.load(made.folder / "student.pt2").module()(student.model.prepare(list(pictures())))
    assert outputs["layer_0"].shape == (N, 5)


def test_an_export_that_is_whole_is_left_alone(student, tmp_path):
    folder = tmp_path / "export"
    paths = export_student(student, pictures(), folder, formats=["safetensors"]).paths
    before = {path: path.stat().st_mtime_ns for path in paths}
    export_student(student, pictures(), folder, formats=["safetensors"])
    assert {path: path.stat().st_mtime_ns for path in paths} == before
    damaged = folder / "student.safetensors"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-4] + b"\0\0\0\1")
    export_student(student, pictures(), folder, formats=["safetensors"])
    assert damaged.read_bytes() == whole
    assert set(export_student(student, pictures(), folder, formats=["torch"]).checks) == {"torch"}
    assert not damaged.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["export"]


def test_a_network_that_draws_random_numbers_is_refused(tmp_path):
    noisy = taught(tmp_path / "run", model=net(dropout=0.5))
    for kind in ("safetensors", "torch", "onnx"):
        with pytest.raises(InputError, match=rf"the export to '{kind}' is no copy: \w+ differs by .* Nothing was kept"):
            export_student(noisy, pictures(), tmp_path / "export", formats=[kind])
    assert not [each for each in tmp_path.iterdir() if each.name != "run"]


class Untraceable(Net):
    def forward(self, x):
        return super().forward(x * 2 if float(x.sum()) > 0 else x)


def test_a_network_that_cannot_be_traced(tmp_path):
    fitted = taught(tmp_path / "run", model=wrap_model(Untraceable(), name="odd", preprocess=RECIPE))
    with pytest.raises(InputError, match=r"torch.export cannot trace the student's network: .* Export it as 'safetensors'"):
        export_student(fitted, pictures(), tmp_path / "export", formats=["torch"])
    assert export_student(fitted, pictures(), tmp_path / "export", formats=["safetensors"]).checks == {"safetensors": 0.0}


def test_what_is_refused(student, export, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="the formats of an export are 'safetensors', 'torch', 'onnx'; got 'tflite'"):
        export_student(student, pictures(), tmp_path / "a", formats=["tflite"])
    with pytest.raises(InputError, match="an export needs a format"):
        export_student(student, pictures(), tmp_path / "a", formats=[])
    with pytest.raises(InputError, match=r"'user/tiny' is no student: pass what FineTuning.fit or load_student returned"):
        export_student(net(), pictures(), tmp_path / "a")
    with pytest.raises(InputError, match="an object of the type str is no student"):
        export_student("tiny", pictures(), tmp_path / "a")
    with pytest.raises(InputError, match=r"the student's network has no layer 'blocks.7' with one row for each picture; it has 5"):
        export_student(student, pictures(), tmp_path / "a", layers=["blocks.7"])
    with pytest.raises(InputError, match=r"holds the export of another student, 'user/tiny.alignet' with other weights"):
        export_student(taught(tmp_path / "other", model=net(seed=8)), pictures(), export.folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match="is there already, and is no export of a student"):
        export_student(student, pictures(), tmp_path / "mine")
    with pytest.raises(InputError, match="is a file; an export is a folder"):
        export_student(student, pictures(), tmp_path / "mine" / "thesis.txt")
    with pytest.raises(FileError, match=r"the export cannot be written to .*: Not a directory. Choose another folder"):
        export_student(student, pictures(), tmp_path / "mine" / "thesis.txt" / "below", formats=["safetensors"])
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(MissingDependencyError, match=r"the export to ONNX needs the package 'onnxscript', .*isomorph\[onnx\]'"):
        export_student(student, pictures(), tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("kind", ["safetensors", "torch", "onnx"])
def test_a_full_disk_leaves_nothing(student, tmp_path, kind):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(FileError, match=r"the export cannot be written to .*export: File too large. Make room and run again"):
            export_student(student, pictures(), tmp_path / "export", formats=[kind])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_damaged_exports_are_refused(export, tmp_path):
    def copied(name):
        return shutil.copytree(export.folder, tmp_path / name)

    def changed(name, **fields):
        folder = copied(name)
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps(card | fields))
        return folder

    cut = copied("cut")
    (cut / "student.safetensors").write_bytes((cut / "student.safetensors").read_bytes()[:-100])
    with pytest.raises(FileError, match=r"student.safetensors is damaged"):
        load_student(cut, base=net())
    flipped = copied("flipped")
    content = bytearray((flipped / "student.safetensors").read_bytes())
    content[-3] ^= 1
    (flipped / "student.safetensors").write_bytes(content)
    with pytest.raises(DigestError, match=r"holds other weights than its card names"):
        load_student(flipped, base=net())
    gone = copied("gone")
    (gone / "student.safetensors").unlink()
    with pytest.raises(FileError, match=r"there is no .*student.safetensors. Export the student as 'safetensors' too"):
        load_student(gone, base=net())
    with pytest.raises(FileError, match=r"card of version 7, and this Isomorph reads version 1. Export it again"):
        load_student(changed("later", version=7), base=net())
    with pytest.raises(FileError, match="is not the card of an exported student"):
        load_student(changed("foreign", isomorph="measure"), base=net())
    with pytest.raises(FileError, match="is damaged: it lacks 'recipe', or that is of another type"):
        load_student(changed("typed", recipe="crop"), base=net())
    with pytest.raises(FileError, match="does not say how the student is built"):
        load_student(changed("bare", student={"layer": "body"}), base=net())
    with pytest.raises(InputError, match="no network of SigLIP's architecture has these sizes"):
        load_student(changed("deep", built={"siglip": dict.fromkeys(("pixels", "patch", "width", "depth", "heads", "hidden"), 10**9)}))
    text = copied("text")
    (text / "card.json").write_text("{")
    with pytest.raises(FileError, match="is not JSON"):
        load_student(text, base=net())
