"""SigLIP's image tower from Flax variables: against a forward pass written out here, and through a SavedModel that TensorFlow made."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph.alignet import export_student, import_saved_model, load_student, siglip_from_flax
from isomorph.alignet._import_siglip import flax_order
from isomorph.errors import FileError, InputError
from isomorph.stimuli import Stimuli

needs_tensorflow = pytest.mark.skipif(
    find_spec("tensorflow") is None and "ISOMORPH_TENSORFLOW_PYTHON" not in os.environ,
    reason="needs TensorFlow: pip install 'isomorph[tensorflow]'",
)
WIDTH, HEADS, HIDDEN, PATCH, SIDE, DEPTH = 32, 4, 48, 4, 3, 2

# The network in the words of its paper and of Flax, with `np` for numpy or for TensorFlow's numpy.
FORWARD = """
def norm(v, name, x):
    mean = np.mean(x, axis=-1, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * v[name + "/scale"] + v[name + "/bias"]


def dense(v, name, x):
    return x @ v[name + "/kernel"] + v[name + "/bias"]


def mlp(v, name, x):
    h = dense(v, name + "/Dense_0", x)
    h = 0.5 * h * (1 + np.tanh(0.7978845608028654 * (h + 0.044715 * h ** 3)))
    return dense(v, name + "/Dense_1", h)


def attention(v, name, asked, x):
    part = lambda which, rows: np.einsum("btw,whd->bthd", rows, v[f"{name}/{which}/kernel"]) + v[f"{name}/{which}/bias"]
    q, k, value = part("query", asked), part("key", x), part("value", x)
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / float(q.shape[-1]) ** 0.5
    scores = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    mixed = np.einsum("bhqk,bkhd->bqhd", scores / np.sum(scores, axis=-1, keepdims=True), value)
    return np.einsum("bqhd,hdw->bqw", mixed, v[name + "/out/kernel"]) + v[name + "/out/bias"]


def forward(v, images, side, patch, depth):
    tiles = np.reshape(images, (-1, side, patch, side, patch, 3))
    x = np.einsum("bipjqc,pqcw->bijw", tiles, v["embedding/kernel"]) + v["embedding/bias"]
    x = np.reshape(x, (-1, side * side, x.shape[-1])) + v["pos_embedding"]
    for at in range(depth):
        block = f"Transformer/encoderblock_{at}"
        y = norm(v, block + "/LayerNorm_0", x)
        x = x + attention(v, block + "/MultiHeadDotProductAttention_0", y, y)
        x = x + mlp(v, block + "/MlpBlock_0", norm(v, block + "/LayerNorm_1", x))
    x = norm(v, "Transformer/encoder_norm", x)
    probe = v["MAPHead_0/probe"] + 0 * x[:, :1]
    x = attention(v, "MAPHead_0/MultiHeadDotProductAttention_0", probe, x)
    x = (x + mlp(v, "MAPHead_0/MlpBlock_0", norm(v, "MAPHead_0/LayerNorm_0", x)))[:, 0]
    scores = dense(v, "i1k_head/Dense_0", norm(v, "i1k_head/LayerNorm_0", x))
    return {"pre_logits": x, "triplet_logits": dense(v, "triplet_head", x), "i1k_logits": scores}
"""

SAVE = (
    """
import sys
import numpy
import tensorflow as tf
import tensorflow.experimental.numpy as np

folder = sys.argv[1]
with numpy.load(folder + "/variables.npz", allow_pickle=False) as file:
    held = dict(file)
"""
    + FORWARD
    + """

class Served(tf.Module):
    def __init__(self, counted, factor):
        if counted:  # as jax2tf leaves them: no names, keys sorted level by level, the readout last
            names = sorted(held, key=lambda name: (name.startswith("i1k"), name.startswith("triplet"), name.split("/")))
            names[-4:] = [f"i1k_head/{each}" for each in ("LayerNorm_0/bias", "LayerNorm_0/scale", "Dense_0/bias", "Dense_0/kernel")]
            variables = {name: tf.Variable(held[name]) for name in names}
        else:
            variables = {name: tf.Variable(value, name="params/img/" + name) for name, value in held.items()}
        self._variables = list(variables.values())
        self.held, self.factor = lambda: variables, factor

    @tf.function(input_signature=[tf.TensorSpec([None, 12, 12, 3], tf.float32, name="images")])
    def run(self, images):
        values = {name: tf.convert_to_tensor(each) for name, each in self.held().items()}
        return {name: tf.convert_to_tensor(each) * self.factor for name, each in forward(values, images, 3, 4, 2).items()}


for name, module in {"named": Served(False, 1.0), "counted": Served(True, 1.0), "wrong": Served(False, 1.01)}.items():
    tf.saved_model.save(module, f"{folder}/{name}", signatures={"serving_default": module.run})
"""
)


def variables(seed=0):
    rng = np.random.default_rng(seed)

    def draw(*shape, scale=0.2):
        return rng.normal(scale=scale, size=shape).astype(np.float32)

    held = {
        "embedding/kernel": draw(PATCH, PATCH, 3, WIDTH),
        "embedding/bias": draw(WIDTH),
        "pos_embedding": draw(1, SIDE * SIDE, WIDTH),
        "MAPHead_0/probe": draw(1, 1, WIDTH),
        "triplet_head/kernel": draw(WIDTH, 16),
        "triplet_head/bias": draw(16),
        "i1k_head/Dense_0/kernel": draw(WIDTH, 10),
        "i1k_head/Dense_0/bias": draw(10),
    }
    blocks = [f"Transformer/encoderblock_{at}" for at in range(DEPTH)]
    norms = [f"{block}/LayerNorm_{which}" for block in blocks for which in (0, 1)]
    for name in (*norms, "Transformer/encoder_norm", "MAPHead_0/LayerNorm_0", "i1k_head/LayerNorm_0"):
        held |= {f"{name}/scale": 1 + draw(WIDTH), f"{name}/bias": draw(WIDTH)}
    for block in (*blocks, "MAPHead_0"):
        attention = f"{block}/MultiHeadDotProductAttention_0"
        for part in ("query", "key", "value"):
            held |= {
                f"{attention}/{part}/kernel": draw(WIDTH, HEADS, WIDTH // HEADS),
                f"{attention}/{part}/bias": draw(HEADS, WIDTH // HEADS),
            }
        held |= {f"{attention}/out/kernel": draw(HEADS, WIDTH // HEADS, WIDTH), f"{attention}/out/bias": draw(WIDTH)}
        held |= {f"{block}/MlpBlock_0/Dense_0/kernel": draw(WIDTH, HIDDEN), f"{block}/MlpBlock_0/Dense_0/bias": draw(HIDDEN)}
        held |= {f"{block}/MlpBlock_0/Dense_1/kernel": draw(HIDDEN, WIDTH), f"{block}/MlpBlock_0/Dense_1/bias": draw(WIDTH)}
    return held


def expected(held, images):
    names = {"np": np}
    exec(compile(FORWARD, "forward", "exec"), names)  # written above
    return names["forward"]({name: each.astype(np.float64) for name, each in held.items()}, images.astype(np.float64), SIDE, PATCH, DEPTH)


IMAGES = np.random.default_rng(1).random((3, 12, 12, 3)).astype(np.float32)


def outputs(student):
    with torch.no_grad():
        found = student(torch.from_numpy(IMAGES).permute(0, 3, 1, 2))
    return {name: each.double().numpy() for name, each in found.items()}


def assert_same(found, right, tolerance=1e-5):
    assert set(found) == set(right)
    for name, each in right.items():
        np.testing.assert_allclose(found[name], each, rtol=0, atol=tolerance * np.abs(each).max(), err_msg=name)


def test_variables_give_what_flax_computes():
    held = variables()
    assert_same(outputs(siglip_from_flax({f"params/img/{name}": each for name, each in held.items()})), expected(held, IMAGES))


def test_the_exact_gelu_would_not_do():
    student = siglip_from_flax(held := variables())
    for module in student.modules():
        if hasattr(module, "act"):
            module.act = torch.nn.GELU()
    found, right = outputs(student), expected(held, IMAGES)
    assert np.abs(found["pre_logits"] - right["pre_logits"]).max() > 1e-4 * np.abs(right["pre_logits"]).max()


def test_stacked_blocks_and_other_towers():
    held = variables()
    stacked = {name: each for name, each in held.items() if "encoderblock" not in name}
    for name in [each for each in held if "encoderblock_0" in each]:
        stacked[name.replace("encoderblock_0", "encoderblock")] = np.stack([held[name.replace("_0/", f"_{at}/", 1)] for at in range(DEPTH)])
    stacked["params/txt/Transformer/encoder_norm/scale"] = np.ones(7, np.float32)
    stacked["params/t"] = np.ones(1, np.float32)
    assert_same(outputs(siglip_from_flax(stacked)), expected(held, IMAGES))


def test_variables_without_names_are_known_by_their_order():
    held = variables()
    names = flax_order(len(held))
    released = flax_order(218)
    attention = "MultiHeadDotProductAttention_0"
    published = {0: "MAPHead_0/LayerNorm_0/bias", 9: f"MAPHead_0/{attention}/out/kernel", 14: "MAPHead_0/probe"}
    published |= {16: "Transformer/encoder_norm/scale", 22: "Transformer/encoderblock_0/MlpBlock_0/Dense_0/kernel"}
    published |= {49: "Transformer/encoderblock_10/LayerNorm_0/bias", 80: f"Transformer/encoderblock_11/{attention}/value/kernel"}
    published |= {
        81: "Transformer/encoderblock_2/LayerNorm_0/bias",
        209: "embedding/bias",
        211: "pos_embedding",
        213: "triplet_head/kernel",
    }
    assert {at: released[at] for at in published} == published
    theirs = {"i1k_head/norm": "i1k_head/LayerNorm_0", "i1k_head/linear": "i1k_head/Dense_0"}
    values = [
        held[f"{theirs.get(name.rpartition('/')[0], name.rpartition('/')[0])}/{name.rpartition('/')[2]}".strip("/")] for name in names
    ]
    assert_same(outputs(siglip_from_flax({f"#{at}": each for at, each in enumerate(values)})), expected(held, IMAGES))
    with pytest.raises(FileError, match=r"there are 5, and it has 20, 16 more for each block, and 2 and 4 for AligNet's heads"):
        siglip_from_flax({f"#{at}": each for at, each in enumerate(values[:5])})
    swapped = {f"#{at}": each for at, each in enumerate([values[1], values[0], values[3], values[2], *values[4:]])}
    with pytest.raises(
        FileError, match=r"the variable 'MAPHead_0/MlpBlock_0/Dense_0/kernel' has the shape \[48\]; a linear map has two axes"
    ):
        siglip_from_flax(swapped)


def test_without_heads_one_is_drawn():
    bare = {name: each for name, each in variables().items() if "_head" not in name}
    found = outputs(siglip_from_flax(bare, seed=1))
    assert set(found) == {"pre_logits", "triplet_logits"}
    assert found["triplet_logits"].shape == (3, 1024)
    assert not np.array_equal(found["triplet_logits"], outputs(siglip_from_flax(bare, seed=2))["triplet_logits"])


def test_the_released_size_has_as_many_variables_as_published():
    timm_tensors = siglip_from_flax(variables())
    per_block, in_timm = 16, 12
    flax = len(variables()) + (12 - DEPTH) * per_block
    assert flax == 218
    assert len(timm_tensors.state_dict()) + (12 - DEPTH) * in_timm == 168


def test_wrong_variables_are_refused():
    held = variables()
    with pytest.raises(FileError, match=r"'MAPHead_0/probe' is missing; there are \d+, such as 'embedding/kernel'"):
        siglip_from_flax({name: each for name, each in held.items() if "probe" not in name})
    with pytest.raises(FileError, match="there are none with such names"):
        siglip_from_flax({"conv1/kernel": np.zeros(3)})
    with pytest.raises(FileError, match=r"1 variables have no place .* 'Transformer/extra/scale'; nothing was imported"):
        siglip_from_flax(held | {"Transformer/extra/scale": np.zeros(3)})
    with pytest.raises(FileError, match=r"the variable 'embedding/bias' has the shape \[5\], and its place has \[32\]"):
        siglip_from_flax(held | {"embedding/bias": np.zeros(5)})
    with pytest.raises(FileError, match="pos_embedding has 8 places, which is no square"):
        siglip_from_flax(held | {"pos_embedding": np.zeros((1, 8, WIDTH))})
    with pytest.raises(FileError, match="two variables are called 'embedding/bias'"):
        siglip_from_flax(held | {"other/embedding/bias": np.zeros(WIDTH)})
    with pytest.raises(FileError, match=r"i1k_head is not a layer normalisation and a linear map; it has 'i1k_head/Dense_0/kernel'"):
        siglip_from_flax({name: each for name, each in held.items() if "i1k_head/LayerNorm" not in name})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    np.savez(folder / "variables.npz", **variables())
    python = os.environ.get("ISOMORPH_TENSORFLOW_PYTHON") or sys.executable
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([python, "-c", SAVE, folder], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def pictures():
    return Stimuli.from_arrays(np.random.default_rng(2).integers(0, 256, size=(3, 15, 20, 3), dtype=np.uint8))


@needs_tensorflow
@pytest.mark.parametrize("kind", ["counted", pytest.param("named", marks=pytest.mark.slow)])
def test_a_saved_model_becomes_a_network_of_timm(saved, kind, tmp_path):
    model = import_saved_model(saved / kind, pictures())
    assert (model.name, model.recipe.interpolation, model.recipe.resize) == (f"savedmodel/{kind}", "opencv-cubic", "squash")
    batch = model.prepare(list(pictures()))
    assert batch.shape == (3, 3, 12, 12)
    found = {name: each.numpy() for name, each in model.forward(batch).items()}
    assert_same(found, expected(variables(), batch.permute(0, 2, 3, 1).numpy()))
    if kind == "counted":
        export = export_student(model, pictures(), tmp_path / "export", formats=["safetensors"])
        assert load_student(export.folder).fingerprint == model.fingerprint


@needs_tensorflow
@pytest.mark.slow
def test_a_saved_model_that_computes_something_else_is_refused(saved):
    with pytest.raises(
        InputError, match=r"the network of timm made of savedmodel/wrong is no copy: \w+ differs by .* 0.99% .* runs it as it is"
    ):
        import_saved_model(saved / "wrong", pictures())
    with pytest.raises(FileError, match="there is no SavedModel at"):
        import_saved_model(saved / "nowhere", pictures())
