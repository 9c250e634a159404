"""The 64 models of Ciernik et al.: the table against the published one, and every network against the table."""

import json
import os
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from isomorph import data
from isomorph.errors import InputError, UnknownNameError
from isomorph.models import extract, list_models, load_model, model_card, outline, roster
from isomorph.stimuli import Stimuli

MODELS = roster("similarity-consistency")
missing = [each for each in ("timm", "torchvision", "open_clip", "transformers") if find_spec(each) is None]
needs_all = pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: pip install 'isomorph[clip,hf]'")
needs_mirror = pytest.mark.skipif("ISOMORPH_DATA_MIRROR" not in os.environ, reason="needs the published table: set ISOMORPH_DATA_MIRROR")


def published() -> dict[str, dict]:
    return json.loads(data.path("similarity-consistency", "models_config_wo_alignment.json").read_text(encoding="utf-8"))


@needs_mirror
def test_the_table_is_the_published_one_where_it_says_so() -> None:
    theirs = published()
    assert sorted(MODELS["study_id"]) == sorted(theirs)
    for row in MODELS.itertuples():
        facts = theirs[row.study_id]
        assert row.layer == {"visual": "output", "pooler": "vision_model.pooler"}.get(facts["module_name"], facts["module_name"])
        assert row.pool == ("cls" if facts["model_parameters"].get("extract_cls_token") else "flatten")
        assert (row.width, row.objective, row.architecture_class) == (
            facts["embedding_dim"],
            facts["objective"],
            facts["architecture_class"],
        )
        for ours in ("dataset", "dataset_class", "architecture", "parameters", "size_class"):
            name = {"parameters": "size"}.get(ours, ours)
            assert getattr(row, f"{ours}_published") == facts[name], (row.Index, ours)


def test_what_was_corrected() -> None:
    def changed(column: str) -> set[str]:
        return set(MODELS["study_id"][MODELS[column] != MODELS[f"{column}_published"]])

    assert (
        changed("dataset")
        == changed("dataset_class")
        == {
            *("vit_base_patch16_224", "vit_large_patch16_224", "convnext_base", "convnext_large"),
            *("swin_base_patch4_window7_224", "swin_large_patch4_window7_224"),
        }
    )
    assert changed("architecture") == {"dino-xcit-small-12-p16", "dino-xcit-medium-24-p16"}
    towers = MODELS.index.str.startswith("open_clip/")
    assert towers.sum() == 12
    assert (MODELS["parameters"][towers] < MODELS["parameters_published"][towers]).all()
    assert MODELS.loc["open_clip/RN50.openai", ["size_class", "size_class_published"]].tolist() == ["small", "medium"]
    assert MODELS["size_class_published"].value_counts().to_dict() == {"small": 32, "medium": 14, "xlarge": 10, "large": 8}
    assert MODELS["dataset_class_published"].value_counts().to_dict() == {"ImageNet1k": 37, "Large": 11, "ImageNet21k": 9, "XLarge": 7}


def architecture(name: str) -> str:
    return name.partition(".")[0]


@cache
def by_shapes(architecture: str, layer: str, pool: str) -> tuple[int, int]:
    """The width of the layer, and how many parameters it depends on; on the meta device."""
    name = f"{architecture}.random-0"
    network = outline(name)
    assert next(network.parameters()).device.type == "meta"
    seen: list[torch.Tensor] = []
    network.get_submodule("" if layer == "output" else layer).register_forward_hook(lambda module, inputs, output: seen.append(output))
    recipe = model_card(name).recipe
    network(torch.empty(1, 3, recipe["height_pixels"], recipe["width_pixels"], device="meta"))
    row = seen[0][:, 0] if pool == "cls" else seen[0].flatten(1)
    return row.shape[1], sum(each.numel() for each in weights_behind(row))


def weights_behind(output: torch.Tensor) -> set[torch.Tensor]:
    """The leaves of its graph."""
    left, seen, weights = [output.grad_fn], set(), set()
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left += [each for each, _ in node.next_functions]
            weights |= {node.variable} if hasattr(node, "variable") else set()
    return weights


@needs_all
@pytest.mark.parametrize("name", MODELS.index)
def test_every_model_has_its_layer_with_its_width_and_size(name: str) -> None:
    row = MODELS.loc[name]
    assert name in list_models(name)
    assert by_shapes(architecture(name), row["layer"], row["pool"]) == (row["width"], row["parameters"])
    card = model_card(name)
    assert (card.layer, card.pool) == (row["layer"], row["pool"])


