r"""DreamSim: vision transformers tuned to human judgments of mid-level similarity (Fu, Tamir, Sundaram et al., 2023, arXiv 2306.09344).

Each branch is a ViT-B of DINO, CLIP, OpenCLIP, DINOv2 or SynCLR. The published file holds low-rank changes of its attention weights
(LoRA), which are added to them once, so that what runs is a plain transformer:

$$W \leftarrow W + \tfrac{\alpha}{r}\, B A$$
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from isomorph.errors import FileError
from isomorph.models._fill import read_tensors, take, tensors_of
from isomorph.models._torchvision_guard import import_beside_torchvision

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_MEMBER_LIMIT = 4 << 30
_LORA = re.compile(r"(?:.*\bextractor_list\.(\d+)\.)?.*\bblocks\.(\d+)\.attn\.qkv\.lora_([AB])(?:\.default)?\.weight")


class _Kind(NamedTuple):
    """A branch: timm's name of its architecture, its colours, its projection, the file of its weights in the archive (empty: beside it)."""

    architecture: str
    colours: tuple[tuple[float, ...], tuple[float, ...]] = _IMAGENET
    projection: int = 0
    member: str = ""


_KINDS = {
    "dino_vitb16": _Kind("vit_base_patch16_224"),
    "dinov2_vitb14": _Kind("vit_base_patch14_dinov2"),
    "synclr_vitb16": _Kind("vit_base_patch16_224", member="synclr_vit_b_16.pth"),
    "clip_vitb16": _Kind("vit_base_patch16_clip_quickgelu_224", _OPENAI, 512, "clip_vitb16_pretrain.pth.tar"),
    "clip_vitb32": _Kind("vit_base_patch32_clip_quickgelu_224", _OPENAI, 512, "clip_vitb32_pretrain.pth.tar"),
    "open_clip_vitb16": _Kind("vit_base_patch16_clip_224", _OPENAI, 512, "open_clip_vitb16_pretrain.pth.tar"),
    "open_clip_vitb32": _Kind("vit_base_patch32_clip_224", _OPENAI, 512, "open_clip_vitb32_pretrain.pth.tar"),
}


class _Branch(nn.Module):
    """A transformer that normalises its colours itself: each branch has its own."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, kind: _Kind) -> None:
        super().__init__()
        self.vit: Any = import_beside_torchvision("timm").create_model(kind.architecture, num_classes=0, global_pool="", img_size=224)
        if kind.projection:
            self.projection: nn.Module = nn.Linear(self.vit.embed_dim, kind.projection, bias=False)
        else:  # these are read where the last block leaves them
            self.projection, self.vit.norm = nn.Identity(), nn.Identity()
        for name, values in zip(("mean", "std"), kind.colours, strict=True):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens, the class token first: [picture, token, width]."""
        return self.projection(self.vit.forward_features((x - self.mean) / self.std))  # type: ignore[no-any-return]


