import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import isomorph as iso
from isomorph.errors import DeviceError, FileError, InputError, ModelRunError, ShapeError
from isomorph.models import list_models, load_model, model_card
from isomorph.stimuli import Stimuli

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'isomorph[onnx]'")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'isomorph[onnx]'")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 20, 26, 3), dtype=np.uint8)
FLOAT = TensorProto.FLOAT


def save(path: Path, nodes, inputs, outputs, initialisers=()) -> str:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initialisers))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return f"onnx/{path}"


def value(name: str, shape, kind: int = FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, array, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(array, dtype=dtype), name)


def small(path: Path, shape=("n", 3, 8, 8), kind: int = FLOAT) -> str:
    """Twice the picture, its rectified part, and the mean of that; names that no module of torch may have."""
    to_float = [helper.make_node("Cast", ["pixels"], ["x.0"], to=FLOAT)]
    nodes = [
        *to_float,
        helper.make_node("Mul", ["x.0", "two"], ["/a.b/Mul"]),
        helper.make_node("Relu", ["/a.b/Mul"], ["forward"]),
        helper.make_node("Shape", ["forward"], ["shape:0"]),
        helper.make_node("ReduceMean", ["forward"], ["output"], axes=[1, 2, 3]),
    ]
    return save(path, nodes, [value("pixels", shape, kind)], [value("output", [shape[0], 1, 1, 1])], [constant("two", 2.0)])


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.BatchNorm2d(6)
        self.act, self.pool, self.head = torch.nn.GELU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.pool(self.act(self.norm(self.conv(x)))).flatten(1))


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Net, str]:
    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'isomorph[onnx]'")
    torch.manual_seed(0)
    net, path = Net().eval(), tmp_path_factory.mktemp("onnx") / "net.onnx"
    sizes = ({0: torch.export.Dim("n")},)
    torch.onnx.export(net, (torch.zeros(2, 3, 16, 16),), path, dynamo=True, dynamic_shapes=sizes, external_data=False, verbose=False)
    return net, f"onnx/{path}"


def test_every_tensor_of_an_exported_network_equals_eager_torch(exported) -> None:
    net, name = exported
    model = load_model(name)
    found = iso.extract(model, Stimuli.from_arrays(PICTURES), batch_size=2)
    batch = model.prepare(PICTURES)
    with torch.inference_mode():
        conv = net.norm(net.conv(batch))
        pooled = net.pool(net.act(conv))
        eager = {"Conv": conv, "Gelu": net.act(conv), "ReduceMean": pooled, "Gemm": net(batch)}
    kinds = {layer.kind: layer.name for layer in found.layers}
    for kind, expected in eager.items():
        np.testing.assert_allclose(found[kinds[kind]].values, expected.flatten(1).numpy(), atol=1e-5, err_msg=kind)


def test_outputs_equal_onnxruntimes_own(exported) -> None:
    _, name = exported
    model = load_model(name)
    batch = model.prepare(PICTURES)
    session = runtime.InferenceSession(name.removeprefix("onnx/"), providers=["CPUExecutionProvider"])
    (own,) = session.run(None, {session.get_inputs()[0].name: batch.numpy()})
    np.testing.assert_allclose(model.forward(batch).numpy(), own, atol=1e-5)


def test_layers_are_named_in_order_and_only_numbers_are_features(tmp_path) -> None:
    model = load_model(small(tmp_path / "small.onnx"))
    assert [name for name, _ in model.module.named_children()] == ["x_0", "a_b/Mul", "forward_2", "shape_0", "output_2"]
    plan = iso.extract(model, Stimuli.from_arrays(PICTURES), dry_run=True)
    assert [(each.name, each.kind, each.shape) for each in plan.layers] == [
        ("x_0", "Cast", (3, 8, 8)),
        ("a_b/Mul", "Mul", (3, 8, 8)),
        ("forward_2", "Relu", (3, 8, 8)),
        ("output_2", "ReduceMean", (1, 1, 1)),
    ]
    assert plan.unusable["shape_0"] == "it holds int64, not real numbers"


def test_a_layer_does_not_depend_on_which_others_are_wanted(exported) -> None:
    stimuli = Stimuli.from_arrays(PICTURES)
    model = load_model(exported[1])
    whole = iso.extract(model, stimuli, batch_size=2)
    for layer in whole:
        assert np.array_equal(iso.extract(model, stimuli, layers=[layer], batch_size=2)[layer].values, whole[layer].values)


@pytest.mark.parametrize("items", [1, 2, 4])
def test_a_fixed_number_of_pictures_is_filled_up(tmp_path, items: int) -> None:
    fixed = load_model(small(tmp_path / "fixed.onnx", shape=(items, 3, 8, 8)))
    free = load_model(small(tmp_path / "free.onnx"))
    batch = free.prepare(PICTURES)
    assert torch.equal(fixed.forward(batch), free.forward(batch))
    found = iso.extract(fixed, Stimuli.from_arrays(PICTURES), batch_size=3)
    assert np.array_equal(found["forward_2"].values, (2 * batch).relu().flatten(1).numpy())


def test_channels_may_stand_last_and_pictures_may_be_bytes(tmp_path) -> None:
    last = load_model(small(tmp_path / "last.onnx", shape=("n", 8, 8, 3)))
    first = load_model(small(tmp_path / "first.onnx"))
    assert last.card.recipe["layout"] == "nhwc"
    torch.testing.assert_close(last.forward(last.prepare(PICTURES)), first.forward(first.prepare(PICTURES)))
    bytes_ = load_model(small(tmp_path / "bytes.onnx", kind=TensorProto.UINT8))
    batch = bytes_.prepare(PICTURES)
    assert torch.equal(batch, batch.round())
    torch.testing.assert_close(bytes_.forward(batch).flatten(), 2 * batch.mean((1, 2, 3)))