@needs_all
@pytest.mark.parametrize(
    "name",
    [
        *("ssl/resnet50.simclr", "ssl/xcit_small_12_p16_224.dino", "open_clip/RN50.openai", "hf/align_base.kakaobrain"),
        *("timm/vit_small_patch16_224.dino", "torchvision/efficientnet_b3.IMAGENET1K_V1"),
    ],
)
def test_small_models_are_really_built_and_read(name: str) -> None:
    row = MODELS.loc[name]
    model = load_model(f"{architecture(name)}.random-0")
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3), dtype=np.uint8)
    rows = extract(model, Stimuli.from_arrays(pictures), layers=model.card.layer, pool=model.card.pool)[row["layer"]]
    assert rows.values.shape == (2, row["width"])
    assert np.isfinite(rows.values).all()
    assert not np.array_equal(rows.values[0], rows.values[1])


@needs_all
def test_cards_recommend_a_layer_whatever_the_weights() -> None:
    card = model_card("timm/vit_base_patch16_224.augreg_in1k")
    assert (card.layer, card.pool) == ("norm", "cls")
    assert model_card("timm/resnet18.a1_in1k").layer == ""
    assert "timm/vit_base_patch16_224.mae" in list_models("timm/vit_base_patch16*", layer="norm")
    small = load_model("ssl/resnet50.random-0", recipe={"resize_pixels": 224})
    assert small.card.layer == "avgpool"


def test_unknown_names_say_what_is_near() -> None:
    with pytest.raises(UnknownNameError, match="similarity-consistency"):
        roster("similarity-consistence")
    with pytest.raises(UnknownNameError, match=r"ssl/resnet50\.simclr"):
        model_card("ssl/resnet50.simclrr")
    with pytest.raises(InputError, match="finished networks"):
        outline("bundled/pixels")


@needs_all
@pytest.mark.parametrize("wrap", ["bare", "vissl", "hub"])
def test_weights_are_found_inside_training_checkpoints(wrap: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    drawn = load_model("ssl/resnet50.random-3")
    state = drawn.module.state_dict()
    held = {
        "bare": lambda: state,
        "vissl": lambda: {
            "classy_state_dict": {"base_model": {"model": {"trunk": {f"_feature_blocks.{k}": v for k, v in state.items()}, "heads": {}}}},
            "phase_idx": 7,
        },
        "hub": lambda: {"state_dict": {f"module.backbone.{k}": v for k, v in state.items()} | {"module.head.weight": torch.zeros(3)}},
    }[wrap]()
    torch.save(held, tmp_path / "hub" / "checkpoints" / "ssl-resnet50-swav.pth")
    loaded = load_model("ssl/resnet50.swav")
    assert loaded.weights == drawn.weights
    assert loaded.card.objective == "cluster assignment"
    assert loaded.fingerprint != drawn.fingerprint


@needs_all
def test_xcit_takes_its_authors_names(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    drawn = load_model("ssl/xcit_small_12_p16_224.random-3")
    state = {key.replace("pos_embed.", "pos_embeder."): each for key, each in drawn.module.state_dict().items()}
    for part in ("weight", "bias"):
        for block in (0, 1):
            at = f"cls_attn_blocks.{block}.attn"
            state[f"{at}.qkv.{part}"] = torch.cat([state.pop(f"{at}.{each}.{part}") for each in "qkv"])
    torch.save(state, tmp_path / "hub" / "checkpoints" / "ssl-xcit_small_12_p16_224-dino.pth")
    assert load_model("ssl/xcit_small_12_p16_224.dino").weights == drawn.weights


@needs_all
def test_the_size_that_the_study_showed_fits_networks_built_for_another() -> None:
    own = load_model("timm/vit_small_patch14_dinov2.random-0")
    model = own.with_recipe(resize_pixels=256, height_pixels=224, width_pixels=224)
    assert (model.card.layer, model.card.pool) == ("norm", "cls")
    assert own.module.pos_embed.shape[1] == 37 * 37 + 1
    assert model.module.pos_embed.shape[1] == 16 * 16 + 1
    assert model.fingerprint != own.fingerprint
    pictures = Stimuli.from_arrays(np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3), dtype=np.uint8))
    assert extract(model, pictures, layers="norm")["norm"].values.shape == (2, (16 * 16 + 1) * 384)
