"""SigLIP's image tower, from Flax variables to timm's tensors."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from isomorph.errors import FileError, InputError, MissingDependencyError

if TYPE_CHECKING:
    from isomorph.alignet._student import Student
    from isomorph.models import Model

_Array = npt.NDArray[Any]
_ROOTS = re.compile(r"(?:^|.*?/)((?:embedding|pos_embedding|Transformer|MAPHead_0|triplet_head|i1k_head)(?:/.*)?)")
_TRIPLET = ("triplet_head/bias", "triplet_head/kernel")
_READOUT = ("i1k_head/norm/bias", "i1k_head/norm/scale", "i1k_head/linear/bias", "i1k_head/linear/kernel")
_LARGEST, _DEEPEST = 1 << 16, 1 << 8
_RECIPE: Mapping[str, Any] = {"resize": "squash", "interpolation": "opencv-cubic", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def siglip_from_flax(variables: Mapping[str, _Array], *, seed: int = 0) -> Student:
    """A student of SigLIP's architecture, from the variables of big_vision's implementation in Flax.

    Names are those of its checkpoints (`Transformer/encoderblock_0/LayerNorm_0/scale` …), behind any prefix (`params/img/`); blocks that
    are stacked into one (`Transformer/encoderblock/…`, with the blocks along the first axis) are taken apart. All sizes are read from the
    shapes. GELU is its tanh approximation, as in Flax. AligNet's `triplet_head` (linear) and `i1k_head` (a layer normalisation and a linear
    map) come along where they are there.

    The variables of AligNet's released students have no names. By the account of those who ported one, they stand in the order of Flax's
    tree (keys sorted level by level), and the readout last: variables called `#0`, `#1` … get their names so. The mapping agrees with that
    account (218 variables become 168 tensors), but has not met the files.

    Args:
        variables: Name → array.
        seed: Of the triplet head, where the variables have none.

    Returns:
        Student: In evaluation mode; `pre_logits` is what the attention pooling (MAP) returns.

    Raises:
        FileError: A variable is missing, has another shape than its place, or has no place.
    """
    from isomorph.alignet._student import Student

    held = _Variables(_named(variables))
    plan = _plan(held)
    width = plan["width"]
    student = Student(siglip_network(**plan), "attn_pool", "flatten", width=width, dimensions=_dimensions(held), seed=seed)
    student.built = {"siglip": plan}
    state = {f"network.{name}": value for name, value in _network_state(held, plan).items()}
    if held.has("triplet_head/kernel"):
        state |= _dense(held, "triplet_head", "triplet_head")
    else:
        state |= {f"triplet_head.{name}": value for name, value in student.triplet_head.state_dict().items()}
    if readout := _readout(held, width):
        student.readout, tensors = readout
        state |= tensors
    held.finish()
    student.load_state_dict(state)
    return student.eval()


def siglip_network(*, pixels: int, patch: int, width: int, depth: int, heads: int, hidden: int) -> torch.nn.Module:
    """A network of timm of these sizes: no class token, attention pooling, tanh-GELU, weights drawn at random."""
    from isomorph.models._torchvision_guard import import_beside_torchvision

    network: torch.nn.Module = import_beside_torchvision("timm.models.vision_transformer").VisionTransformer(
        img_size=pixels,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        mlp_ratio=hidden / width,
        class_token=False,
        global_pool="map",
        act_layer="gelu_tanh",
        num_classes=0,
    )
    exact = [
        name for name, each in network.named_modules() if type(each).__name__ == "GELU" and getattr(each, "approximate", "none") == "none"
    ]
    if exact:  # before 1.0.15, the attention pooling keeps the exact form whatever it is told
        raise MissingDependencyError("timm>=1.0.15", needed_by=f"tanh-GELU in {exact[0]}", install="pip install -U timm")
    return network


def siglip_model(plan: Mapping[str, Any], recipe: Mapping[str, Any] | None = None) -> Model:
    """The network of these sizes as a model, prepared for as AligNet does unless a recipe says otherwise."""
    from isomorph.models import ImageRecipe, ModelCard, wrap_model
    from isomorph.spec import from_plain

    try:
        if not all(0 < size <= _LARGEST for size in plan.values()) or plan["depth"] > _DEEPEST:
            raise ValueError("sizes that no such network has")
        network = siglip_network(**plan)
        sizes = dict.fromkeys(("height_pixels", "width_pixels", "resize_pixels"), plan["pixels"])
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, KeyError, AttributeError) as error:
        raise InputError(f"no network of SigLIP's architecture has these sizes: {dict(plan)}.") from error
    prepared = from_plain(ImageRecipe, recipe or {**_RECIPE, **sizes}, where="recipe")
    card = ModelCard(
        name="", source="", summary="SigLIP's image tower, from Flax variables", architecture="vit", objective="image-text contrast"
    )
    return wrap_model(network, name="siglip", preprocess=prepared, card=card)


class _Variables:
    """Variables that are taken one by one, and must all be taken."""

    def __init__(self, held: Mapping[str, _Array]) -> None:
        self._held = held
        self._left = dict.fromkeys(held)

    def has(self, name: str) -> bool:
        return name in self._held

    def names(self, start: str) -> list[str]:
        return [name for name in self._held if name.startswith(start)]

    def look(self, name: str) -> _Array:
        if name not in self._held:
            known = list(self._held)
            listed = f"there are {len(known)}, such as {', '.join(map(repr, known[:3]))}" if known else "there are none with such names"
            raise FileError(f"these are not the variables of SigLIP's image tower in Flax: {name!r} is missing; {listed}.")
        return self._held[name]

    def take(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        value = self.look(name)
        if math.prod(value.shape) != math.prod(shape):
            raise FileError(f"the variable {name!r} has the shape {list(value.shape)}, and its place has {list(shape)}.")
        self._left.pop(name, None)
        return torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32).reshape(shape))

    def finish(self) -> None:
        if self._left:
            first = ", ".join(map(repr, list(self._left)[:3]))
            raise FileError(f"{len(self._left)} variables have no place in SigLIP's image tower, among them {first}; nothing was imported.")


def flax_order(count: int) -> list[str]:
    """The names of so many variables in the order of Flax's tree: the image tower's, then those of the heads.

    Raises:
        FileError: No number of blocks has so many.
    """
    depth, rest = divmod(count - 20, 16)
    heads = {0: (), 2: _TRIPLET, 4: _READOUT, 6: (*_TRIPLET, *_READOUT)}.get(rest)
    if depth < 1 or heads is None:
        raise FileError(
            f"these are not the variables of SigLIP's image tower: there are {count}, and it has 20, 16 more for each block, and "
            "2 and 4 for AligNet's heads."
        )
    linear = ["MlpBlock_0/Dense_0", "MlpBlock_0/Dense_1"]
    linear += [f"MultiHeadDotProductAttention_0/{each}" for each in ("key", "out", "query", "value")]
    blocks = [f"Transformer/encoderblock_{at}" for at in range(depth)]
    norms = [f"{block}/LayerNorm_{each}" for block in blocks for each in (0, 1)] + ["MAPHead_0/LayerNorm_0", "Transformer/encoder_norm"]
    kernels = [f"{block}/{each}" for block in (*blocks, "MAPHead_0") for each in linear] + ["embedding"]
    names = ["MAPHead_0/probe", "pos_embedding", *(f"{each}/{last}" for each in norms for last in ("bias", "scale"))]
    names += [f"{each}/{last}" for each in kernels for last in ("bias", "kernel")]
    return [*sorted(names, key=lambda name: name.split("/")), *heads]


def _named(variables: Mapping[str, _Array]) -> dict[str, _Array]:
    """Names from the first part that is known; stacked blocks apart. Variables of other parts (a text tower) are left out."""
    if all(name == f"#{at}" for at, name in enumerate(variables)):
        variables = dict(zip(flax_order(len(variables)), variables.values(), strict=True))
    found: dict[str, _Array] = {}
    for full, value in variables.items():
        matched = _ROOTS.fullmatch(full.removesuffix(":0").replace(".", "/"))
        if matched is None or re.search(r"(?:^|/)(?:txt|text)/", full):
            continue
        name = matched[1]
        if name in found:
            raise FileError(f"two variables are called {name!r}; the names of one network are needed.")
        if name.startswith("Transformer/encoderblock/"):
            rest = name.removeprefix("Transformer/encoderblock/")
            found |= {f"Transformer/encoderblock_{at}/{rest}": each for at, each in enumerate(np.asarray(value))}
        else:
            found[name] = np.asarray(value)
    return found


def _plan(held: _Variables) -> dict[str, int]:
    kernel, places = held.look("embedding/kernel"), held.look("pos_embedding")
    query = held.look("Transformer/encoderblock_0/MultiHeadDotProductAttention_0/query/kernel")
    hidden = held.look("Transformer/encoderblock_0/MlpBlock_0/Dense_0/kernel")
    if kernel.ndim != 4 or kernel.shape[0] != kernel.shape[1] or kernel.shape[2] != 3 or query.ndim != 3 or hidden.ndim != 2:
        raise FileError(
            f"these are not the variables of SigLIP's image tower: embedding/kernel is {list(kernel.shape)} and query/kernel "
            f"{list(query.shape)}, where [patch, patch, 3, width] and [width, heads, width / heads] are expected."
        )
    side = math.isqrt(count := places.size // kernel.shape[3])
    if side * side != count:
        raise FileError(f"pos_embedding has {count} places, which is no square.")
    blocks = {name.split("/")[1] for name in held.names("Transformer/encoderblock_")}
    return {
        "pixels": side * kernel.shape[0],
        "patch": kernel.shape[0],
        "width": kernel.shape[3],
        "depth": len(blocks),
        "heads": query.shape[1],
        "hidden": hidden.shape[1],
    }


def _dimensions(held: _Variables) -> int:
    return int(held.look("triplet_head/kernel").shape[-1]) if held.has("triplet_head/kernel") else 1024


def _network_state(held: _Variables, plan: Mapping[str, int]) -> dict[str, torch.Tensor]:
    width, patch = plan["width"], plan["patch"]
    state = {
        "patch_embed.proj.weight": held.take("embedding/kernel", (patch, patch, 3, width)).permute(3, 2, 0, 1),
        "patch_embed.proj.bias": held.take("embedding/bias", (width,)),
        "pos_embed": held.take("pos_embedding", (1, (plan["pixels"] // patch) ** 2, width)),
        **_norm(held, "Transformer/encoder_norm", "norm", width),
    }
    for at in range(plan["depth"]):
        theirs, ours = f"Transformer/encoderblock_{at}", f"blocks.{at}"
        state |= _norm(held, f"{theirs}/LayerNorm_0", f"{ours}.norm1", width) | _norm(held, f"{theirs}/LayerNorm_1", f"{ours}.norm2", width)
        state |= _attention(held, f"{theirs}/MultiHeadDotProductAttention_0", f"{ours}.attn", width, {"qkv": ("query", "key", "value")})
        state |= _mlp(held, f"{theirs}/MlpBlock_0", f"{ours}.mlp")
    state["attn_pool.latent"] = held.take("MAPHead_0/probe", (1, 1, width))
    parts = {"q": ("query",), "kv": ("key", "value")}
    state |= _attention(held, "MAPHead_0/MultiHeadDotProductAttention_0", "attn_pool", width, parts)
    return state | _norm(held, "MAPHead_0/LayerNorm_0", "attn_pool.norm", width) | _mlp(held, "MAPHead_0/MlpBlock_0", "attn_pool.mlp")


def _norm(held: _Variables, theirs: str, ours: str, width: int) -> dict[str, torch.Tensor]:
    return {f"{ours}.weight": held.take(f"{theirs}/scale", (width,)), f"{ours}.bias": held.take(f"{theirs}/bias", (width,))}


def _attention(held: _Variables, theirs: str, ours: str, width: int, parts: Mapping[str, tuple[str, ...]]) -> dict[str, torch.Tensor]:
    """Flax keeps a kernel [width, heads, width / heads] for each of query, key and value; timm stacks them as rows of one matrix."""
    state = {
        f"{ours}.proj.weight": held.take(f"{theirs}/out/kernel", (width, width)).T,
        f"{ours}.proj.bias": held.take(f"{theirs}/out/bias", (width,)),
    }
    for name, stacked in parts.items():
        state[f"{ours}.{name}.weight"] = torch.cat([held.take(f"{theirs}/{each}/kernel", (width, width)).T for each in stacked])
        state[f"{ours}.{name}.bias"] = torch.cat([held.take(f"{theirs}/{each}/bias", (width,)) for each in stacked])
    return state


def _mlp(held: _Variables, theirs: str, ours: str) -> dict[str, torch.Tensor]:
    return _dense(held, f"{theirs}/Dense_0", f"{ours}.fc1") | _dense(held, f"{theirs}/Dense_1", f"{ours}.fc2")


def _dense(held: _Variables, theirs: str, ours: str) -> dict[str, torch.Tensor]:
    shape = held.look(f"{theirs}/kernel").shape
    if len(shape) != 2:
        raise FileError(f"the variable {theirs + '/kernel'!r} has the shape {list(shape)}; a linear map has two axes.")
    kernel = held.take(f"{theirs}/kernel", shape)
    return {f"{ours}.weight": kernel.T, f"{ours}.bias": held.take(f"{theirs}/bias", (shape[1],))}


def _readout(held: _Variables, width: int) -> tuple[torch.nn.Module, dict[str, torch.Tensor]] | None:
    """The two layers below `i1k_head`, whatever they are called: one has a scale, the other a kernel."""
    from isomorph.alignet._readout import Readout

    names = held.names("i1k_head/")
    norm = next((each.removesuffix("/scale") for each in names if each.endswith("/scale")), "")
    linear = next((each.removesuffix("/kernel") for each in names if each.endswith("/kernel")), "")
    if not names:
        return None
    if not norm or not linear:
        raise FileError(f"i1k_head is not a layer normalisation and a linear map; it has {', '.join(map(repr, names))}.")
    state = _norm(held, norm, "readout.norm", width) | _dense(held, linear, "readout.linear")
    readout = Readout(width, [str(each) for each in range(len(state["readout.linear.bias"]))], how="AligNet's own i1k_head")
    return readout, state