def test_the_card_says_what_was_assumed_and_it_can_be_changed(tmp_path) -> None:
    name = small(tmp_path / "small.onnx")
    card = model_card(name)
    assert (card.recipe["height_pixels"], card.recipe["resize"], card.recipe["resize_pixels"]) == (8, "crop", 9)
    assert "the mean and std of ImageNet" in card.note
    changed = load_model(name, recipe={"resize": "squash", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)})
    assert changed.fingerprint != load_model(name).fingerprint
    assert float(changed.prepare(PICTURES).min()) >= 0
    assert list_models("onnx/*") == []


def test_weights_in_another_file_are_read_and_part_of_the_fingerprint(tmp_path) -> None:
    weights = np.random.default_rng(1).normal(size=(4, 192)).astype(np.float32)
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("Gemm", ["flat", "w"], ["y"], transB=1)]
    graph = helper.make_graph(nodes, "g", [value("x", ["n", 3, 8, 8])], [value("y", ["n", 4])], [constant("w", weights)])
    path = tmp_path / "big.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(made, path, save_as_external_data=True, location="big.data", size_threshold=0)
    model = load_model(f"onnx/{path}")
    assert model.card.parameters == weights.size
    batch = model.prepare(PICTURES)
    np.testing.assert_allclose(model.forward(batch).numpy(), batch.flatten(1).numpy() @ weights.T, rtol=1e-4, atol=1e-4)
    before = model.fingerprint
    del model
    (tmp_path / "big.data").write_bytes((weights * 2).tobytes())
    assert load_model(f"onnx/{path}").fingerprint != before


@pytest.mark.parametrize("location", ["../secret.data", "/etc/passwd", "a/../../secret.data", "..\\secret.data", "C:\\secret.data", "link"])
def test_weights_outside_the_folder_are_refused(tmp_path, location: str) -> None:
    (tmp_path / "secret.data").write_bytes(bytes(64))
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret.data")
    tensor = constant("w", np.zeros(4))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, each in (("location", location), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=each)
    name = save(
        folder / "net.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], [value("x", ["n", 3, 8, 8])], [value("y", None)], [tensor]
    )
    with pytest.raises(FileError, match="which is not in its own folder; that is not read"):
        load_model(name)


@pytest.mark.parametrize(("offset", "length"), [("0", "15"), ("64", "16"), ("-8", "16"), ("0", "99999999999999999999"), ("x", "16")])
def test_ranges_that_do_not_fit_are_refused(tmp_path, offset: str, length: str) -> None:
    (tmp_path / "net.data").write_bytes(bytes(64))
    tensor = constant("w", np.zeros(4))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, each in (("location", "net.data"), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=each)
    name = save(
        tmp_path / "n.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], [value("x", ["n", 3, 8, 8])], [value("y", None)], [tensor]
    )
    with pytest.raises(FileError, match="One of the two is damaged"):
        load_model(name)


def test_external_data_in_a_node_is_refused(tmp_path) -> None:
    (tmp_path / "net.data").write_bytes(bytes(64))
    tensor = constant("c", np.zeros(4))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="net.data")
    nodes = [helper.make_node("Constant", [], ["c"], value=tensor), helper.make_node("Add", ["x", "c"], ["y"])]
    with pytest.raises(FileError, match="which is no initialiser"):
        load_model(save(tmp_path / "net.onnx", nodes, [value("x", ["n", 3, 8, 8])], [value("y", None)]))


def test_it_stays_on_the_cpu_and_wrong_sizes_are_named(tmp_path) -> None:
    model = load_model(small(tmp_path / "small.onnx"))
    with pytest.raises(DeviceError, match="on the CPU only"):
        model.module.to("cuda:0")
    changed = model.with_recipe(height_pixels=16)
    batch = changed.prepare(PICTURES)
    with pytest.raises(ShapeError, match=r"takes pictures of \[3, 8, 8\], but the recipe prepares \[3, 16, 8\]"):
        changed.forward(batch)


def test_onnxruntimes_refusals_become_sentences(tmp_path) -> None:
    unknown = save(tmp_path / "u.onnx", [helper.make_node("Nonsense", ["x"], ["y"])], [value("x", ["n", 3, 8, 8])], [value("y", None)])
    with pytest.raises(FileError, match="onnxruntime does not run it"):
        load_model(unknown)
    wrong = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    named = save(
        tmp_path / "w.onnx", wrong, [value("x", ["n", 3, 8, 8])], [value("y", None)], [constant("shape", [7, 1000], dtype=np.int64)]
    )
    model = load_model(named)
    with pytest.raises(ModelRunError, match=r"w\.onnx stopped on 5 pictures"):
        model.forward(model.prepare(PICTURES))
    with pytest.raises(InputError, match="has 2 inputs"):
        load_model(
            save(
                tmp_path / "two.onnx",
                [helper.make_node("Add", ["x", "z"], ["y"])],
                [value("x", ["n", 3, 8, 8]), value("z", ["n", 3, 8, 8])],
                [value("y", None)],
            )
        )


def test_listing_and_cards_load_no_runtime() -> None:
    code = "import isomorph as iso, sys; iso.list_models('onnx/*'); print('onnxruntime' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
