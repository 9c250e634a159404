"""The table of layers: costs against published ones, shapes and sizes against hand counts."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from isomorph.models import layer_table, load_model, wrap_model

needs_timm = pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
needs_torchvision = pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision: pip install 'isomorph[torchvision]'")


def model_of(net, side=8):
    model = wrap_model(net, name="net", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255)
    return model, np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)


# torchvision documents 0.71, 1.81 and 17.56 "GFLOPS" (multiply-adds) for these; DeiT's paper 4.6 for a ViT-S/16.
@needs_torchvision
@pytest.mark.parametrize(("name", "giga"), [("alexnet", 0.71), ("resnet18", 1.81)])
def test_macs_are_torchvisions(name: str, giga: float) -> None:
    table = layer_table(load_model(f"torchvision/{name}.random-0")).set_index("name")
    assert round(table.macs["output"] / 1e9, 2) == giga


@needs_timm
def test_macs_of_a_transformer_have_those_of_its_attention() -> None:
    table = layer_table(load_model("timm/vit_small_patch16_224.random-0")).set_index("name")
    assert round(table.macs.max() / 1e9, 1) == 4.6
    block, tokens, width = table.loc["blocks.0"], 197, 384
    assert block.macs == tokens * 12 * width**2 + 2 * tokens**2 * width
    assert table.macs["blocks.0.attn"] == tokens * 4 * width**2 + 2 * tokens**2 * width
    assert table.parents["blocks.0.attn.qkv"] == ("output", "blocks", "blocks.0", "blocks.0.attn")


@needs_torchvision
def test_attention_that_runs_as_one_fused_operation_is_counted() -> None:
    fused = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1, enable_nested_tensor=False)
    model = wrap_model(fused, name="fused", preprocess=lambda image: torch.from_numpy(image).float().reshape(-1, 8) / 255)
    table = layer_table(model, np.zeros((4, 8, 3), np.uint8)).set_index("name")
    tokens, width = 12, 8
    assert table.macs["output"] == tokens * (4 * width**2 + 2 * width * 16) + 2 * tokens**2 * width
    assert torch.backends.mha.get_fastpath_enabled()


def test_macs_of_a_language_model_follow_from_its_sizes() -> None:
    from isomorph.stimuli import Stimuli

    model = load_model("bundled/minilm_l6_v2")
    table = layer_table(model, "A brown dog runs across the grass.").set_index("name")
    tokens = model.token_mask(model.prepare(Stimuli.from_texts({"a": "A brown dog runs across the grass."})[:])).shape[1]
    width, layers = 384, 6
    assert table.macs.max() == layers * (tokens * 12 * width**2 + 2 * tokens**2 * width)


def test_a_small_network_by_hand() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
            self.again = nn.Conv2d(4, 4, (1, 3), padding=(0, 1))
            self.head = nn.Linear(4, 2)
            self.count = nn.Identity()

        def forward(self, x):
            x = self.again(self.again(self.stem(x)))
            self.count(torch.ones(3))
            return {"mean": x.mean((2, 3)), "out": self.head(x.mean((2, 3)).half().float())}

    table = layer_table(*model_of(Net())).set_index("name")
    assert list(table.index) == [
        "stem.0",
        "stem.1",
        "stem.2",
        "stem",
        "again",
        "again:2",
        "count",
        "head",
        "output[mean]",
        "output[out]",
    ]
    conv, norm, stem = table.loc["stem.0"], table.loc["stem.1"], table.loc["stem"]
    assert (conv.macs, conv.parameters, conv.kernel_size, conv.features) == (36 * 4 * 27, 108, (3, 3), 144)
    assert (conv.input_shape, conv.output_shape, conv.bytes, conv["dtype"]) == ((3, 8, 8), (4, 6, 6), 576, "float32")
    assert (norm.parameters, norm.buffers, norm.macs) == (8, 9, 0)
    assert (stem.duplicate_of, stem.parameters, stem.level, stem.macs) == ("stem.2", 116, 1, 36 * 4 * 27)
    assert (table.duplicates["stem.2"], table.parents["stem.2"]) == (("stem",), ("output", "stem"))
    assert list(table.macs[["again", "again:2", "head"]]) == [36 * 4 * 12, 36 * 4 * 12, 8]
    assert table.recursive.to_dict() == {name: name in ("again", "again:2") for name in table.index}
    assert table.macs["output[out]"] == 36 * 4 * 27 + 2 * 36 * 4 * 12 + 8
    assert table.kernel_size["again"] == (1, 3)
    assert table.unusable["count"].startswith("it has 3 rows")
    assert table.index.name == "name"
    assert table["index"].isna().to_dict() == {name: name == "count" for name in table.index}
    assert table.depth["stem.0"] == 0
    assert table.depth.max() == 1


def test_nothing_stays_hooked() -> None:
    model, picture = model_of(nn.Sequential(nn.Conv2d(3, 2, 3)))
    layer_table(model, picture)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.module.modules())


@pytest.mark.skipif(find_spec("onnxruntime") is None or find_spec("onnx") is None, reason="needs onnx and onnxruntime")
def test_what_another_runtime_computes_is_missing_and_not_nothing(tmp_path) -> None:
    path = tmp_path / "net.onnx"
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, 8, 8])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    table = layer_table(load_model(f"onnx/{path}"))
    assert table.macs.isna().all()
    assert table.features.eq(192).all()