class _Standardise(nn.Module):
    """Subtract each embedding's own mean over its dimensions and divide it by its length: a cosine is then a Pearson correlation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(-1, keepdim=True)
        length: torch.Tensor = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
        return centred / length


class DreamSim(nn.Module):
    """The embedding whose cosine distance is DreamSim's.

    Its input is in [0, 1]. The layer `embedding` is the plain embedding ([picture, width]); the output is the standardised one, which the
    authors' package returns unless `normalize_embeds=False`. With `patches` the class token and the mean of the others stand side by
    side, each token standardised before the mean.
    """

    def __init__(self, branches: Sequence[str], *, patches: bool = False) -> None:
        super().__init__()
        self.kinds, self.patches = tuple(branches), patches
        self.branches: Any = nn.ModuleList(_Branch(_KINDS[each]) for each in branches)
        self.embedding, self.standardised = nn.Identity(), _Standardise()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = torch.cat([branch(x) if self.patches else branch(x)[:, 0] for branch in self.branches], dim=-1)
        if not self.patches:
            return self.standardised(self.embedding(tokens))  # type: ignore[no-any-return]
        self.embedding(_class_and_mean(tokens))
        return _class_and_mean(self.standardised(tokens))


def _class_and_mean(tokens: torch.Tensor) -> torch.Tensor:
    return torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], dim=-1)


def fill_dreamsim(module: DreamSim, archive: Path, *others: Path) -> None:
    """Put the published weights into a network: those of the branches, changed by the low-rank ones.

    Args:
        module: The network.
        archive: The published zip, with the LoRA weights, their configuration, and the weights of branches that have a file in it.
        others: The files of the branches that have none, in the order of the branches.

    Raises:
        FileError: A file is not what it should be.
    """
    beside = iter(others)
    with _opened(archive) as opened:
        changes = _changes(opened, archive, len(module.branches))
        for place, (kind, branch) in enumerate(zip(module.kinds, module.branches, strict=True)):
            path, member = (archive, _KINDS[kind].member) if _KINDS[kind].member else (next(beside), "")
            held = _member_tensors(opened, archive, member) if member else read_tensors(path, name=str(path))
            state = _as_timm(tensors_of(held), branch)
            merge(state, changes[place], blocks=len(branch.vit.blocks), name=f"{archive}, branch {kind},")
            take(branch, state, name=f"{path}{f' ({member})' if member else ''}")


def merge(state: dict[str, torch.Tensor], changes: Mapping[tuple[int, str], torch.Tensor], *, blocks: int, name: str) -> None:
    r"""Add the low-rank changes to the attention weights of every block: $W + B A$, where $B$ is scaled already.

    Raises:
        FileError: A block's change is missing or of another size.
    """
    for block in range(blocks):
        key = f"vit.blocks.{block}.attn.qkv.weight"
        down, up = changes.get((block, "A")), changes.get((block, "B"))
        weight = state.get(key)
        if down is None or up is None or weight is None or (up.shape[0], down.shape[1]) != tuple(weight.shape) or up.shape[1] != len(down):
            raise FileError(f"{name} has no low-rank change that fits the attention weights of block {block}.")
        state[key] = weight + up @ down


def _changes(opened: zipfile.ZipFile, archive: Path, branches: int) -> list[dict[tuple[int, str], torch.Tensor]]:
    """For each branch: A and (α / r) B of every block."""
    try:
        config = json.loads(_member(opened, archive, "adapter_config.json"))
        scale = float(config["lora_alpha"]) / int(config["r"])
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise FileError(f"{archive} does not say the rank and the scale of its low-rank changes in adapter_config.json.") from error
    changes: list[dict[tuple[int, str], torch.Tensor]] = [{} for _ in range(branches)]
    for key, tensor in _adapter(opened, archive).items():
        found = _LORA.fullmatch(key)
        if found and int(found[1] or 0) < branches:
            changes[int(found[1] or 0)][int(found[2]), found[3]] = tensor.float() * (scale if found[3] == "B" else 1.0)
    return changes


def _adapter(opened: zipfile.ZipFile, archive: Path) -> dict[str, torch.Tensor]:
    if any(each.endswith("adapter_model.safetensors") for each in opened.namelist()):
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            return load(_member(opened, archive, "adapter_model.safetensors"))
        except SafetensorError as error:
            raise FileError(f"adapter_model.safetensors in {archive} is damaged: {error}") from error
    return tensors_of(_member_tensors(opened, archive, "adapter_model.bin"))


def _as_timm(state: dict[str, torch.Tensor], branch: Any) -> dict[str, torch.Tensor]:
    """A branch's weights under timm's names and at its size."""
    state = {key.removeprefix("visual."): each.float() for key, each in state.items()}
    state = {key.replace("pos_drop.", "norm_pre."): each for key, each in state.items()}
    if "pos_embed" in state:
        state["pos_embed"] = _at_size(state["pos_embed"], branch.vit.pos_embed.shape[1])
    bias = state.get("patch_embed.proj.bias")
    if bias is not None and branch.vit.patch_embed.proj.bias is None:  # CLIP's in timm has none; added to each position it is the same
        state["pos_embed"] = torch.cat([state["pos_embed"][:, :1], state["pos_embed"][:, 1:] + bias], dim=1)
    own = {f"vit.{key}": each for key, each in state.items()}
    return own | ({"projection.weight": state["proj"].T} if "proj" in state else {})


def _at_size(positions: torch.Tensor, count: int) -> torch.Tensor:
    """Positions of a square of patches at another size, in the way of DINOv2's code: bicubic, without antialiasing, 0.1 patches wider."""
    if positions.shape[1] == count:
        return positions
    old, new = (round((each - 1) ** 0.5) for each in (positions.shape[1], count))
    grid = positions[:, 1:].reshape(1, old, old, -1).permute(0, 3, 1, 2)
    scaled = nn.functional.interpolate(grid, scale_factor=(new + 0.1) / old, mode="bicubic")
    return torch.cat([positions[:, :1], scaled.flatten(2).transpose(1, 2)], dim=1)


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise FileError(f"{archive} is not a zip file that can be read: {error}. Delete it to have it fetched again.") from error


def _member_tensors(opened: zipfile.ZipFile, archive: Path, name: str) -> Any:
    return read_tensors(BytesIO(_member(opened, archive, name)), name=f"{name} in {archive}")


def _member(opened: zipfile.ZipFile, archive: Path, name: str) -> bytes:
    found = [each for each in opened.infolist() if each.filename.rpartition("/")[2] == name]
    if len(found) != 1 or found[0].file_size > _MEMBER_LIMIT:
        raise FileError(f"{archive} should hold one {name} of at most {_MEMBER_LIMIT >> 30} GiB; it holds {len(found)}.")
    try:
        return opened.read(found[0])
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{name} in {archive} cannot be read: {error}. Delete the archive to have it fetched again.") from error
