"""DreamSim's published archives: written here as its authors' package writes them, with random weights, and read back."""

import json
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from isomorph.errors import FileError
from isomorph.models import load_model
from isomorph.models._torchvision_guard import import_beside_torchvision

pytestmark = pytest.mark.skipif(find_spec("timm") is None, reason="needs timm: pip install 'isomorph[timm]'")
PICTURES = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3), dtype=np.uint8)
OPENAI_MEAN, OPENAI_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def transformer(patch: int, *, clip: bool, depth: int = 12) -> dict[str, torch.Tensor]:
    """A ViT-B's weights under the names that the archives use, all of them random."""
    generator = torch.Generator().manual_seed(patch)
    shapes = {
        **{"cls_token": (1, 1, 768), "pos_embed": (1, (224 // patch) ** 2 + 1, 768)},
        **{"patch_embed.proj.weight": (768, 3, patch, patch), "patch_embed.proj.bias": (768,), "norm.weight": (768,), "norm.bias": (768,)},
    }
    for block in range(depth):
        for layer, shape in {"attn.qkv": (2304, 768), "attn.proj": (768, 768), "mlp.fc1": (3072, 768), "mlp.fc2": (768, 3072)}.items():
            shapes |= {f"blocks.{block}.{layer}.weight": shape, f"blocks.{block}.{layer}.bias": shape[:1]}
        shapes |= {f"blocks.{block}.norm{each}.{part}": (768,) for each in (1, 2) for part in ("weight", "bias")}
    if clip:
        shapes |= {"pos_drop.weight": (768,), "pos_drop.bias": (768,), "proj": (768, 512)}
    return {key: torch.randn(shape, generator=generator) * (0.02 if len(shape) > 1 else 0.2) for key, shape in shapes.items()}


def changes(prefix: str, depth: int = 12, rank: int = 16) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {"A": (rank, 768), "B": (2304, rank)}
    return {
        f"{prefix}blocks.{block}.attn.qkv.lora_{part}.weight": torch.randn(shape, generator=generator) * 0.05
        for block in range(depth)
        for part, shape in shapes.items()
    }


def archive(path: Path, members: dict[str, object], *, config: object = None) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, held in members.items():
            with out.open(name, "w") as file:
                torch.save(held, file)
        out.writestr("x_lora/adapter_config.json", json.dumps(config or {"r": 16, "lora_alpha": 32, "target_modules": ["qkv"]}))
    return path


def clip_archive(folder: Path) -> Path:
    members = {
        "open_clip_vitb32_pretrain.pth.tar": {"state_dict": transformer(32, clip=True)},
        "open_clip_vitb32_single_lora/adapter_model.bin": changes("base_model.model.extractor_list.0.model."),
    }
    return archive(folder / "published-dreamsim_open_clip_vitb32-nights.zip", members)


def test_clips_archive_is_read_and_computes_what_its_names_say(checkpoints: Path) -> None:
    clip_archive(checkpoints)
    model = load_model("published/dreamsim_open_clip_vitb32.nights")
    state, change = transformer(32, clip=True), changes("")
    x = (model.prepare(PICTURES) - torch.tensor(OPENAI_MEAN).view(3, 1, 1)) / torch.tensor(OPENAI_STD).view(3, 1, 1)

    def norm(y: torch.Tensor, name: str) -> torch.Tensor:
        return torch.nn.functional.layer_norm(y, (768,), state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5)

    def linear(y: torch.Tensor, name: str) -> torch.Tensor:
        return y @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    y = torch.nn.functional.conv2d(x, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=32)
    y = torch.cat([state["cls_token"].expand(2, -1, -1), y.flatten(2).transpose(1, 2)], dim=1)
    y = norm(y + state["pos_embed"], "pos_drop")
    for block in (f"blocks.{each}" for each in range(12)):
        z = norm(y, f"{block}.norm1")
        # The low-rank change runs beside the weights here, as it does in training; scale: alpha / r = 2.
        a, b = (change[f"{block}.attn.qkv.lora_{part}.weight"] for part in "AB")
        qkv = linear(z, f"{block}.attn.qkv") + 2 * (z @ a.T) @ b.T
        q, k, v = qkv.view(2, 50, 3, 12, 64).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / 8).softmax(-1)
        y = y + linear((weights @ v).transpose(1, 2).reshape(2, 50, 768), f"{block}.attn.proj")
        y = y + linear(torch.nn.functional.gelu(linear(norm(y, f"{block}.norm2"), f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
    embedding = norm(y, "norm")[:, 0] @ state["proj"]
    centred = embedding - embedding.mean(1, keepdim=True)
    expected = centred / centred.norm(dim=1, keepdim=True)
    torch.testing.assert_close(model.forward(model.prepare(PICTURES)), expected, atol=2e-5, rtol=0)
    assert model.card.note.startswith("The output is centred and of length 1")


def test_the_authors_package_gives_the_same(checkpoints: Path, tmp_path: Path) -> None:
    import_beside_torchvision("torchvision")
    dreamsim = pytest.importorskip("dreamsim", reason="dreamsim is no dependency; it is compared with where it is installed")
    pytest.importorskip("peft")
    from peft import LoraConfig, get_peft_model

    folder = tmp_path / "theirs"
    (folder / "open_clip_vitb32_single_lora").mkdir(parents=True)
    torch.save({"state_dict": transformer(32, clip=True)}, folder / "open_clip_vitb32_pretrain.pth.tar")
    settings = {"model_type": "open_clip_vitb32", "feat_type": "embedding", "stride": "32", "lora": True}
    network = dreamsim.model.PerceptualModel(**settings, load_dir=str(folder), device="cpu")
    adapted = get_peft_model(network, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.2, bias="none", target_modules=["qkv"]))
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    adapted.save_pretrained(str(folder / "open_clip_vitb32_single_lora"))
    theirs, prepare = dreamsim.dreamsim(device="cpu", cache_dir=str(folder), dreamsim_type="open_clip_vitb32")
    with zipfile.ZipFile(checkpoints / "published-dreamsim_open_clip_vitb32-nights.zip", "w") as out:
        for file in folder.rglob("*.*"):
            out.write(file, file.relative_to(folder))
    ours = load_model("published/dreamsim_open_clip_vitb32.nights")
    from PIL import Image

    pictures = torch.cat([prepare(Image.fromarray(each)) for each in PICTURES])
    torch.testing.assert_close(ours.prepare(PICTURES), pictures, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours.forward(ours.prepare(PICTURES)), theirs.embed(pictures), atol=1e-5, rtol=0)


def test_a_merged_change_equals_pefts_own() -> None:
    pytest.importorskip("peft")
    from peft import LoraConfig, get_peft_model

    from isomorph.models._dreamsim import merge

    class Blocks(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            block = torch.nn.ModuleDict({"attn": torch.nn.ModuleDict({"qkv": torch.nn.Linear(6, 18)})})
            self.vit = torch.nn.ModuleDict({"blocks": torch.nn.ModuleList([block])})

    adapted = get_peft_model(Blocks(), LoraConfig(r=2, lora_alpha=5, target_modules=["qkv"], init_lora_weights=False))
    layer = adapted.base_model.model.vit["blocks"][0]["attn"]["qkv"]
    state = {"vit.blocks.0.attn.qkv.weight": layer.base_layer.weight.detach().clone()}
    a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
    merge(state, {(0, "A"): a, (0, "B"): b * 5 / 2}, blocks=1, name="x")
    merged = adapted.merge_and_unload().vit["blocks"][0]["attn"]["qkv"].weight
    torch.testing.assert_close(state["vit.blocks.0.attn.qkv.weight"], merged, atol=1e-6, rtol=0)
    assert not torch.allclose(merged, layer.base_layer.weight - b @ a * 5 / 2)


def test_a_branch_beside_the_archive_is_read_where_its_last_block_leaves_it(checkpoints: Path) -> None:
    """DINOv2's patches: positions of another size, the class token before the final norm, and the mean of the patches."""
    from isomorph.models._dreamsim import DreamSim, fill_dreamsim

    network = DreamSim(["dino_vitb16"], patches=True).eval()
    vit = network.branches[0].vit
    vit.blocks = vit.blocks[:2]  # for speed
    state = transformer(16, clip=False, depth=2) | {"mask_token": torch.zeros(1, 768)}
    state["pos_embed"] = torch.randn(1, 1 + 20 * 20, 768, generator=torch.Generator().manual_seed(0)) * 0.02
    torch.save(state, checkpoints / "dino.pth")
    change = changes("base_model.model.model.", depth=2)
    fill_dreamsim(network, archive(checkpoints / "x.zip", {"x_lora/adapter_model.bin": change}), checkpoints / "dino.pth")
    grid = state["pos_embed"][:, 1:].reshape(1, 20, 20, 768).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(grid, scale_factor=14.1 / 20, mode="bicubic")
    torch.testing.assert_close(vit.pos_embed[0, 1:], resized[0].flatten(1).T)
    a, b = (change[f"base_model.model.model.blocks.1.attn.qkv.lora_{part}.weight"] for part in "AB")
    torch.testing.assert_close(vit.blocks[1].attn.qkv.weight, state["blocks.1.attn.qkv.weight"] + 2 * b @ a)
    seen: list[torch.Tensor] = []
    vit.blocks[1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.inference_mode():
        out = network(torch.rand(2, 3, 224, 224))
    tokens = seen[0] - seen[0].mean(-1, keepdim=True)
    tokens = tokens / tokens.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(out, torch.cat([tokens[:, 0], tokens[:, 1:].mean(1)], dim=1))


def test_archives_that_are_not_what_they_should_be(checkpoints: Path) -> None:
    from isomorph.models._dreamsim import DreamSim, fill_dreamsim

    with torch.device("meta"):  # nothing comes as far as the network
        network, path = DreamSim(["dino_vitb16"]), checkpoints / "x.zip"
    network.branches[0].vit.blocks = network.branches[0].vit.blocks[:2]
    torch.save(transformer(16, clip=False, depth=2), checkpoints / "dino.pth")

    def reason(members: dict[str, object], **options: object) -> str:
        archive(path, members, **options)
        with pytest.raises(FileError) as caught:
            fill_dreamsim(network, path, checkpoints / "dino.pth")
        return str(caught.value)

    lora, whole = "x_lora/adapter_model.bin", changes("", depth=2)
    assert reason({lora: whole}, config={"r": 0, "lora_alpha": 1}) == (
        f"{path} does not say the rank and the scale of its low-rank changes in adapter_config.json."
    )
    assert reason({}) == f"{path} should hold one adapter_model.bin of at most 4 GiB; it holds 0."
    assert reason({lora: {key: each for key, each in whole.items() if ".1." not in key}}) == (
        f"{path}, branch dino_vitb16, has no low-rank change that fits the attention weights of block 1."
    )
    assert reason({lora: {key: each[:, :-1] if "_A" in key else each for key, each in whole.items()}}).endswith("of block 0.")
    text = reason({lora: {"x": object()}})
    assert text.startswith(f"adapter_model.bin in {path} holds more than tensors, or is damaged, and is not read: ")
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr("x_lora/adapter_model.safetensors", b"no tensors")
    with pytest.raises(FileError, match=r"adapter_model\.safetensors in .*x\.zip is damaged: "):
        fill_dreamsim(network, path, checkpoints / "dino.pth")
    path.write_bytes(b"no zip")
    with pytest.raises(FileError, match=r"x.zip is not a zip file that can be read: .* Delete it to have it fetched again\."):
        fill_dreamsim(network, path)
