"""The texts of what can go wrong with ONNX files, SavedModels and Keras."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from isomorph.errors import IsomorphError
from isomorph.models import load_model


def message(call, *arguments, **options) -> str:
    with pytest.raises(IsomorphError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def onnx_file(path: Path, shape, kind: int = 1) -> str:
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'isomorph[onnx]'")
    made = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [made("x", kind, shape)], [made("y", kind, shape)]
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), path)
    return f"onnx/{path}"


def test_onnx_files(tmp_path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'isomorph[onnx]'")
    path = tmp_path / "net.onnx"
    assert message(load_model, f"onnx/{path}") == (
        f"there is no file {path}. Names of ONNX models are 'onnx/' and the path of a file: 'onnx/nets/mine.onnx'."
    )
    path.write_bytes(b"")
    assert message(load_model, f"onnx/{path}") == f"{path} is not an ONNX file, or is damaged: it holds no graph."
    path.write_bytes(b"not at all" * 50)
    assert message(load_model, f"onnx/{path}").startswith(f"{path} is not an ONNX file, or is damaged: ")
    name = onnx_file(path, ["n", 1, 8, 8])
    assert message(load_model, name) == (
        f"the input 'x' of {name} is float32 [?, 1, 8, 8]; pictures need float32, float16, float64 or uint8 [stimulus, 3, height, width] "
        f"or [stimulus, height, width, 3]. Run it yourself, and pass the function to wrap_model."
    )
    name = onnx_file(path, [1, 12], kind=7)
    assert message(load_model, name).startswith(f"the input 'x' of {name} is int64 [1, 12]; pictures need ")
    name = onnx_file(path, ["n", 3, 8, 8])
    assert message(load_model(name).module.to, "cuda:0") == f"{name} runs outside torch, on the CPU only; it cannot go to 'cuda:0'."
    model = load_model(name, recipe={"layout": "nhwc"})
    assert message(model.forward, model.prepare([np.zeros((9, 9, 3), dtype=np.uint8)])) == (
        f"{name} takes pictures of [3, 8, 8], but the recipe prepares [8, 8, 3]. Leave height_pixels, width_pixels and layout as its card "
        f"has them."
    )


def test_savedmodels(tmp_path) -> None:
    assert message(load_model, f"savedmodel/{tmp_path}") == (
        f"there is no SavedModel at {tmp_path}: it would be a folder with saved_model.pb in it."
    )
    archive = tmp_path / "net.tar.gz"
    archive.write_bytes(b"")
    assert message(load_model, f"savedmodel/{archive}") == (
        f"{archive} is a file; a SavedModel is a folder with saved_model.pb in it. Unpack it first, and name the folder."
    )
    (tmp_path / "saved_model.pb").symlink_to(archive)
    assert message(load_model, f"savedmodel/{tmp_path}") == (
        f"{tmp_path} holds the link saved_model.pb; a SavedModel's files have to be in its own folder."
    )
    assert message(load_model, "alignet/SigLIP-B.aligned") == (
        "no model is called 'alignet/SigLIP-B.aligned'. Did you mean 'alignet/SigLIP-B.alignet' or 'alignet/SigLIP2-B.alignet' or "
        "'alignet/ViT-B.alignet'?"
    )


@pytest.mark.skipif(find_spec("keras") is None, reason="needs keras: pip install 'isomorph[keras]'")
def test_keras_files(tmp_path) -> None:
    assert message(load_model, f"keras/{tmp_path}/net.keras") == (
        f"there is no file {tmp_path}/net.keras. Names of Keras models are 'keras/Architecture', 'keras/PATH.keras' or, for weights alone, "
        f"'keras/Architecture@PATH.weights.h5'."
    )
    assert message(load_model, "keras/VGG17.imagenet") == (
        "no model is called 'keras/VGG17.imagenet'. Did you mean 'keras/VGG19.imagenet' or 'keras/VGG16.imagenet' or "
        "'keras/ResNet152.imagenet'?"
    )
